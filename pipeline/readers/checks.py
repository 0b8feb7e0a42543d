"""What is done about frames out of order, frames told twice, and coordinates that cannot be.

| found | outcome |
|---|---|
| frames out of order | sorted; noted |
| a frame twice, the same both times | kept once; noted |
| a frame twice, told differently | the clip is rejected |
| time that runs backwards while frame numbers rise | the clip is rejected |
| a coordinate that is not a number, or infinite | that keypoint is missing; noted |
| a coordinate more than ten picture sizes away | that keypoint is missing; noted |
| one coordinate without the other | that keypoint is missing; noted |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNSIZED_LIMIT", "Unreadable", "frame_rate", "mend_coordinates", "order_frames"]

UNSIZED_LIMIT = 1e6
"""Largest coordinate that is believed where the picture's size is not known."""

_MOST = np.iinfo(np.int32).max
_STANDARD_RATES = (12.0, 12.5, 14.985, 15.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0)


class Unreadable(Exception):  # noqa: N818 - not an error of the program: it ends the reading of one clip
    """A clip cannot be read: where, and why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


def order_frames(
    number: NDArray[np.int64], time: NDArray[np.float64], xy: NDArray[np.float32], *, place: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows to keep, in order of frame number, and what was mended.

    Parameters
    ----------
    place : str
        How the format names a row, with ``{row}`` in it, for messages.

    Raises
    ------
    Unreadable
        A number or time cannot be, a frame is told twice in different ways, or time runs backwards.
    """
    wrong = np.flatnonzero((number < 0) | (number > _MOST) | ~np.isfinite(time) | (time < 0) | (time > _MOST))
    if len(wrong):
        bad = int(wrong[0])
        raise Unreadable(place.format(row=bad), f"frame {number[bad]} at {time[bad]:g} ms cannot be")
    order = np.argsort(number, kind="stable")
    notes = ["frames were out of order: sorted"] if (np.diff(number) < 0).any() else []
    sorted_number = number[order]
    again = np.flatnonzero(np.diff(sorted_number) == 0) + 1
    for row in again:
        one, other = order[row - 1], order[row]
        if time[one] != time[other] or not np.array_equal(xy[one], xy[other], equal_nan=True):
            raise Unreadable(place.format(row=int(other)), f"frame {number[other]} is told twice, in different ways")
    if len(again):
        notes.append("a frame was told twice, the same both times: kept once")
        order = np.delete(order, again)
    back = np.flatnonzero(np.diff(time[order]) <= 0)
    if len(back):
        late = int(order[back[0] + 1])
        raise Unreadable(
            place.format(row=late), f"frame {number[late]} comes at {time[late]:g} ms, not after the frame before it"
        )
    return order, notes


def mend_coordinates(xy: NDArray[np.float64], *, limit: float) -> tuple[NDArray[np.float32], list[str]]:
    """Return coordinates as float32 with impossible keypoints missing (NaN), and what was mended, a note for each keypoint.

    Parameters
    ----------
    xy : float64, shape (frames, keypoints, 2)
        NaN where missing.
    limit : float
        Largest coordinate that is believed, in pixels.
    """
    notes: list[str] = []
    finite = np.isfinite(xy)
    half = finite.any(axis=2) & ~finite.all(axis=2)
    infinite = np.isinf(xy).any(axis=2)
    with np.errstate(invalid="ignore"):
        far = (np.nanmax(np.abs(np.where(finite, xy, 0.0)), axis=2) > limit) & ~infinite
    for found, note in (
        (infinite, "a coordinate was infinite: the keypoint is missing"),
        (far, f"a coordinate was beyond {limit:g} pixels: the keypoint is missing"),
        (half & ~infinite & ~far, "a keypoint had only one coordinate: it is missing"),
    ):
        notes += [note] * int(found.sum())
    return np.where((half | infinite | far)[..., None], np.nan, xy).astype(np.float32), notes


def frame_rate(number: NDArray[np.floating] | NDArray[np.int64], time: NDArray[np.float64]) -> float:
    """Return the video's frames a second: the median over the frames, snapped to a usual rate within 1 %."""
    steps, elapsed = number - number[0], time - time[0]
    known = elapsed > 0
    if not known.any():
        known, steps, elapsed = time > 0, number, time
    if not known.any():
        return 30.0
    # The longest spans know best: rounding of a frame or a millisecond weighs least there.
    late = known & (elapsed >= np.median(elapsed[known]))
    rate = float(np.median(steps[late] * 1000.0 / elapsed[late]))
    near = min(_STANDARD_RATES, key=lambda r: abs(r - rate))
    return near if abs(near - rate) <= 0.01 * near else max(rate, 1e-3)
