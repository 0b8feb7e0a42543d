"""Label scores: low where a label is likely wrong. They decide what is pruned, flagged, suggested and ranked.

1. Probabilities are averaged over similar neighbouring windows of the clip (:mod:`pipeline.detection.smoothing`); windows of bad
   pose enter no average, and reviewed ones none of those that are not. Nothing is averaged across a gap.
2. *Class-adjusted* scores: the probability of the given label (self-confidence) less its mean over the windows that carry that
   label (the class thresholds of confident learning, Northcutt et al. 2021), three parts, and its margin over the best other
   class, centred likewise, one part (:data:`LABEL_SCORES`).
3. *Clip-level offset*: half of what the clip's better windows reach (the 60th percentile of their scores) is subtracted, since a
   model that misjudges a clip misjudges all of it, and the clip's label holds for most of its windows. Clip-level label errors
   are found apart (:mod:`pipeline.detection.clip_labels`).

Reviewed labels are right. They count wherever the predictions for right labels are averaged: in the means of a class, in the
offset of a clip, in the agreement. They do not count where wrong labels are estimated: there they are no sample of the rest,
since the lowest scores were reviewed first.

The hold-out changes no estimate: means of a class are those of the audited windows, and are used for all.

docs/research.md holds what each step gains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.smoothing import WindowLabels, smooth

FloatArray = NDArray[np.float64]

_CLIP_WEIGHT = 0.5
_CLIP_QUANTILE = 0.6


class LabelScore(Protocol):
    """One way to score labels from class probabilities."""

    @property
    def name(self) -> str:
        """Name it, for tables of results."""

    @property
    def weight(self) -> float:
        """Its part of the label score; the weights of :data:`LABEL_SCORES` sum to 1."""

    def __call__(self, smoothed: FloatArray, labels: WindowLabels) -> FloatArray:
        """Return the score of each label, shape (n,), low where it is likely wrong, in the unit of a probability.

        Parameters
        ----------
        smoothed : float64, shape (n, classes)
            Class probabilities averaged over similar neighbours; rows sum to 1.
        labels : WindowLabels
            All of them have a given class.
        """


@dataclass(frozen=True)
class SelfConfidence:
    """The probability of the given label, 0..1."""

    weight: float = 0.75
    name: str = "self-confidence"

    def __call__(self, smoothed: FloatArray, labels: WindowLabels) -> FloatArray:
        """Return the probability of each given label."""
        return probability_of(smoothed, labels.given)


@dataclass(frozen=True)
class Margin:
    """The probability of the given label less that of the best other class, -1..1."""

    weight: float = 0.25
    name: str = "margin"

    def __call__(self, smoothed: FloatArray, labels: WindowLabels) -> FloatArray:
        """Return the margin of each given label."""
        return probability_of(smoothed, labels.given) - probability_of(smoothed, best_other(smoothed, labels.given))


LABEL_SCORES: tuple[LabelScore, ...] = (SelfConfidence(), Margin())
"""What the label score is made of: the weighted sum of these, each centred by class."""


@dataclass(frozen=True)
class LabelScores:
    """What follows from the probabilities for the labels.

    Attributes
    ----------
    score : float64, shape (n,)
        Label score, about -1..1, low where the label is likely wrong; only its order counts.
    smoothed : float64, shape (n, classes)
        Class probabilities averaged over similar neighbours; rows sum to 1.
    clip_offset : float64, shape (n,)
        The median margin of the clip where it is negative, else 0: how far the model misjudges the clip, -1..0.
    """

    score: FloatArray
    smoothed: FloatArray
    clip_offset: FloatArray


def score_labels(probabilities: NDArray[np.floating], labels: WindowLabels) -> LabelScores:
    """Return the scores of labels that all have a given class; ``probabilities`` has shape (n, classes)."""
    given, counted = labels.given, labels.valid_pose & labels.audited
    smoothed = _smoothed(probabilities, labels)
    adjusted = np.sum([s.weight * class_centred(s(smoothed, labels), given, counted) for s in LABEL_SCORES], axis=0)
    # Where frames are labelled one by one, the windows of a recording under one label stand for its clip.
    clip_and_label = labels.clip * probabilities.shape[1] + given
    margin = Margin()(smoothed, labels)
    return LabelScores(
        score=adjusted - _CLIP_WEIGHT * _quantile(adjusted, clip_and_label, q=_CLIP_QUANTILE),
        smoothed=smoothed,
        clip_offset=np.minimum(_quantile(margin, clip_and_label, q=0.5), 0.0),
    )


def probability_of(probabilities: NDArray[np.floating], classes: NDArray[np.int64]) -> FloatArray:
    """Return the probability of one class of each window, shape (n,)."""
    return np.asarray(probabilities[np.arange(len(classes)), classes])


def best_other(probabilities: NDArray[np.floating], given: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most probable class other than the given one, shape (n,)."""
    return np.asarray(np.where(np.eye(probabilities.shape[1], dtype=bool)[given], -1.0, probabilities).argmax(axis=1))


