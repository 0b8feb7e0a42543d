"""Review: the labeller for the clip of one segment, and the way from segment to segment."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from audit_app.labelling import label_clip, shown_clip
from audit_app.page_frame import empty, run_or_stop, title
from audit_app.queue_filters import QueueFilters
from audit_app.queue_rows import queue_rows, seconds_per_frame
from audit_app.reviewer import ask_reviewer
from audit_app.similar_clips import similar_clips
from audit_app.way_through_queue import first_segment, place_of, segment_after
from pipeline.report.found import Found

LAST_SEGMENT = "last_segment"
_GO_TO_QUEUE = "go_to_queue"
_UPCOMING = 3


def show() -> None:
    """Show the segment of the page's address, else the one opened last, else the first open one."""
    found = run_or_stop()
    reviewer = ask_reviewer()
    filters = _filters()
    if st.session_state.pop(_GO_TO_QUEUE, False):
        st.switch_page("queue_page.py", query_params=filters.query())
    rows = queue_rows(found, fresh_clip=shown_clip("review"))
    if rows.empty:
        title("Review", "Frame by frame, one clip at a time.")
        empty("Nothing was flagged", "There is no doubtful stretch to review. A blind sample measures whether that is right.")
        return
    segment_id = _asked(rows) or first_segment(rows, filters)
    if segment_id is None:
        _reviewed(filters)
        return
    st.session_state[LAST_SEGMENT] = segment_id
    segment: dict[str, Any] = rows[rows["segment_id"] == segment_id].to_dict("records")[0]  # type: ignore[assignment]
    label_clip(
        found,
        segment["clip_id"],
        reviewer=reviewer,
        page="review",
        on_go=_go,
        segment_id=segment_id,
        progress=lambda: _progress(rows, segment_id, filters),
        similar=lambda: similar_clips(found, segment),
        upcoming=lambda: _upcoming(rows, segment_id, filters),
    )


def _filters() -> QueueFilters:
    return QueueFilters.from_query(st.query_params.to_dict())


def _asked(rows: pd.DataFrame) -> str | None:
    known = set(rows["segment_id"])
    wanted = (st.query_params.get("segment"), st.session_state.get(LAST_SEGMENT))
    return next((s for s in wanted if s in known), None)


def _progress(rows: pd.DataFrame, segment_id: str, filters: QueueFilters) -> dict[str, Any]:
    place, of = place_of(rows, segment_id, filters=filters)
    shown = filters.apply(rows)
    pace = seconds_per_frame()
    told: dict[str, Any] = {"place": place, "of": of}
    if pace is not None:
        told["minutes_left"] = round(float(shown.loc[shown["state"] == "open", "frames"].sum()) * pace / 60, 1)
    return told


def _upcoming(rows: pd.DataFrame, segment_id: str, filters: QueueFilters) -> list[tuple[str, int]]:
    """Return clip and first frame of the segments that come next, so that their pictures are there before they are asked for."""
    found: list[tuple[str, int]] = []
    here: str | None = segment_id
    while here is not None and len(found) < _UPCOMING:
        here = segment_after(rows, here, filters=filters, go="next")
        row = rows[rows["segment_id"] == here]
        if here == segment_id or row.empty or (pair := (str(row["clip_id"].iloc[0]), int(row["start_frame"].iloc[0]))) in found:
            break
        found.append(pair)
    return found


def _go(asked: dict[str, Any]) -> None:
    """Follow the labeller before the page runs again: the address then names the next segment."""
    filters = _filters()
    if asked["go"] == "queue":
        st.session_state[_GO_TO_QUEUE] = True
        return
    found: Found = run_or_stop()
    rows = queue_rows(found, fresh_clip=shown_clip("review"))
    here = asked.get("from") or st.session_state.get(LAST_SEGMENT)
    target = segment_after(rows, here, filters=filters, go=asked["go"])
    if target is not None:
        st.query_params["segment"] = target
    elif asked["go"] == "next":
        # Nothing is left behind this one: without a segment the address stands for the first open one, or for the end.
        st.query_params.pop("segment", None)
        st.session_state.pop(LAST_SEGMENT, None)


def _reviewed(filters: QueueFilters) -> None:
    title("Review", "Frame by frame, one clip at a time.")
    filtered = any(name not in ("order", "state") for name in filters.query())
    empty(
        "Everything in this part of the queue is reviewed" if filtered else "Everything is reviewed",
        "Clear the filters of the queue to see what is left."
        if filtered
        else "Export the cleaned labels, settle what reviewers disagree on, or label a blind sample to measure what is left.",
    )
    with st.container(horizontal=True):
        if st.button("Back to the queue", type="primary"):
            st.switch_page("queue_page.py")
        if st.button("Label a blind sample"):
            st.switch_page("blind_page.py")


show()
