"""What is done about frames out of order, frames given twice, times that are missing, and coordinates that cannot be.

The same rules for every format, and the same words.

| found | outcome |
|---|---|
| frames out of order | sorted; noted |
| a frame twice, the same both times | kept once; noted |
| a frame twice, given differently | the clip is rejected (in a table with the cause: :mod:`pipeline.readers.tables.repeats`) |
| a frame number or a time that cannot be: negative, too large, infinite | the clip is rejected |
| a time that is missing | computed from the frame number and the clip's frame rate; noted |
| a time that is missing where fewer than two frames have one, and no frame rate is declared | the clip is rejected |
| time that does not advance while frame numbers rise, in whole milliseconds | the clip is rejected |
| a pause that frame numbers do not count | the frame rate is that between pauses; noted |
| frame numbers that are skipped where time runs on | the times are taken; noted |
| times that make no likely frame rate, or another than is declared | taken as they are; noted, with the guess |
| a frame rate that one frame cannot tell | 30 is assumed; noted |
| a coordinate that is NaN or infinite | that keypoint is missing; noted |
| a coordinate more than ten picture sizes away | that keypoint is missing; noted |
| one coordinate without the other | that keypoint is missing; noted |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.readers.pauses import medians, rise_in, skipped_numbers, uncounted_pauses
from pipeline.readers.time_units import likely_unit

UNSIZED_LIMIT = 1e6
"""Largest coordinate that is believed where the picture's size is not known."""

LARGEST = np.iinfo(np.int32).max
"""Largest frame number and time in ms."""

ASSUMED_RATE = 30.0
"""Frames a second that are assumed where a clip's frames give no rate, because there is only one."""

ASSUMED_RATE_NOTE = f"one frame cannot tell the frame rate: {ASSUMED_RATE:g} is assumed"

_RATES = np.array([12.0, 12.5, 14.985, 15.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0])


class Unreadable(Exception):  # noqa: N818 - not an error of the program: it ends the reading of one clip
    """A clip or file cannot be read: where, and why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


def order_frames(
    number: NDArray[np.int64], time: NDArray[np.float64], xy: NDArray[np.float32], *, place: str
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the rows to keep, in order of frame number, and what was repaired.

    Parameters
    ----------
    number, time : shape (frames,)
        Frame numbers, and times in ms as written, not yet whole.
    xy : float32, shape (frames, keypoints, 2)
        Pixels, NaN where missing.
    place : str
        How the format names a row, with ``{row}`` in it, for messages.

    Raises
    ------
    Unreadable
        A number or time cannot be, a frame is given twice in different ways, or time does not advance.
    """
    wrong = np.flatnonzero((number < 0) | (number > LARGEST) | ~np.isfinite(time) | (time < 0) | (time > LARGEST))
    if len(wrong):
        bad = int(wrong[0])
        raise Unreadable(place.format(row=bad), f"frame {number[bad]} at {time[bad]:g} ms cannot be{likely_unit(number, time)}")
    written, time = time, np.rint(time)
    order = np.argsort(number, kind="stable")
    notes = {"frames were out of order: sorted": 1} if (np.diff(number) < 0).any() else {}
    again = np.flatnonzero(np.diff(number[order]) == 0) + 1
    if len(again):
        one, other = order[again - 1], order[again]
        alike = (xy[one] == xy[other]) | (np.isnan(xy[one]) & np.isnan(xy[other]))
        differing = other[(time[one] != time[other]) | ~alike.all(axis=(1, 2))]
        if len(differing):
            row = int(differing[0])
            frames = f"{len(np.unique(number[differing])):,} of {len(np.unique(number)):,} frames"
            raise Unreadable(place.format(row=row), f"frame {number[row]} is given twice, in different ways, {frames} are")
        notes["a frame was given twice, the same both times: kept once"] = len(again)
        order = np.delete(order, again)
    back = np.flatnonzero(np.diff(time[order]) <= 0)
    if len(back):
        late = int(order[back[0] + 1])
        raise Unreadable(
            place.format(row=late),
            f"frame {number[late]} comes at {written[late]:g} ms, not after the frame before it in whole milliseconds"
            + likely_unit(number[order], written[order]),
        )
    return order, notes


def repair_coordinates(xy: NDArray[np.float64], *, limit: float) -> tuple[NDArray[np.float32], dict[str, int]]:
    """Return coordinates as float32 with impossible keypoints missing (NaN), and what was repaired, with the number of keypoints.

    Parameters
    ----------
    xy : float64, shape (frames, keypoints, 2)
        Pixels, NaN where missing.
    limit : float
        Largest coordinate that is believed, in pixels.
    """
    found = impossible_keypoints(xy, limit=limit)
    notes = {note: int(rows.sum()) for note, rows in found.items()}
    for rows in found.values():
        xy = np.where(rows[..., None], np.nan, xy)
    return xy.astype(np.float32), notes