def class_centred(values: FloatArray, given: NDArray[np.int64], counted: NDArray[np.bool_]) -> FloatArray:
    """Return values less the mean of their given class over the windows that are counted (0 where none is), shape (n,)."""
    mean = pd.Series(values[counted]).groupby(given[counted]).mean()
    return np.asarray(values - mean.reindex(given, fill_value=0.0).to_numpy())


def error_weight(scores: LabelScores, labels: WindowLabels, kept: NDArray[np.bool_]) -> FloatArray:
    """Return how far each label is counted as an error, 0, .5 or 1, shape (n,): the mean of two counts; 0 where it is reviewed.

    The one is :func:`predicted_neq_given`, which counts too many where models are weak. The other is confident learning's
    (Northcutt et al. 2021): the cells off the diagonal of the confident joint, in which a label counts only where the probability
    of another class reaches what it is on average where that class is given; it counts too few where models are sure.

    Parameters
    ----------
    kept : bool, shape (n,)
        The windows whose labels are trusted.
    """
    return (predicted_neq_given(scores, labels, kept).astype(np.float64) + _off_diagonal(scores, labels, kept)) / 2


def predicted_neq_given(scores: LabelScores, labels: WindowLabels, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where another class than the given one is predicted, shape (n,); never where the label is reviewed.

    A weak model misjudges whole clips, so the clip-level offset is taken off: in full while the model agrees with the labels that
    were kept no better than half way between chance and always (Cohen's kappa), less and less above, and not at all where it
    always agrees.
    """
    return np.asarray((_with_clip_offset(scores, labels, kept).argmax(axis=1) != labels.given) & ~labels.reviewed)


def _off_diagonal(scores: LabelScores, labels: WindowLabels, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which labels lie off the diagonal of the confident joint, shape (n,); its thresholds are those of audited labels."""
    # cleanlab takes over a second to import, which `audit --help` should not pay.
    from cleanlab.count import compute_confident_joint, get_confident_thresholds

    probabilities, own = _with_clip_offset(scores, labels, kept), labels.audited
    found = np.zeros(len(own), bool)
    if own.any():
        thresholds = get_confident_thresholds(labels.given[own], probabilities[own])
        off = {"thresholds": thresholds, "calibrate": False, "return_indices_of_off_diagonals": True}
        found[compute_confident_joint(labels.given, probabilities, **off)[1]] = True
    return found & ~labels.reviewed


def _with_clip_offset(scores: LabelScores, labels: WindowLabels, kept: NDArray[np.bool_]) -> FloatArray:
    """Return the smoothed probabilities with the clip-level offset taken off that of the given label; rows sum to 1."""
    shifted = scores.smoothed.copy()
    weight = min(1.0, 2 * (1 - agreement(scores, labels.given, kept)))
    shifted[np.arange(len(labels.given)), labels.given] -= weight * scores.clip_offset
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def agreement(scores: LabelScores, given: NDArray[np.int64], kept: NDArray[np.bool_]) -> float:
    """Return Cohen's kappa of predictions and kept labels, -1..1; 0 where nothing or one class alone is to be compared."""
    # scikit-learn takes a second to import, which `audit --help` should not pay.
    from sklearn.metrics import cohen_kappa_score

    predicted, own = scores.smoothed[kept].argmax(axis=1), given[kept]
    return float(cohen_kappa_score(predicted, own)) if len(np.union1d(predicted, own)) > 1 else 0.0


def _smoothed(probabilities: NDArray[np.floating], labels: WindowLabels) -> FloatArray:
    """Return class probabilities averaged over similar neighbours, shape (n, classes).

    A reviewed span ends where its label ends, so what models predict in it says nothing about the windows beside it.
    """
    smoothed = smooth(probabilities, labels)
    if not labels.reviewed.any():
        return smoothed
    unreviewed = smooth(probabilities, replace(labels, valid_pose=labels.valid_pose & ~labels.reviewed))
    return np.where(labels.reviewed[:, None], smoothed, unreviewed)


def _quantile(values: FloatArray, group: NDArray[np.int64], *, q: float) -> FloatArray:
    """Return the quantile of each window's group, shape (n,)."""
    return np.asarray(pd.Series(values).groupby(group).quantile(q).reindex(group), np.float64)
