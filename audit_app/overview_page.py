"""Overview: what the audit flags, how far the review is, and how fast it goes."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from audit_app.page_frame import empty, nothing_decided, run_or_stop, title, trust_note
from audit_app.page_text import duration
from audit_app.pages import go_to
from audit_app.queue_filters import WITHIN
from audit_app.queue_rows import queue_rows, seconds_per_frame
from audit_app.review_events import events
from audit_app.review_figures import decided_over_time, given_by_suggested, speed_by_day
from audit_app.status_cache import status_cache
from audit_app.times import browser_zone
from pipeline.readers.taxonomy import other_names
from pipeline.report.figures import error_rates, quality_histogram
from pipeline.report.run_tables import RunTables
from pipeline.review.segment_states import unreviewed
from pipeline.windows.folds import FEWEST_GROUPS

_INK = {"light": "#3d4650", "dark": "#b9c1c9"}


def show() -> None:
    """Show the figures of the run and of the review."""
    title("Overview", "What the audit flags, how far the review is, and how fast it goes.")
    found = run_or_stop()
    trust_note(found)
    rows = queue_rows(found)
    _figures_in_words(found, rows)
    species = _species(found)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(found, rows[rows["species"] == species], species=species)
    with right:
        if _estimated(found, species).empty:
            st.caption("Nothing is estimated here: people gave every label, or the models are no better than chance.")
        else:
            _quality(found, species)
            _errors(found, species)
    _work(found)


def _figures_in_words(found: RunTables, rows: pd.DataFrame) -> None:
    issues = found["issues"][found["issues"]["split"] == "audit"]
    state = rows["state"].value_counts()
    reviewed, pace = int(state.get("decided", 0) + state.get("unsure", 0)), seconds_per_frame()
    waiting = float(rows.loc[rows["state"] == "open", "frames"].sum())
    flagged = float(issues["is_issue"].mean()) if len(issues) else 0.0
    cells = st.columns(5)
    cells[0].metric(
        "Windows flagged", f"{flagged:.0%}", help=f"{int(issues['is_issue'].sum()):,} of {len(issues):,} audited windows"
    )
    disputed = f"{int(state.get('disputed', 0)):,} more are disputed: they wait on the Agreement page"
    cells[1].metric("Segments reviewed", f"{reviewed:,} of {len(rows):,}", help=f"Decided, or unsure. {disputed}.")
    cells[2].metric("Unsure", f"{int(state.get('unsure', 0)):,}", help="Looked at by somebody who could not tell")
    cells[3].metric(
        "Frames a minute", f"{60 / pace:,.0f}" if pace else "–", help="Measured on the newest 300 acts; known after five"
    )
    cells[4].metric("Time left", duration(waiting * pace) if pace else "–", help="For the open segments, at today's speed")


def _species(found: RunTables) -> str:
    known = sorted(found["issues"]["species"].unique())
    if len(known) < 2:
        return known[0] if known else ""
    chosen = st.segmented_control(
        "Species", known, default=known[0], format_func=str.title, label_visibility="collapsed", key="species"
    )
    return str(chosen or known[0])


def _matrix(found: RunTables, rows: pd.DataFrame, *, species: str) -> None:
    st.subheader("What is given, what is suggested", anchor=False)
    if rows.empty:
        empty("Nothing was flagged here", "No stretch of this species carries a label that is probably wrong.")
        return
    st.caption(
        "Rows are given labels, columns suggestions; a disc is the number of segments with both. Click one to see "
        "them in the queue, within its other filters."
    )
    figure = given_by_suggested(rows, titles=_titles(found, species))
    picked = st.plotly_chart(_inked(figure), theme=None, key=f"matrix_{species}", on_select="rerun", selection_mode="points")
    points = picked.selection.points
    if points:
        given, suggested = points[0]["customdata"][:2]
        wanted = {"species": species, "given": given, "suggested": suggested}
        go_to("queue", {**wanted, WITHIN: "queue"})


def _quality(found: RunTables, species: str) -> None:
    st.subheader("Label quality", anchor=False)
    st.caption(
        "The chance that a window's label is right, as the audit sees it. Flagged windows make up the segments of the queue."
    )
    figure = _quality_figure(found, str(found.folder.path), species)
    st.plotly_chart(_inked(figure), theme=None, key="quality")


def _errors(found: RunTables, species: str) -> None:
    st.subheader("Labels expected to be wrong", anchor=False)
    st.caption(
        "Share of each given label's windows that is probably wrong; bars are 95 % intervals over animals (none with fewer than "
        f"{FEWEST_GROUPS})."
    )
    figure = _errors_figure(found, str(found.folder.path), species)
    st.plotly_chart(_inked(figure), theme=None, key="errors")


def _work(found: RunTables) -> None:
    stored = events()
    st.divider()
    if stored.empty:
        st.subheader("The review", anchor=False)
        nothing_decided(
            "Nobody has decided anything yet", "Progress and speed appear here with the first segment that is reviewed."
        )
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Reviewed over time", anchor=False)
        st.caption("A segment counts from the newest act in it.")
        st.plotly_chart(_inked(decided_over_time(status_cache(found).states, zone=browser_zone())), theme=None, key="progress")
    with right:
        st.subheader("Speed", anchor=False)
        st.caption("Frames decided in a minute of work; breaks of more than two minutes are left out.")
        st.plotly_chart(_inked(speed_by_day(stored)), theme=None, key="speed")


def _titles(found: RunTables, species: str) -> dict[str, str]:
    segments = found["segments"]
    names = {*found.looks, *segments["given_label"], *segments["suggested_label"]}
    return {name: _on_axis(name, other_names(found.taxonomy, species, name)[0]) for name in names}


def _on_axis(name: str, meaning: str) -> str:
    """Return a class for an axis: its code, as on tracks and in files, and below it what it means."""
    return f"{name}<br><span style='font-size:0.85em'>{meaning}</span>" if meaning else name


def _inked(figure: Figure) -> Figure:
    """Give the words of a figure the ink of the page's theme."""
    ink = _INK.get(str(st.context.theme.type), _INK["light"])
    figure.update_layout(font={"color": ink, "family": "Source Sans, system-ui, sans-serif"})
    figure.update_xaxes(title_font_size=13)
    return figure.update_yaxes(title_font_size=13)


def _estimated(found: RunTables, species: str) -> pd.DataFrame:
    """Return the audited windows of a species whose label is the audit's estimate, as in the report."""
    issues = unreviewed(found["issues"], found["windows"], found.record.get("trust", []))
    return issues[issues["species"] == species]


@st.cache_resource(max_entries=8, show_spinner=False)
def _quality_figure(_found: RunTables, run: str, species: str) -> Figure:
    return quality_histogram(_estimated(_found, species))


@st.cache_resource(max_entries=8, show_spinner=False)
def _errors_figure(_found: RunTables, run: str, species: str) -> Figure:
    own = _estimated(_found, species)
    figure = error_rates(own.assign(given_label=own["given_label"].map(_titles(_found, species))))[0]
    # The heading says what the axis is; its title would be cut off in a narrow column.
    return figure.update_xaxes(title=None)


show()
