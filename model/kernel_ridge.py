"""Kernel ridge regression on random Fourier features, all folds from one pass over the windows.

Random features (Rahimi & Recht 2007, "Random Features for Large-Scale Kernel Machines") turn a Gaussian kernel into a linear
model, and the sums that a linear model needs add up over folds: leaving a fold out is a subtraction. So a base learner
costs one matrix product instead of a network a fold. Squared error on the classes is bounded, which keeps wrong labels from
pulling hard.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import ssyrk
from scipy.linalg.lapack import dposv

__all__ = ["PENALTIES", "predict_left_out"]

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Ridge penalties to choose from, times the number of training windows."""

_WIDTH = 0.03
"""Inverse squared width of the kernel, over the number of features: smooth, since sharper ones memorise wrong labels."""

_CHUNK = 8192


def predict_left_out(
    features: NDArray[np.float32],
    target: NDArray[np.int64],
    *,
    classes: int,
    fold: NDArray[np.integer],
    training_mask: NDArray[np.bool_],
    seed: int,
    size: int = 400,
    penalties: Sequence[float] = PENALTIES,
) -> NDArray[np.float32]:
    """Return the out-of-fold probability of each class for each window, shape (n, classes).

    A probability comes from a model that never saw the window's fold; it is a least-squares fit to the classes, clipped and
    normalised, and not calibrated. The penalty is the one whose predictions agree with most of the given labels in the training
    mask, out of fold: folds are grouped, so a wrong label cannot be learnt from its own animal.

    Parameters
    ----------
    features : float32, shape (n, f)
        Standardised; without NaN.
    target : int64, shape (n,)
        Given class of each window.
    fold : shape (n,)
        Fold of each window, 0 and up; -1 is not used for training and is predicted by the model of all folds.
    training_mask : bool, shape (n,)
        Which windows are used for training. Where none is, every class is as likely.
    size : int
        Random Fourier features.
    """
    frequencies = np.random.default_rng(seed).normal(size=(features.shape[1], size // 2))
    frequencies = (frequencies * np.sqrt(2 * _WIDTH / features.shape[1])).astype(np.float32)
    training_fold = np.where(training_mask, fold, -1)
    gram, moment, count = _sums(
        features, target, frequencies=frequencies, classes=classes, fold=training_fold, folds=int(fold.max(initial=-1)) + 1
    )
    whole = (gram.sum(axis=0), moment.sum(axis=0), int(count.sum()))
    left_out = [(whole[0] - g, whole[1] - m, whole[2] - int(n)) for g, m, n in zip(gram, moment, count, strict=True)]
    weights = np.stack([[_solve(*sums, penalty=p) for sums in (*left_out, whole)] for p in penalties])
    predictions = np.empty((len(penalties), len(features), classes), np.float32)
    for rows in _slices(len(features)):
        fourier = _fourier_features(features[rows], frequencies)
        for number in np.unique(fold[rows]):
            own = fold[rows] == number
            predictions[:, rows][:, own] = fourier[own] @ weights[:, number]
    agree = (predictions.argmax(axis=2) == target)[:, training_fold >= 0].sum(axis=1)
    return _as_probabilities(predictions[agree.argmax()])


def _sums(
    features: NDArray[np.float32],
    target: NDArray[np.int64],
    *,
    frequencies: NDArray[np.float32],
    classes: int,
    fold: NDArray[np.integer],
    folds: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return, for each fold, the Gram matrix of its windows (its upper half), their products with the classes, their number."""
    size = 2 * frequencies.shape[1] + 1
    gram = np.zeros((folds, size, size), np.float32, order="C")
    moment = np.zeros((folds, size, classes), np.float32)
    one_hot = np.eye(classes, dtype=np.float32)
    for rows in _slices(len(features)):
        fourier = _fourier_features(features[rows], frequencies)
        for number in range(folds):
            own = fold[rows] == number
            if own.any():
                # The transposed rows are column-major, which BLAS takes without a copy; half of a symmetric product is enough.
                gram[number] += ssyrk(1.0, fourier[own].T)
                moment[number] += fourier[own].T @ one_hot[target[rows][own]]
    return gram, moment, np.bincount(fold[fold >= 0], minlength=folds)


def _fourier_features(features: NDArray[np.float32], frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return random Fourier features, shape (n, 2 frequencies + 1), the last a constant 1 for the intercept."""
    angle = features @ frequencies
    return np.concatenate([np.cos(angle), np.sin(angle), np.ones((len(angle), 1), np.float32)], axis=1)


def _solve(gram: NDArray[np.float32], moment: NDArray[np.float32], count: int, *, penalty: float) -> NDArray[np.float32]:
    # In single precision the smallest penalty would drown in rounding.
    ridge = gram.astype(np.float64, order="F")
    ridge[np.diag_indices_from(ridge)] += penalty * max(count, 1)
    _, weights, _ = dposv(ridge, moment, overwrite_a=True)
    return np.asarray(weights, np.float32)


def _as_probabilities(predictions: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(predictions, 1e-3, 1.0)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True), np.float32)


def _slices(count: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
