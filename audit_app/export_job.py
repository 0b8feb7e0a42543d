"""The export that the page starts: in a thread of its own, one at a time, so that leaving the page does not end it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from data_schemas.config import Export
from data_schemas.errors import UsageError
from pipeline.workspace.workspace import Workspace

_LONGEST_NAME = 80


@dataclass
class ExportJob:
    """One export: where it is written, for whom, how far it is, and (when it is done) its datasheet or its error."""

    out: Path
    reviewer: str
    written: tuple[int, int] = (0, 0)
    future: Future[dict[str, Any]] = field(default_factory=Future, repr=False)

    @property
    def running(self) -> bool:
        """Tell whether it is still being written."""
        return not self.future.done()

    def report(self, done: int, total: int) -> None:
        """Take in how many frames are written, of how many."""
        self.written = (done, total)


def export_folder(workspace: Path, name: str) -> Path:
    """Return the folder for an export of this name, in ``exports`` of the workspace.

    Raises
    ------
    UsageError
        The name could lead elsewhere: reviewers at other machines must not write anywhere on this one.
    """
    plain = name.strip()
    bad = not plain or plain.startswith(".") or len(plain) > _LONGEST_NAME or not plain.isprintable() or set("/\\") & set(plain)
    if bad:
        raise UsageError(
            f"{plain!r} cannot name an export",
            hint=f"1 to {_LONGEST_NAME} signs without a slash and without a dot in front; "
            "`audit export --out` writes to any other place",
        )
    return workspace / "exports" / plain


def start_export(workspace: Path, out: Path, *, settings: Export, reviewer: str) -> ExportJob:
    """Start an export, or return the one that is being written."""
    exporter = _exporter(str(workspace.resolve()))
    with exporter.lock:
        if exporter.newest is None or not exporter.newest.running:
            job = ExportJob(out, reviewer)
            exporter.newest = job
            job.future = exporter.pool.submit(_written, Workspace(workspace), job, settings)
        return exporter.newest


def _written(place: Workspace, job: ExportJob, settings: Export) -> dict[str, Any]:
    # Imported here, by the thread: it takes seconds, for which the page shall not wait.
    from pipeline.export.dataset import export_dataset

    return export_dataset(place, job.out, settings=settings, report=job.report)


def newest_export(workspace: Path) -> ExportJob | None:
    """Return the export of this workspace that was started last on this server."""
    return _exporter(str(workspace.resolve())).newest


class _Exporter:
    def __init__(self) -> None:
        self.lock = Lock()
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self.newest: ExportJob | None = None


@st.cache_resource(show_spinner=False)
def _exporter(workspace: str) -> _Exporter:
    return _Exporter()
