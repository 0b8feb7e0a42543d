"""Intervals that know that windows of one group are alike: groups are left out one by one, never windows.

They are t intervals on the delete-one-group jackknife (Cameron & Miller 2015, "A practitioner's guide to cluster-robust
inference"), for few groups and for many, and the only ones of figures over groups: the percentiles of a bootstrap over groups
hold too seldom. Those of a share are made of its log-odds (delta method; Korn & Graubard 1999, "Analysis of health surveys",
chapter 3), for near 0 and 1 few groups are lopsided. A share that is all or nothing in every group has no spread; its limit
is that of as many trials as groups (Clopper & Pearson 1934), for the mean of numbers from 0 to 1 is at least the chance of a
1. With fewer groups than FEWEST_GROUPS nothing is said at all. ``benchmarks/coverage.py`` shows how often the intervals hold.
They say what other groups would show. How many labels of this dataset are wrong is another question, whose windows are drawn at
random: see :mod:`pipeline.evaluation.residual_error`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import SIGNED, Measure, Tally, class_f1
from pipeline.windows.folds import FEWEST_GROUPS

__all__ = ["Estimate", "class_estimates", "difference", "estimate", "share_estimate"]

_LEVEL = 0.95
_AT_ONCE = 256

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; ``low`` and ``high`` are None where the groups are too few to tell.

    That of a share keeps to 0 and 1, and is longer towards the middle; that of any other figure is symmetric.
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
    found = _estimated(lambda times: measure(counted.resampled(times)), filled, telling=int(filled.sum()))
    return found if measure in SIGNED else _of_share(found)


def share_estimate(part: FloatArray, whole: FloatArray) -> Estimate:
    """Return a share with its interval: the sum of ``part`` in that of ``whole``, both by group.

    Groups that have nothing of the whole tell nothing.
    """
    part, whole = part[whole > 0], whole[whole > 0]
    total, groups = float(whole.sum()), len(whole)
    value = float(part.sum()) / total if groups else float("nan")
    if groups < FEWEST_GROUPS:
        return Estimate(value, None, None, groups)
    return _of_share(_symmetric(value, (part.sum() - part) / (total - whole), telling=groups))


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

    return [_of_share(_estimated(of_class(c), filled, telling=int(groups))) for c, groups in enumerate(shown)]


def _filled(counted: Tally) -> NDArray[np.bool_]:
    return np.asarray(counted.confusion.sum(axis=(1, 2)) > 0)


def _estimated(of_times: Callable[[FloatArray], FloatArray], filled: NDArray[np.bool_], *, telling: int) -> Estimate:
    """Return a figure with its interval; ``telling`` is the number of groups that say something of it."""
    value = float(of_times(filled[None].astype(np.float64))[0])
    if telling < FEWEST_GROUPS:
        return Estimate(value, None, None, telling)
    left_out = np.flatnonzero(filled)
    each = np.concatenate([of_times(_without(left_out[a : a + _AT_ONCE], filled)) for a in range(0, len(left_out), _AT_ONCE)])
    return _symmetric(value, each, telling=telling)


def _symmetric(value: float, each: FloatArray, *, telling: int) -> Estimate:
    """Return the t interval of a figure, from what it is without each group."""
    from scipy.stats import t

    count = len(each)
    spread = float(np.sqrt((count - 1) / count * np.nansum((each - np.nanmean(each)) ** 2)))
    reach = float(t.ppf((1 + _LEVEL) / 2, telling - 1)) * spread
    return Estimate(value, value - reach, value + reach, telling)


def _of_share(found: Estimate) -> Estimate:
    """Return the interval of a share from the symmetric one."""
    value, reach = found.value, 0.0 if found.high is None else found.high - found.value
    if found.low is None or not np.isfinite(value):
        return found
    if value in (0.0, 1.0):
        # It is not certain only because no group differs.
        edge = 1 - float(((1 - _LEVEL) / 2) ** (1 / found.groups))
        return Estimate(value, max(0.0, value - edge), min(1.0, value + edge), found.groups)
    middle, apart = np.log(value / (1 - value)), reach / (value * (1 - value))
    low, high = (float((1 + np.tanh(end / 2)) / 2) for end in (middle - apart, middle + apart))
    return Estimate(value, low, high, found.groups)


def _without(groups: NDArray[np.int64], filled: NDArray[np.bool_]) -> FloatArray:
    """Return, for each of some groups, how often every group counts when that one is left out."""
    times = np.repeat(filled[None].astype(np.float64), len(groups), axis=0)
    times[np.arange(len(groups)), groups] = 0.0
    return times
