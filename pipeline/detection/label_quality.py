"""Label quality: the probability that a label is right, and the joint of given and true labels, without any truth.

The probability is estimated twice: by Bayes' rule from temperature-scaled probabilities and the estimated joint, and by how far
the label is counted as an error. The mean of the two is made monotone in the label score (isotonic regression; Zadrozny & Elkan
2002); docs/research.md shows how close it is, and each of the two alone.

Whatever its windows look like, a label cannot be better than that of its clip (:mod:`pipeline.detection.clip_labels`).

All of this is estimated from the audited windows and used for the hold-out, whose labels and poses change nothing.

Reviewed labels have quality 1. The temperature is fitted to them as well, since they are trusted, but how many of the other
labels are wrong, and which, is estimated from these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from pipeline.detection.label_scores import LabelScores, best_other, error_weight, probability_of
from pipeline.detection.smoothing import WindowLabels

_LEAST = 1e-3
_ITERATIONS = 6
_CLASS_FREQUENCY = 0.2
"""Weight of how common a class is in what is suggested, beside what the models predict for the window."""

_TIE_BREAK = 0.01
"""Share of the quality that follows the order of the scores alone, so that no two windows of a plateau are equal."""


@dataclass(frozen=True)
class LabelQuality:
    """What is estimated of the labels.

    Attributes
    ----------
    probability : float64, shape (n,)
        Probability that the label is right, 0..1, in the order of the label scores but for clip-level label errors; 1 where it
        is reviewed. Mostly above .9, near 0 for clear errors.
    suggested : int64, shape (n,)
        The best class but the given one.
    joint : float64, shape (classes, classes)
        Estimated number of audited windows of each given (row) and true class (column).
    flagged : bool, shape (n,)
        The labels of lowest quality, of the audited ones as many as are expected to be wrong, and those of the hold-out that are
        no better; never those of bad pose, nor those that are reviewed.
    """

    probability: NDArray[np.float64]
    suggested: NDArray[np.int64]
    joint: NDArray[np.float64]
    flagged: NDArray[np.bool_]


def estimate_quality(
    scores: LabelScores,
    labels: WindowLabels,
    kept: NDArray[np.bool_],
    *,
    clip_error: NDArray[np.float64] | None = None,
    count: Callable[[LabelScores, WindowLabels, NDArray[np.bool_]], NDArray[np.float64] | NDArray[np.bool_]] = error_weight,
) -> LabelQuality:
    """Return the quality of each label.

    Parameters
    ----------
    kept : bool, shape (n,)
        The windows whose labels cleaning kept for training.
    clip_error : float64, shape (n,), optional
        Probability that the label of the window's clip is wrong throughout.
    count : callable, optional
        How far each label is counted as an error: :func:`~pipeline.detection.label_scores.predicted_neq_given` where labels are
        relabelled for training.
    """
    given, classes = labels.given, scores.smoothed.shape[1]
    trusted = kept if kept.any() else labels.audited
    scaled = _temperature_scaled(scores.smoothed, given, trusted)
    # What labels of this kind are mistaken for counts for nothing here, and how common the classes are decides close calls alone.
    suggested = best_other(scores.smoothed + _CLASS_FREQUENCY * scores.smoothed[labels.audited].mean(axis=0), given)
    errors = np.asarray(count(scores, labels, trusted), np.float64)
    probability, right = np.ones(len(given)), labels.reviewed & labels.audited
    joint = np.diag(np.bincount(given[right], minlength=classes).astype(np.float64))
    unreviewed, rows = _rows_to_estimate(labels)
    if len(rows):
        own, error = given[rows], errors[rows]
        counts = np.full((classes, classes), 0.5)
        np.add.at(counts, (own, suggested[rows]), error)
        np.add.at(counts, (own, own), 1 - error)
        noise, posterior = _noise_rates(scaled[rows], own, counts)
        estimate = (probability_of(posterior, own) + 1 - error) / 2
        probability[unreviewed] = _calibrated(scores.score[unreviewed], estimate, np.isin(unreviewed, rows))
        if clip_error is not None:
            probability[unreviewed] *= 1 - clip_error[unreviewed]
        joint += noise * np.bincount(own, minlength=classes)[:, None]
    return LabelQuality(probability, suggested=suggested, joint=joint, flagged=_lowest_quality(probability, labels, rows))


def _rows_to_estimate(labels: WindowLabels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that nobody reviewed, and those of them to estimate from: the audited ones, all where these are none."""
    unreviewed = np.flatnonzero(~labels.reviewed)
    audited = unreviewed[labels.audited[unreviewed]]
    return unreviewed, audited if len(audited) else unreviewed


def _lowest_quality(probability: NDArray[np.float64], labels: WindowLabels, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which labels are flagged: of ``rows`` as many as are expected to be wrong, of others those that are no better."""
    # Windows of bad pose are shown as such, not called a wrong label.
    may = labels.valid_pose & ~labels.reviewed
    own = rows[may[rows]]
    order = own[np.argsort(probability[own], kind="stable")]
    lowest = order[: round(float((1 - probability)[own].sum()))]
    flagged = np.asarray(may & (probability <= probability[lowest].max(initial=-1.0)))
    flagged[rows] = False
    flagged[lowest] = True
    return flagged


def _temperature_scaled(
    smoothed: NDArray[np.float64], given: NDArray[np.int64], trusted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return probabilities at the temperature at which they fit the trusted labels best, shape (n, classes)."""
    logits, own = np.log(np.clip(smoothed, _LEAST, None)), given[trusted]

    def misfit(inverse_temperature: float) -> float:
        return float(-np.log(probability_of(softmax(inverse_temperature * logits[trusted], axis=1), own) + _LEAST).mean())

    best = float(minimize_scalar(misfit, bounds=(0.3, 8.0), method="bounded").x)
    return np.asarray(softmax(best * logits, axis=1), np.float64)


def _noise_rates(
    scaled: NDArray[np.float64], given: NDArray[np.int64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each true class (column) among the labels of a given one (row), and each window's posterior.

    By expectation maximisation; ``counts`` holds the first guess of the former, shape (given, true).
    """
    likelihood = scaled / scaled.mean(axis=0)
    noise = counts / counts.sum(axis=1, keepdims=True)
    posterior = scaled
    for _ in range(_ITERATIONS):
        posterior = noise[given] * likelihood
        posterior /= posterior.sum(axis=1, keepdims=True)
        summed = np.full_like(noise, 0.5 / len(noise))
        np.add.at(summed, given, posterior)
        noise = summed / summed.sum(axis=1, keepdims=True)
    return noise, posterior


def _calibrated(scores: NDArray[np.float64], estimate: NDArray[np.float64], own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the estimates of the scores that are their ``own``, made strictly monotone in the score, for all scores."""
    score = scores[own]
    # scikit-learn takes a second to import, which `audit --help` should not pay.
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(score, estimate)
    steps = fitted.transform(score)
    # Between scores that differ by a rounding error alone scikit-learn divides by nothing.
    steps = np.where(np.isnan(steps), np.interp(score, fitted.X_thresholds_, fitted.y_thresholds_), steps)
    _, step, count = np.unique(steps, return_inverse=True, return_counts=True)
    middle = np.bincount(step, weights=score) / count
    height = np.bincount(step, weights=steps) / count
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = (np.arange(len(score)) + 0.5) / len(score)
    place = np.interp(scores, score[order], rank[order])
    place[own] = rank
    return np.asarray((1 - _TIE_BREAK) * np.interp(scores, middle, height) + _TIE_BREAK * place)
