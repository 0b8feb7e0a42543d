"""How doubtful each label is, from probabilities: the score that decides what is dropped, flagged, suggested and ranked.

1. Probabilities are averaged over the neighbouring windows of the clip that look alike (:mod:`pipeline.detection.smoothing`);
   windows of bad pose have no vote, and reviewed ones none on those that are not. Nothing is averaged across a gap.
2. *Lift*: the probability of the given label less its mean over the windows that carry that label (the class thresholds of
   confident learning, Northcutt et al. 2021), three parts, and its lead over the best other class, centred likewise, one part.
3. *Excuse*: half of what the clip's better windows reach (its 60th percentile) is subtracted, since a model that misjudges a clip
   misjudges all of it, and the clip's label holds for most of its windows. Clips whose label is wrong as a whole are found apart
   (:mod:`pipeline.detection.clip_labels`).

Labels that people gave (``fixed``) are known, and nobody doubts them. They count wherever right labels tell what a model says of
them: in the means of a class, in what a clip reaches, in the agreement. They do not count where wrong labels are estimated: there
they are no sample of the rest, since the most doubtful were reviewed first.

The hold-out changes no estimate: means of a class are those of the audited windows, laid over all.

docs/research.md holds what each step gains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.smoothing import Labelled, smooth

__all__ = [
    "Doubt",
    "agreement",
    "best_other",
    "class_shares",
    "cohen_kappa",
    "counted_wrong",
    "doubt_labels",
    "outvoted",
]

FloatArray = NDArray[np.float64]

_LEAD = 0.25
_EXCUSE = 0.5
_BETTER_WINDOWS = 0.6


@dataclass(frozen=True)
class Doubt:
    """What the probabilities say of the labels.

    Attributes
    ----------
    score : float64, shape (n,)
        Low where the label is doubtful; without a unit.
    nearby : float64, shape (n, classes)
        Probabilities averaged over the neighbours.
    lead : float64, shape (n,)
        ``nearby`` of the given class less that of the best other one.
    excuse : float64, shape (n,)
        The clip's median lead where it is negative, else 0.
    """

    score: FloatArray
    nearby: FloatArray
    lead: FloatArray
    excuse: FloatArray


def doubt_labels(probabilities: NDArray[np.floating], labels: Labelled) -> Doubt:
    """Return how doubtful each label is; ``probabilities`` has shape (n, classes)."""
    given, votes = labels.given, labels.votes & labels.audited
    classes = probabilities.shape[1]
    nearby = _nearby(probabilities, labels)
    own = nearby[np.arange(len(given)), given]
    lead = own - nearby[np.arange(len(given)), best_other(nearby, given)]
    lift = (1 - _LEAD) * _centred(own, given, votes, classes) + _LEAD * _centred(lead, given, votes, classes)
    # Where frames are labelled one by one, a recording's stretches of one label stand for its clip.
    stretch = labels.clip * classes + given
    better = _quantile(lift, stretch, share=_BETTER_WINDOWS)
    return Doubt(
        score=lift - _EXCUSE * better,
        nearby=nearby,
        lead=lead,
        excuse=np.minimum(_quantile(lead, stretch, share=0.5), 0.0),
    )


def best_other(probabilities: NDArray[np.floating], given: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most probable class other than the given one, shape (n,)."""
    return np.asarray(np.where(np.eye(probabilities.shape[1], dtype=bool)[given], -1.0, probabilities).argmax(axis=1))


def counted_wrong(doubt: Doubt, labels: Labelled, kept: NDArray[np.bool_]) -> FloatArray:
    """Return how far each label is counted as wrong, 0, .5 or 1, shape (n,): the mean of two counts; 0 where it is fixed.

    The one is :func:`outvoted`, which counts too many where models are weak. The other is confident learning's (Northcutt et al.
    2021): the cells off the diagonal of the confident joint, in which a label counts only where the probability of another class
    reaches what it is on average where that class is given; it counts too few where models are sure.

    Parameters
    ----------
    kept : bool, shape (n,)
        The windows whose labels are trusted.
    """
    return (outvoted(doubt, labels, kept).astype(np.float64) + _confidently_wrong(doubt, labels, kept)) / 2


