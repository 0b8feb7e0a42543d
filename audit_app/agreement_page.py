"""Agreement: how far reviewers agree, and what they disagree on, as a queue to settle."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from audit_app.blind_states import unfinished_samples
from audit_app.labeller_widget import label_clip
from audit_app.page_frame import empty, run_or_stop, title
from audit_app.page_text import escaped
from audit_app.pages import go_to
from audit_app.review_events import events, store
from audit_app.reviewer import ask_reviewer
from audit_app.status_cache import frames_of_clips
from pipeline.report.formatting import counted
from pipeline.report.run_tables import RunTables
from pipeline.review.agreement import blind_disputes, crowdlab_consensus, disagreements, pairwise_kappa, sharing_frames
from pipeline.review.events import ADJUDICATION

_MOST_SHOWN = 200
_SPAN = st.column_config.TextColumn("From–to", alignment="right")
_LEAVE = "agreement_leave"
_BACK = "agreement_back"


def show() -> None:
    """Show pairs of reviewers, the stretches to settle, and the consensus; or the labeller for one stretch."""
    found = run_or_stop()
    reviewer = ask_reviewer()
    if st.session_state.pop(_LEAVE, False):
        st.query_params.clear()
    every = events()
    people = every.groupby("clip_id")["reviewer"].nunique()
    stored = every[every["clip_id"].isin(people[people > 1].index)]
    frames = frames_of_clips(found, stored["clip_id"])
    # A dispute of a blind sample is never settled here, in sight of labels: that would change what is exported.
    disputed = _disputed(stored, frames, str(found.folder.path), len(stored))
    if _settle(found, disputed, reviewer=reviewer):
        return
    title("Agreement", "How far two people who labelled the same frames agree, and what they still have to settle.")
    if stored.empty:
        if empty(
            "No frame was labelled by two people yet",
            "Agreement needs two reviewers on the same clips. Let a second person open this page under their own name and work "
            "through the same blind sample, or the same segments of the queue.",
            "Label a blind sample",
        ):
            go_to("blind")
        return
    differing = blind_disputes(store().samples(), stored, frames)
    _to_settle(disputed)
    _blind_to_settle(differing)
    st.divider()
    blind = st.toggle("Count blind labels, too", value=True, key="count_blind")
    _kappas(stored, frames, blind=blind)
    yet = unfinished_samples(found, reviewer=reviewer) if blind else differing
    _consensus(found, stored, frames, pd.concat([differing, yet], ignore_index=True), blind=blind)


@st.cache_data(max_entries=4, show_spinner=False)
def _disputed(_stored: pd.DataFrame, _frames: pd.DataFrame, run: str, version: int) -> pd.DataFrame:
    return disagreements(_stored, _frames)


def _kappas(stored: pd.DataFrame, frames: pd.DataFrame, *, blind: bool) -> None:
    st.subheader("Pairs of reviewers", anchor=False)
    st.caption(
        "Cohen's kappa: 1 is full agreement, 0 what chance gives. The first row of a pair is over all labels, the others are "
        "each label against the rest. Neighbouring frames share their label, so it is no more certain than the clips are many."
    )
    kappas = pairwise_kappa(stored, frames, blind=blind)
    if kappas.empty:
        st.write("These people have not labelled the same frames yet.")
        return
    shown = kappas.assign(
        pair=kappas["reviewer_a"] + " · " + kappas["reviewer_b"],
        label=kappas["label"].astype("object").where(kappas["label"].notna(), "all labels"),
        observed=100 * kappas["observed"],
    )
    st.dataframe(
        shown[["pair", "label", "frames", "observed", "kappa"]],
        hide_index=True,
        column_config={
            "pair": "Reviewers",
            "label": "Label",
            "frames": st.column_config.NumberColumn("Frames", format="localized"),
            "observed": _share_column("Agree"),
            # From 0, what chance gives: a kappa below it shows no bar, and its figure tells.
            "kappa": st.column_config.ProgressColumn("Kappa", min_value=0.0, max_value=1.0, format="%.2f"),
        },
    )


def _to_settle(disputed: pd.DataFrame) -> None:
    st.subheader("To settle", anchor=False)
    if disputed.empty:
        st.success("Reviewers agree wherever two of them decided.", icon=":material/check_circle:")
        return
    st.caption(
        f"{counted(len(disputed), 'dispute')}, the longest first. Choose one to settle it: what you paint there goes before the "
        "reviewers' labels, which stay as they are."
    )
    given = disputed["given"].astype("object").where(disputed["given"].notna(), "no label")
    # What may be long comes last: a number that is cut off reads as another one.
    shown = disputed.assign(given=given, span=_spans(disputed))[["clip_id", "span", "frames", "given", "votes"]]
    chosen = st.dataframe(
        shown.head(_MOST_SHOWN),
        hide_index=True,
        key="disputed",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "clip_id": "Clip",
            "span": _SPAN,
            "frames": "Frames",
            "votes": "Who says what",
            "given": "Given",
        },
    )
    if st.button("Settle the longest" if not chosen.selection.rows else "Settle the chosen one", type="primary"):
        row = disputed.iloc[chosen.selection.rows[0] if chosen.selection.rows else 0]
        st.query_params["clip"] = str(row["clip_id"])
        st.query_params["frame"] = str(row["start_frame"])
        st.rerun()


def _blind_to_settle(differing: pd.DataFrame) -> None:
    """Lead to the windows of blind samples that reviewers differ on; nothing here tells what anybody said of them."""
    for sample_id, windows in differing.groupby("sample_id", sort=False):
        st.subheader("Blind samples", anchor=False)
        st.caption(
            f"On {counted(len(windows), 'window')} of sample {escaped(str(sample_id))} reviewers differ. Another person's blind "
            "label decides, given without sight of labels, the suggestion or what others said; it changes no exported label."
        )
        if st.button("Label them blind", key=f"blind_{sample_id}"):
            st.session_state.pop("blind_place", None)
            go_to("blind", {"sample": str(sample_id), "disputed": "1"})


def _settle(found: RunTables, disputed: pd.DataFrame, *, reviewer: str) -> bool:
    """Show the labeller where the page's address names a stretch to settle."""
    clip_id, frame = st.query_params.get("clip"), st.query_params.get("frame", "")
    if clip_id not in set(found["clips"]["clip_id"]):
        return False
    hits = disputed[(disputed["clip_id"] == clip_id) & (disputed["start_frame"].astype(str) == frame)]
    own = hits if len(hits) else disputed[disputed["clip_id"] == clip_id]
    # Undo leads back to a stretch that is settled, so no dispute any more.
    back = st.session_state.get(_BACK)
    window = (int(own["start_frame"].iloc[0]), int(own["end_frame"].iloc[0])) if len(own) else None
    if back is not None and back[0] == clip_id and str(back[1]) == frame:
        window = back[1:]
    elif window is None:
        return False
    st.caption(f"Settling, as {escaped(reviewer)}: {escaped(own['votes'].iloc[0]) if len(own) else 'settled'}")

    def go(asked: dict[str, Any]) -> None:
        rest = disputed[disputed["clip_id"] != clip_id]
        if asked["go"] == "back":
            start, _, end = str(asked.get("place")).partition("-")
            st.session_state[_BACK] = (asked["clip_id"], int(start), int(end))
            st.query_params.update({"clip": str(asked["clip_id"]), "frame": start})
        elif asked["go"] == "queue" or rest.empty:
            st.session_state[_LEAVE] = True
        else:
            st.query_params["clip"] = str(rest["clip_id"].iloc[0])
            st.query_params["frame"] = str(rest["start_frame"].iloc[0])

    label_clip(
        found,
        str(clip_id),
        reviewer=reviewer,
        page="agreement",
        on_go=go,
        stream=ADJUDICATION,
        window=lambda: window,
        mark=frame,
        here=lambda: f"{window[0]}-{window[1]}",
    )
    return True


