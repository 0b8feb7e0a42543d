"""Scores on fixed probabilities: which labels are likely wrong, step by step up to the project's own score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from benchmarks.research_data import Ranking, Row, Study, StudyPrediction, assess, changed
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import LabelScore, SelfConfidence, best_other, probability_of, score_labels
from pipeline.detection.segments import change_point_parts
from pipeline.detection.smoothing import WindowLabels, smooth

FloatArray = NDArray[np.float64]
_STICKY = 0.95
_PENALTY = 0.3
_LEAST = 1e-3


@dataclass(frozen=True)
class LogConfidence:
    """The logarithm of the probability of the given label."""

    weight: float = 1.0
    name: str = "log confidence"

    def __call__(self, smoothed: FloatArray, labels: WindowLabels) -> FloatArray:
        """Return the log probability of each given label."""
        return np.log(np.maximum(probability_of(smoothed, labels.given), _LEAST))


@dataclass(frozen=True)
class Fixed:
    """Any number a window, averaged in time."""

    values: FloatArray
    weight: float = 1.0
    name: str = "fixed"

    def __call__(self, smoothed: FloatArray, labels: WindowLabels) -> FloatArray:
        """Return the numbers."""
        return smooth(self.values[:, None], labels, guide=np.zeros_like(smoothed))[:, 0]


CONFIDENCE: tuple[LabelScore, ...] = (SelfConfidence(weight=1.0),)


def cleanlab_score(study: Study, found: StudyPrediction, *, method: str, adjust: bool = False) -> Ranking:
    """Return a score of cleanlab's, window by window."""
    p = _rows_of_one(found.probabilities)
    scores = get_label_quality_scores(study.given, p, method=method, adjust_pred_probs=adjust)
    return Ranking(scores, best_other(p, study.given))


def adjusted(
    study: Study,
    found: StudyPrediction,
    *,
    scores: Sequence[LabelScore] = CONFIDENCE,
    smoothing: dict[str, Any] | None = None,
    quantile: float | None = None,
) -> Ranking:
    """Return the project's score made of others, averaged in time in another way, or not at all.

    Parameters
    ----------
    smoothing : dict, optional
        What is exchanged in ``pipeline.detection`` to average in another way.
    quantile : float, optional
        Quantile of the clip, half of which is subtracted.
    """
    labels = study.labels if smoothing is not None else replace(study.labels, sigma=0.0)
    offset = {"label_scores._CLIP_WEIGHT": 0.0} if quantile is None else {"label_scores._CLIP_QUANTILE": quantile}
    with changed({**(smoothing or {}), **offset, "label_scores.LABEL_SCORES": tuple(scores)}):
        scored = score_labels(_rows_of_one(found.probabilities), labels)
    return Ranking(scored.score, best_other(scored.smoothed, study.given))


def ranking_of(values: FloatArray, study: Study) -> FloatArray:
    """Return any number a window as the project treats its scores: averaged, centred by class, less the offset of its clip."""
    nothing = np.full((len(values), study.classes), 1 / study.classes)
    with changed({"label_scores.LABEL_SCORES": (Fixed(values),)}):
        return score_labels(nothing, study.labels).score


def sticky_hmm(study: Study, found: StudyPrediction) -> Ranking:
    """Return the posterior log odds of the given class under a hidden Markov model of each clip.

    States are the true classes; where the state changes, the next is drawn from the estimated classes of the given label.
    """
    p = _rows_of_one(found.probabilities)
    joint = estimate_quality(score_labels(p, study.labels), study.labels, found.kept).joint
    prior = joint / joint.sum(axis=1, keepdims=True)
    likelihood = p / p.mean(axis=0)
    clip = pd.factorize(study.labels.clip)[0]
    place = pd.Series(clip).groupby(clip).cumcount().to_numpy()
    padded = np.ones((clip.max() + 1, place.max() + 1, study.classes))
    padded[clip, place] = likelihood
    first = np.unique(clip, return_index=True)[1]
    posterior = _forward_backward(padded, prior[study.given[first]])[clip, place]
    own = probability_of(posterior, study.given)
    return Ranking(np.log(own + 1e-300) - np.log1p(-own + 1e-15), best_other(posterior, study.given))


