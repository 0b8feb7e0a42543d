"""How far the review is: which segments are decided, which windows nobody reviewed, how fast it goes, and what it repairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.tables import text
from pipeline.review.events import ADJUDICATION, REVIEW
from pipeline.review.frame_labels import labels_after_review
from pipeline.review.replay import replay_streams
from pipeline.windows.frame_index import frames_of_spans

STATES = ("open", "decided", "unsure")
"""A segment is decided when every frame of it is, unsure when all were looked at and some could not be labelled, else open."""

_BREAK = 120.0
"""Seconds without an act after which the reviewer is held to have been away."""

_RECENT = 300
"""Acts of each reviewer that speed is measured on: people get faster."""

_FEWEST = 5
"""Fewer acts than this give no speed."""


def segment_states(segments: pd.DataFrame, events: pd.DataFrame, frames: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the state of every segment.

    Parameters
    ----------
    segments
        Segments of a run.
    events
        Review events; blind labels decide no segment.
    frames : DataFrame with clip_id and frame_number
        The frames there are; without them, every number from a segment's first to its last frame counts.

    Returns
    -------
    DataFrame, a row for each segment in the same order
        segment_id, state (one of STATES), frames (of the video, annotated or not), decided_frames (likewise), disputed
        (reviewers differ somewhere), reviewers (names, by comma, of those who decided or looked), at (when the newest of these
        acts was; null where nobody looked).
    """
    reviewed = events[events["stream"].isin((REVIEW, ADJUDICATION))]
    touched = segments[segments["clip_id"].isin(reviewed["clip_id"].unique())]
    cells = frames_of_spans(touched, frames, name="segment_id")
    states = pd.DataFrame({"segment_id": segments["segment_id"].to_numpy(), "state": text(["open"] * len(segments))})
    whole = segments["end_frame"].astype("int64") - segments["start_frame"] + 1
    states = states.assign(frames=whole.to_numpy(), decided_frames=0, disputed=False, reviewers=text([""] * len(segments)))
    states["at"] = text([None] * len(segments))
    if cells.empty:
        return states
    unique = cells[["clip_id", "frame_number"]].drop_duplicates().assign(given="")
    after = labels_after_review(events[events["clip_id"].isin(touched["clip_id"].unique())], unique)
    after["done"] = after["source"] != "given"
    found = cells.merge(after, on=["clip_id", "frame_number"]).groupby("segment_id")
    counts = found.agg(n=("done", "size"), done=("done", "sum"), unsure=("unsure", "sum"), disputed=("disputed", "any"))
    said = cells.merge(replay_streams(reviewed, unique), on=["clip_id", "frame_number"]).groupby("segment_id")
    who = said["reviewer"].agg(lambda names: ", ".join(sorted(set(names))))
    return _filled(states, counts, who, said["at"].max())


def states_in_queue(states: pd.DataFrame) -> pd.Series:
    """Return the state of every segment, ``disputed`` where it is open because reviewers differ: it waits to be settled."""
    return states["state"].mask((states["state"] == "open") & states["disputed"], "disputed")


def frames_a_minute(events: pd.DataFrame) -> float | None:
    """Return how many frames of the video are decided in a minute of work, or None where there are too few acts.

    Time between two acts of one reviewer counts as work unless it is longer than two minutes. The first act after such a break
    has no time of its own, so its frames are left out.
    """
    acts = events[events["action"].isin(("relabel", "keep", "unsure", "exclude"))]
    acts = acts.assign(frames=acts["end_frame"].astype("int64") - acts["start_frame"] + 1)
    per_act = acts.groupby(["reviewer", "operation_id"]).agg(at=("at", "max"), frames=("frames", "sum")).reset_index()
    per_act["at"] = pd.to_datetime(per_act["at"], utc=True, format="ISO8601")
    recent = per_act.sort_values("at", kind="stable").groupby("reviewer").tail(_RECENT)
    spent = recent.groupby("reviewer")["at"].diff().dt.total_seconds()
    timed = spent.notna() & (spent <= _BREAK)
    seconds = float(spent[timed].sum())
    if timed.sum() < _FEWEST or seconds <= 0:
        return None
    return float(60.0 * recent.loc[timed, "frames"].sum() / seconds)


def unreviewed(issues: pd.DataFrame, windows: pd.DataFrame, trust: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the audited issues whose labels models score.

    These are not the windows whose label people gave, nor those of a species whose models are no better than chance.
    """
    reviewed = issues["window_id"].isin(windows.loc[windows["reviewed"], "window_id"])
    return issues[(issues["split"] == "audit") & ~reviewed & ~issues["species"].isin(blind_species(trust))]


def blind_species(trust: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the species whose models are no better than chance: of their labels nothing is known."""
    return {row["species"] for row in trust if not row["better"]}


def expected_residual_error(segments: pd.DataFrame) -> pd.Series:
    """Return for each segment the wrong labels that a second of reviewing repairs and that the audit could not repair by itself.

    In the unit of the priority, of which it is a part, 0..1; 0 for bad pose. Where nobody reviews, the likelier of the given and
    the suggested label is to be had for nothing: a review is worth what that leaves wrong.
    """
    error = 1.0 - segments["label_quality"].astype("float64")
    after_repair = 1.0 - segments[["label_quality", "suggested_probability"]].astype("float64").max(axis=1)
    return segments["priority"] * (after_repair / error.where(error > 0, 1.0))


def _filled(states: pd.DataFrame, counts: pd.DataFrame, who: pd.Series, at: pd.Series) -> pd.DataFrame:
    """Lay what was found over the states of segments that nobody has touched."""
    found = states["segment_id"]
    n = found.map(counts["n"]).fillna(0).astype("int64")
    done = found.map(counts["done"]).fillna(0).astype("int64")
    unsure = found.map(counts["unsure"]).fillna(0).astype("int64")
    state = np.select([(n > 0) & (done == n), (n > 0) & (done + unsure == n)], ["decided", "unsure"], "open")
    return states.assign(
        state=text(state),
        decided_frames=(states["frames"] * done / n.clip(lower=1)).round().astype("int64"),
        disputed=found.map(counts["disputed"]).fillna(value=False).astype(bool),
        reviewers=found.map(who).astype("str").fillna(""),
        at=found.map(at).astype("str"),
    )
