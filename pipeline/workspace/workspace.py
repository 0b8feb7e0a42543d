"""The workspace on disk: a folder with one configuration and its runs.

::

    WORKSPACE/
    ├── audit.toml
    ├── review.db
    └── runs/
        ├── latest -> 20261124T151550Z-0a1b2c3d      the newest finished run
        └── 20261124T151550Z-0a1b2c3d/
            ├── run.json                             what it is made from, and each stage's figures
            ├── log.jsonl                            what happened when
            └── clips.parquet, frames.parquet, ...   each carries the hash of what it was made from
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_schemas.config import Config, load_config
from data_schemas.errors import StageError
from data_schemas.files import disk_errors
from pipeline.workspace.run_folder import RunFolder


class Workspace:
    """A folder with one configuration and its runs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def config_path(self) -> Path:
        """Return where the configuration lies."""
        return self.root / "audit.toml"

    def config(self, overrides: dict[str, dict[str, Any]] | None = None) -> Config:
        """Return the configuration with values laid over it, as :func:`data_schemas.config.load_config` takes them."""
        return load_config(self.config_path if self.config_path.exists() else None, overrides=overrides)

    @property
    def review_db(self) -> Path:
        """Return where review events lie, unless the configuration names another database."""
        return self.root / "review.db"

    @property
    def runs(self) -> Path:
        """Return the folder of the runs."""
        return self.root / "runs"

    def latest(self) -> RunFolder | None:
        """Return the newest finished run, if there is one."""
        path = self.runs / "latest"
        return RunFolder(path.resolve()) if (path / "run.json").exists() else None

    def newest(self) -> RunFolder | None:
        """Return the run that was asked for last, finished or not."""
        found = self.all_runs()
        return max(found, key=lambda f: ((f.path / "run.json").stat().st_mtime_ns, f.path)) if found else None

    def all_runs(self) -> list[RunFolder]:
        """Return all runs, in order of their names."""
        return [RunFolder(p.parent) for p in sorted(self.runs.glob("*/run.json")) if not p.parent.is_symlink()]

    def finished(self) -> RunFolder:
        """Return the newest finished run.

        Raises
        ------
        StageError
            There is none.
        """
        folder = self.latest()
        if folder is None:
            some = self.newest() is not None
            raise StageError(
                f"{self.root.resolve()}: no {'finished ' if some else ''}run yet",
                hint=f"audit run -w {self.root}  goes on where it was" if some else f"audit run YOUR_CLIPS -w {self.root}",
            )
        return folder

    def run_of(self, run_hash: str, facts: Mapping[str, Any]) -> RunFolder:
        """Return the folder of the run with this hash, making it where there is none."""
        for path in sorted(self.runs.glob(f"*-{run_hash[:8]}")):
            folder = RunFolder(path)
            if folder.record().get("run_hash") == run_hash:
                with disk_errors(path):
                    os.utime(path / "run.json")
                return folder
        now = datetime.now(UTC)
        folder = RunFolder(self.runs / f"{now:%Y%m%dT%H%M%SZ}-{run_hash[:8]}")
        folder.save_record({"run_hash": run_hash, "started": now.isoformat(timespec="seconds"), **facts, "stages": {}})
        return folder

    def name_latest(self, folder: RunFolder) -> None:
        """Make ``runs/latest`` name this run, in one step."""
        part = self.runs / "latest.part"
        with disk_errors(self.runs / "latest"):
            part.unlink(missing_ok=True)
            part.symlink_to(folder.path.name)
            part.replace(self.runs / "latest")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace for one run; the lock goes with the process, however it ends.

        Raises
        ------
        StageError
            Another process runs here.
        """
        with disk_errors(self.runs):
            self.runs.mkdir(parents=True, exist_ok=True)
            handle = (self.runs / ".lock").open("w")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StageError(
                    f"{self.root}: another audit is running in this workspace",
                    hint="wait for it to end, or give another one with -w",
                ) from error
            yield
