"""Which clips carry a label that is wrong as a whole.

A model that misjudges a clip misjudges all of it, so a clip's windows excuse one another
(:mod:`pipeline.detection.label_scores`), and a clip whose label is wrong throughout hides among those that are merely hard. Clips
are therefore judged once more, as wholes: a classifier of clips (multinomial logistic regression) reads how the probabilities of
a clip's windows are distributed, learns the labels of clips of other groups, and so knows what clips of each label look like to
these models. docs/research.md compares it.

Where windows of a clip were reviewed, the others speak for it, and a label that a reviewer confirmed for a part of a clip is not
wrong as a whole.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.smoothing import Labelled
from pipeline.windows.folds import assign_folds

__all__ = ["odds_of_another_label", "wrong_as_a_whole"]

FloatArray = NDArray[np.float64]

_FOLDS = 10
_FREEDOM = 0.3
"""Inverse strength of the ridge times the square root of the number of clips: few must not be learnt by heart."""

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_LEAST = 1e-3
_NEVER_CERTAIN = 0.005


def odds_of_another_label(nearby: FloatArray, labels: Labelled, group: NDArray[np.int64], *, seed: int) -> FloatArray:
    """Return how much more likely another label is than that of the window's clip, shape (n,).

    0 where frames are labelled one by one, where a reviewer confirmed the clip's label, and where too little is there to learn
    from.

    Parameters
    ----------
    nearby : float64, shape (n, classes)
        Probabilities averaged over the neighbours.
    group : int64, shape (n,)
        Group of the folds; -1 for the hold-out, whose clips are judged by those of all other groups.
    """
    classes = nearby.shape[1]
    clip = np.unique(labels.clip, return_inverse=True)[1]
    speaks, confirmed = _witnesses(clip, labels, classes=classes)
    where = clip[speaks]
    count = np.bincount(where)
    label = np.zeros(len(count), np.int64)
    label[where] = labels.given[speaks]
    one_label = np.bincount(where, weights=label[where] == labels.given[speaks]) == count
    judged = np.flatnonzero(one_label)
    of_clip = np.zeros(len(count), np.int64)
    of_clip[clip] = group
    odds = np.zeros(len(count))
    odds[judged] = _odds(_measures(nearby[speaks], where)[judged], label[judged], of_clip[judged], classes=classes, seed=seed)
    odds[confirmed[np.arange(len(count)), label]] = 0.0
    return np.asarray(odds[clip] * (label[clip] == labels.given))


def wrong_as_a_whole(odds: FloatArray, *, share: float) -> FloatArray:
    """Return the chance that the label of each window's clip is wrong as a whole, where that is so in a share of all clips."""
    return np.asarray(share * odds / (share * odds + 1 - share))


def _witnesses(clip: NDArray[np.int64], labels: Labelled, *, classes: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which windows speak for their clip, and which labels reviewers gave in each clip, shape (clips, classes)."""
    stretch = clip * classes + labels.given
    known = np.bincount(stretch, weights=labels.fixed, minlength=classes * (clip.max() + 1)) > 0
    # Labels that nobody gave to any part of a clip speak for it; where all were given, they show what clips of a label look like.
    speaks = ~known[stretch]
    speaks |= (np.bincount(clip, weights=speaks) == 0)[clip]
    return speaks, known.reshape(-1, classes)


def _measures(nearby: FloatArray, clip: NDArray[np.int64]) -> FloatArray:
    """Return how the probabilities of each class are distributed in each clip, shape (clips, measures)."""
    of_clips, logs = pd.DataFrame(nearby).groupby(clip), pd.DataFrame(np.log(np.clip(nearby, _LEAST, None))).groupby(clip)
    leads = pd.DataFrame(np.eye(nearby.shape[1])[nearby.argmax(axis=1)]).groupby(clip)
    parts = [of_clips.mean(), logs.mean(), logs.std(ddof=0), leads.mean(), *(of_clips.quantile(q) for q in _QUANTILES)]
    return np.concatenate([part.to_numpy(np.float64) for part in parts], axis=1)


def _odds(measures: FloatArray, label: NDArray[np.int64], group: NDArray[np.int64], *, classes: int, seed: int) -> FloatArray:
    # scikit-learn takes a second to import, which `audit --help` should not pay.
    from sklearn.linear_model import LogisticRegression

    odds = np.zeros(len(label))
    audited = group >= 0
    groups = len(np.unique(group[audited]))
    if groups < 2:
        return odds
    known_clips = measures[audited]
    measures = (measures - known_clips.mean(axis=0)) / np.maximum(known_clips.std(axis=0), 1e-9)
    fold = np.full(len(group), -1, np.int64)
    fold[audited] = assign_folds(label[audited], group[audited], count=min(_FOLDS, groups), seed=seed)
    frequency = np.bincount(label[audited], minlength=classes) / audited.sum()
    for number in np.unique(fold):
        own, others = np.flatnonzero(fold == number), np.flatnonzero(audited & (fold != number))
        known = np.unique(label[others])
        # Of a label that no other group has nobody knows what its clips look like.
        own = own[np.isin(label[own], known)]
        if len(known) < 2 or not len(own):
            continue
        chance = np.zeros((len(own), classes))
        learnt = LogisticRegression(C=_FREEDOM / len(others) ** 0.5, max_iter=500)
        with warnings.catch_warnings():
            # A few clips of each class look like numbers to scikit-learn, which asks whether a regression was meant.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            learnt.fit(measures[others], label[others])
        chance[:, learnt.classes_] = learnt.predict_proba(measures[own])
        chance = (1 - _NEVER_CERTAIN) * chance + _NEVER_CERTAIN * frequency
        given = chance[np.arange(len(own)), label[own]]
        chance[np.arange(len(own)), label[own]] = 0.0
        odds[own] = chance.max(axis=1) / given
    return odds
