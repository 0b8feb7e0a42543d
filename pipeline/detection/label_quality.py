"""From doubt to a probability: label quality that means what it says, and the joint of given and true labels, without any truth.

A label's chance to be right is estimated twice: by Bayes' rule from tempered probabilities and the estimated joint, and by how
far the label is counted as wrong. The mean of the two is made monotone in the doubt (isotonic regression; Zadrozny & Elkan 2002);
docs/research.md shows how close it is, and each of the two alone.

Whatever its windows look like, a label cannot be better than that of its clip (:mod:`pipeline.detection.clip_labels`).

All of this is estimated from the audited windows and laid over the hold-out, whose labels and poses change nothing.

Labels that are fixed have quality 1. They help to temper the probabilities, since they are trusted, but how many of the other
labels are wrong, and which, is estimated from these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pipeline.detection.label_scores import Doubt, best_other, counted_wrong
from pipeline.detection.smoothing import Labelled

__all__ = ["Quality", "estimate_quality"]

_LEAST = 1e-3
_ROUNDS = 6
_CLOSE_CALL = 0.2
"""Weight of how common a class is in what is suggested, beside what the models say of the window."""

_TIE_BREAK = 0.01
"""Share of the quality that follows the order of doubt alone, so that no two windows of a plateau are equal."""


@dataclass(frozen=True)
class Quality:
    """What is estimated of the labels.

    Attributes
    ----------
    right : float64, shape (n,)
        Chance that the label is right, in the order of the doubt but for clips that may be wrong as a whole. 1 where it is fixed.
    suggested : int64, shape (n,)
        The best class but the given one.
    joint : float64, shape (classes, classes)
        Estimated number of audited windows of each given (row) and true class (column).
    flagged : bool, shape (n,)
        The most doubtful labels, of the audited ones as many as are expected to be wrong, and those of the hold-out that are no
        better; never those of bad pose, nor those that are fixed.
    """

    right: NDArray[np.float64]
    suggested: NDArray[np.int64]
    joint: NDArray[np.float64]
    flagged: NDArray[np.bool_]


def estimate_quality(
    doubt: Doubt,
    labels: Labelled,
    taught: NDArray[np.bool_],
    *,
    whole: NDArray[np.float64] | None = None,
    count: Callable[[Doubt, Labelled, NDArray[np.bool_]], NDArray[np.float64] | NDArray[np.bool_]] = counted_wrong,
) -> Quality:
    """Return the quality of each label.

    Parameters
    ----------
    taught : bool, shape (n,)
        Which labels the networks were allowed to learn from.
    whole : float64, shape (n,), optional
        Chance that the label of the window's clip is wrong as a whole.
    count : callable, optional
        How far each label is counted as wrong: :func:`~pipeline.detection.label_scores.outvoted` where labels are repaired to
        teach.
    """
    given, classes = labels.given, doubt.nearby.shape[1]
    trusted = taught if taught.any() else labels.audited
    tempered = _tempered(doubt.nearby, given, trusted)
    # What labels of this kind are mistaken for counts for nothing here, and how common the classes are decides close calls alone.
    suggested = best_other(doubt.nearby + _CLOSE_CALL * doubt.nearby[labels.audited].mean(axis=0), given)
    wrong = np.asarray(count(doubt, labels, trusted), np.float64)
    right, known = np.ones(len(given)), labels.fixed & labels.audited
    joint = np.diag(np.bincount(given[known], minlength=classes).astype(np.float64))
    open_rows, rows = _rows_to_estimate(labels)
    if len(rows):
        own, counted = given[rows], wrong[rows]
        counts = np.full((classes, classes), 0.5)
        np.add.at(counts, (own, suggested[rows]), counted)
        np.add.at(counts, (own, own), 1 - counted)
        of_label, posterior = _noise(tempered[rows], own, counts)
        believed = (posterior[np.arange(len(own)), own] + 1 - counted) / 2
        right[open_rows] = _in_order(doubt.score[open_rows], believed, np.isin(open_rows, rows))
        if whole is not None:
            right[open_rows] *= 1 - whole[open_rows]
        joint += of_label * np.bincount(own, minlength=classes)[:, None]
    return Quality(right=right, suggested=suggested, joint=joint, flagged=_most_doubtful(right, labels, rows))


def _rows_to_estimate(labels: Labelled) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that nobody reviewed, and those of them to estimate from: the audited ones, all where these are none."""
    open_rows = np.flatnonzero(~labels.fixed)
    audited = open_rows[labels.audited[open_rows]]
    return open_rows, audited if len(audited) else open_rows


def _most_doubtful(right: NDArray[np.float64], labels: Labelled, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which labels are flagged: of ``rows`` as many as are expected to be wrong, of others those that are no better."""
    # Windows of bad pose are shown as such, not called a wrong label.
    may = labels.votes & ~labels.fixed
    own = rows[may[rows]]
    order = own[np.argsort(right[own], kind="stable")]
    first = order[: round(float((1 - right)[own].sum()))]
    flagged = np.asarray(may & (right <= right[first].max(initial=-1.0)))
    flagged[rows] = False
    flagged[first] = True
    return flagged


def _tempered(nearby: NDArray[np.float64], given: NDArray[np.int64], trusted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return probabilities sharpened or softened such that they fit the trusted labels best, shape (n, classes)."""
    logs = np.log(np.clip(nearby, _LEAST, None))
    logs -= logs.max(axis=1, keepdims=True)

    def tempered(sharpness: float, rows: NDArray[np.bool_] | slice) -> NDArray[np.float64]:
        found = np.exp(sharpness * logs[rows])
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    own = given[trusted]

    def misfit(sharpness: float) -> float:
        return float(-np.log(tempered(sharpness, trusted)[np.arange(len(own)), own] + _LEAST).mean())

    return tempered(float(minimize_scalar(misfit, bounds=(0.3, 8.0), method="bounded").x), slice(None))


def _noise(
    tempered: NDArray[np.float64], given: NDArray[np.int64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how the true classes of each given label are distributed, and those of each window, by expectation maximisation.

    ``counts`` holds the first guess of the former, shape (given, true).
    """
    likelihood = tempered / tempered.mean(axis=0)
    of_label = counts / counts.sum(axis=1, keepdims=True)
    posterior = tempered
    for _ in range(_ROUNDS):
        posterior = of_label[given] * likelihood
        posterior /= posterior.sum(axis=1, keepdims=True)
        summed = np.zeros_like(of_label)
        np.add.at(summed, given, posterior)
        of_label = (summed + 0.5 / len(of_label)) / (summed + 0.5 / len(of_label)).sum(axis=1, keepdims=True)
    return of_label, posterior


def _in_order(asked: NDArray[np.float64], believed: NDArray[np.float64], own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what ``believed`` of the labels that are their ``own`` says of all scores, made monotone in these, strictly."""
    score = asked[own]
    # scikit-learn takes a second to import, which `audit --help` should not pay.
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(score, believed)
    steps = fitted.transform(score)
    # Between scores that differ by a rounding error alone scikit-learn divides by nothing.
    steps = np.where(np.isnan(steps), np.interp(score, fitted.X_thresholds_, fitted.y_thresholds_), steps)
    _, start, count = np.unique(steps, return_index=False, return_inverse=True, return_counts=True)
    middle = np.bincount(start, weights=score) / count
    height = np.bincount(start, weights=steps) / count
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = (np.arange(len(score)) + 0.5) / len(score)
    place = np.interp(asked, score[order], rank[order])
    place[own] = rank
    return np.asarray((1 - _TIE_BREAK) * np.interp(asked, middle, height) + _TIE_BREAK * place)
