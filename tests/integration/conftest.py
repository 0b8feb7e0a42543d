"""The real command line, as a user's shell would start it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.browser import ROOT, chromium

QUICK = ("--folds", "3", "--jobs", "1")


@dataclass(frozen=True)
class Shell:
    """Starts `audit` in a folder of its own."""

    folder: Path

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli", *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}

    def __call__(self, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def browser():
    """Give a browser that the tests of a module share."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def audit(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def table(tmp_path: Path, make_table: Callable) -> Path:
    """Write a small table of two behaviours, some of its clips with the other label."""
    path = tmp_path / "poses.parquet"
    make_table(subjects=6, clips_each=2, wrong=0.2, seed=1).to_parquet(path, index=False)
    return path


@dataclass(frozen=True)
class Audited:
    """A folder with the table `poses.parquet`, its finished run in the workspace `ws`, and what the command said."""

    folder: Path
    stdout: str
    stderr: str

    @property
    def run(self) -> Path:
        return (self.folder / "ws" / "runs" / "latest").resolve()


@pytest.fixture(scope="session")
def audited_once(once: Callable, make_table: Callable) -> Audited:
    """Return a finished run, for tests that look at it or copy it; nobody changes it."""

    def make(folder: Path) -> None:
        make_table(subjects=6, clips_each=2, wrong=0.2, seed=1).to_parquet(folder / "poses.parquet", index=False)
        done = Shell(folder)("run", "poses.parquet", "-w", "ws", *QUICK)
        (folder / "said.json").write_text(json.dumps([done.stdout, done.stderr]))

    folder = once("audited", make)
    return Audited(folder, *json.loads((folder / "said.json").read_text()))


@pytest.fixture
def audited(audit: Shell, audited_once: Audited) -> Shell:
    """Return a shell in a folder with an audited workspace, `ws`."""
    shutil.copytree(audited_once.folder / "ws", audit.folder / "ws", symlinks=True)
    return audit
