"""What a classifier is worth, from sums over groups, so that groups can be resampled without predicting anything again.

A *tally* holds, for every group, the weighted counts of true and predicted classes and the sums that calibration needs. Every
measure is a function of the sum of tallies: that of the data themselves, or of a resample of their groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEASURES", "SIGNED", "Measure", "Tally", "calibration_error", "class_f1", "tally"]

FloatArray = NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True)
class Tally:
    """Sums by group.

    Attributes
    ----------
    confusion : float64, shape (groups, true, predicted)
        Weights of the windows of each true and predicted class.
    bins : float64, shape (groups, bins, 3)
        By tenths of the highest probability: weight, weighted probability, weight of the windows that were right.
    """

    confusion: FloatArray
    bins: FloatArray

    def resampled(self, times: FloatArray) -> Tally:
        """Return the sums in which each group counts so many times; ``times`` has shape (draws, groups)."""
        return Tally(np.tensordot(times, self.confusion, axes=1), np.tensordot(times, self.bins, axes=1))


Measure = Callable[[Tally], FloatArray]
"""Gives one number for each group, or each draw, of a tally."""


def tally(
    true: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    group: NDArray[np.int64],
    *,
    groups: int,
    weight: FloatArray | None = None,
) -> Tally:
    """Count predictions by group.

    Parameters
    ----------
    true : int64, shape (n,)
    probabilities : shape (n, classes)
    group : int64, shape (n,)
        0 up to ``groups`` - 1.
    weight : float64, shape (n,), optional
        How many windows each stands for: one over its chance to be drawn. 1 where left out.
    """
    count, classes = probabilities.shape
    weight = np.ones(count) if weight is None else weight
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    confusion = np.zeros((groups, classes, classes))
    np.add.at(confusion, (group, true, predicted), weight)
    bins = np.zeros((groups, _BINS, 3))
    place = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    sums = np.stack([weight, weight * sure, weight * (true == predicted)], axis=1)
    np.add.at(bins, (group, place), sums)
    return Tally(confusion, bins)


def accuracy(counted: Tally) -> FloatArray:
    """Return the share of windows that are predicted right."""
    return _ratio(np.trace(counted.confusion, axis1=-2, axis2=-1), counted.confusion.sum(axis=(-2, -1)))


def balanced_accuracy(counted: Tally) -> FloatArray:
    """Return the mean recall of the classes that occur."""
    return _mean_of_known(_ratio(_diagonal(counted), counted.confusion.sum(axis=-1)))


def macro_f1(counted: Tally) -> FloatArray:
    """Return the mean F1 of the classes that occur or are predicted."""
    return _mean_of_known(class_f1(counted))


def class_f1(counted: Tally) -> FloatArray:
    """Return the F1 of every class, shape (..., classes); NaN where it neither occurs nor is predicted."""
    both = counted.confusion.sum(axis=-1) + counted.confusion.sum(axis=-2)
    return _ratio(2 * _diagonal(counted), both)


def overconfidence(counted: Tally) -> FloatArray:
    """Return the mean highest probability less the share right; negative for a model that is too modest."""
    weight, sure, right = np.moveaxis(counted.bins, -1, 0)
    return _ratio((sure - right).sum(axis=-1), weight.sum(axis=-1))


def calibration_error(counted: Tally) -> FloatArray:
    """Return the mean distance of probability and share right, over tenths of probability (Guo et al. 2017).

    A sum of distances is never below 0 and grows with chance: no interval over resampled groups holds for it (it covered
    38 to 86 % in ``benchmarks/coverage.py``), so it is stated without one, beside :func:`overconfidence`.
    """
    weight, sure, right = np.moveaxis(counted.bins, -1, 0)
    return _ratio(np.abs(sure - right).sum(axis=-1), weight.sum(axis=-1))


MEASURES: Mapping[str, Measure] = {
    "accuracy": accuracy,
    "balanced accuracy": balanced_accuracy,
    "macro F1": macro_f1,
    "overconfidence": overconfidence,
}
"""The measures that are stated with intervals; the last is best at 0."""

SIGNED = (overconfidence,)
"""Those that are no shares: they may lie below 0."""


def _diagonal(counted: Tally) -> FloatArray:
    return np.asarray(np.diagonal(counted.confusion, axis1=-2, axis2=-1))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0), np.float64)


def _mean_of_known(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))
