"""Review: the labeller for the clip of one segment, and the way from segment to segment."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from audit_app.labeller_widget import label_clip, shown_clip
from audit_app.page_frame import empty, run_or_stop, title
from audit_app.page_text import escaped
from audit_app.pages import go_to
from audit_app.queue_filters import QueueFilters
from audit_app.queue_navigation import LAST_SEGMENT, segment_after
from audit_app.queue_rows import queue_rows
from audit_app.review_clip import segment_facts
from audit_app.reviewer import ask_reviewer
from pipeline.report.run_tables import RunTables

_GO_TO_QUEUE = "go_to_queue"


def show() -> None:
    """Show the segment of the page's address, else the one opened last, else the first open one."""
    found = run_or_stop()
    reviewer = ask_reviewer()
    filters = _filters()
    if st.session_state.pop(_GO_TO_QUEUE, False):
        go_to("queue", filters.query())
    rows = queue_rows(found, fresh_clip=shown_clip("review"))
    if rows.empty:
        title("Review", "Frame by frame, one clip at a time.")
        empty("Nothing was flagged", "There is no suspect segment to review. A blind sample measures whether that is right.")
        return
    wanted = st.query_params.get("segment")
    if wanted is not None and wanted not in set(rows["segment_id"]):
        _unknown(wanted, filters)
        return
    segment_id = wanted or _last(filters.apply(rows)) or segment_after(rows, None, filters=filters, go="next")
    if segment_id is None:
        _reviewed(filters)
        return
    st.session_state[LAST_SEGMENT] = segment_id
    clip_id = str(rows.loc[rows["segment_id"] == segment_id, "clip_id"].iloc[0])
    facts = segment_facts(found, rows, segment_id, filters=filters)
    label_clip(found, clip_id, reviewer=reviewer, page="review", on_go=_go, segment_id=segment_id, **facts)


def _filters() -> QueueFilters:
    return QueueFilters.from_query(st.query_params.to_dict())


def _last(rows: pd.DataFrame) -> str | None:
    """Return the segment that this session saw last, where the rows have it."""
    last: str | None = st.session_state.get(LAST_SEGMENT)
    return last if last in set(rows["segment_id"]) else None


def _unknown(segment_id: str, filters: QueueFilters) -> None:
    """Say that the address names no segment of the run, rather than show another one in its place."""
    title("Review", "Frame by frame, one clip at a time.")
    pressed = empty(
        "This run has no such segment",
        f"The address names the segment {escaped(segment_id)}. Segments change from run to run; what was decided stays with its "
        "frames, and the queue shows where.",
        "Back to the queue",
        "Open the first open segment",
    )
    if pressed == "Back to the queue":
        go_to("queue", filters.query())
    elif pressed:
        st.query_params.pop("segment")
        st.session_state.pop(LAST_SEGMENT, None)
        st.rerun()


def _go(asked: dict[str, Any]) -> None:
    """Follow the labeller before the page runs again: the address then names the next segment."""
    filters = _filters()
    if asked["go"] == "queue":
        st.session_state[_GO_TO_QUEUE] = True
        return
    found: RunTables = run_or_stop()
    rows = queue_rows(found, fresh_clip=shown_clip("review"))
    here = asked.get("from") or st.session_state.get(LAST_SEGMENT)
    if asked["go"] == "back":
        target = _back(rows, asked)
    else:
        # Where the page has gone ahead to the clip that was made ready for it, the address follows.
        ahead = asked.get("to") if asked.get("to") in set(rows["segment_id"]) else None
        target = ahead or segment_after(rows, here, filters=filters, go="next_clip" if asked.get("done") else asked["go"])
    if target is not None:
        st.query_params["segment"] = target
    elif asked["go"] == "next":
        # Nothing is left behind this one: without a segment the address stands for the first open one, or for the end.
        st.query_params.pop("segment", None)
        st.session_state.pop(LAST_SEGMENT, None)


def _back(rows: pd.DataFrame, asked: dict[str, Any]) -> str | None:
    """Return the segment that undo goes back to, or the first of its clip, where another run has other segments."""
    known = set(rows["segment_id"])
    own = rows.loc[rows["clip_id"] == asked.get("clip_id"), "segment_id"]
    return next((str(s) for s in (asked.get("to"), asked.get("place"), *own) if s in known), None)


def _reviewed(filters: QueueFilters) -> None:
    title("Review", "Frame by frame, one clip at a time.")
    filtered = any(name not in ("order", "state") for name in filters.query())
    pressed = empty(
        "Everything in this part of the queue is reviewed" if filtered else "Everything is reviewed",
        "Clear the filters of the queue to see what is left."
        if filtered
        else "Export the cleaned labels, settle what reviewers disagree on, or label a blind sample to measure what is left.",
        "Back to the queue",
        "Label a blind sample",
    )
    if pressed:
        go_to("queue" if pressed == "Back to the queue" else "blind")


show()
