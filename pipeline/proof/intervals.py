"""Intervals that know that windows of one group are alike: groups are resampled, never windows.

With few groups the percentiles of a bootstrap are too narrow; there a t interval on the delete-one-group jackknife takes its
place (Cameron & Miller 2015, "A practitioner's guide to cluster-robust inference"). With fewer groups than FEWEST_GROUPS nothing
is said at all. ``benchmarks/coverage.py`` shows how often the intervals hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.proof.measures import Measure, Tally

__all__ = ["FEWEST_GROUPS", "Estimate", "difference", "estimate"]

FEWEST_GROUPS = 5
"""With fewer groups an interval would be made of too little."""

ENOUGH_GROUPS = 20
"""From so many groups on, a bootstrap of groups; below, the jackknife's t interval."""

_DRAWS = 2000
_LEVEL = 0.95

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; ``low`` and ``high`` are None where the groups are too few to tell."""

    value: float
    low: float | None
    high: float | None
    groups: int

    @property
    def is_known(self) -> bool:
        """Tell whether there is an interval."""
        return self.low is not None


def estimate(counted: Tally, measure: Measure, *, seed: int = 0) -> Estimate:
    """Return a measure with its interval."""
    return _estimated(lambda times: measure(counted.resampled(times)), _filled(counted), seed=seed)


def difference(first: Tally, second: Tally, measure: Measure, *, seed: int = 0) -> Estimate:
    """Return how much higher a measure is in the second than in the first, for the same windows: groups are drawn in pairs."""
    filled = _filled(first) | _filled(second)
    return _estimated(lambda times: measure(second.resampled(times)) - measure(first.resampled(times)), filled, seed=seed)


def _filled(counted: Tally) -> NDArray[np.bool_]:
    return np.asarray(counted.confusion.sum(axis=(1, 2)) > 0)


def _estimated(of_times: Callable[[FloatArray], FloatArray], filled: NDArray[np.bool_], *, seed: int) -> Estimate:
    from scipy.stats import t

    groups = int(filled.sum())
    value = float(of_times(filled[None].astype(np.float64))[0])
    if groups < FEWEST_GROUPS:
        return Estimate(value, None, None, groups)
    if groups < ENOUGH_GROUPS:
        left_out = np.asarray(filled, np.float64) - np.eye(len(filled))[filled]
        each = of_times(left_out)
        spread = float(np.sqrt((groups - 1) / groups * np.nansum((each - np.nanmean(each)) ** 2)))
        reach = float(t.ppf((1 + _LEVEL) / 2, groups - 1)) * spread
        return Estimate(value, value - reach, value + reach, groups)
    times = np.zeros((_DRAWS, len(filled)))
    times[:, filled] = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=_DRAWS)
    low, high = np.nanquantile(of_times(times), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(value, float(low), float(high), groups)
