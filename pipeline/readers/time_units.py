"""What times are likely to be when they make no likely frame rate: seconds, microseconds, numbers of frames.

Nothing is converted on a guess: it is noted, with the way to declare what is meant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FASTEST = 990.0
"""Frames a second from which times are asked about: cameras are seldom as fast, and numbers of frames make 1,000."""

_SLOWEST = 0.99
"""Frames a second below which times are asked about."""

_ROUND = 0.02
"""Difference between two frame rates, as a share, that rounding and a clock that runs unevenly make."""

_UNITS = (
    (1e-3, "seconds", "multiply by 1,000"),
    (1e3, "microseconds", "divide by 1,000"),
    (1e6, "nanoseconds", "divide by 1,000,000"),
)
"""Milliseconds in a unit, its name, and what makes milliseconds of it."""

_LARGEST = float(np.iinfo(np.int32).max)


def frame_rates_agree(
    declared: NDArray[np.float64], measured: NDArray[np.float64], elapsed_ms: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell for each clip whether its declared frame rate is the one that its times make, where both are known; shape (clips,).

    Parameters
    ----------
    elapsed_ms : float64, shape (clips,)
        Time from the first frame of a clip to its last: of a short one whole milliseconds give the rate less exactly.
    """
    known = ~np.isnan(declared) & ~np.isnan(measured) & (elapsed_ms > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        same = np.abs(declared - measured) <= (_ROUND + 1.0 / elapsed_ms) * np.maximum(declared, measured)
    return ~known | same


def frame_rate_note(rate: float, *, declared: float | None = None, by_row: bool = False, column: str | None = None) -> str | None:
    """Return what to say of a clip's times, or None where they are likely to be milliseconds.

    Parameters
    ----------
    rate : float
        Frames a second that the times make.
    declared : float, optional
        Frames a second that the source declares, where the times make others.
    by_row : bool
        The times rise by one a row.
    column : str, optional
        Where the times stand, in a table, whose column fps can confirm them.
    """
    if declared is None and _SLOWEST <= rate < _FASTEST:
        return None
    guess = _COUNTED if by_row else _guess(1000.0 / rate)
    made = f"{column or 'the times'} make{'s' if column else ''} {_rate(rate)} a second"
    if declared is not None:
        return f"{made} and fps says {_rate(declared).split()[0]}: {column} is taken" + (f"; these {guess}" if guess else "")
    right = f"; where they are right, a column fps of {float(f'{rate:.7g}'):.12g} says so" if column else ""
    return f"{made}: " + (f"these {guess}" if guess else "is that right?") + right


def likely_unit(number: NDArray[np.int64], time: NDArray[np.float64]) -> str:
    """Return, to be added to the reason why a clip is refused, what its times look like; empty where like milliseconds.

    Parameters
    ----------
    number, time : shape (frames,)
        Frame numbers, and times as written.
    """
    with np.errstate(all="ignore"):
        steps, apart = np.diff(number.astype(np.float64)), np.diff(time)
        ahead = (steps > 0) & np.isfinite(apart)
        step = float(np.median(apart[ahead] / steps[ahead])) if ahead.any() else np.nan
    if not (np.isfinite(step) and step > 0):
        return ""
    if 1 < step <= 1000:
        return "; the times may be since 1970: subtract the first of each clip" if np.nanmin(time) > _LARGEST else ""
    guess = _guess(step)
    return f"; the times {guess}" if guess else ""


def _guess(step: float) -> str:
    """Return what times may be of which one frame is ``step`` after the other; empty where they may be milliseconds."""
    if abs(step - 1) <= 0.01:
        return _COUNTED
    if 1 < step <= 1000:
        return ""
    # In one of these units there are between 1 and 1,000 frames a second.
    for unit, name, way in _UNITS:
        frames = 1000.0 * unit / step
        if 0.99 <= frames < 990:
            return f"may be in {name}, {_rate(frames)} a second: then {way}"
    return ""


_COUNTED = "may be numbers of frames: then leave them out and give fps"


def _rate(rate: float) -> str:
    """Return a rate with its unit: 29.97 frames, 1 frame."""
    shown = f"{rate:,.4g}" if rate < 1000 else f"{rate:,.0f}"
    return f"{shown} {'frame' if shown == '1' else 'frames'}"
