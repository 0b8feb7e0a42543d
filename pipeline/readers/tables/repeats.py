"""Frames of a table that stand in several rows: the same each time, or by which of several causes they differ.

| rows of one frame | outcome |
|---|---|
| say the same in all columns that mean something | kept once; noted |
| have one pose and several labels, as of several raters | the clip is rejected, with the number of such frames |
| are distinguished by a column (an animal, a track, a camera) | the clip is rejected, with the column and its values |
| stand in several files | the clip is rejected, with the files |
| have several poses all through the clip, as for several animals | the clip is rejected, with the number of rows a frame |
| differ here and there | the clip is rejected, with the frame and what differs in it |

Rows of one clip in files of different folders are two recordings of one name: the clip is rejected. Files of one folder may be
parts of one table; that is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.tables.table_columns import Rows
from pipeline.readers.tables.table_files import CLIP_TEXT

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_OF_A_FRAME = ("frame_label", "label_source", "image")
_RATERS = re.compile("annotator|rater|coder|observer|scorer|label(l)?er|expert|reviewer", re.IGNORECASE)
_A_ROW_EACH = "give every animal its own columns (as in rat1_nose_x, rat2_nose_x), every recording its own clip_id"
_NAMED = 4
"""Values of a column, or keypoints, that a message names; more are counted."""


@dataclass(frozen=True)
class _Repeats:
    """Rows that repeat the frame of the row before them.

    Attributes
    ----------
    one, other : int64, shape (pairs,)
        The row before, and the row itself.
    pose, label : bool, shape (pairs,)
        Whether keypoints (or times) differ, where both rows have any; and labels.
    differing : dict
        For each column that means something, where it differs.
    apart : dict
        For each further column that says who or what a row is of, where it differs.
    file : bool, shape (pairs,)
        Whether the rows stand in different files.
    names : dict
        What is written in the columns of ``apart``: the different names, and the place of each row's among them.
    """

    one: IntArray
    other: IntArray
    pose: BoolArray
    label: BoolArray
    differing: Mapping[str, BoolArray]
    apart: Mapping[str, BoolArray]
    file: BoolArray
    names: Mapping[str, tuple[list[str], IntArray]]


def resolve_repeats(rows: Rows, values: Mapping[str, NDArray[np.floating]]) -> None:
    """Reject the clips in which frames are given several times in different ways, or whose rows come from different folders.

    Parameters
    ----------
    values : dict
        What was read of each row as numbers: coordinates, confidences and times by the name of their column, NaN where missing.
    """
    other = np.flatnonzero((np.diff(rows.clip, prepend=-1) == 0) & (np.diff(rows.number, prepend=np.nan) == 0))
    found = _compared(rows, values, other[~rows.in_rejected_clips()[other]])
    differs = np.logical_or.reduce([np.zeros(len(found.one), bool), *found.differing.values()])
    raters = [c for c in np.unique(rows.clip[found.other[differs]]).tolist() if _reject(rows, c, found, differs)]
    if raters:
        _note_raters(rows, raters, found.other[differs & found.label])
    _resolve_files(rows, found.other)


def _compared(rows: Rows, values: Mapping[str, NDArray[np.floating]], other: IntArray) -> _Repeats:
    one = other - 1
    differing: dict[str, BoolArray] = {}
    for name, column in values.items():
        a, b = column[one], column[other]
        differing[name] = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    points = [name for name in values if name.endswith(("_x", "_y"))]
    blank = _all_missing(values, points, one) | _all_missing(values, points, other)
    moved = np.logical_or.reduce([np.zeros(len(one), bool), *(differing[name] for name in points)])
    pose = (moved & ~blank) | differing.get("timestamp_ms", np.zeros(len(one), bool))
    telling = rows.telling
    looked_at = [name for name in rows.columns if name in (*_OF_A_FRAME, *CLIP_TEXT, *telling)] if len(other) else []
    names = {name: rows.names_of(name) for name in looked_at}
    changed = {name: code[one] != code[other] for name, (_, code) in names.items()}
    differing |= {name: where for name, where in changed.items() if name not in telling}
    nowhere = np.zeros(len(one), bool)
    return _Repeats(
        one=one,
        other=other,
        pose=pose,
        label=changed.get("frame_label", nowhere) | changed.get("label", nowhere),
        differing=differing,
        apart={name: where for name, where in changed.items() if name in (*telling, "subject_id", "recording_id")},
        file=rows.file[one] != rows.file[other],
        names=names,
    )


def _all_missing(values: Mapping[str, NDArray[np.floating]], names: Iterable[str], rows: IntArray) -> BoolArray:
    return np.asarray(np.logical_and.reduce([np.ones(len(rows), bool), *(np.isnan(values[name][rows]) for name in names)]))


def _reject(rows: Rows, clip: int, found: _Repeats, differs: BoolArray) -> bool:
    """Reject one clip, for the cause that explains all differences in it; return whether several raters are."""
    span = rows.span(clip)
    start, stop = np.searchsorted(found.other, [span.start, span.stop])
    pairs = start + np.flatnonzero(differs[start:stop])
    first = int(found.other[pairs[0]])
    case = _Case(rows, clip, found, pairs)
    raters = case.by_raters()
    reason = case.by_files() or raters or case.by_column() or case.by_poses() or case.by_frame()
    rows.reject_clip(clip, reason, place=rows.place(first), file=int(rows.file[first]))
    return raters is not None


@dataclass(frozen=True)
class _Case:
    """A clip in which frames are given several times in different ways: the sentence for each cause that explains it all."""

    rows: Rows
    clip: int
    found: _Repeats
    pairs: IntArray

    @property
    def frames(self) -> int:
        """Return the number of different frames of the clip."""
        return len(np.unique(self.rows.number[self.rows.span(self.clip)]))

    @property
    def again(self) -> int:
        """Return the number of frames that differ."""
        return len(np.unique(self.rows.number[self.found.other[self.pairs]]))

    @property
    def share(self) -> str:
        """Return how many frames differ, of how many."""
        return f"{self.again:,} of {self.frames:,} frames"

    @property
    def apart(self) -> str | None:
        """Return the column that distinguishes all such rows."""
        return next((name for name, where in self.found.apart.items() if where[self.pairs].all()), None)

    def by_files(self) -> str | None:
        """Return the sentence for rows of two files."""
        if not self.found.file[self.pairs].all():
            return None
        names = self.rows.files_of(np.append(self.found.one[self.pairs], self.found.other[self.pairs]))
        what = "rows" if self.found.pose[self.pairs].any() else "labels"
        return f"{self.share} have different {what} in {' and in '.join(names)}: two clips of one name, or two raters? Rename one"

    def by_raters(self) -> str | None:
        """Return the sentence for one pose with several labels."""
        label = self.found.label[self.pairs]
        if self.found.pose[self.pairs].any() or not label.any():
            return None
        by = "" if self.apart is None else f" (column {self.apart}: {self._values(self.apart)})"
        labels, coded = _count(self._most()), self.pairs[label]
        differ = len(np.unique(self.rows.number[self.found.other[coded]]))
        return (
            f"{differ:,} of {self.frames:,} frames have {labels} labels, as of {labels} raters{by}: keep "
            "the rows of one, or what they agree on, or audit the labels of each by themselves"
        )

    def by_column(self) -> str | None:
        """Return the sentence for rows that a column tells apart."""
        column = self.apart
        if column is None or _RATERS.search(column):
            return None
        return (
            f"{self.share} have {_count(self._most())} rows, distinguished by column {column} "
            f"({self._values(column)}), one row each: {_A_ROW_EACH}"
        )

    def by_poses(self) -> str | None:
        """Return the sentence for poses that differ all through the clip."""
        if 2 * self.again <= self.frames or not self.found.pose[self.pairs].any():
            return None
        return f"{self.share} are given {_times(self._most())}, with different poses, as for several animals: {_A_ROW_EACH}"

    def by_frame(self) -> str:
        """Return the sentence for frames that differ here and there."""
        what = [name for name, where in self.found.differing.items() if where[self.pairs[0]]]
        number = self.rows.number[self.found.other[self.pairs[0]]]
        return f"frame {number:.15g} is given twice, in different ways ({_listed(what)}), {self.share} are: keep one row of each"

    def _values(self, column: str) -> str:
        names, codes = self.found.names[column]
        here = np.unique(codes[self.rows.span(self.clip)]).tolist()
        return _listed("none" if code < 0 else names[code] for code in here)

    def _most(self) -> int:
        return int(np.unique(self.rows.number[self.rows.span(self.clip)], return_counts=True)[1].max())


def _note_raters(rows: Rows, clips: list[int], again: IntArray) -> None:
    """Note how many frames have several labels over all clips that are rejected for it."""
    of_them = np.isin(rows.clip, clips)
    differ, all_of_them = (
        len(np.unique(np.stack([rows.clip[where], rows.number[where]]), axis=1).T) for where in (again[of_them[again]], of_them)
    )
    reason = f"{differ:,} of {all_of_them:,} frames have several labels, as of several raters: their clips are rejected"
    rows.notes.append(ReaderMessage(rows.source(clips[0])[0], "", reason))


def _resolve_files(rows: Rows, again: IntArray) -> None:
    """Reject clips whose rows come from different folders, unless they only repeat; note those that go on in another file."""
    border = np.flatnonzero((np.diff(rows.clip, prepend=-1) == 0) & (np.diff(rows.file, prepend=-1) != 0))
    repeated = np.zeros(len(rows), bool)
    repeated[again] = True
    for clip in np.unique(rows.clip[border]).tolist():
        if clip in rows.rejected_clips:
            continue
        span = rows.span(clip)
        where = np.arange(span.start, span.stop)
        names, new = rows.files_of(where), rows.files_of(where[~repeated[span]])
        if len({_folder(name) for name in new}) > 1:
            folders = " and in ".join(new)
            reason = f"its rows stand in {folders}, in different folders: two clips of one name are not merged; rename one"
            rows.reject_clip(clip, reason, place="")
        elif len(new) > 1:
            rows.note_clip(clip, {f"a clip has rows in {' and in '.join(new)}: read as parts of one table": 1})
        else:
            rows.note_clip(clip, {f"a clip is the same in {' and in '.join(names)}: kept once": 1})


def _folder(name: str) -> str:
    return name[: max(name.rfind("/"), name.rfind("::"), 0)]


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _count(number: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(number, str(number))


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"
