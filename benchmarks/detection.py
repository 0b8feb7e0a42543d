"""How well and how fast `audit run` finds wrong labels, against a peer, by frame labels that neither sees.

    python -m benchmarks.detection FRAMES.parquet TRUTH.parquet --scorer SCORER.py [--peer PEER.py] [--seeds 0 1 2]

Prints a Markdown table: the audit for every seed and their median, and the peer as it is and with --adjust, with one and two
threads, run in turn in the same sitting.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, timed

COLUMNS = (
    "windows_share", "auroc", "average_precision", "recall_at_5pct", "recall_at_10pct", "recall_at_20pct", "f1",
    "suggestion_accuracy", "wrong_frames_found_at_10pct_reviewed", "wrong_frames_found_at_20pct_reviewed",
)  # fmt: skip


def score(scorer: Path, *tables: Path) -> dict[str, Any]:
    """Return what the scorer prints."""
    done = subprocess.run([sys.executable, str(scorer), *map(str, tables)], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def audit(frames: Path, truth: Path, *, scorer: Path, seed: int, options: list[str]) -> dict[str, Any]:
    """Audit the frames in a workspace of its own and score what it found."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipeline.cli", "run", str(frames), "-w", folder, "--seed", str(seed), *options]
        seconds, memory, _ = timed(command, environment={"OMP_NUM_THREADS": "1"})
        run = Path(folder) / "runs" / "latest"
        return {**score(scorer, run / "issues.parquet", truth, run / "segments.parquet"), "seconds": seconds, "GiB": memory}


def peer(frames: Path, truth: Path, *, scorer: Path, program: Path, threads: int, adjust: bool) -> dict[str, Any]:
    """Run the peer and score what it found."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "peer.parquet"
        command = [sys.executable, str(program), str(frames), str(out), *(["--adjust"] if adjust else [])]
        seconds, memory, _ = timed(command, environment={"OMP_NUM_THREADS": str(threads)})
        return {**score(scorer, out, truth), "seconds": seconds, "GiB": memory}


def row(name: str, result: dict[str, Any]) -> str:
    """Return one line of the table."""
    cells = [f"{result[c]:.3f}" if c in result else "-" for c in COLUMNS]
    return f"| {name} | " + " | ".join(cells) + f" | {result['seconds']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--option", dest="options", action="append", default=[], help="passed on to audit run, e.g. --option=--repeats=2"
    )
    given = parser.parse_args()
    print(f"{describe()}; {given.frames.name}\n")
    print("| method | " + " | ".join(COLUMNS) + " | seconds |\n|" + "---|" * (len(COLUMNS) + 2))
    results = []
    for seed in given.seeds:
        results.append(audit(given.frames, given.truth, scorer=given.scorer, seed=seed, options=given.options))
        print(row(f"audit run, seed {seed}", results[-1]), flush=True)
    median = {k: statistics.median(r[k] for r in results) for k in results[0] if isinstance(results[0][k], int | float)}
    print(row("**audit run, median**", median), flush=True)
    if given.peer:
        for adjust in (False, True):
            for threads in (1, 2):
                found = peer(given.frames, given.truth, scorer=given.scorer, program=given.peer, threads=threads, adjust=adjust)
                print(row(f"peer{' --adjust' if adjust else ''}, {threads} thread{'s' * (threads > 1)}", found), flush=True)


if __name__ == "__main__":
    main()
