"""The run that the pages show, and the review store beside it: read once, kept for every session of the server."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from data_schemas.config import Config
from pipeline.report.run_tables import RunTables
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_CHOSEN = "run_path"


def workspace() -> Workspace:
    """Return the workspace that `audit review` was started in; it is handed over by AUDIT_WORKSPACE, as it was typed."""
    return Workspace(Path(os.environ.get("AUDIT_WORKSPACE") or "."))


def configuration() -> Config:
    """Return audit.toml as it stands now: keys and reviewer may change between runs."""
    return workspace().config()


def chosen_run() -> Path | None:
    """Return the folder of the run that this session shows: the newest finished one when the session began."""
    chosen: Path | None = st.session_state.get(_CHOSEN)
    if chosen is None or not (chosen / "run.json").exists():
        latest = workspace().latest()
        chosen = latest.path if latest is not None else None
        if chosen is not None:
            st.session_state[_CHOSEN] = chosen
    return chosen


def newer_run() -> Path | None:
    """Return the newest finished run where that is another one than this session shows."""
    latest = workspace().latest()
    return latest.path if latest is not None and latest.path != chosen_run() else None


def switch_to_newest() -> None:
    """Let this session show the newest finished run."""
    st.session_state.pop(_CHOSEN, None)


def run_at(path: Path) -> RunTables:
    """Return the run in a folder with its tables and names; one serves all sessions, and the routes."""
    return _opened(str(path), (path / "run.json").stat().st_mtime_ns)


# The time of the record is part of the key: a run that was made anew in its folder is read anew.
@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: str, changed_ns: int) -> RunTables:
    return RunTables(RunFolder(Path(path)))
