"""Blind sample: random windows, labelled without sight of what was given or suggested, to measure how often labels are wrong."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from audit_app.blind_states import blind_states
from audit_app.error_display import show_error
from audit_app.labeller_widget import label_clip
from audit_app.page_frame import empty, run_or_stop, title
from audit_app.page_text import escaped
from audit_app.review_events import database_exists, events, store
from audit_app.reviewer import ask_reviewer
from audit_app.status_cache import frames_of_clips
from audit_app.times import local_time
from data_schemas.errors import PoseAuditError
from data_schemas.tables import STRATA
from pipeline.report.run_tables import RunTables
from pipeline.review.agreement import blind_disputes
from pipeline.review.blind import draw_sample, strata_of
from pipeline.review.events import blind_stream

_STRATUM_WORDS = {
    "holdout": ("hold-out", "groups set apart before training"),
    "flagged": ("flagged", "the audit calls them probably wrong"),
    "unflagged": ("unflagged", "the audit calls them probably right"),
}
_USUAL_SIZE = 40
_PLACE = "blind_place"


def show() -> None:
    """Show the samples, draw a new one, or label the one that the page's address names."""
    found = run_or_stop()
    reviewer = ask_reviewer()
    samples = store().samples() if database_exists() else None
    sample_id = st.query_params.get("sample")
    if samples is not None and sample_id in set(samples["sample_id"]):
        _label(found, samples[samples["sample_id"] == sample_id].reset_index(drop=True), reviewer=reviewer)
        return
    title(
        "Blind sample",
        "Windows drawn at random and labelled without sight of the given label or the suggestion. What you say here measures how "
        "often labels are wrong, flagged or not; it changes no label.",
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _list(found, samples, reviewer=reviewer)
    with right:
        _draw(found, samples)


def _list(found: RunTables, samples: pd.DataFrame | None, *, reviewer: str) -> None:
    st.subheader("Samples", anchor=False)
    if samples is None or samples.empty:
        empty(
            "No sample yet",
            "Draw one on this page. About 40 windows of each kind give intervals of about 15 points either way; of the "
            "hold-out 40 of each species, since each has a model of its own to test.",
        )
        return
    for sample_id, sample in samples.groupby("sample_id", sort=False):
        states = blind_states(found, sample, reviewer=reviewer)
        done = int((states != "open").sum())
        sizes = ", ".join(
            f"{count} {_STRATUM_WORDS[str(name)][0]}"
            for name, count in sample["stratum"].value_counts().reindex(STRATA).dropna().astype(int).items()
        )
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container():
                st.markdown(f"**{escaped(str(sample_id))}** · {len(sample)} windows: {sizes}")
                st.progress(done / len(sample), text=f"You have labelled {done} of {len(sample)}.")
                st.caption(f"Drawn {local_time(str(sample['drawn_at'].iloc[0]))}, seed {sample['seed'].iloc[0]}.")
            words = "Look again" if done == len(sample) else "Go on" if done else "Start"
            if st.button(words, key=f"label_{sample_id}", type="primary" if done < len(sample) else "secondary"):
                st.query_params["sample"] = str(sample_id)
                st.rerun()


def _draw(found: RunTables, samples: pd.DataFrame | None) -> None:
    st.subheader("Draw a sample", anchor=False)
    drawn = set() if samples is None else set(samples["window_id"])
    issues = found["issues"]
    strata = strata_of(issues)[~issues["window_id"].isin(drawn)].value_counts()
    usual = {"holdout": _USUAL_SIZE * issues.loc[issues["split"] == "holdout", "species"].nunique()}
    with st.form("draw", border=True):
        sizes = {
            stratum: int(
                st.number_input(
                    f"{_STRATUM_WORDS[stratum][0]}: {_STRATUM_WORDS[stratum][1]}; {strata.get(stratum, 0):,} left",
                    min_value=0,
                    max_value=int(strata.get(stratum, 0)),
                    value=min(usual.get(stratum, _USUAL_SIZE), int(strata.get(stratum, 0))),
                    key=f"size_{stratum}",
                )
            )
            for stratum in STRATA
        }
        seed = int(
            st.number_input(
                "Seed", min_value=0, value=0, key="seed", help="The same one draws the same windows in the same order."
            )
        )
        if st.form_submit_button("Draw", type="primary"):
            _save(found, samples, sizes=sizes, seed=seed)
    st.caption(
        "Each window keeps the chance with which it was drawn, so that shares over all windows can be computed from the sample."
    )


def _save(found: RunTables, samples: pd.DataFrame | None, *, sizes: dict[str, int], seed: int) -> None:
    try:
        sample = draw_sample(found["issues"], sizes=sizes, seed=seed, run_id=found.folder.path.name, drawn=samples)
        store().save_sample(sample)
    except PoseAuditError as error:
        show_error(error)
        return
    st.rerun()


def _label(found: RunTables, sample: pd.DataFrame, *, reviewer: str) -> None:
    """Show the window that comes next in the sample's order; nothing of the page tells what it was labelled as."""
    sample_id = str(sample["sample_id"].iloc[0])
    known = set(found["clips"]["clip_id"])
    if st.session_state.pop("blind_leave", False):
        del st.query_params["sample"]
        st.query_params.pop("disputed", None)
        st.session_state.pop(_PLACE, None)
        st.rerun()
    states = blind_states(found, sample, reviewer=reviewer)
    if "disputed" in st.query_params:
        # Who labelled a window has had their say: it waits for somebody who has not.
        states = states.where(sample["window_id"].isin(_disputed(found)), "left")
    waiting = [i for i in states.index[states == "open"] if sample["clip_id"][i] in known]
    place = st.session_state.get(_PLACE, waiting[0] if waiting else None)
    if place is None:
        _all_labelled(sample_id)
        return
    window = sample.loc[place]

    def go(asked: dict[str, Any]) -> None:
        now = blind_states(found, sample, reviewer=reviewer).where(states != "left", "left")
        _move(sample, now, place=place, asked=asked)

    label_clip(
        found,
        str(window["clip_id"]),
        reviewer=reviewer,
        page="blind",
        on_go=go,
        stream=blind_stream(sample_id),
        blind=True,
        window=(int(window["start_frame"]), int(window["end_frame"])),
        progress={"place": int(window["position"]) + 1, "of": len(sample)},
        here=str(window["position"]),
    )


def _all_labelled(sample_id: str) -> None:
    title("Blind sample", f"Sample {escaped(sample_id)}")
    if "disputed" in st.query_params:
        said = (
            "You have labelled every window that reviewers differ on",
            "Another person who has not labelled them decides by their label. Here you can look at the whole sample again.",
        )
    else:
        said = (
            "You have labelled the whole sample",
            "A second reviewer makes it worth more: Agreement then tells how far you agree.",
        )
    if empty(*said, "Back to the samples"):
        del st.query_params["sample"]
        st.query_params.pop("disputed", None)
        st.rerun()


def _disputed(found: RunTables) -> pd.Series:
    """Return the windows of blind samples that reviewers differ on."""
    stored = events()
    return blind_disputes(store().samples(), stored, frames_of_clips(found, stored["clip_id"]))["window_id"]


def _move(sample: pd.DataFrame, states: pd.Series, *, place: int, asked: dict[str, Any]) -> None:
    """Remember where the labeller wants to be: the next open window from here on, the one before, or where an act was done."""
    go = asked["go"]
    if go == "back":
        hits = sample.index[sample["position"].astype(str) == str(asked.get("place"))]
        st.session_state[_PLACE] = int(hits[0]) if len(hits) else place
    elif go == "queue":
        st.session_state["blind_leave"] = True
    elif go.startswith("previous"):
        st.session_state[_PLACE] = max(0, place - 1)
    else:
        order = [(place + step) % len(sample) for step in range(1, len(sample) + 1)]
        st.session_state[_PLACE] = next((i for i in order if states[i] == "open"), None)


show()
