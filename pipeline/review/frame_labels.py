"""The label after review of every frame of a run, and what it makes of each clip's label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import LABEL_SOURCES, MARKS
from pipeline.readers.recordings import text_by_code
from pipeline.review.consensus import labels_after_review

__all__ = ["changed_frames", "clip_labels", "review_frames"]

_GIVEN = LABEL_SOURCES.index("given")


def review_frames(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return the label of every frame after review.

    Parameters
    ----------
    events
        All review events.
    frames : DataFrame with clip_id, frame_number and given
        The frames of the run, in its order.
    blind
        Count blind labels as reviews.

    Returns
    -------
    DataFrame, a row for each row of ``frames``, in its order
        clip_id, frame_number, given and label (null: nobody labelled it), label_source, event_id, excluded, and ``mark`` (unsure,
        disputed or null).
    """
    touched = np.flatnonzero(frames["clip_id"].isin(events["clip_id"].unique()))
    # Most clips are never reviewed: only the others are replayed, and the columns of all are made from codes, not from strings.
    after = labels_after_review(events, frames.iloc[touched], blind=blind)
    codes, names = pd.factorize(frames["given"])
    known = pd.Index(names)
    new = pd.Index(after["label"].dropna().unique()).difference(known)
    classes = [*known, *new]
    label = codes.copy()
    label[touched] = pd.Index(classes).get_indexer(pd.Index(after["label"]))
    source = np.full(len(frames), _GIVEN)
    source[touched] = pd.Index(LABEL_SOURCES).get_indexer(pd.Index(after["source"]))
    deciding, event_names = pd.factorize(after["event_id"])
    event = np.full(len(frames), -1)
    event[touched] = deciding
    mark = np.full(len(frames), -1)
    mark[touched] = np.select([after["unsure"], after["disputed"]], [0, 1], -1)
    excluded = np.zeros(len(frames), bool)
    excluded[touched] = after["excluded"]
    return pd.DataFrame(
        {
            "clip_id": frames["clip_id"].array,
            "frame_number": frames["frame_number"].array,
            "given": frames["given"].array,
            "label": text_by_code(classes, label),
            "label_source": text_by_code(LABEL_SOURCES, source),
            "event_id": text_by_code(list(event_names), event),
            "mark": text_by_code(MARKS, mark),
            "excluded": excluded,
        }
    )


def changed_frames(after: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the frames that review gave another label than the given one, or one where none was given; shape (frames,)."""
    return (after["label"].notna() & (after["label"] != after["given"])).to_numpy(bool)


def clip_labels(clips: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
    """Return the label of every clip after review, in the order of ``clips``.

    It is the given one unless review changed a frame of the clip: then the commonest of its frames that are left, and of several
    equally common ones the given label, else the first by name. It is null where none of the frames that are left has a label.
    """
    changed = after.loc[changed_frames(after), "clip_id"].unique()
    left = after[~after["excluded"]]
    labelled = left[left["label"].notna()]
    bare = set(left["clip_id"].unique()) - set(labelled["clip_id"].unique())
    counted = labelled[labelled["clip_id"].isin(changed)]
    given = clips.set_index("clip_id")["label"]
    counted = counted.groupby(["clip_id", "label"]).size().rename("frames").reset_index()
    counted["is_given"] = counted["label"] == counted["clip_id"].map(given)
    best = counted.sort_values(["frames", "is_given", "label"], ascending=[False, False, True], kind="stable")
    commonest = best.drop_duplicates("clip_id").set_index("clip_id")["label"]
    found = commonest.astype("str").reindex(clips["clip_id"]).set_axis(clips.index)
    return found.fillna(clips["label"]).mask(clips["clip_id"].isin(bare))