def outvoted(doubt: Doubt, labels: Labelled, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return beside which labels another class leads, shape (n,); never those that are fixed.

    A weak model is led astray by whole clips, so there the clip's median counts as no lead at all: in full while the model agrees
    with the labels that were kept no better than half way between chance and always (Cohen's kappa), less and less above, and not
    at all where it always agrees.
    """
    return np.asarray((_excused(doubt, labels, kept).argmax(axis=1) != labels.given) & ~labels.fixed)


def _confidently_wrong(doubt: Doubt, labels: Labelled, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which labels lie off the diagonal of the confident joint, shape (n,); its thresholds are those of audited labels."""
    # cleanlab takes over a second to import, which `audit --help` should not pay.
    from cleanlab.count import compute_confident_joint, get_confident_thresholds

    excused, own = _excused(doubt, labels, kept), labels.audited
    found = np.zeros(len(own), bool)
    if own.any():
        thresholds = get_confident_thresholds(labels.given[own], excused[own])
        off = {"thresholds": thresholds, "calibrate": False, "return_indices_of_off_diagonals": True}
        found[compute_confident_joint(labels.given, excused, **off)[1]] = True
    return found & ~labels.fixed


def _excused(doubt: Doubt, labels: Labelled, kept: NDArray[np.bool_]) -> FloatArray:
    """Return the averaged probabilities, with what excuses a clip added to its given label, shape (n, classes)."""
    given = labels.given
    excused = doubt.nearby.copy()
    excused[np.arange(len(given)), given] -= min(1.0, 2 * (1 - agreement(doubt, given, kept))) * doubt.excuse
    return np.asarray(excused / excused.sum(axis=1, keepdims=True))


def agreement(doubt: Doubt, given: NDArray[np.int64], kept: NDArray[np.bool_]) -> float:
    """Return Cohen's kappa of the averaged predictions and the labels that are trusted."""
    return cohen_kappa(doubt.nearby[kept].argmax(axis=1), given[kept], classes=doubt.nearby.shape[1])


def cohen_kappa(predicted: NDArray[np.int64], given: NDArray[np.int64], *, classes: int) -> float:
    """Return the agreement beyond chance of two labellings; 0 where there is nothing to compare."""
    if not len(given):
        return 0.0
    agree = float((predicted == given).mean())
    by_chance = float((np.bincount(predicted, minlength=classes) * np.bincount(given, minlength=classes)).sum()) / len(given) ** 2
    return (agree - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def _nearby(probabilities: NDArray[np.floating], labels: Labelled) -> FloatArray:
    """Return probabilities averaged over neighbours, shape (n, classes).

    A reviewed stretch ends where its label ends, so what models see there says nothing of the windows beside it.
    """
    nearby = smooth(probabilities, labels)
    if not labels.fixed.any():
        return nearby
    alone = smooth(probabilities, replace(labels, votes=labels.votes & ~labels.fixed))
    return np.where(labels.fixed[:, None], nearby, alone)


def _centred(values: FloatArray, given: NDArray[np.int64], votes: NDArray[np.bool_], classes: int) -> FloatArray:
    count = np.bincount(given[votes], minlength=classes)
    mean = np.bincount(given[votes], weights=values[votes], minlength=classes) / np.maximum(count, 1)
    return np.asarray(values - mean[given])


def _quantile(values: FloatArray, group: NDArray[np.int64], *, share: float) -> FloatArray:
    """Return the quantile of each window's group, shape (n,)."""
    order = np.lexsort((values, group))
    _, start, count = np.unique(group[order], return_index=True, return_counts=True)
    place = share * (count - 1)
    low = start + np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, start + count - 1)
    part = place - np.floor(place)
    ranked = values[order]
    found = ranked[low] * (1 - part) + ranked[high] * part
    each = np.empty(len(values))
    each[order] = np.repeat(found, count)
    return each


def class_shares(marked: NDArray[np.bool_], given: NDArray[np.int64], classes: int) -> FloatArray:
    """Return the share of marked windows of each given class."""
    table = pd.Series(marked).groupby(given).mean().reindex(range(classes), fill_value=0.0)
    return table.to_numpy(np.float64)
