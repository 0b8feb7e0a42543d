"""Verified windows: what reviewers who saw neither the given label nor the suggestion say that a window shows.

The Blind sample page shows one window, and reviewers paint its frames. So a window's verified label follows from its frames:

1. Each frame has the label of the consensus of its blind reviewers (:mod:`pipeline.review.frame_labels`): the one reviewer's, or
   what more than half of them say. Adjudication does not count, for whoever settles a dispute sees what others said.
2. The window has the label that more than half of its frames have. A window that shows two actions for the same time has none.
3. A window with a frame that blind reviewers take out of the data has none either.

Every window without a label is left out for a reason that is counted (``STATES``).

A verified window weighs one over its inclusion probability. Several samples of one stratum are not worth as much as each other:
weighed by the chance of its own draw, ten windows drawn after a hundred would stand for as many windows as those. What counts is
the chance of a window to be in any of them (inclusion probability of the union; Bankier 1986, "Estimators based on several
stratified samples with applications to multiple frame surveys", JASA 81): together they are one larger sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import text
from pipeline.review.frame_labels import labels_after_review
from pipeline.windows.frame_index import frames_of_spans

VERIFIED = "verified"

STATES = (VERIFIED, "open", "unsure", "disputed", "mixed", "excluded", "gone", "moved")
"""What became of a window that was drawn. ``open``: frames are left to label. ``unsure``, ``disputed``: all were looked at, but
for too many nobody could tell, or reviewers differ. ``mixed``: no label has more than half of the frames. ``gone``: the run has
no such window. ``moved``: drawn from the hold-out and audited now, the reverse, or left out now, so that it measures neither."""

_COLUMNS = ["window_id", "clip_id", "subject_id", "species", "stratum", "inclusion_probability", "verified_label"]
_LOST = ("gone", "moved")
_COUNTS = ("frames", "looked", "excluded", "unsure", "disputed")


def sample_states(
    samples: pd.DataFrame, events: pd.DataFrame, windows: pd.DataFrame, *, frames: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return what became of every window that was drawn.

    Parameters
    ----------
    samples
        Blind samples, from ``ReviewStore.samples``.
    events
        All review events; only those of blind streams count.
    windows
        The windows of the run that is measured.
    frames : DataFrame with clip_id and frame_number, optional
        The frames there are (``pipeline.review.access.frames_of``). Without them every number of a window's span counts: the same
        unless a clip has frames at some numbers only and was painted frame by frame.

    Returns
    -------
    DataFrame, a row for each row of ``samples``, in its order
        window_id, clip_id, subject_id, species, stratum (of the draw: holdout, flagged, unflagged), inclusion_probability,
        verified_label (at the finest level) and ``state`` (one of STATES). The label is null unless the state is ``verified``;
        ``subject_id`` and ``species`` are null where the run has no such window.
    """
    facts = windows[["window_id", "subject_id", "species", "split"]]
    table = samples.merge(facts, on="window_id", how="left", validate="one_to_one")
    found = _counted(samples, events, frames).reindex(table["window_id"])
    number = {name: found[name].fillna(0).to_numpy(np.int64) for name in (*_COUNTS, "most")}
    apart = table["split"] != np.where(table["stratum"] == "holdout", "holdout", "audit")
    state = np.select(
        [
            table["split"].isna(),
            apart,
            number["excluded"] > 0,
            2 * number["most"] > number["frames"],
            (number["looked"] < number["frames"]) | (number["frames"] == 0),
            number["unsure"] > 0,
            number["disputed"] > 0,
        ],
        ["gone", "moved", "excluded", VERIFIED, "open", "unsure", "disputed"],
        "mixed",
    )
    label = found["label"].reset_index(drop=True).where(state == VERIFIED)
    return table.assign(state=text(state), verified_label=label.astype("str"))[[*_COLUMNS, "state"]]


def inclusion_probabilities(
    samples: pd.DataFrame, states: pd.DataFrame, *, stratum: str, members: Mapping[str, Set[str]]
) -> NDArray[np.float64]:
    """Return the chance of every window of a stratum to be looked at in any of its samples, 0 to 1, float64, shape (rows,).

    Parameters
    ----------
    samples, states
        Blind samples, and what became of their windows (:func:`sample_states`); rows in the same order. Windows come in random
        order within a sample, so where only a part of it was looked at, the chance is as much smaller.
    stratum
        Rows of any other one keep the chance of their draw.
    members
        The windows of the stratum in the runs in which samples were drawn, by ``run_id``: a window that a run did not have could
        not be drawn there. A run that is not there any more is taken to have had them all.
    """
    chance = samples["inclusion_probability"].to_numpy(np.float64, copy=True)
    rows = np.flatnonzero((samples["stratum"] == stratum).to_numpy(bool))
    missed = np.ones(len(rows))
    own, became = samples.iloc[rows].reset_index(drop=True), states["state"].iloc[rows].reset_index(drop=True)
    for _, sample in own.groupby("sample_id"):
        there = became[sample.index][~became[sample.index].isin(_LOST)]
        looked = float((there != "open").mean()) if len(there) else 0.0
        run_id = str(sample["run_id"].iloc[0])
        could = own["window_id"].isin(members[run_id]).to_numpy(bool, copy=True) if run_id in members else np.ones(len(own), bool)
        could[sample.index] = True
        missed[could] *= 1 - looked * chance[rows[sample.index[0]]]
    chance[rows] = 1 - missed
    return chance


def _counted(samples: pd.DataFrame, events: pd.DataFrame, frames: pd.DataFrame | None) -> pd.DataFrame:
    """Return, by window, how many frames it has, how many of them have which fate, its commonest label and how many have that."""
    cells = frames_of_spans(samples, frames, name="window_id")
    blind = events[events["stream"].str.startswith("blind:")]
    unique = cells[["clip_id", "frame_number"]].drop_duplicates().assign(given="")
    after = labels_after_review(blind, unique, blind=True)
    after["decided"] = after["source"] != "given"
    after["looked"] = after["decided"] | after["unsure"] | after["disputed"]
    labels = cells.merge(after, on=["clip_id", "frame_number"], validate="many_to_one")
    counts = labels.groupby("window_id").agg(
        frames=("looked", "size"),
        looked=("looked", "sum"),
        excluded=("excluded", "sum"),
        unsure=("unsure", "sum"),
        disputed=("disputed", "sum"),
    )
    labelled = labels[labels["decided"] & ~labels["excluded"]]
    by_label = labelled.groupby(["window_id", "label"]).size().rename("most").reset_index()
    commonest = by_label.sort_values("most", kind="stable").drop_duplicates("window_id", keep="last").set_index("window_id")
    return counts.join(commonest)
