"""What a figure was measured on, and how long a command took."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path


def describe() -> str:
    """Return the machine and the versions that decide speed, in one line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}, torch {version('torch')}, pandas {version('pandas')}"


def timed(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> tuple[float, float, str]:
    """Run a command; return its wall seconds, the peak memory of the largest process so far in GiB, and its stdout."""
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2, done.stdout
