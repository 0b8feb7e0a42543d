"""Keypoints that were not seen, but written as a place all the same: (0, 0), (-1, -1), or the same place again and again.

Many pose estimators have no empty value. What they write instead is a place in the picture, into which the keypoint leaps and out
of which it leaps again. So that a keypoint that crosses the origin stays, what counts is how it got there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Place = tuple[float, float]

_USUAL: tuple[Place, ...] = ((0.0, 0.0), (-1.0, -1.0))
_LOW = 0.05
"""Confidence up to which a keypoint at a usual place was not seen, however it got there."""
_FAR_STEPS = 5.0
"""A leap is longer than so many median steps of the keypoint..."""
_FAR_SHARE = 0.05
"""...and than this share of the picture that the keypoint moves in."""
_FEW = 3
"""Times that a keypoint that is never anywhere else must be at a usual place."""
_LANDINGS = 5
"""Separate leaps into one and the same place that make it one where nothing is seen, though it is no usual one."""
_MOSTLY = 0.9
"""Share of its frames in which the keypoint that the coordinates are centred on lies at their origin."""
_SAMPLE = 20_000
"""Frames by which it is measured how far a keypoint steps, and on which sides of a place the others lie."""


@dataclass(frozen=True)
class UnseenPlace:
    """Where (bool, shape (rows,)) a keypoint, by its place in the skeleton, is at a place at which nothing was seen."""

    keypoint: int
    place: Place
    rows: BoolArray


def unseen_keypoints(
    points: FloatArray,
    clip: IntArray,
    confidences: Sequence[NDArray[np.floating] | None] = (),
    *,
    any_place: bool = False,
) -> Iterator[UnseenPlace]:
    """Yield the keypoints that stand at a place where nothing was seen.

    A keypoint was not seen where it is at a usual place, (0, 0) or (-1, -1), exactly, and its confidence is next to nothing; or
    where keypoints leap into that place and out of it more often than they come to it in steps; or where it is at that place
    throughout. A keypoint that lies at the origin throughout, with the others around it, is what the coordinates are centred on,
    and stays.

    Parameters
    ----------
    points : float32, shape (2 x keypoints, rows)
        x and y of each keypoint, NaN where missing; clips one after the other, by frame number within each.
    clip : int64, shape (rows,)
    confidences : sequence, optional
        The confidence of each keypoint, shape (rows,), NaN where unknown; None where it has none.
    any_place : bool
        Look for places that keypoints leap into again and again, too, such as (0, 0) after a crop.
    """
    keypoints = len(points) // 2
    known = [*confidences, *[None] * (keypoints - len(confidences))]
    for place in _USUAL:
        yield from _at_usual_place(points, clip, known, place)
    if any_place:
        for i in range(keypoints):
            yield from _where_it_lands(points[2 * i : 2 * i + 2], clip, i)


def unseen_note(place: Place) -> str:
    """Return the note about keypoints at a place where nothing was seen; :func:`unseen_places` finds the place in it again."""
    return f"at exactly ({place[0]:.9g}, {place[1]:.9g}), as where nothing was seen: missing"


def unseen_places(notes: Iterable[str]) -> tuple[Place, ...]:
    """Return the places where nothing was seen that notes name."""
    number = r"(-?[\d.e+-]+)"
    found = (re.match(rf"(?:a keypoint )?at exactly \({number}, {number}\), as where nothing was seen", note) for note in notes)
    return tuple(sorted({(float(m[1]), float(m[2])) for m in found if m}))


def _at_usual_place(
    points: FloatArray, clip: IntArray, confidences: Sequence[NDArray[np.floating] | None], place: Place
) -> Iterator[UnseenPlace]:
    at = {i: rows for i in range(len(points) // 2) if (rows := _exactly(points[2 * i : 2 * i + 2], place)).any()}
    if not at:
        return
    low = {i: rows & (confidence <= _LOW) for i, rows in at.items() if (confidence := confidences[i]) is not None}
    edges = {i: _edges(points[2 * i : 2 * i + 2], rows, clip) for i, rows in at.items()}
    proven = any(leaps > steps for leaps, steps in edges.values()) or sum(int(rows.sum()) for rows in low.values()) >= _FEW
    for i, rows in at.items():
        own_leaps, own_steps = edges[i]
        seen = np.isfinite(points[2 * i]) & np.isfinite(points[2 * i + 1])
        always = rows.sum() >= _MOSTLY * seen.sum()
        moves_there = own_steps > own_leaps or (always and _surrounded(points, i, place))
        unseen = proven or (always and rows.sum() >= _FEW)
        missing = rows if unseen and not moves_there else low.get(i, np.zeros_like(rows))
        if missing.any():
            yield UnseenPlace(i, place, missing)


def _where_it_lands(xy: FloatArray, clip: IntArray, keypoint: int) -> Iterator[UnseenPlace]:
    """Yield the places that a keypoint leaps into again and again, and never comes to otherwise."""
    distance = _distances(xy)
    landed = np.flatnonzero((np.diff(clip) == 0) & (distance > _far(xy, distance[:0]))) + 1
    if len(landed) < _LANDINGS:
        return
    places, counts = np.unique(xy[:, landed], axis=1, return_counts=True)
    for x, y in places[:, counts >= _LANDINGS].T.tolist():
        rows = _exactly(xy, (x, y))
        leaps, steps = _edges(xy, rows, clip)
        # A thing that is put from place to place never moves otherwise.
        moves = _usual_step(_steps_elsewhere(xy, rows, clip)) > 0
        if (x, y) not in _USUAL and moves and leaps >= 2 * _LANDINGS - 1 and not steps:
            yield UnseenPlace(keypoint, (x, y), rows)


def _exactly(xy: FloatArray, place: Place) -> BoolArray:
    return np.asarray((xy[0] == place[0]) & (xy[1] == place[1]))


def _edges(xy: FloatArray, at: BoolArray, clip: IntArray) -> tuple[int, int]:
    """Return how often a keypoint leaps into or out of a place, and how often it comes or goes in steps."""
    distance = _distances(xy)
    crossing = (np.diff(clip) == 0) & np.isfinite(distance) & (at[1:] != at[:-1])
    leaps = distance[crossing] > _far(xy[:, ~at], _steps_elsewhere(xy, at, clip))
    return int(leaps.sum()), int((~leaps).sum())


def _steps_elsewhere(xy: FloatArray, at: BoolArray, clip: IntArray) -> FloatArray:
    """Return how far a keypoint moves from one sighting to the next, without those at a place."""
    seen = ~at & np.isfinite(xy).all(axis=0)
    return np.asarray(_distances(xy[:, seen])[np.diff(clip[seen]) == 0])


def _distances(xy: FloatArray) -> FloatArray:
    """Return how far a keypoint moves from each row to the next, shape (rows - 1,)."""
    return np.asarray(np.sqrt((np.diff(xy, axis=1) ** 2).sum(axis=0)))


def _far(xy: FloatArray, steps: FloatArray) -> float:
    """Return the length from which a step of a keypoint is a leap, by a sample of its places and steps."""
    seen = xy[:, :: max(1, xy.shape[1] // _SAMPLE)]
    seen = seen[:, np.isfinite(seen).all(axis=0)]
    if not seen.size:
        return 0.0
    return max(_FAR_STEPS * _usual_step(steps), _FAR_SHARE * float(np.ptp(seen, axis=1).max()))


def _usual_step(steps: FloatArray) -> float:
    """Return the median of a sample of steps, 0 where there is none."""
    steps = steps[:: max(1, len(steps) // _SAMPLE)]
    steps = steps[np.isfinite(steps)]
    return float(np.median(steps)) if len(steps) else 0.0


def _surrounded(points: FloatArray, keypoint: int, place: Place) -> bool:
    """Tell whether the other keypoints lie on all sides of a place."""
    rows = slice(None, None, max(1, points.shape[1] // _SAMPLE))
    others = np.delete(points[:, rows].reshape(len(points) // 2, 2, -1), keypoint, axis=0)
    for axis in (0, 1):
        values = others[:, axis][np.isfinite(others[:, axis]) & (others[:, axis] != place[axis])]
        below = float((values < place[axis]).mean()) if len(values) else 0.0
        if not 0.05 <= below <= 0.95:
            return False
    return True
