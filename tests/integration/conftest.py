"""The real command line, as a user's shell would start it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.browser import chromium
from tests.integration.shell import Shell

QUICK = ("--folds", "3", "--jobs", "1")


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
