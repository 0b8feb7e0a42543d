"""Frames, and spans of frame numbers: which frames a span holds, which spans a frame lies in, and the label of both.

Every table names a frame by clip and source frame number, and a window, segment or decision by clip and first and last number,
both included. Numbers may have gaps, and a span may begin or end between two frames. A :class:`FrameIndex` is made once for a
table of frames and answers for many spans at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import text_by_code
from pipeline.windows.sampling import clip_bounds

Ints = NDArray[np.int64]

_WIDE = np.int64(2) ** 32
"""More than any frame number: clip and number make one key."""


@dataclass(frozen=True)
class CommonestLabel:
    """The label that most frames of each span have; all of shape (spans,).

    Attributes
    ----------
    code : int64
        Of equally common labels the lowest code; -1 where no frame of the span has a label.
    count : int64
        Frames with that label.
    runner_up : int64
        Frames with the next most common label: ``count`` where two are equally common, 0 where there is but one.
    labelled : int64
        Frames with any label; more than ``count`` where the span holds several.
    """

    code: Ints
    count: Ints
    runner_up: Ints
    labelled: Ints


@dataclass(frozen=True)
class FrameSpans:
    """Spans as ranges of places: span ``i`` holds the frames from ``first[i]`` to before ``stop[i]``, none where these are equal.

    Attributes
    ----------
    first, stop : int64, shape (spans,)
    size : int
        How many frames there are.
    row : int64, shape (frames,), or None
        The row of the frames table at each place; None where they are the same.
    """

    first: Ints
    stop: Ints
    size: int
    row: Ints | None = None

    @property
    def length(self) -> Ints:
        """Return how many frames each span holds."""
        return self.stop - self.first

    def take(self, which: Ints) -> FrameSpans:
        """Return some of the spans."""
        return FrameSpans(self.first[which], self.stop[which], self.size, self.row)

    def count(self, marked: NDArray[np.bool_]) -> Ints:
        """Return how many frames of each span are marked; ``marked`` has one value a row of the frames table."""
        return _sums(self._placed(marked), self.first, self.stop)

    def rows(self) -> tuple[Ints, Ints]:
        """Return span and row of the frames table for every frame of every span, span by span and by frame number."""
        length = self.length
        span = np.repeat(np.arange(len(length)), length)
        place = np.arange(len(span)) + np.repeat(self.first - (np.cumsum(length) - length), length)
        return span, place if self.row is None else self.row[place]

    def last_over(self, order: Ints | None = None) -> Ints:
        """Return the last span that covers each row of the frames table, -1 where none does: shape (frames,).

        Parameters
        ----------
        order : int64, optional
            The spans that are laid, one over the other; all of them as they stand where it is left out.
        """
        order = np.arange(len(self.first)) if order is None else order
        last = np.full(self.size, -1, np.int64)
        for span, a, b in zip(order.tolist(), self.first[order].tolist(), self.stop[order].tolist(), strict=True):
            last[a:b] = span
        return self._by_row(last)

    def commonest(self, codes: NDArray[np.integer[Any]]) -> CommonestLabel:
        """Return the commonest label of each span.

        Parameters
        ----------
        codes : int, shape (frames,)
            The label of each row of the frames table as a number from 0, -1 where it has none.
        """
        codes, length = self._placed(codes), self.length
        found = CommonestLabel(np.full(len(length), -1, np.int64), *(np.zeros(len(length), np.int64) for _ in range(3)))
        change = np.cumsum(np.diff(codes, prepend=codes[:1]) != 0)
        some = np.flatnonzero(length > 0)
        single = change[self.first[some]] == change[self.stop[some] - 1]
        one, several = some[single], some[~single]
        found.code[one] = codes[self.first[one]]
        found.count[one] = found.labelled[one] = np.where(found.code[one] >= 0, length[one], 0)
        if len(several):
            self._count_labels(codes, several, found)
        return found

    def _count_labels(self, codes: NDArray[np.integer[Any]], several: Ints, found: CommonestLabel) -> None:
        """Count label by label in spans that hold several: one running sum at a time needs little memory."""
        begun, over = (np.bincount(edge[several], minlength=self.size + 1) for edge in (self.first, self.stop))
        inside = np.cumsum(begun - over)[:-1] > 0
        place = np.concatenate([[0], np.cumsum(inside)])
        codes, first, stop = codes[inside], place[self.first[several]], place[self.stop[several]]
        best, count, runner_up = np.full(len(several), -1, np.int64), *np.zeros((2, len(several)), np.int64)
        for code in np.unique(codes[codes >= 0]).tolist():
            held = _sums(codes == code, first, stop)
            more = held > count
            runner_up = np.maximum(runner_up, np.where(more, count, held))
            best, count = np.where(more, code, best), np.where(more, held, count)
        found.code[several], found.count[several], found.runner_up[several] = best, count, runner_up
        found.labelled[several] = _sums(codes >= 0, first, stop)

    def _placed(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.row is None else values[self.row]

    def _by_row(self, values: Ints) -> Ints:
        if self.row is None:
            return values
        by_row = np.empty_like(values)
        by_row[self.row] = values
        return by_row


@dataclass(frozen=True)
class FrameIndex:
    """Where the frames of every clip lie, by number.

    Attributes
    ----------
    clips : Index
        The names of the clips; a clip's place in it is its code.
    key : int64, shape (frames,)
        Clip and number of the frame at each place, ascending.
    row : int64, shape (frames,), or None
        The row of the frames table at each place; None where the table lies in that order already.
    """

    clips: pd.Index
    key: Ints
    row: Ints | None = None

    @classmethod
    def of(cls, frames: pd.DataFrame) -> FrameIndex:
        """Index a table with clip_id and frame_number, in any order."""
        clip, names = pd.factorize(frames["clip_id"])
        return cls.of_codes(clip, frames["frame_number"].to_numpy(np.int64), clips=pd.Index(names))

    @classmethod
    def of_clips(cls, clips: pd.DataFrame, frames: pd.DataFrame) -> FrameIndex:
        """Index the frames of a clips table, which lie in its order: a clip's code is its row in it."""
        clip = np.repeat(np.arange(len(clips)), np.diff(clip_bounds(clips)))
        return cls.of_codes(clip, frames["frame_number"].to_numpy(np.int64), clips=pd.Index(clips["clip_id"]))

    @classmethod
    def of_codes(
        cls, clip: NDArray[np.integer[Any]], number: NDArray[np.integer[Any]], *, clips: pd.Index | None = None
    ) -> FrameIndex:
        """Index frames by the code of their clip and their number, in any order."""
        key = clip * _WIDE + number
        if (key[1:] >= key[:-1]).all():
            return cls(pd.Index([]) if clips is None else clips, key)
        row = np.argsort(key, kind="stable")
        return cls(pd.Index([]) if clips is None else clips, key[row], row)

    def spans(self, clip: NDArray[np.integer[Any]], start: NDArray[Any] | int, end: NDArray[Any] | int) -> FrameSpans:
        """Return spans of frame numbers as ranges of places.

        Parameters
        ----------
        clip : int, shape (spans,)
            The code of each span's clip; one of a clip that is not there (-1) holds no frame.
        start, end : int, shape (spans,)
            First and last number.
        """
        base = clip * _WIDE
        first = np.searchsorted(self.key, base + start, "left")
        return FrameSpans(first, np.searchsorted(self.key, base + end, "right"), len(self.key), self.row)

    def spans_of(self, table: pd.DataFrame) -> FrameSpans:
        """Return the spans of a table with clip_id, start_frame and end_frame."""
        start, end = (table[name].to_numpy(np.int64) for name in ("start_frame", "end_frame"))
        return self.spans(self.clips.get_indexer(pd.Index(table["clip_id"])), start, end)

    def whole_clips(self, clip: NDArray[np.integer[Any]]) -> FrameSpans:
        """Return all frames of clips as spans."""
        return self.spans(clip, 0, int(_WIDE) - 1)


