"""The queue: what to look at next, in the order that a reviewer wants."""

from __future__ import annotations

import streamlit as st

from audit_app.components import queue_list
from audit_app.page_frame import empty, run_or_stop, title, trust_note
from audit_app.pages import go_to
from audit_app.queue_filters import WITHIN, QueueFilters
from audit_app.queue_navigation import LAST_SEGMENT
from audit_app.queue_rows import list_columns, queue_rows
from audit_app.reviewer import ask_reviewer
from audit_app.shown_paths import workspace_option


def show() -> None:
    """Show the queue; a segment that is clicked opens in Review with the same filters."""
    title("Queue", "Stretches of clips whose label is probably wrong. Arrow keys move, Enter opens.")
    found = run_or_stop()
    trust_note(found)
    ask_reviewer()
    rows = queue_rows(found)
    if rows.empty:
        if empty(
            "Nothing was flagged",
            "The audit found no stretch whose label is probably wrong. A blind sample tells whether that is true: its windows "
            "are drawn at random, flagged or not.",
            "Draw a blind sample",
        ):
            go_to("blind")
        return
    if not (rows["state"] == "open").any():
        st.success(
            "Every segment has been reviewed. Export the cleaned labels, or label a blind sample to measure what is left: "
            f"`audit decisions export decisions.jsonl{workspace_option()}`.",
            icon=":material/check_circle:",
        )
    asked = st.query_params.to_dict()
    filters, here = QueueFilters.from_query(asked), st.session_state.get(LAST_SEGMENT)
    opened = queue_list(list_columns(found, here=here, filters=filters, within=WITHIN in asked), key="queue")
    if opened:
        go_to("review", {**opened["query"], "segment": opened["segment"]})


show()