def _consensus(found: RunTables, stored: pd.DataFrame, frames: pd.DataFrame, unsettled: pd.DataFrame, *, blind: bool) -> None:
    st.subheader("Consensus of reviewers and model", anchor=False)
    st.caption(
        "CROWDLAB weighs each reviewer, and the model, by how often they agree with the others. Windows of low quality are "
        "those to look at again."
    )
    windows, people = crowdlab_consensus(stored, frames, found["windows"], found["oof"], blind=blind)
    if windows.empty:
        st.write("No window of one second was labelled by two people yet.")
        return
    if blind:
        # Who is yet to label a window of a blind sample, or to settle one, must read neither its given label here nor what others
        # or the model say; windows that share its frames would tell, too.
        windows = windows.assign(
            given=windows["given"].mask(sharing_frames(windows, store().samples()), "(blind)"),
            consensus_label=windows["consensus_label"].mask(sharing_frames(windows, unsettled), "(blind)"),
        )
    st.dataframe(
        windows.assign(agreement=100 * windows["agreement"], span=_spans(windows)).head(_MOST_SHOWN)[
            ["clip_id", "span", "given", "consensus_label", "consensus_quality", "agreement"]
        ],
        hide_index=True,
        column_config={
            "clip_id": "Clip",
            "span": _SPAN,
            "given": "Given",
            "consensus_label": "Consensus",
            "consensus_quality": st.column_config.ProgressColumn("Quality", min_value=0.0, max_value=1.0, format="%.2f"),
            "agreement": _share_column("Agree"),
        },
    )
    st.dataframe(
        people.assign(agreement=100 * people["agreement"])[
            ["reviewer", "species", "quality", "agreement", "windows", "worst_label"]
        ],
        hide_index=True,
        column_config={
            "reviewer": "Reviewer",
            "species": "Species",
            "quality": st.column_config.ProgressColumn("Quality", min_value=0.0, max_value=1.0, format="%.2f"),
            "windows": "Windows",
            "agreement": _share_column("Agrees", help="How often this person says what the consensus says"),
            "worst_label": st.column_config.TextColumn("Least sure", help="The label on which this person is least sure"),
        },
    )


def _spans(table: pd.DataFrame) -> pd.Series:
    """Return the frames of each stretch in one word: where two columns do not fit, the second is cut off."""
    return table["start_frame"].astype(str) + "–" + table["end_frame"].astype(str)


def _share_column(title: str, *, help: str | None = None) -> Any:
    """Return a column of whole percents."""
    return st.column_config.NumberColumn(title, format="%.0f %%", help=help)


show()
