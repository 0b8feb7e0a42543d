"""Intervals that know that windows of one group are alike: groups are left out one by one, never windows.

They are t intervals on the delete-one-group jackknife (Cameron & Miller 2015, "A practitioner's guide to cluster-robust
inference"), for few groups and for many: the percentiles of a bootstrap over groups held a little too seldom, with 25 groups and
with 60. A share that is all or nothing in every group has no spread; its limit is that of as many trials as groups (Clopper &
Pearson 1934), for the mean of numbers from 0 to 1 is at least the chance of a 1. With fewer groups than FEWEST_GROUPS nothing is
said at all. ``benchmarks/coverage.py`` shows how often the intervals hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.folds import FEWEST_GROUPS
from pipeline.proof.measures import Measure, Tally, class_f1

__all__ = ["Estimate", "class_estimates", "difference", "estimate"]

_LEVEL = 0.95
_AT_ONCE = 256

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; ``low`` and ``high`` are None where the groups are too few to tell.

    An interval is symmetric, so near 0 or 1 it may reach beyond what a share can be.
    """

    value: float
    low: float | None
    high: float | None
    groups: int

    @property
    def is_known(self) -> bool:
        """Tell whether there is an interval."""
        return self.low is not None


def estimate(counted: Tally, measure: Measure) -> Estimate:
    """Return a measure with its interval."""
    filled = _filled(counted)
    return _at_the_edge(_estimated(lambda times: measure(counted.resampled(times)), filled, telling=int(filled.sum())))


def difference(first: Tally, second: Tally, measure: Measure) -> Estimate:
    """Return how much higher a measure is in the second than in the first, for the same windows: groups are left out of both."""
    filled = _filled(first) | _filled(second)
    return _estimated(
        lambda times: measure(second.resampled(times)) - measure(first.resampled(times)), filled, telling=int(filled.sum())
    )


def class_estimates(counted: Tally) -> list[Estimate]:
    """Return the F1 of every class, in their order; what counts as a group is one that shows the class.

    ``value`` is NaN for a class that neither occurs nor is predicted.
    """
    filled = _filled(counted)
    shown = (counted.confusion.sum(axis=2) > 0).sum(axis=0)

    def of_class(number: int) -> Callable[[FloatArray], FloatArray]:
        return lambda times: class_f1(counted.resampled(times))[..., number]

    return [_at_the_edge(_estimated(of_class(c), filled, telling=int(groups))) for c, groups in enumerate(shown)]


def _filled(counted: Tally) -> NDArray[np.bool_]:
    return np.asarray(counted.confusion.sum(axis=(1, 2)) > 0)


def _estimated(of_times: Callable[[FloatArray], FloatArray], filled: NDArray[np.bool_], *, telling: int) -> Estimate:
    """Return a figure with its interval; ``telling`` is the number of groups that say something of it."""
    from scipy.stats import t

    value = float(of_times(filled[None].astype(np.float64))[0])
    if telling < FEWEST_GROUPS:
        return Estimate(value, None, None, telling)
    left_out = np.flatnonzero(filled)
    each = np.concatenate([of_times(_without(left_out[a : a + _AT_ONCE], filled)) for a in range(0, len(left_out), _AT_ONCE)])
    count = len(left_out)
    spread = float(np.sqrt((count - 1) / count * np.nansum((each - np.nanmean(each)) ** 2)))
    reach = float(t.ppf((1 + _LEVEL) / 2, telling - 1)) * spread
    return Estimate(value, value - reach, value + reach, telling)


def _at_the_edge(found: Estimate) -> Estimate:
    """Return the interval of a share, which is not certain only because no group differs."""
    if found.low is None or found.low != found.high or found.value not in (0.0, 1.0):
        return found
    reach = 1 - float(((1 - _LEVEL) / 2) ** (1 / found.groups))
    return Estimate(found.value, max(0.0, found.value - reach), min(1.0, found.value + reach), found.groups)


def _without(groups: NDArray[np.int64], filled: NDArray[np.bool_]) -> FloatArray:
    """Return, for each of some groups, how often every group counts when that one is left out."""
    times = np.repeat(filled[None].astype(np.float64), len(groups), axis=0)
    times[np.arange(len(groups)), groups] = 0.0
    return times
