"""How pages name the workspace and what lies in it: as it was typed to start this server, and to others not at all."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit_app.opened_run import workspace
from pipeline.report.formatting import typed
from pipeline.review.passwords import is_loopback

_ELSEWHERE = Path("WORKSPACE")


def is_reached_from_here_alone() -> bool:
    """Tell whether only this machine can open the pages: whoever reads them can then type what they say."""
    address = st.get_option("server.address")
    return bool(address) and is_loopback(str(address))


def shown_path(*parts: str) -> Path:
    """Return the path of something in the workspace; where others can come in, they need not know where that lies."""
    return (workspace().root if is_reached_from_here_alone() else _ELSEWHERE).joinpath(*parts)


def workspace_option() -> str:
    """Return the option of a command that names the workspace, with a space before it; empty for the folder one is in."""
    return typed(shown_path())
