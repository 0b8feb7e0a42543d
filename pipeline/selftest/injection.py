"""Inject known label errors into a copy of audited data; the source stays as it is, and a record says where the errors are.

- ``wrong_clip``: a clip gets another label of its species. Where frames are labelled one by one, all frames of the clip that
  carry the clip's label get the other one, as when a coder takes one code for another.
- ``contaminated``: 1 to 6 seconds of a bout are replaced by poses of a bout of the same animal with another label, moved and
  scaled to fit (:mod:`pipeline.selftest.splicing`), at the host's own times.
- ``boundary``: a change between two frame labels is moved by 0.3 to 1.5 seconds.
- ``flips``: stretches of about a second get another label. Where there is a label per clip, the copy gets a label per frame:
  no such error can lie in data with one label a clip, but scattered flips are the yardstick that methods are compared by.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import CLIPS, FRAMES, INJECTED_KINDS, keypoints_of, text, validate
from pipeline.selftest.source_index import SourceIndex
from pipeline.selftest.splicing import fit_segment, poses_at

_SPLICED_MS = (1000.0, 6000.0)
_MOST_OF_A_HOST = 0.5
_SHIFT_MS = (300.0, 1500.0)
_MOST_OF_A_BOUT = 0.4
_FLIP_MS = (800.0, 1400.0)
_SIMILAR_SCALE = 1.25
_FRUITLESS = 300
_APART_MS = 500
_SPAN_COLUMNS = ["clip_id", "start_frame", "end_frame", "kind", "given_label", "true_label", "other_donor"]


@dataclass(frozen=True)
class InjectedErrors:
    """A copy of the source with errors, and where they are.

    Attributes
    ----------
    clips, frames : DataFrame
        With the same rows as the data they were made from.
    spans : DataFrame
        A row for each stretch: ``clip_id``, ``start_frame``, ``end_frame`` (inclusive), ``kind``, ``given_label`` (the wrong
        one), ``true_label`` (the label that the poses had before), ``other_donor`` (whether the poses came from another group).
    windows : DataFrame
        ``window_id`` and ``true_label`` of every audited window of which more than half of the frames are wrong.
    """

    clips: pd.DataFrame
    frames: pd.DataFrame
    spans: pd.DataFrame
    windows: pd.DataFrame


class _Copy:
    """What injection changes: labels and poses, and the record of it."""

    def __init__(self, index: SourceIndex, kind: str) -> None:
        self.index, self.kind, self.time = index, kind, index.time
        self.label, self.clip_label = index.label.copy(), index.clips["label"].to_numpy(object).copy()
        self.xy = index.xy.copy()
        self.truth: NDArray[np.object_] = np.full(len(index.label), None, object)
        self.wrong, self.taken = np.zeros((2, len(index.label)), bool)
        self.windows = 0
        self.spans: list[dict[str, object]] = []

    def mark(self, clip: int, rows: slice, *, given: str, true: str, other_donor: bool = False) -> None:
        """Write down that ``rows`` carry ``given`` from now on, though their poses are ``true``; their surroundings are taken."""
        before = len(self.index.covered(self.wrong, clip=clip))
        self.truth[rows], self.label[rows], self.wrong[rows] = true, given, True
        self.windows += len(self.index.covered(self.wrong, clip=clip)) - before
        low, high = self.index.bounds[clip : clip + 2]
        margin = self.time[rows.start] - _APART_MS, self.time[rows.stop - 1] + _APART_MS + 1
        near = low + np.searchsorted(self.time[low:high], margin)
        self.taken[near[0] : near[1]] = True
        number = self.index.frames["frame_number"]
        span = {"start_frame": int(number.iloc[rows.start]), "end_frame": int(number.iloc[rows.stop - 1])}
        labels = {"kind": self.kind, "given_label": given, "true_label": true, "other_donor": other_donor}
        self.spans.append({"clip_id": self.index.clips["clip_id"].iloc[clip], **span, **labels})

    def tables(self) -> InjectedErrors:
        """Return the copy as tables."""
        index = self.index
        names = [f"{k}_{axis}" for k in keypoints_of(list(index.frames.columns)) for axis in ("x", "y")]
        flat = self.xy.reshape(len(self.xy), -1)
        frames = index.frames.assign(**{name: flat[:, i] for i, name in enumerate(names)})
        spans = pd.DataFrame(self.spans, columns=_SPAN_COLUMNS)
        if index.per_frame or self.kind == "flips":
            touched = frames["clip_id"].isin(spans["clip_id"]).to_numpy(bool)
            label: NDArray[np.object_] = np.full(len(frames), None, object)
            if index.per_frame:
                known = frames["frame_label"].notna().to_numpy(bool)
                label[known] = frames["frame_label"].to_numpy(object)[known]
            label[touched] = self.label[touched]
            frames = frames.assign(frame_label=text(label))
        covered = index.covered(self.wrong)
        true = [_commonest(self.truth[a:b]) for a, b in zip(index.begin[covered], index.end[covered], strict=True)]
        return InjectedErrors(
            clips=validate(index.clips.assign(label=text(self.clip_label)), CLIPS, source="clips with injected errors"),
            frames=validate(frames, FRAMES, source="frames with injected errors"),
            spans=spans,
            windows=pd.DataFrame({"window_id": index.windows["window_id"].array[covered], "true_label": text(true)}),
        )


def inject_errors(index: SourceIndex, kind: str, *, share: float, seed: int) -> InjectedErrors:
    """Return a copy of the indexed source with errors of one kind; the same seed gives the same copy.

    ``share`` is that of the open clips for ``wrong_clip``, and of the audited windows for all others; fewer are injected where
    there is no room (changes between labels are few).
    """
    rng = np.random.default_rng([seed, INJECTED_KINDS.index(kind), round(share * 10_000)])
    copy = _Copy(index, kind)
    _INJECTORS[kind](copy, rng, share)
    return copy.tables()


def _wrong_clips(copy: _Copy, rng: np.random.Generator, share: float) -> None:
    index = copy.index
    candidates = np.flatnonzero(index.open)
    wanted = max(1, round(share * len(candidates)))
    shown = _clips_showing(index)
    for clip in rng.permutation(candidates):
        key = str(index.species[clip]), str(copy.clip_label[clip])
        others = index.others(*key) if key in index.target else []
        if not wanted or not others:
            continue
        own, new = index.target[key], str(rng.choice(others))
        holders, group = shown[key[0], own], index.group[clip]
        rows = np.arange(*index.bounds[clip : clip + 2])
        rows = rows[copy.label[rows] == key[1]]
        # A class that fewer than two groups show takes no part in an audit: its last two groups keep their labels.
        if not len(rows) or (holders[group] == 1 and len(holders) <= 2):
            continue
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            copy.mark(clip, slice(run[0], run[-1] + 1), given=new, true=key[1])
        copy.clip_label[clip] = new
        shown[key[0], own] = holders - Counter([group])
        shown[key[0], index.target[key[0], new]][group] += 1
        wanted -= 1


def _clips_showing(index: SourceIndex) -> dict[tuple[str, str], Counter[str]]:
    """Return, for every species and class, the number of clips of each group that show it."""
    shown: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    bouts = zip(index.clip, index.label[index.first], strict=True)
    for clip, label in dict.fromkeys((int(c), str(name)) for c, name in bouts):
        species = str(index.species[clip])
        shown[species, index.target[species, label]][str(index.group[clip])] += 1
    return shown


def _contaminated(copy: _Copy, rng: np.random.Generator, share: float) -> None:
    index = copy.index
    for host, rows in _places(copy, rng, share, span_ms=_SPLICED_MS, most=_MOST_OF_A_HOST):
        at = copy.time[rows] - copy.time[rows.start]
        donors, other_donor = _donors(index, host, lasting=int(at[-1]))
        if not len(donors):
            continue
        donor = int(rng.choice(donors))
        own = slice(index.first[donor], index.last[donor] + 1)
        begin = rng.uniform(copy.time[own.start], copy.time[own.stop - 1] - at[-1])
        poses = poses_at(copy.time[own], index.xy[own], at=begin + at)
        segment = fit_segment(poses, start=copy.xy[rows.start], end=copy.xy[rows.stop - 1], progress=at / at[-1])
        if segment is None:
            continue
        clip = int(index.clip[host])
        copy.xy[rows] = segment.xy
        copy.xy[rows.stop : index.bounds[clip + 1]] += segment.shift.astype(np.float32)
        given, true = str(index.label[rows.start]), str(index.label[own.start])
        copy.mark(clip, rows, given=given, true=true, other_donor=other_donor)


def _donors(index: SourceIndex, host: int, *, lasting: int) -> tuple[NDArray[np.int64], bool]:
    """Return the bouts whose poses may replace those of the host, and whether they are of another group.

    They are of the same group and another class. Poses of another group are taken only where the host's has no other class: its
    networks would then have seen the same poses under their own label, which makes the error easier to find than a real one.
    """
    species, group = index.bout_species, index.bout_group
    other = np.flatnonzero((species == species[host]) & (index.bout_class != index.bout_class[host]))
    chosen = other[group[other] == group[host]]
    other_donor = not len(chosen)
    if other_donor:
        ratio = index.scale[index.clip[other]] / index.scale[index.clip[host]]
        chosen = other[(ratio > 1 / _SIMILAR_SCALE) & (ratio < _SIMILAR_SCALE)]
    return chosen[index.lasting[chosen] >= lasting], other_donor


def _boundaries(copy: _Copy, rng: np.random.Generator, share: float) -> None:
    index, time = copy.index, copy.time
    follows = (np.diff(index.clip) == 0) & (index.last[:-1] + 1 == index.first[1:]) & (np.diff(index.bout_class) != 0)
    follows &= time[index.first[1:]] - time[index.last[:-1]] <= index.max_gap_ms
    for before in rng.permutation(np.flatnonzero(follows)):
        if copy.windows >= share * len(index.windows):
            return
        later = bool(rng.integers(2))
        shortened, lengthened = (before + 1, before) if later else (before, before + 1)
        first, last = index.first[shortened], index.last[shortened]
        most = min(_SHIFT_MS[1], _MOST_OF_A_BOUT * (time[last] - time[first]))
        if most < _SHIFT_MS[0]:
            continue
        shift = rng.uniform(_SHIFT_MS[0], most)
        own = time[first : last + 1]
        rows = (
            slice(first, first + np.searchsorted(own, own[0] + shift))
            if later
            else slice(first + np.searchsorted(own, own[-1] - shift, "right"), last + 1)
        )
        true, given = str(index.label[first]), str(index.label[index.first[lengthened]])
        copy.mark(int(index.clip[shortened]), rows, given=given, true=true)


def _flips(copy: _Copy, rng: np.random.Generator, share: float) -> None:
    index = copy.index
    for bout, rows in _places(copy, rng, share, span_ms=_FLIP_MS, most=1.0):
        clip, label = int(index.clip[bout]), str(index.label[rows.start])
        others = index.others(str(index.species[clip]), label)
        if others:
            copy.mark(clip, rows, given=str(rng.choice(others)), true=label)


def _places(
    copy: _Copy, rng: np.random.Generator, share: float, *, span_ms: tuple[float, float], most: float
) -> Iterator[tuple[int, slice]]:
    """Yield a bout and free rows in it, longer bouts more often, until enough windows are injected or no room is found."""
    index = copy.index
    roomy = np.flatnonzero(index.lasting * most >= span_ms[0])
    weight = np.cumsum(index.lasting[roomy])
    fruitless = 0
    while len(roomy) and copy.windows < share * len(index.windows) and fruitless < _FRUITLESS:
        before = copy.windows
        bout = int(roomy[np.searchsorted(weight, rng.uniform(0, weight[-1]), "right")])
        rows = _free_rows(copy, rng, bout, rng.uniform(span_ms[0], min(span_ms[1], most * index.lasting[bout])))
        if rows is not None:
            yield bout, rows
        fruitless = 0 if copy.windows > before else fruitless + 1


def _free_rows(copy: _Copy, rng: np.random.Generator, bout: int, length: float) -> slice | None:
    first = int(copy.index.first[bout])
    time = copy.time[first : copy.index.last[bout] + 1]
    start = int(rng.integers(max(np.searchsorted(time, time[-1] - length, "right"), 1)))
    stop = int(np.searchsorted(time, time[start] + length, "right"))
    rows = slice(first + start, first + stop)
    # Two frames may carry one time: a stretch of them would last nothing.
    return None if time[stop - 1] == time[start] or copy.taken[rows].any() else rows


def _commonest(names: NDArray[np.object_]) -> str:
    return str(Counter(n for n in names if n is not None).most_common(1)[0][0])


_INJECTORS: dict[str, Callable[[_Copy, np.random.Generator, float], None]] = {
    "wrong_clip": _wrong_clips,
    "contaminated": _contaminated,
    "boundary": _boundaries,
    "flips": _flips,
}
