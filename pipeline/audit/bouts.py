"""Bouts: how long animals do one thing without a break, as the labels of their frames say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.windows.frame_index import given_labels, runs
from pipeline.windows.sampling import clip_bounds

Class = tuple[str, str]
"""Species and label."""


@dataclass(frozen=True)
class FrameTimes:
    """When the frames of all clips were taken.

    Attributes
    ----------
    time : int64, shape (frames,)
        Milliseconds since the start of each clip.
    bounds : int64, shape (clips + 1,)
        Where each clip's frames start, and the end.
    fps : float64, shape (clips,)
        Frames a second, by which a clip of one frame lasts.
    """

    time: NDArray[np.int64]
    bounds: NDArray[np.int64]
    fps: NDArray[np.float64]

    @classmethod
    def of(cls, clips: pd.DataFrame, frames: pd.DataFrame) -> FrameTimes:
        """Return the times of a frames table, which lies in the order of ``clips``."""
        return cls(frames["timestamp_ms"].to_numpy(np.int64), clip_bounds(clips), clips["fps"].to_numpy(np.float64))

    @cached_property
    def clip(self) -> NDArray[np.int64]:
        """Return the place of each frame's clip, shape (frames,)."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Return the time from each frame to the next of its clip in ms, shape (frames,); -1 for the last of a clip."""
        steps = np.diff(self.time, append=0)
        last = self.bounds[1:][np.diff(self.bounds) > 0] - 1
        steps[last] = -1
        return steps

    @cached_property
    def interval(self) -> NDArray[np.float64]:
        """Return the median time between the frames of each clip in ms, shape (clips,)."""
        inner = pd.Series(self.steps[self.steps >= 0]).groupby(self.clip[self.steps >= 0])
        median = inner.quantile(0.5, interpolation="lower").reindex(range(len(self.fps)))
        return median.fillna(pd.Series(1000.0 / self.fps)).to_numpy(np.float64)


@dataclass(frozen=True)
class Bouts:
    """Stretches of one label, in the order of frames; frames that nobody labelled are in none.

    Attributes
    ----------
    clip, label : int64, shape (bouts,)
        Places of a bout's clip and class.
    first, last : int64, shape (bouts,)
        Rows of its first and last frame.
    seconds : float64, shape (bouts,)
        From its first frame to the first after it.
    """

    clip: NDArray[np.int64]
    label: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    seconds: NDArray[np.float64]

    @property
    def frames(self) -> NDArray[np.int64]:
        """Return how many frames each bout has, shape (bouts,)."""
        return self.last - self.first + 1


def labels_of_frames(clips: pd.DataFrame, frames: pd.DataFrame) -> tuple[list[Class], NDArray[np.int64]]:
    """Return the classes that occur, sorted, and the place of each frame's among them, -1 where nobody labelled it.

    See :func:`pipeline.windows.frame_index.given_labels`.
    """
    species, kinds = pd.factorize(clips["species"])
    count = clips["frame_count"].to_numpy(np.int64)
    label, labels = pd.factorize(given_labels(clips, frames))
    most = max(len(labels), 1)
    pair = np.where(label >= 0, np.repeat(species, count) * most + label, -1)
    there = np.flatnonzero(np.bincount(pair[pair >= 0], minlength=1))
    classes = [(str(kinds[p // most]), str(labels[p % most])) for p in there.tolist()]
    order = sorted(range(len(classes)), key=classes.__getitem__)
    place = np.full(len(kinds) * most + 1, -1, np.int64)
    place[there[order]] = np.arange(len(order))
    return [classes[i] for i in order], place[pair]


def find_bouts(label: NDArray[np.int64], times: FrameTimes, *, max_gap_ms: float) -> Bouts:
    """Return the bouts of labels, shape (frames,), -1 for none; a longer gap than ``max_gap_ms`` ends one."""
    apart = (times.steps < 0) | (times.steps > max_gap_ms)
    first, last = runs(label, np.cumsum(apart) - apart)
    kept = label[first] >= 0
    first, last = first[kept], last[kept]
    clip = times.clip[first]
    interval = times.interval[clip]
    after = np.where(apart[last], interval, times.steps[last])
    seconds = (times.time[last] - times.time[first] + after) / 1000.0
    return Bouts(clip=clip, label=label[first], first=first, last=last, seconds=seconds)


def bouts_in_windows(
    bouts: Bouts, clips: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame, *, classes: Sequence[Class]
) -> NDArray[np.bool_]:
    """Return which bouts reach into a window of their own label, shape (bouts,): the others are outvoted, or in no window."""
    names = pd.MultiIndex.from_tuples(classes, names=["species", "label"])
    label = names.get_indexer(pd.MultiIndex.from_frame(windows[["species", "label"]]))
    clip = pd.Index(clips["clip_id"]).get_indexer(windows["clip_id"])
    known = label >= 0

    def keys(clip: NDArray[np.int64], label: NDArray[np.int64], frame: NDArray[np.int64]) -> NDArray[np.int64]:
        return ((clip * max(len(classes), 1) + label) << 32) + frame

    # Windows of one clip and label start and end in the same order, so counting those before and after finds an overlap.
    start, end = (
        np.sort(keys(clip[known], label[known], windows[c].to_numpy(np.int64)[known])) for c in ("start_frame", "end_frame")
    )
    number = frames["frame_number"].to_numpy(np.int64)
    begun = np.searchsorted(start, keys(bouts.clip, bouts.label, number[bouts.last]), "right")
    over = np.searchsorted(end, keys(bouts.clip, bouts.label, number[bouts.first]), "left")
    return begun > over
