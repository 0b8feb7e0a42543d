"""Where a clip's times and frame numbers disagree: pauses that numbers do not count, and numbers skipped where time runs on.

Times are taken, for windows are cut by them; which of the two is right only people know, so that it is noted, with the way out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PAUSE = 3.0
"""How many times as long as usual a frame must take to be one after a pause: a wrong time makes it take twice as long at most."""

_SKIP = 1.5
"""How many times as long as it does a frame should take by its number for numbers to be skipped: twice where it is only one."""

_RIGHT = "; where the numbers are right, leave the times out and give fps"

_SKIPPED = (
    "frame numbers are skipped where time runs on: the times are taken, and windows span the place; if frames are missing there, "
    "correct the times, or leave them out and give fps"
)


def uncounted_pauses(number: NDArray[np.int64], time: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which frames come after a pause in which time went on and frame numbers did not, shape (frames,).

    These are frames that come more than three times as late as their number says, by the median of their clip.

    Parameters
    ----------
    number, time, first
        See :func:`pipeline.readers.checks.frame_rates`.
    """
    apart, due, _ = _steps(number, time, first)
    # Times are whole milliseconds: one more or less is no pause.
    return np.asarray(apart > _PAUSE * due + 1.0)


def skipped_numbers(number: NDArray[np.int64], time: NDArray[np.float64], first: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which frames come at once although numbers before theirs are skipped, shape (frames,).

    Parameters
    ----------
    number, time, first
        See :func:`pipeline.readers.checks.frame_rates`.
    """
    apart, due, steps = _steps(number, time, first)
    return np.asarray((steps > 1) & (_SKIP * (apart + 1.0) < due))


def _steps(
    number: NDArray[np.int64], time: NDArray[np.float64], first: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return how long after the frame before each comes, how long it should by its number, and its step in numbers.

    The number counts by the median of the clip. Times are NaN for the first frame of a clip, and where either does not rise.
    """
    clip = np.repeat(np.arange(len(first)), np.diff(first, append=len(number)))
    steps, apart = np.diff(number, prepend=number[:1]), np.diff(time, prepend=time[:1])
    inner = (np.diff(clip, prepend=-1) == 0) & (steps > 0) & (apart > 0)
    usual = medians(apart[inner] / steps[inner], clip[inner], len(first))
    return np.where(inner, apart, np.nan), np.where(inner, usual[clip] * steps, np.nan), steps


def mismatch_notes(number: NDArray[np.int64], time: NDArray[np.float64]) -> dict[str, int]:
    """Return what to say of a clip where its times and frame numbers disagree: how often, and how long the pauses are."""
    first = np.zeros(1, np.int64)
    skipped = int(skipped_numbers(number, time, first).sum())
    return _pause_notes(time, uncounted_pauses(number, time, first)) | ({_SKIPPED: skipped} if skipped else {})


def rise_in(values: NDArray[Any], marked: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[Any]:
    """Return by how much the values of each frame rose at the marked frames since the start of its clip."""
    rise = np.cumsum(np.where(marked, np.diff(values, prepend=values[:1]), 0))
    return np.asarray(rise - np.repeat(rise[first], np.diff(first, append=len(values))))


def _pause_notes(time: NDArray[np.float64], paused: NDArray[np.bool_]) -> dict[str, int]:
    """Return what to say of a clip's pauses that its frame numbers do not count: how many there are, and how long."""
    pauses = np.diff(time, prepend=time[:1])[paused]
    if not len(pauses):
        return {}
    many = f"{len(pauses):,} pauses, {_seconds(pauses.sum())} in all," if len(pauses) > 1 else f"a pause of {_seconds(pauses[0])}"
    return {f"{many} that frame numbers do not count: the frame rate is that between pauses{_RIGHT}": 1}


def _seconds(ms: float) -> str:
    return f"{ms / 1000:,.0f} s" if ms >= 10_000 else f"{ms / 1000:.2g} s"


def medians(values: NDArray[np.float64], group: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return the median of each group, shape (count,), NaN where it has no value; ``group`` is in order."""
    values = values[np.lexsort((values, group))]
    size = np.bincount(group, minlength=count)
    start = np.cumsum(size) - size
    found = np.full(count, np.nan)
    some = size > 0
    low, high = (start + (size - 1) // 2)[some], (start + size // 2)[some]
    found[some] = (values[low] + values[high]) / 2
    return found
