"""What people decided about frames, as stretches, and what that makes of windows: reviewed labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.tables import LABEL_SOURCES, REVIEWED, text, validate
from pipeline.windows.cutting import merged_labels, window_labels
from pipeline.windows.folds import split_again
from pipeline.windows.frame_index import FrameIndex, given_labels, runs

_GIVEN = LABEL_SOURCES[-1]


def no_stretches() -> pd.DataFrame:
    """Return an empty table of reviewed stretches."""
    name, number = text([]), np.empty(0, np.int32)
    return pd.DataFrame({"clip_id": name, "start_frame": number, "end_frame": number, "label": name, "label_source": name})


def reviewed_stretches(after: pd.DataFrame) -> pd.DataFrame:
    """Return the stretches of frames that people decided about.

    Parameters
    ----------
    after : DataFrame with clip_id, frame_number, label, label_source and excluded
        Frames after review, clip by clip and in order (see :func:`pipeline.review.frame_labels.review_frames`).

    Returns
    -------
    DataFrame
        See ``REVIEWED``. A stretch holds frames that follow each other, of one label and source.
    """
    if after.empty:
        return no_stretches()
    decided = (after["label_source"] != _GIVEN).to_numpy(bool)
    clip, label, source = (pd.factorize(after[name])[0] for name in ("clip_id", "label", "label_source"))
    label = np.where(after["excluded"].to_numpy(bool), -1, label)
    first, last = runs(clip, label, source, decided)
    first, last = first[decided[first]], last[decided[first]]
    begun, ended = after.iloc[first], after.iloc[last]
    table = pd.DataFrame(
        {
            "clip_id": begun["clip_id"].array,
            "start_frame": begun["frame_number"].to_numpy(np.int32),
            "end_frame": ended["frame_number"].to_numpy(np.int32),
            "label": begun["label"].mask(begun["excluded"]).astype("str").array,
            "label_source": begun["label_source"].array,
        }
    )
    return validate(table, REVIEWED, source="reviewed stretches")


def reviewed_in_source(frames: pd.DataFrame) -> pd.DataFrame:
    """Return the stretches that a source itself says were reviewed: an export does, in its column ``label_source``."""
    if "label_source" not in frames:
        return no_stretches()
    return reviewed_stretches(frames.rename(columns={"frame_label": "label"}).assign(excluded=False))


def lay_over(frames: pd.DataFrame, below: pd.DataFrame, above: pd.DataFrame) -> pd.DataFrame:
    """Return the stretches of two tables as one, of the frames that are there; where both hold a frame, ``above`` does."""
    stretches = pd.concat([below, above], ignore_index=True)
    touched = _touched(frames, stretches)
    row = _painted(touched, stretches)
    decided = row >= 0
    said = stretches.iloc[row[decided]]
    after = touched.assign(label=text([None] * len(touched)), label_source=_GIVEN)
    after = after.astype({"label_source": "str"}).assign(excluded=False)
    for name in ("label", "label_source"):
        after.loc[decided, name] = said[name].array
    after.loc[decided, "excluded"] = said["label"].isna().array
    return reviewed_stretches(after)


def count_frames(frames: pd.DataFrame, stretches: pd.DataFrame) -> int:
    """Return how many frames the stretches hold."""
    touched = _touched(frames, stretches)
    return int((_painted(touched, stretches) >= 0).sum())


def labels_as_given(windows: pd.DataFrame, clips: pd.DataFrame, frames: pd.DataFrame, reviewed: pd.DataFrame) -> pd.DataFrame:
    """Return windows with ``label`` and ``mixed`` as the source has them, whatever of their clips was ``reviewed``."""
    if reviewed.empty:
        return windows
    own, at, spans = _spans_in_clips(windows, clips, reviewed)
    label, mixed = window_labels(own, frames[frames["clip_id"].isin(own["clip_id"])].reset_index(drop=True), **spans)
    return _replaced(windows, at, label=text(label), mixed=mixed)


def _spans_in_clips(
    windows: pd.DataFrame, clips: pd.DataFrame, reviewed: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.int64], dict[str, NDArray[np.int32]]]:
    """Return the clips of which something was reviewed, the rows of their windows, and the clip, start and end of each."""
    own = clips[clips["clip_id"].isin(reviewed["clip_id"].unique())].reset_index(drop=True)
    at = np.flatnonzero(windows["clip_id"].isin(own["clip_id"]))
    part = windows.iloc[at]
    clip = pd.Index(own["clip_id"]).get_indexer(part["clip_id"]).astype(np.int32)
    return own, at, {"clip": clip, **{n: part[f"{n}_frame"].to_numpy(np.int32) for n in ("start", "end")}}


def review_windows(
    windows: pd.DataFrame,
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    reviewed: pd.DataFrame,
    *,
    config: Config,
    taxonomy: Taxonomy | None,
) -> pd.DataFrame:
    """Return the windows under their labels after review.

    A window is ``reviewed`` where people gave every frame of it a label. One with a frame that was taken out is dropped: it shows
    what nobody wants scored. The groups of the hold-out stay what they were; a class that review leaves to a single group is left
    out.

    Parameters
    ----------
    windows
        As cut and split by the labels given.
    clips, frames
        As read.
    reviewed
        See ``REVIEWED``.
    """
    if reviewed.empty:
        return windows
    own, at, spans = _spans_in_clips(windows, clips, reviewed)
    read = frames.columns.intersection(["clip_id", "frame_number", "frame_label"])
    touched = frames.loc[frames["clip_id"].isin(own["clip_id"]), read].reset_index(drop=True)
    index = FrameIndex.of(touched)
    row = index.spans_of(reviewed).last_over()
    said = reviewed["label"].to_numpy(object)[row]
    touched["frame_label"] = text(np.where((row >= 0) & pd.notna(said), said, given_labels(own, touched)))
    part = windows.iloc[at]
    label, mixed = window_labels(own, touched, **spans)
    inside = index.spans_of(part)
    decided, excluded = inside.count(row >= 0), inside.count((row >= 0) & pd.isna(said))
    target = text(merged_labels(part["species"], label, merge=config.labels.merge, taxonomy=taxonomy))
    all_reviewed = (decided == inside.length) & (inside.length > 0)
    after = _replaced(windows, at, label=text(label), target=target, mixed=mixed, reviewed=all_reviewed)
    left = np.ones(len(windows), bool)
    left[at] = excluded == 0
    return split_again(after[left].reset_index(drop=True))


@dataclass(frozen=True)
class ReviewedFrames:
    """Which frames people have decided about, to ask of spans of frames.

    Attributes
    ----------
    index : FrameIndex
        The frames of the clips in which somebody decided anything.
    number : int64, shape (frames,)
        The source number of each of these frames.
    reviewed : bool, shape (frames,)
        Which of them are decided.
    """

    index: FrameIndex
    number: NDArray[np.int64]
    reviewed: NDArray[np.bool_]

    @classmethod
    def of(cls, frames: pd.DataFrame, reviewed: pd.DataFrame) -> ReviewedFrames:
        """Look the frames up once."""
        touched = _touched(frames, reviewed)
        index = FrameIndex.of(touched)
        return cls(index, touched["frame_number"].to_numpy(np.int64), index.spans_of(reviewed).last_over() >= 0)

    def all_reviewed(self, clip_id: pd.Series, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which spans hold decided frames only, shape (n,); one without any frame does not."""
        spans = self.index.spans(self.index.clips.get_indexer(pd.Index(clip_id)), start, end)
        return np.asarray((spans.length > 0) & (spans.count(self.reviewed) == spans.length))

    def trimmed(self, clip_id: str, start: int, end: int) -> tuple[int, int]:
        """Return a span without the decided frames at its ends; as it is where it holds no other."""
        _, rows = self.index.spans(self.index.clips.get_indexer(pd.Index([clip_id])), start, end).rows()
        left = self.number[rows[~self.reviewed[rows]]]
        return (int(left[0]), int(left[-1])) if len(left) else (start, end)


def _touched(frames: pd.DataFrame, stretches: pd.DataFrame) -> pd.DataFrame:
    """Return clip and number of the frames of clips in which any stretch lies."""
    return frames.loc[frames["clip_id"].isin(stretches["clip_id"].unique()), ["clip_id", "frame_number"]]


def _painted(frames: pd.DataFrame, stretches: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of the last stretch that covers each frame, -1 where none does."""
    return FrameIndex.of(frames).spans_of(stretches).last_over()


def _replaced(windows: pd.DataFrame, at: NDArray[np.int64], **columns: Any) -> pd.DataFrame:
    """Return windows with other values in some rows of some columns."""
    changed = {name: windows[name].copy() for name in columns}
    for name, column in changed.items():
        column.iloc[at] = columns[name]
    return windows.assign(**changed)
