"""History: who changed what, when, from what to what; and taking it back by a new event."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit_app.blind_states import unfinished_samples
from audit_app.error_display import show_error
from audit_app.opened_run import chosen_run
from audit_app.page_frame import empty, nothing_decided, run_or_stop, title
from audit_app.page_text import escaped
from audit_app.review_events import events, store
from audit_app.reviewer import ask_reviewer
from audit_app.status_cache import frames_of_clips
from audit_app.times import when_column
from data_schemas.errors import PoseAuditError
from pipeline.report.run_tables import RunTables
from pipeline.review.events import ADJUDICATION, blind_stream
from pipeline.review.history import history, may_take_back, revert

_NEWEST = 5000
_BLIND = "(blind)"
_TABLE = {
    "reviewer": "Who",
    "stream": "Stream",
    "clip_id": "Clip",
    "frames": "Frames",
    "action": "Did",
    "before": "Before",
    "after": "After",
    "state": "State",
    "note": "Note",
}


def show() -> None:
    """Show the newest operations; one that is chosen can be taken back."""
    title(
        "History", "Who changed what, when, from what to what. Nothing is ever deleted: taking an act back is an act of its own."
    )
    found = run_or_stop()
    reviewer = ask_reviewer()
    stored = events()
    if stored.empty:
        nothing_decided("Nothing was decided yet", "The first label that somebody paints on the Review page appears here.")
        return
    who, clip = _choices(stored)
    table = _unseen(_acts(found, str(found.folder.path), who, clip, len(stored)), found, reviewer=reviewer, clip=clip)
    if table.empty:
        empty("No act fits", "Choose another reviewer or clip.")
        return
    shown = table.assign(
        when=pd.to_datetime(table["at"], format="ISO8601", utc=True),
        stream=table["stream"].str.replace("blind:", "blind ", regex=False),
        note=table["note"].fillna(""),
        state=table["active"].map({True: "in force", False: "taken back"}),
    )
    chosen = st.dataframe(
        shown[["when", *_TABLE]],
        hide_index=True,
        height=min(620, 38 + 35 * len(shown)),
        key="acts",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            **_TABLE,
            "when": when_column("When"),
            "frames": st.column_config.TextColumn("Frames", alignment="right"),
        },
    )
    st.caption(
        f"The newest {len(table):,} of {stored['operation_id'].nunique():,} acts. Choose a row to take it back, where it can be."
    )
    if chosen.selection.rows:
        _take_back(table.iloc[chosen.selection.rows[0]], reviewer=reviewer)


def _unseen(table: pd.DataFrame, found: RunTables, *, reviewer: str, clip: str) -> pd.DataFrame:
    """Hide what acts say of a blind sample that this reviewer has yet to finish: others' labels, and in which clips they are.

    A search for part of a clip's name, which may hold its label, would tell the clip: it finds none of them.
    """
    any_blind = table["stream"].str.startswith("blind:").any()
    samples = unfinished_samples(found, reviewer=reviewer)["sample_id"] if any_blind else ()
    hidden = table["stream"].isin([blind_stream(name) for name in samples])
    others = hidden & (table["reviewer"] != reviewer)
    shown = table.assign(frames=table["start_frame"].astype(str) + "–" + table["end_frame"].astype(str))
    for columns, places in ((("clip_id", "frames"), hidden), (("action", "before", "after", "note"), others)):
        shown[list(columns)] = shown[list(columns)].mask(places, _BLIND)
    return shown[~hidden] if clip else shown


def _choices(stored: pd.DataFrame) -> tuple[str, str]:
    """Ask whose acts and which clips to list; empty for all."""
    left, right = st.columns([1, 2])
    people = sorted(stored["reviewer"].unique())
    who = left.selectbox("Reviewer", people, index=None, placeholder="everybody", key="history_reviewer")
    clip = right.text_input("Clip", placeholder="part of a clip's name", key="history_clip")
    return str(who or ""), clip.strip()


# Events are only added: their number tells whether any came since.
@st.cache_resource(max_entries=8, show_spinner=False)
def _acts(_found: RunTables, run: str, who: str, clip: str, version: int) -> pd.DataFrame:
    """Return the newest acts, looking only at the clips that they are in."""
    stored = _filtered(events(), who, clip)
    newest = stored.drop_duplicates("operation_id", keep="last").tail(_NEWEST)
    own = stored[stored["clip_id"].isin(newest["clip_id"].unique())]
    return history(own, frames_of_clips(_found, own["clip_id"]), newest=_NEWEST)


def _filtered(stored: pd.DataFrame, who: str, clip: str) -> pd.DataFrame:
    """Return the whole streams that the page's choices leave: what an act changed follows from those before it."""
    kept = stored
    if who:
        kept = kept[(kept["reviewer"] == who) | (kept["stream"] == ADJUDICATION)]
    if clip:
        kept = kept[kept["clip_id"].str.contains(clip, case=False, regex=False)]
    return kept


def _take_back(act: pd.Series, *, reviewer: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escaped(act['clip_id'])}**, frames {act['frames']}: {escaped(act['before'])} → {escaped(act['after'])}")
        if not may_take_back(act, reviewer=reviewer):
            st.caption("Taken back already." if not act["active"] else f"Only {escaped(act['reviewer'])} can take this back.")
        elif st.button("Take it back", type="primary", key="revert"):
            run = chosen_run()
            try:
                revert(store(), str(act["operation_id"]), reviewer=reviewer, run_id=run.name if run else "")
            except PoseAuditError as error:
                show_error(error)
                return
            st.rerun()


show()
