"""``make bench``: every measurement that needs no data but the simulated sample, one after the other, into bench-results/.

    python -m benchmarks [NAME ...]

Those on data of your own (detection, research) take paths: see their --help.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BENCHMARKS = (
    "simulator", "simulated", "presets", "plausibility", "review_store", "export", "coverage", "streaming", "labeller", "pages",
)  # fmt: skip


def main() -> None:
    folder = Path("bench-results")
    folder.mkdir(exist_ok=True)
    for name in sys.argv[1:] or BENCHMARKS:
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], capture_output=True, text=True, check=False)
        (folder / f"{name}.md").write_text(done.stdout, encoding="utf-8")
        print(
            f"## {name} ({time.monotonic() - started:.0f} s)\n\n{done.stdout}{done.stderr if done.returncode else ''}", flush=True
        )
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
