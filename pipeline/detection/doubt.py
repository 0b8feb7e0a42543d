"""How doubtful each label is, from probabilities: the score that decides what is dropped, flagged, suggested and ranked.

1. Probabilities are averaged over the neighbouring windows of the clip that look alike (:mod:`pipeline.detection.labelled`);
   windows of bad pose have no vote, and reviewed ones none on those that are not.
2. *Lift*: the probability of the given label less its mean over the windows that carry that label (the class thresholds of
   confident learning, Northcutt et al. 2021), three parts, and its lead over the best other class, centred likewise, one part.
3. *Excuse*: half of what the clip's better windows reach (its 60th percentile) is subtracted, since a model that misjudges a clip
   misjudges all of it, and the clip's label holds for most of its windows.
4. *No excuse* for a clip whose label is wrong as a whole: the posterior of the clip's label, from the mean log probability of its
   windows, tempered such that it fits the labels of all clips, with 5 % of wrong clips assumed beforehand.

Labels that people gave (``fixed``) are known, and nobody doubts them. They count wherever right labels tell what a model says of
them: in the means of a class, in what a clip reaches, in the agreement. They do not count where wrong labels are estimated: there
they are no sample of the rest, since the most doubtful were reviewed first. A clip's label is judged by the windows whose label
nobody gave to any part of the clip, and is not wrong as a whole where a reviewer confirmed it.

docs/research.md holds what each step gains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pipeline.detection.labelled import Labelled, smooth

__all__ = [
    "Doubt",
    "agreement",
    "best_other",
    "class_shares",
    "cohen_kappa",
    "counted_wrong",
    "doubt_labels",
]

FloatArray = NDArray[np.float64]

_LEAD = 0.25
_EXCUSE = 0.5
_BETTER_WINDOWS = 0.6
_WRONG_CLIPS = 0.05
_NEVER_CERTAIN = 0.005
SURELY = 0.9
"""Posterior above which a clip's label is held to be wrong as a whole: below it too many clips of a weak model are."""

_PUSH = 0.2
_LEAST = 1e-3
"""Smallest probability that is believed: a logarithm of less would let one window outvote its clip."""


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
    clip_is_wrong : float64, shape (n,)
        Posterior that the label of the window's clip is wrong as a whole; 0 where frames are labelled one by one, and for labels
        that are fixed.
    """

    score: FloatArray
    nearby: FloatArray
    lead: FloatArray
    excuse: FloatArray
    clip_is_wrong: FloatArray


def doubt_labels(probabilities: NDArray[np.floating], labels: Labelled) -> Doubt:
    """Return how doubtful each label is; ``probabilities`` has shape (n, classes)."""
    given, votes = labels.given, labels.votes
    classes = probabilities.shape[1]
    nearby = _nearby(probabilities, labels)
    own = nearby[np.arange(len(given)), given]
    lead = own - nearby[np.arange(len(given)), best_other(nearby, given)]
    lift = (1 - _LEAD) * _centred(own, given, votes, classes) + _LEAD * _centred(lead, given, votes, classes)
    # Where frames are labelled one by one, a recording's stretches of one label stand for its clip.
    stretch = labels.clip * classes + given
    better = _quantile(lift, stretch, share=_BETTER_WINDOWS)
    wrong = _wrong_clips(nearby, labels)
    sure = np.where(wrong > SURELY, wrong, 0.0)
    return Doubt(
        score=lift - _EXCUSE * (1 - sure) * better - _PUSH * sure,
        nearby=nearby,
        lead=lead,
        excuse=np.minimum(_quantile(lead, stretch, share=0.5), 0.0),
        clip_is_wrong=wrong,
    )


def best_other(probabilities: NDArray[np.floating], given: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most probable class other than the given one, shape (n,)."""
    return np.asarray(np.where(np.eye(probabilities.shape[1], dtype=bool)[given], -1.0, probabilities).argmax(axis=1))


def counted_wrong(doubt: Doubt, labels: Labelled, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which labels are counted as wrong in the estimate of the joint of given and true labels; never those that are fixed.

    A label counts as wrong where another class leads. A weak model is led astray by whole clips, so there the clip's median
    counts as no lead at all: in full while the model agrees with the labels that were kept no better than half way between
    chance and always (Cohen's kappa), less and less above, and not at all where it always agrees.

    Parameters
    ----------
    kept : bool, shape (n,)
        The windows whose labels are trusted.
    """
    given = labels.given
    excused = min(1.0, 2 * (1 - agreement(doubt, given, kept))) * doubt.excuse * (doubt.clip_is_wrong <= SURELY)
    excusing = doubt.nearby.copy()
    excusing[np.arange(len(given)), given] -= excused
    # cleanlab takes over a second to import, which `audit --help` should not pay.
    from cleanlab.filter import find_label_issues

    found = find_label_issues(given, excusing / excusing.sum(axis=1, keepdims=True), filter_by="predicted_neq_given", n_jobs=1)
    return np.asarray(found, bool) & ~labels.fixed


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


def _wrong_clips(nearby: FloatArray, labels: Labelled) -> FloatArray:
    """Return the posterior that the label of each window's clip is wrong as a whole, shape (n,)."""
    classes = nearby.shape[1]
    clip = np.unique(labels.clip, return_inverse=True)[1]
    # Labels that nobody gave to any part of a clip speak for it; where all were given, they tell how far models can be believed.
    stretch = clip * classes + labels.given
    known = np.bincount(stretch, weights=labels.fixed, minlength=classes * (clip.max() + 1)) > 0
    speaks = ~known[stretch]
    speaks |= (np.bincount(clip, weights=speaks) == 0)[clip]
    where, own_label = clip[speaks], labels.given[speaks]
    count = np.bincount(where)
    given = np.full(len(count), -1, np.int64)
    given[where] = own_label
    one_label = np.bincount(where, weights=given[where] == own_label) == count
    confirmed = known[np.arange(len(count)) * classes + given]
    logs = np.log(np.clip(nearby[speaks], _LEAST, None))
    evidence = np.stack([np.bincount(where, weights=logs[:, c]) / count for c in range(classes)], axis=1) - logs.mean(axis=0)
    frequency = np.bincount(given, minlength=classes) / len(count)

    def posterior(sharpness: float, *, random: float) -> FloatArray:
        found = sharpness * evidence + np.log(np.maximum(frequency, 1e-9))
        found = np.exp(found - found.max(axis=1, keepdims=True))
        return np.asarray((1 - random) * found / found.sum(axis=1, keepdims=True) + random * frequency)

    def misfit(sharpness: float) -> float:
        # Some labels are wrong whatever the evidence: without this share a single one would decide the sharpness.
        return float(-np.log(posterior(sharpness, random=_WRONG_CLIPS)[row, given]).mean())

    row = np.arange(len(count))
    fitted = minimize_scalar(misfit, bounds=(0.0, 60.0), method="bounded")
    chance = posterior(float(fitted.x), random=_NEVER_CERTAIN)
    own, other = chance[row, given], chance[row, best_other(chance, given)]
    wrong = _WRONG_CLIPS * other / (_WRONG_CLIPS * other + (1 - _WRONG_CLIPS) * own)
    return np.asarray(np.where(one_label & ~confirmed, wrong, 0.0)[clip] * (given[clip] == labels.given))


def class_shares(marked: NDArray[np.bool_], given: NDArray[np.int64], classes: int) -> FloatArray:
    """Return the share of marked windows of each given class."""
    table = pd.Series(marked).groupby(given).mean().reindex(range(classes), fill_value=0.0)
    return table.to_numpy(np.float64)
