"""What a classifier is worth, from sufficient statistics by group: groups are left out without predicting or counting anew.

scikit-learn's functions give the same numbers (tested), but would pass over all windows again for every group that is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True)
class GroupStatistics:
    """Sums by group that every measure follows from.

    Attributes
    ----------
    confusion : float64, shape (groups, true, predicted)
        Weights of the windows of each true and predicted class.
    bins : float64, shape (groups, bins, 3)
        By tenths of the highest probability: weight, weighted probability, weight of the windows that were right.
    """

    confusion: FloatArray
    bins: FloatArray

    def summed(self, times: FloatArray) -> GroupStatistics:
        """Return the sums over groups, where each counts so many times; ``times`` has shape (sums, groups)."""
        return GroupStatistics(np.tensordot(times, self.confusion, axes=1), np.tensordot(times, self.bins, axes=1))


Measure = Callable[[GroupStatistics], FloatArray]
"""Gives one number for each group, or each sum over groups."""


def group_statistics(
    true: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    group: NDArray[np.int64],
    *,
    groups: int,
    weight: FloatArray | None = None,
) -> GroupStatistics:
    """Count predictions by group.

    Parameters
    ----------
    true : int64, shape (n,)
    probabilities : shape (n, classes)
    group : int64, shape (n,)
        0 up to ``groups`` - 1.
    weight : float64, shape (n,), optional
        How many windows each stands for: one over its inclusion probability. 1 where left out.
    """
    count, classes = probabilities.shape
    weight = np.ones(count) if weight is None else weight
    predicted, highest = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    confusion = np.zeros((groups, classes, classes))
    np.add.at(confusion, (group, true, predicted), weight)
    bins = np.zeros((groups, _BINS, 3))
    tenth = np.minimum((highest * _BINS).astype(np.int64), _BINS - 1)
    np.add.at(bins, (group, tenth), np.stack([weight, weight * highest, weight * (true == predicted)], axis=1))
    return GroupStatistics(confusion, bins)


def accuracy(counted: GroupStatistics) -> FloatArray:
    """Return the share of windows that are predicted right, 0 to 1; NaN without windows."""
    return _ratio(np.trace(counted.confusion, axis1=-2, axis2=-1), counted.confusion.sum(axis=(-2, -1)))


def balanced_accuracy(counted: GroupStatistics) -> FloatArray:
    """Return how well a class is recognised on average, 0 to 1: the mean recall of the classes that occur; NaN without windows.

    Guessing gives one over the number of classes.
    """
    return _mean_of_known(_ratio(_diagonal(counted), counted.confusion.sum(axis=-1)))


def macro_f1(counted: GroupStatistics) -> FloatArray:
    """Return the mean F1 of the classes that occur or are predicted, 0 to 1; NaN without windows."""
    return _mean_of_known(class_f1(counted))


def class_f1(counted: GroupStatistics) -> FloatArray:
    """Return the F1 of every class, 0 to 1, shape (..., classes); NaN where it neither occurs nor is predicted."""
    both = counted.confusion.sum(axis=-1) + counted.confusion.sum(axis=-2)
    return _ratio(2 * _diagonal(counted), both)


def overconfidence(counted: GroupStatistics) -> FloatArray:
    """Return how much surer a model is than it is right, -1 to 1: mean highest probability less accuracy; NaN without windows.

    0 is best; negative for a model that is too modest.
    """
    weight, highest, right = np.moveaxis(counted.bins, -1, 0)
    return _ratio((highest - right).sum(axis=-1), weight.sum(axis=-1))


def calibration_error(counted: GroupStatistics) -> FloatArray:
    """Return how far probabilities lie from shares right, 0 (best) to 1: the expected calibration error over ten bins.

    (Guo et al. 2017, "On calibration of modern neural networks".) NaN without windows. A sum of distances is never below 0 and
    grows with chance: no bootstrap over groups nor jackknife covers it (38 to 86 % in ``benchmarks/coverage.py``), so it is
    stated without an interval, beside :func:`overconfidence`.
    """
    weight, highest, right = np.moveaxis(counted.bins, -1, 0)
    return _ratio(np.abs(highest - right).sum(axis=-1), weight.sum(axis=-1))


MEASURES: Mapping[str, Measure] = {
    "accuracy": accuracy,
    "balanced accuracy": balanced_accuracy,
    "macro F1": macro_f1,
    "overconfidence": overconfidence,
}
"""The measures that are stated with intervals; the last is best at 0."""

SIGNED = (overconfidence,)
"""Those that are no shares: they may lie below 0."""


def _diagonal(counted: GroupStatistics) -> FloatArray:
    return np.asarray(np.diagonal(counted.confusion, axis1=-2, axis2=-1))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0), np.float64)


def _mean_of_known(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))
