"""Which windows would fit the data: no more samples than there are frames, and short enough for the bouts of a class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_STEPS = 3
"""Samples that a window needs to show how an animal moves."""

_SPARSE = 0.8
"""With a smaller share of the samples from frames, the rest being interpolated, another rate is advised."""


_UNEVEN = 1.1
"""How much further than usual frames may be apart now and then."""


@dataclass(frozen=True)
class Fit:
    """Windows that would fit.

    Attributes
    ----------
    hz, steps, max_gap_ms
        Keys of ``windows``; ``max_gap_ms`` is None where it may stay.
    windows : int
        Windows of one label throughout that the bouts they are made for would give.
    """

    hz: float
    steps: int
    max_gap_ms: int | None = None
    windows: int = 0


def window_seconds(hz: float, steps: int) -> float:
    """Return the time from a window's first sample to its last."""
    return (steps - 1) / hz


def fit_to_bouts(seconds: NDArray[np.float64], *, hz: float, steps: int, frame_hz: float) -> Fit | None:
    """Return windows of which half of the bouts hold one, or None where these do already, or no windows are short enough.

    More samples a second are tried first, as many as there are frames, then fewer samples a window.

    Parameters
    ----------
    seconds : float64, shape (bouts,)
        How long the bouts last.
    hz, steps
        The windows that are too long.
    frame_hz : float
        Frames that there are a second.
    """
    median = float(np.median(seconds))
    if steps / median <= hz:
        return None
    fastest = max(_rounded(frame_hz, up=False), hz)
    wanted = _rounded(steps / median, up=True)
    if wanted > fastest:
        wanted, steps = fastest, math.floor(median * fastest + 1e-6)
    if steps < FEWEST_STEPS:
        return None
    held = np.floor(seconds * wanted + 1e-6).astype(np.int64) - steps + 1
    return Fit(wanted, steps, windows=int(np.maximum(held, 0).sum()))


def too_sparse(interval_ms: NDArray[np.float64], *, hz: float, max_gap_ms: float) -> NDArray[np.bool_]:
    """Tell whether frames so far apart leave much of a window to interpolation, or no window at all; shape as given."""
    return np.asarray((1000.0 / interval_ms < _SPARSE * hz) | (interval_ms * _UNEVEN > max_gap_ms))


def fit_to_frames(interval_ms: float, *, hz: float, steps: int, max_gap_ms: float) -> Fit:
    """Return windows whose samples are frames.

    Parameters
    ----------
    interval_ms : float
        Time from one frame to the next.
    """
    slower = min(_rounded(1000.0 / interval_ms, up=False), hz)
    return Fit(slower, steps, math.ceil(2 * interval_ms) if interval_ms * _UNEVEN > max_gap_ms else None)


def _rounded(value: float, *, up: bool) -> float:
    """Return a rate with two digits, no finer than a whole one from 10 on."""
    digits = 0 if value >= 10 else 1 - math.floor(math.log10(value))
    scaled = value * 10**digits
    # What is a round number but for the last bits stays one.
    return float((math.ceil(scaled * (1 - 1e-9)) if up else math.floor(scaled * (1 + 1e-9))) / 10**digits)
