"""Verified windows: what reviewers who saw neither the given label nor the suggestion say that a window shows.

The Blind sample page shows one window, and reviewers paint its frames. So a window's verified label follows from its frames:

1. Each frame has the label of the consensus of its blind reviewers (:mod:`pipeline.review.consensus`): the one reviewer's, or
   what more than half of them say. Adjudication does not count, for whoever settles a dispute sees what others said.
2. The window has the label that more than half of its frames have. A window that shows two actions for the same time has none.
3. A window with a frame that blind reviewers take out of the data has none either.

Every window without a label is left out for a reason that is counted (``STATES``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_schemas.tables import text
from pipeline.review.consensus import labels_after_review
from pipeline.windows.frame_index import frames_of_spans

__all__ = ["STATES", "VERIFIED", "sample_states", "verified_windows"]

VERIFIED = "verified"

STATES = (VERIFIED, "open", "unsure", "disputed", "mixed", "excluded", "gone", "moved")
"""What became of a window that was drawn. ``open``: frames are left to label. ``unsure``, ``disputed``: all were looked at, but
for too many nobody could tell, or reviewers differ. ``mixed``: no label has more than half of the frames. ``gone``: the run has
no such window. ``moved``: drawn from the hold-out and audited now, the reverse, or left out now, so that it measures neither."""

_COLUMNS = ["window_id", "clip_id", "subject_id", "species", "stratum", "inclusion_probability", "verified_label"]
_COUNTS = ("frames", "looked", "excluded", "unsure", "disputed")


def verified_windows(
    samples: pd.DataFrame, events: pd.DataFrame, windows: pd.DataFrame, *, frames: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the windows that somebody decided blind, each with its verified label.

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
    DataFrame
        window_id, clip_id, subject_id, species, stratum (of the draw: holdout, flagged, unflagged), inclusion_probability,
        verified_label (at the finest level). :func:`sample_states` tells what became of the other windows.
    """
    states = sample_states(samples, events, windows, frames=frames)
    return states.loc[states["state"] == VERIFIED, _COLUMNS].reset_index(drop=True)


def sample_states(
    samples: pd.DataFrame, events: pd.DataFrame, windows: pd.DataFrame, *, frames: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return what became of every window that was drawn.

    Parameters
    ----------
    samples, events, windows, frames
        As for :func:`verified_windows`.

    Returns
    -------
    DataFrame, a row for each row of ``samples``, in its order
        The columns of :func:`verified_windows`, and ``state`` (one of STATES). ``verified_label`` is null unless the state is
        ``verified``; ``subject_id`` and ``species`` are null where the run has no such window.
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


def _counted(samples: pd.DataFrame, events: pd.DataFrame, frames: pd.DataFrame | None) -> pd.DataFrame:
    """Return, by window, how many frames it has, how many of them have which fate, its commonest label and how many have that."""
    cells = frames_of_spans(samples, frames, name="window_id")
    blind = events[events["stream"].str.startswith("blind:")]
    unique = cells[["clip_id", "frame_number"]].drop_duplicates().assign(given="")
    after = labels_after_review(blind, unique, blind=True)
    after["decided"] = after["source"] != "given"
    after["looked"] = after["decided"] | after["unsure"] | after["disputed"]
    told = cells.merge(after, on=["clip_id", "frame_number"], validate="many_to_one")
    counts = told.groupby("window_id").agg(
        frames=("looked", "size"),
        looked=("looked", "sum"),
        excluded=("excluded", "sum"),
        unsure=("unsure", "sum"),
        disputed=("disputed", "sum"),
    )
    labelled = told[told["decided"] & ~told["excluded"]]
    by_label = labelled.groupby(["window_id", "label"]).size().rename("most").reset_index()
    commonest = by_label.sort_values("most", kind="stable").drop_duplicates("window_id", keep="last").set_index("window_id")
    return counts.join(commonest)
