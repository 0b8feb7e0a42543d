"""Plant known label errors in a copy of audited data: what was there stays as it is, and what was planted is written down.

- ``wrong_clip``: a clip gets another label of its species. Where frames are labelled one by one, all frames of the clip that
  carry the clip's label get the other one, as when a coder takes one code for another.
- ``contaminated``: 1 to 6 seconds of a bout are replaced by poses of a bout of the same animal with another label, moved and
  scaled to fit (:mod:`pipeline.selftest.grafts`), at the host's own times.
- ``boundary``: a change between two frame labels is moved by 0.3 to 1.5 seconds.
- ``flips``: stretches of about a second get another label. Where there is a label per clip, the copy gets a label per frame:
  no such error can lie in data with one label a clip, but scattered flips are the yardstick that methods are compared by.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from data_schemas.tables import PLANTED_KINDS
from pipeline.selftest.grafts import fit_graft, poses_at
from pipeline.selftest.ground import Ground
from pipeline.selftest.planted import Copy, Planted

__all__ = ["plant"]

_GRAFT_MS = (1000.0, 6000.0)
_MOST_OF_A_HOST = 0.5
_SHIFT_MS = (300.0, 1500.0)
_MOST_OF_A_BOUT = 0.4
_FLIP_MS = (800.0, 1400.0)
_SIMILAR_SCALE = 1.25
_FRUITLESS = 300


def plant(ground: Ground, kind: str, *, share: float, seed: int) -> Planted:
    """Return a copy of the ground with errors of one kind; the same seed gives the same copy.

    ``share`` is that of the open clips for ``wrong_clip``, and of the audited windows for all others; fewer are planted where
    there is no room (changes between labels are few).
    """
    rng = np.random.default_rng([seed, PLANTED_KINDS.index(kind), round(share * 10_000)])
    copy = Copy(ground, kind)
    _PLANTERS[kind](copy, rng, share)
    return copy.planted()


def _wrong_clips(copy: Copy, rng: np.random.Generator, share: float) -> None:
    ground = copy.ground
    candidates = np.flatnonzero(ground.open)
    wanted = max(1, round(share * len(candidates)))
    shown = _clips_showing(ground)
    for clip in rng.permutation(candidates):
        key = str(ground.species[clip]), str(copy.clip_label[clip])
        others = ground.others(*key) if key in ground.target else []
        if not wanted or not others:
            continue
        own, new = ground.target[key], str(rng.choice(others))
        holders, group = shown[key[0], own], ground.group[clip]
        rows = np.arange(*ground.bounds[clip : clip + 2])
        rows = rows[copy.label[rows] == key[1]]
        # A class that fewer than two groups show takes no part in an audit: the last two are left in peace.
        if not len(rows) or (holders[group] == 1 and len(holders) <= 2):
            continue
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            copy.mark(clip, slice(run[0], run[-1] + 1), given=new, true=key[1])
        copy.clip_label[clip] = new
        shown[key[0], own] = holders - Counter([group])
        shown[key[0], ground.target[key[0], new]][group] += 1
        wanted -= 1


def _clips_showing(ground: Ground) -> dict[tuple[str, str], Counter[str]]:
    """Return, for every species and class, the number of clips of each group that show it."""
    shown: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    bouts = zip(ground.clip, ground.label[ground.first], strict=True)
    for clip, label in dict.fromkeys((int(c), str(name)) for c, name in bouts):
        species = str(ground.species[clip])
        shown[species, ground.target[species, label]][str(ground.group[clip])] += 1
    return shown


def _contaminated(copy: Copy, rng: np.random.Generator, share: float) -> None:
    ground = copy.ground
    for host, rows in _places(copy, rng, share, span_ms=_GRAFT_MS, most=_MOST_OF_A_HOST):
        at = copy.time[rows] - copy.time[rows.start]
        donors, elsewhere = _donors(ground, host, lasting=int(at[-1]))
        if not len(donors):
            continue
        donor = int(rng.choice(donors))
        own = slice(ground.first[donor], ground.last[donor] + 1)
        begin = rng.uniform(copy.time[own.start], copy.time[own.stop - 1] - at[-1])
        poses = poses_at(copy.time[own], ground.xy[own], at=begin + at)
        graft = fit_graft(poses, start=copy.xy[rows.start], end=copy.xy[rows.stop - 1], progress=at / at[-1])
        if graft is None:
            continue
        clip = int(ground.clip[host])
        copy.xy[rows] = graft.xy
        copy.xy[rows.stop : ground.bounds[clip + 1]] += graft.shift.astype(np.float32)
        given, true = str(ground.label[rows.start]), str(ground.label[own.start])
        copy.mark(clip, rows, given=given, true=true, elsewhere=elsewhere)


def _donors(ground: Ground, host: int, *, lasting: int) -> tuple[NDArray[np.int64], bool]:
    """Return the bouts that poses may come from, and whether they are of another group.

    They are of the same group and another class. Poses of another group are taken only where the host's has no other class: its
    networks would then have seen the same poses under their own label, which makes the error easier to find than a real one.
    """
    species, group = ground.bout_species, ground.bout_group
    other = np.flatnonzero((species == species[host]) & (ground.bout_class != ground.bout_class[host]))
    chosen = other[group[other] == group[host]]
    elsewhere = not len(chosen)
    if elsewhere:
        ratio = ground.scale[ground.clip[other]] / ground.scale[ground.clip[host]]
        chosen = other[(ratio > 1 / _SIMILAR_SCALE) & (ratio < _SIMILAR_SCALE)]
    return chosen[ground.lasting[chosen] >= lasting], elsewhere


def _boundaries(copy: Copy, rng: np.random.Generator, share: float) -> None:
    ground, time = copy.ground, copy.time
    follows = (np.diff(ground.clip) == 0) & (ground.last[:-1] + 1 == ground.first[1:]) & (np.diff(ground.bout_class) != 0)
    follows &= time[ground.first[1:]] - time[ground.last[:-1]] <= ground.max_gap_ms
    for before in rng.permutation(np.flatnonzero(follows)):
        if copy.windows >= share * len(ground.windows):
            return
        later = bool(rng.integers(2))
        eaten, grown = (before + 1, before) if later else (before, before + 1)
        first, last = ground.first[eaten], ground.last[eaten]
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
        true, given = str(ground.label[first]), str(ground.label[ground.first[grown]])
        copy.mark(int(ground.clip[eaten]), rows, given=given, true=true)


def _flips(copy: Copy, rng: np.random.Generator, share: float) -> None:
    ground = copy.ground
    for bout, rows in _places(copy, rng, share, span_ms=_FLIP_MS, most=1.0):
        clip, label = int(ground.clip[bout]), str(ground.label[rows.start])
        others = ground.others(str(ground.species[clip]), label)
        if others:
            copy.mark(clip, rows, given=str(rng.choice(others)), true=label)


def _places(
    copy: Copy, rng: np.random.Generator, share: float, *, span_ms: tuple[float, float], most: float
) -> Iterator[tuple[int, slice]]:
    """Yield a bout and free rows in it, longer bouts more often, until enough windows are planted or no room is found."""
    ground = copy.ground
    roomy = np.flatnonzero(ground.lasting * most >= span_ms[0])
    weight = np.cumsum(ground.lasting[roomy])
    fruitless = 0
    while len(roomy) and copy.windows < share * len(ground.windows) and fruitless < _FRUITLESS:
        before = copy.windows
        bout = int(roomy[np.searchsorted(weight, rng.uniform(0, weight[-1]), "right")])
        rows = _free_rows(copy, rng, bout, rng.uniform(span_ms[0], min(span_ms[1], most * ground.lasting[bout])))
        if rows is not None:
            yield bout, rows
        fruitless = 0 if copy.windows > before else fruitless + 1


def _free_rows(copy: Copy, rng: np.random.Generator, bout: int, length: float) -> slice | None:
    first = int(copy.ground.first[bout])
    time = copy.time[first : copy.ground.last[bout] + 1]
    start = int(rng.integers(max(np.searchsorted(time, time[-1] - length, "right"), 1)))
    stop = int(np.searchsorted(time, time[start] + length, "right"))
    rows = slice(first + start, first + stop)
    # Two frames may carry one time: a stretch of them would last nothing.
    return None if time[stop - 1] == time[start] or copy.taken[rows].any() else rows


_PLANTERS: dict[str, Callable[[Copy, np.random.Generator, float], None]] = {
    "wrong_clip": _wrong_clips,
    "contaminated": _contaminated,
    "boundary": _boundaries,
    "flips": _flips,
}
