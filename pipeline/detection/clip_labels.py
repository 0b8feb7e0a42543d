"""Clip-level label errors: which clips carry a label that is wrong throughout.

A model that misjudges a clip misjudges all of it, so scores of windows are taken relative to their clip
(:mod:`pipeline.detection.label_scores`), and a clip whose label is wrong throughout hides among those that are merely hard.
Clips are therefore classified as wholes: multinomial logistic regression reads how the probabilities of a clip's windows are
distributed, is trained on the labels of clips of other groups, and so knows what clips of each label look like to these models.
docs/research.md compares it.

Where windows of a clip were reviewed, the others stand for it, and a label that a reviewer confirmed for a part of a clip is not
wrong throughout.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.label_scores import best_other, probability_of
from pipeline.detection.smoothing import WindowLabels
from pipeline.windows.folds import deal_groups

FloatArray = NDArray[np.float64]

_FOLDS = 10
_INVERSE_STRENGTH = 0.3
"""Inverse strength of the ridge times the square root of the number of clips: few must not be memorised."""

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_LEAST = 1e-3
_NEVER_CERTAIN = 0.005


def clip_error_odds(smoothed: FloatArray, labels: WindowLabels, group: NDArray[np.int64], *, seed: int) -> FloatArray:
    """Return how many times likelier another label is than that of the window's clip, 0 and up, shape (n,).

    Mostly below .1; above 10 where the label is clearly wrong. 0 where frames are labelled one by one, where a reviewer confirmed
    the clip's label, and where too little is there to learn from.

    Parameters
    ----------
    smoothed : float64, shape (n, classes)
        Probabilities averaged over similar neighbours.
    group : int64, shape (n,)
        Group of the folds; -1 for the hold-out, whose clips are classified by those of all other groups.
    """
    classes = smoothed.shape[1]
    clip = np.unique(labels.clip, return_inverse=True)[1]
    eligible, confirmed = _eligible_windows(clip, labels, classes=classes)
    where = clip[eligible]
    count = np.bincount(where)
    label = np.zeros(len(count), np.int64)
    label[where] = labels.given[eligible]
    rows = np.flatnonzero(np.bincount(where, weights=label[where] == labels.given[eligible]) == count)
    of_clip = np.zeros(len(count), np.int64)
    of_clip[clip] = group
    odds = np.zeros(len(count))
    odds[rows] = _odds(_clip_features(smoothed[eligible], where)[rows], label[rows], of_clip[rows], classes=classes, seed=seed)
    odds[confirmed[np.arange(len(count)), label]] = 0.0
    return np.asarray(odds[clip] * (label[clip] == labels.given))


def clip_error_probability(odds: FloatArray, *, share: float) -> FloatArray:
    """Return the probability, 0..1, that the label of each window's clip is wrong, where that is so in a share of all clips."""
    return np.asarray(share * odds / (share * odds + 1 - share))


def _eligible_windows(
    clip: NDArray[np.int64], labels: WindowLabels, *, classes: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which windows stand for their clip, and which labels reviewers gave in each clip, shape (clips, classes)."""
    clip_and_label = clip * classes + labels.given
    reviewed = np.bincount(clip_and_label, weights=labels.reviewed, minlength=classes * (clip.max() + 1)) > 0
    # Labels that nobody gave to any part of a clip stand for it; where all were given, they show what clips of a label look like.
    eligible = ~reviewed[clip_and_label]
    eligible |= (np.bincount(clip, weights=eligible) == 0)[clip]
    return eligible, reviewed.reshape(-1, classes)


def _clip_features(smoothed: FloatArray, clip: NDArray[np.int64]) -> FloatArray:
    """Return how the probabilities of each class are distributed in each clip, shape (clips, features)."""
    of_clips = pd.DataFrame(smoothed).groupby(clip)
    logs = pd.DataFrame(np.log(np.clip(smoothed, _LEAST, None))).groupby(clip)
    predicted = pd.DataFrame(np.eye(smoothed.shape[1])[smoothed.argmax(axis=1)]).groupby(clip)
    parts = [of_clips.mean(), logs.mean(), logs.std(ddof=0), predicted.mean(), *(of_clips.quantile(q) for q in _QUANTILES)]
    return np.concatenate([part.to_numpy(np.float64) for part in parts], axis=1)


def _odds(features: FloatArray, label: NDArray[np.int64], group: NDArray[np.int64], *, classes: int, seed: int) -> FloatArray:
    # scikit-learn takes a second to import, which `audit --help` should not pay.
    from sklearn.linear_model import LogisticRegression

    odds = np.zeros(len(label))
    audited = group >= 0
    groups = len(np.unique(group[audited]))
    if groups < 2:
        return odds
    features = (features - features[audited].mean(axis=0)) / np.maximum(features[audited].std(axis=0), 1e-9)
    # The hold-out is one group of which nothing is dealt.
    fold = deal_groups(label, np.where(audited, group, group.max() + 1), audited, count=min(_FOLDS, groups), seed=seed)
    frequency = np.bincount(label[audited], minlength=classes) / audited.sum()
    for number in np.unique(fold):
        own, others = np.flatnonzero(fold == number), np.flatnonzero(audited & (fold != number))
        known = np.unique(label[others])
        # Of a label that no other group has nobody knows what its clips look like.
        own = own[np.isin(label[own], known)]
        if len(known) < 2 or not len(own):
            continue
        probabilities = np.zeros((len(own), classes))
        classifier = LogisticRegression(C=_INVERSE_STRENGTH / len(others) ** 0.5, max_iter=500)
        with warnings.catch_warnings():
            # A few clips of each class look like numbers to scikit-learn, which asks whether a regression was meant.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            classifier.fit(features[others], label[others])
        probabilities[:, classifier.classes_] = classifier.predict_proba(features[own])
        probabilities = (1 - _NEVER_CERTAIN) * probabilities + _NEVER_CERTAIN * frequency
        other = probability_of(probabilities, best_other(probabilities, label[own]))
        odds[own] = other / probability_of(probabilities, label[own])
    return odds
