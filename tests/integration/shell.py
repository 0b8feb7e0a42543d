"""`audit` in a process of its own, forked from one that has loaded all of it: that takes longer than most commands."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration.browser import ROOT

os.environ.setdefault("OMP_NUM_THREADS", "1")

_LOADED = [
    "cleanlab",
    "joblib",
    "pandas",
    "pandera.pandas",
    "plotly.graph_objects",
    "scipy.stats",
    "sklearn.model_selection",
    "torch._dynamo",
    "pipeline.audit.run",
    "pipeline.cli.app",
    "pipeline.detection.issues",
    "pipeline.detection.out_of_fold",
    "pipeline.detection.segments",
    "pipeline.export.dataset",
    "pipeline.report.page",
    "pipeline.retraining.retrain",
    "pipeline.review.store",
]
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(_LOADED)

_TIMEOUT = 300


@dataclass(frozen=True)
class Shell:
    """Starts `audit` in a folder of its own."""

    folder: Path

    def command(self, *words: object) -> list[str]:
        """Return what a shell of the system would start."""
        return [sys.executable, "-m", "pipeline.cli", *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}

    def __call__(self, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = ["audit", *map(str, words)]
        with TemporaryDirectory() as name:
            said = Path(name)
            process = _SERVER.Process(target=_run, args=(command, self.folder, self.environment, said))
            process.start()
            process.join(_TIMEOUT)
            if process.exitcode is None:
                process.kill()
                process.join()
                raise TimeoutError(f"{' '.join(command)} took more than {_TIMEOUT} s\n{(said / 'stderr').read_text()}")
            stdout, stderr = ((said / stream).read_text(encoding="utf-8") for stream in ("stdout", "stderr"))
            done = subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def kill_when(self, begun: Callable[[], bool], *words: object) -> None:
        """Start a command as a shell does, and kill it with all its processes as soon as something has begun."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _TIMEOUT
        while process.poll() is None and time.monotonic() < deadline and not begun():
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL, f"audit {words[0]} ended before it could be killed"
        assert begun(), f"audit {words[0]} took more than {_TIMEOUT} s to get there"


def _run(command: list[str], folder: Path, environment: dict[str, str], said: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in ((1, "stdout"), (2, "stderr")):
        opened = os.open(said / stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = command
    from pipeline.cli.app import main

    try:
        main()
    finally:
        # What ends an interpreter, and with it its pools of workers; a forked process leaves it out.
        threading._shutdown()
        atexit._run_exitfuncs()