def frames_of_spans(spans: pd.DataFrame, frames: pd.DataFrame | None, *, name: str) -> pd.DataFrame:
    """Return a row for every frame of every span, span by span: the span's ``name``, clip_id and frame_number.

    Parameters
    ----------
    spans : DataFrame with clip_id, start_frame, end_frame and a column ``name``
    frames : DataFrame with clip_id and frame_number, or None
        The frames that there are; None: every number from a span's first to its last.
    """
    if frames is None:
        first = spans["start_frame"].to_numpy(np.int64)
        span, number = FrameSpans(first, spans["end_frame"].to_numpy(np.int64) + 1, size=0).rows()
    else:
        there = frames[frames["clip_id"].isin(spans["clip_id"].unique())]
        span, row = FrameIndex.of(there).spans_of(spans).rows()
        number = there["frame_number"].to_numpy(np.int64)[row]
    return spans[[name, "clip_id"]].iloc[span].reset_index(drop=True).assign(frame_number=number)


def runs(*columns: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the first and the last place of every run over which none of some columns changes, each of shape (n,)."""
    new = np.ones(len(columns[0]), bool)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    first = np.flatnonzero(new)
    return first, np.append(first, len(new))[1:] - 1


def given_labels(clips: pd.DataFrame, frames: pd.DataFrame) -> pd.Series:
    """Return the label that the source gives every frame: its own or its clip's, null where nobody labelled it.

    A clip of which any frame has a label of its own is labelled frame by frame: a frame without one is unlabelled there. Where no
    frame of a clip has one, the clip's label, if it has any, is that of all its frames.

    Parameters
    ----------
    clips : DataFrame with clip_id and label
        Those that the frames belong to, and maybe more.
    frames : DataFrame with clip_id and maybe frame_label
        All frames of each of their clips, in any order.
    """
    clip, clip_ids = pd.factorize(frames["clip_id"])
    of_clip, classes = pd.factorize(clips.set_index("clip_id")["label"].reindex(clip_ids))
    codes, names = of_clip[clip], list(classes)
    if "frame_label" in frames:
        own, coded = pd.factorize(frames["frame_label"])
        by_frame = np.zeros(len(clip_ids), bool)
        by_frame[clip[own >= 0]] = True
        codes = np.where(by_frame[clip], np.where(own >= 0, own + len(names), -1), codes)
        names += list(coded)
    return pd.Series(text_by_code(names, codes), index=frames.index)


def _sums(marked: NDArray[np.bool_], first: Ints, stop: Ints) -> Ints:
    total = np.zeros(len(marked) + 1, np.int64)
    np.cumsum(marked, out=total[1:])
    sums: Ints = total[stop] - total[first]
    return sums
