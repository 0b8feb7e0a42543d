"""The list of the queue: a component in plain JavaScript that draws only the rows in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["queue_list"]

_FOLDER = Path(__file__).resolve().parent

_component = st.components.v2.component(
    "pose_audit_queue",
    html='<div class="queue"></div>',
    css=(_FOLDER / "queue_list.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "queue_list.js").read_text(encoding="utf-8"),
)


def queue_list(columns: bytes, *, key: str) -> dict[str, Any] | None:
    """Show the queue, and return which segment was opened, with the filters, in the run that follows the click."""
    found = _component(data=columns, key=key, on_open_change=lambda: None)
    opened = found.get("open")
    return dict(opened) if opened else None
