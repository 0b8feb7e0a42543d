"""95 % intervals by the delete-one-group jackknife: whole groups (animals, recordings) are left out one by one, never windows.

They are t intervals (Cameron & Miller 2015, "A practitioner's guide to cluster-robust inference"), for few groups and for many,
and the only ones of figures over groups: the percentiles of a bootstrap over groups hold too seldom. Those of a share are made
of its log-odds (delta method; Korn & Graubard 1999, "Analysis of health surveys", chapter 3), for near 0 and 1 few groups are
lopsided. A share that is all or nothing in every group has no spread; its limit is that of as many trials as groups (Clopper &
Pearson 1934), for the mean of numbers from 0 to 1 is at least the chance of a 1. With fewer groups than FEWEST_GROUPS nothing is
said at all. ``benchmarks/coverage.py`` shows how often the intervals hold. They say what other groups would show. How many
labels of this dataset are wrong is another question, whose windows are drawn at random: see
:mod:`pipeline.evaluation.label_error_rate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import SIGNED, GroupStatistics, Measure, class_f1
from pipeline.windows.folds import FEWEST_GROUPS

_LEVEL = 0.95
_AT_ONCE = 256

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; ``low`` and ``high`` are None where fewer than FEWEST_GROUPS groups have any.

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


def estimate(counted: GroupStatistics, measure: Measure) -> Estimate:
    """Return a measure with its interval."""
    filled = _filled(counted)
    found = _jackknifed(lambda times: measure(counted.summed(times)), filled, groups=int(filled.sum()))
    return found if measure in SIGNED else _of_share(found)


def share_estimate(part: FloatArray, whole: FloatArray) -> Estimate:
    """Return a share, 0 to 1, with its interval: the sum of ``part`` in that of ``whole``, both by group; NaN without groups.

    Groups that have nothing of the whole do not count.
    """
    part, whole = part[whole > 0], whole[whole > 0]
    total, groups = float(whole.sum()), len(whole)
    value = float(part.sum()) / total if groups else float("nan")
    if groups < FEWEST_GROUPS:
        return Estimate(value, None, None, groups)
    return _of_share(_t_interval(value, (part.sum() - part) / (total - whole), groups=groups))


def difference(first: GroupStatistics, second: GroupStatistics, measure: Measure) -> Estimate:
    """Return how much higher a measure is in the second than in the first, with its interval: groups are left out of both."""
    filled = _filled(first) | _filled(second)
    return _jackknifed(
        lambda times: measure(second.summed(times)) - measure(first.summed(times)), filled, groups=int(filled.sum())
    )


def class_estimates(counted: GroupStatistics) -> list[Estimate]:
    """Return the F1 of every class, in their order; what counts as a group is one that shows the class.

    ``value`` is NaN for a class that neither occurs nor is predicted.
    """
    filled = _filled(counted)
    shown = (counted.confusion.sum(axis=2) > 0).sum(axis=0)

    def of_class(number: int) -> Callable[[FloatArray], FloatArray]:
        return lambda times: class_f1(counted.summed(times))[..., number]

    return [_of_share(_jackknifed(of_class(c), filled, groups=int(groups))) for c, groups in enumerate(shown)]


def _filled(counted: GroupStatistics) -> NDArray[np.bool_]:
    return np.asarray(counted.confusion.sum(axis=(1, 2)) > 0)


def _jackknifed(of_times: Callable[[FloatArray], FloatArray], filled: NDArray[np.bool_], *, groups: int) -> Estimate:
    """Return a figure with its interval; ``groups`` is the number of those that say something of it."""
    value = float(of_times(filled[None].astype(np.float64))[0])
    if groups < FEWEST_GROUPS:
        return Estimate(value, None, None, groups)
    left_out = np.flatnonzero(filled)
    each = np.concatenate([of_times(_without(left_out[a : a + _AT_ONCE], filled)) for a in range(0, len(left_out), _AT_ONCE)])
    return _t_interval(value, each, groups=groups)


def _t_interval(value: float, each: FloatArray, *, groups: int) -> Estimate:
    """Return the t interval of a figure, from what it is without each group."""
    from scipy.stats import t

    count = len(each)
    spread = float(np.sqrt((count - 1) / count * np.nansum((each - np.nanmean(each)) ** 2)))
    reach = float(t.ppf((1 + _LEVEL) / 2, groups - 1)) * spread
    return Estimate(value, value - reach, value + reach, groups)


def _of_share(found: Estimate) -> Estimate:
    """Return the interval of a share from the symmetric one."""
    from scipy.special import expit, logit

    if found.high is None:
        return found
    value, reach = found.value, found.high - found.value
    if value in (0.0, 1.0):
        # It is not certain only because no group differs.
        edge = 1 - float(((1 - _LEVEL) / 2) ** (1 / found.groups))
        return Estimate(value, max(0.0, value - edge), min(1.0, value + edge), found.groups)
    apart = reach / (value * (1 - value))
    return Estimate(value, float(expit(logit(value) - apart)), float(expit(logit(value) + apart)), found.groups)


def _without(groups: NDArray[np.int64], filled: NDArray[np.bool_]) -> FloatArray:
    """Return, for each of some groups, how often every group counts when that one is left out."""
    times = np.repeat(filled[None].astype(np.float64), len(groups), axis=0)
    times[np.arange(len(groups)), groups] = 0.0
    return times
