"""The labeller as a widget of a page: its data stay the same object while one clip is shown, and it asks for other clips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from audit_app.components import labeller
from audit_app.components.payload import clip_payload
from audit_app.opened_run import configuration, workspace
from audit_app.review_events import store
from pipeline.report.run_tables import RunTables

_SHOWN = "labeller_shown"
_VISIT = "labeller_visit"
_REQUEST = "labeller_request"


def label_clip(
    found: RunTables,
    clip_id: str,
    *,
    reviewer: str,
    page: str,
    on_go: Callable[[dict[str, Any]], None],
    mark: str = "",
    **facts: Any,
) -> None:
    """Show the labeller.

    Parameters
    ----------
    page
        Which page shows it: pages do not share a widget.
    on_go
        Called with what the labeller asks for (``go``, ``from``) before the page runs again.
    mark
        What tells two stretches of one clip apart, where no other fact does.
    **facts
        What :func:`audit_app.components.payload.clip_payload` takes beside clip, reviewer and store; a function is called only
        where the data are made anew.
    """
    plain = {name: value for name, value in facts.items() if not callable(value)}
    key = (page, str(found.folder.path), clip_id, reviewer, mark, repr(plain), st.session_state.get(_VISIT, 0))
    kept = st.session_state.get(_SHOWN)
    if kept is None or kept["key"] != key:
        # The first clip after a start may wait for tables that are still being read: then the page says so, and is not blank.
        with st.spinner("Getting the clip ready. The first one after a start takes some seconds …"):
            made = clip_data(found, clip_id, reviewer=reviewer, **facts)
        # The page goes ahead by itself where it can: it knows by this which of its requests the data answer.
        made["request_id"] = st.session_state.get(_REQUEST)
        kept = {"key": key, "clip_id": clip_id, "page": page, "payload": made}
        st.session_state[_SHOWN] = kept
    widget = f"labeller_{page}"

    def go() -> None:
        asked = st.session_state[widget].get("go")
        if asked:
            # What was painted here since is in the store: the clip's data are made anew when it is shown again.
            st.session_state[_VISIT] = st.session_state.get(_VISIT, 0) + 1
            st.session_state[_REQUEST] = asked.get("id")
            on_go(dict(asked))

    labeller(kept["payload"], key=widget, on_go=go)


def clip_data(found: RunTables, clip_id: str, *, reviewer: str, **facts: Any) -> dict[str, Any]:
    """Return the data of a clip for the labeller, with keys and step of audit.toml; facts are as for :func:`label_clip`."""
    review = configuration().review
    return clip_payload(
        found,
        clip_id,
        reviewer=reviewer,
        store=store(),
        workspace=workspace().root,
        keys=review.keys,
        step=review.jump_frames,
        **{name: value() if callable(value) else value for name, value in facts.items()},
    )


def shown_clip(page: str) -> str | None:
    """Return the clip that the labeller of a page showed last in this session."""
    kept = st.session_state.get(_SHOWN)
    return str(kept["clip_id"]) if kept and kept["page"] == page else None