def box(values: FloatArray, labels: WindowLabels, **_: object) -> FloatArray:
    """Average over four windows of the clip on either side."""
    rolling = pd.DataFrame(values).groupby(labels.clip).rolling(9, center=True, min_periods=1).mean()
    return np.asarray(rolling.to_numpy())


def parts(values: FloatArray, labels: WindowLabels, **_: object) -> FloatArray:
    """Average between change points, as :mod:`pipeline.detection.segments` finds them."""
    averaged = np.empty_like(values)
    for rows in pd.Series(labels.clip).groupby(labels.clip).indices.values():
        for start, end in change_point_parts(values[rows], penalty=_PENALTY):
            averaged[rows[start:end]] = values[rows[start:end]].mean(axis=0)
    return averaged


def _forward_backward(likelihood: FloatArray, prior: FloatArray) -> FloatArray:
    """Return posteriors for likelihood (clips, windows, classes); past a clip's end the likelihood is 1, which tells nothing."""
    count = likelihood.shape[1]
    forward, backward = np.empty_like(likelihood), np.ones_like(likelihood)
    now = prior
    for t in range(count):
        now = now * likelihood[:, t]
        forward[:, t] = now / now.sum(axis=1, keepdims=True)
        now = _STICKY * forward[:, t] + (1 - _STICKY) * prior
    for t in range(count - 2, -1, -1):
        ahead = likelihood[:, t + 1] * backward[:, t + 1]
        back = _STICKY * ahead + (1 - _STICKY) * (prior * ahead).sum(axis=1, keepdims=True)
        backward[:, t] = back / back.sum(axis=1, keepdims=True)
    both = forward * backward
    return np.asarray(both / both.sum(axis=2, keepdims=True))


def _rows_of_one(p: NDArray[np.floating]) -> FloatArray:
    p = np.asarray(p, np.float64)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


BILATERAL: dict[str, Any] = {}
GAUSSIAN: dict[str, Any] = {"smoothing._RANGE_BANDWIDTH": np.inf}
BOX: dict[str, Any] = {"label_scores.smooth": box}
PARTS: dict[str, Any] = {"label_scores.smooth": parts}


def _row(says: str, **how: Any) -> Row:
    return Row(says, partial(adjusted, **how))


SCORES: dict[str, Row] = {
    "self-confidence": Row("probability of the given label", partial(cleanlab_score, method="self_confidence")),
    "normalised margin": Row("its margin over the best other class", partial(cleanlab_score, method="normalized_margin")),
    "adjusted": Row("cleanlab's adjust_pred_probs", partial(cleanlab_score, method="self_confidence", adjust=True)),
    "class-adjusted": _row("less its mean over the windows of that label"),
    "+ Gaussian": _row("averaged in time, sigma 1 s", smoothing=GAUSSIAN),
    "+ box": _row("averaged in time over 9 windows instead", smoothing=BOX),
    "+ bilateral": _row("averaged over similar neighbours", smoothing=BILATERAL),
    "+ half median": _row("Gaussian, less half of the clip's median", smoothing=GAUSSIAN, quantile=0.5),
    "+ half 60 % quantile": _row("Gaussian, less half of the clip's 60 % quantile", smoothing=GAUSSIAN, quantile=0.6),
    "+ bilateral, half 60 %": _row("bilateral, less half of the 60 % quantile", smoothing=BILATERAL, quantile=0.6),
    "+ margin": Row("the project's own: a quarter margin, and clip-level errors", lambda study, found: assess(found, study)),
    "log": _row("logarithms, Gaussian, 60 % quantile", scores=(LogConfidence(),), smoothing=GAUSSIAN, quantile=0.6),
    "sticky HMM": Row("posterior log odds, priors by given label, 95 % sticky", sticky_hmm),
    "parts": _row("averaged between change points, 60 % quantile", smoothing=PARTS, quantile=0.6),
}
"""Each takes the study and fixed probabilities."""