def impossible_keypoints(xy: NDArray[np.float64], *, limit: float) -> dict[str, NDArray[np.bool_]]:
    """Return for each fault of keypoints that occurs where it does, shape (frames, keypoints), by the note about it."""
    finite, large = np.isfinite(xy), ~(np.abs(xy) <= limit)
    if finite.all() and not large.any():
        return {}
    infinite = np.isinf(xy[..., 0]) | np.isinf(xy[..., 1])
    far = ((finite & large)[..., 0] | (finite & large)[..., 1]) & ~infinite
    half = (finite[..., 0] ^ finite[..., 1]) & ~infinite & ~far
    found = {
        "a coordinate was infinite: the keypoint is missing": infinite,
        f"a coordinate was beyond {limit:g} pixels: the keypoint is missing": far,
        "a keypoint had only one coordinate: it is missing": half,
    }
    return {note: rows for note, rows in found.items() if rows.any()}


def fill_times(
    number: NDArray[np.int64], time: NDArray[np.float64], *, place: str, rate: float | None = None
) -> tuple[NDArray[np.float64], dict[str, int]]:
    """Return times in ms; one that is missing (NaN) follows from its frame number and the clip's frame rate.

    Parameters
    ----------
    number, time : shape (frames,)
        Frame numbers in any order, and times in ms.
    place : str
        How the format names a row, with ``{row}`` in it, for messages.
    rate : float, optional
        Frames a second where the source declares it; otherwise that of the other frames.

    Raises
    ------
    Unreadable
        A time is missing, and too few other frames have one for a rate.
    """
    missing = np.isnan(time)
    if not missing.any():
        return time, {}
    known = np.flatnonzero(np.isfinite(time))
    known = known[np.argsort(number[known], kind="stable")]
    # Numbers that cannot be overflow here, and are refused when the frames are put in order.
    with np.errstate(all="ignore"):
        # One frame would do for `frame_rate`, on the guess that its video starts at zero; a guess is no ground for other times.
        rate = rate or (frame_rate(number[known], time[known]) if len(known) > 1 else None)
        if rate is None:
            raise Unreadable(
                place.format(row=int(missing.argmax())),
                "is missing, and too few other frames have one for a frame rate: add the time in milliseconds",
            )
        start = np.median(time[known] - number[known] * 1000.0 / rate) if len(known) else 0.0
        computed = np.maximum(start + number * 1000.0 / rate, 0.0)
    return np.where(missing, computed, time), {"a time was missing: computed from the frame number": int(missing.sum())}


def frame_rate(number: NDArray[np.int64], time: NDArray[np.float64]) -> float | None:
    """Return a video's frames a second from ordered frame numbers and times in ms, or None where they give none."""
    rate = float(frame_rates(number, time, np.zeros(1, np.int64))[0])
    return None if np.isnan(rate) else rate


def frame_rates(number: NDArray[np.int64], time: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the frames a second of many clips that lie one after the other, NaN where their frames give none.

    The median over the frames of a clip, so that one wrong time does no harm, snapped to a usual rate within 1 %. Left out is
    where times and frame numbers disagree (:mod:`pipeline.readers.pauses`).

    Parameters
    ----------
    number, time : shape (frames,)
        Frame numbers, and times in ms, in order within each clip.
    first : int64, shape (clips,)
        Where each clip begins.
    """
    length = np.diff(first, append=len(number))
    clip = np.repeat(np.arange(len(first)), length)
    mismatched = uncounted_pauses(number, time, first) | skipped_numbers(number, time, first)
    if mismatched.any():
        number, time = (values - rise_in(values, mismatched, first) for values in (number, time))
    # A clip of one frame still has a rate when it does not start at zero.
    several = (length > 1)[clip]
    steps = number - np.where(several, number[first][clip], 0)
    elapsed = time - np.where(several, time[first][clip], 0.0)
    known = (elapsed > 0) & (steps > 0)
    # The longest spans know best: rounding of a frame or a millisecond weighs least there.
    middle = medians(elapsed[known], clip[known], len(first))
    late = known & (elapsed >= middle[clip])
    return _snapped(medians(steps[late] * 1000.0 / elapsed[late], clip[late], len(first)))


def _snapped(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frames a second, each moved to a usual rate that lies within 1 %; shape (n,)."""
    near = _RATES[np.abs(rates[:, None] - _RATES).argmin(axis=1)]
    return np.where(np.abs(near - rates) <= 0.01 * near, near, rates)
