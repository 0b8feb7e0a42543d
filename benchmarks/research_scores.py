"""Scores on fixed probabilities: how doubtful a label is, step by step up to the project's own score."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from benchmarks.research_data import Answer, Found, Row, Study, judge
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import best_other, doubt_labels
from pipeline.detection.segments import pieces_of_constant_doubt
from pipeline.detection.smoothing import smooth

__all__ = ["SCORES", "course_score"]

FloatArray = NDArray[np.float64]
_STICKY = 0.95
_PENALTY = 0.3
_LEAST = 1e-3


def cleanlab_score(study: Study, answer: Answer, *, method: str, adjust: bool = False) -> Found:
    """Return a score of cleanlab's, window by window."""
    p = _rows_of_one(answer.probabilities)
    return Found(get_label_quality_scores(study.given, p, method=method, adjust_pred_probs=adjust), best_other(p, study.given))


def lift(
    study: Study,
    answer: Answer,
    *,
    average: Callable[[FloatArray, Study], FloatArray] | None = None,
    excuse: float | None = None,
    log: bool = False,
) -> Found:
    """Return the given label's probability less its mean over the class, averaged in time and excused by its clip.

    Parameters
    ----------
    excuse : float, optional
        Quantile of the clip, half of which is subtracted.
    """
    p = _rows_of_one(answer.probabilities)
    p = average(p, study) if average else p
    own = p[np.arange(len(p)), study.given]
    values = _centred(np.log(np.maximum(own, _LEAST)) if log else own, study)
    if excuse is not None:
        values = values - 0.5 * _of_clip(values, study, excuse)
    return Found(values, best_other(p, study.given))


def course_score(values: FloatArray, study: Study) -> FloatArray:
    """Return any score of one number a window as the project treats its lift: averaged, centred, excused."""
    lifted = _centred(gaussian(values[:, None], study)[:, 0], study)
    return lifted - 0.5 * _of_clip(lifted, study, 0.6)


def full(study: Study, answer: Answer) -> Found:
    """Return the project's score."""
    return judge(answer, study)


def sticky_hmm(study: Study, answer: Answer) -> Found:
    """Return the posterior log odds of the given class under a hidden Markov model of each clip.

    States are the true classes; where the state changes, the next is drawn from the estimated classes of the given label.
    """
    p = _rows_of_one(answer.probabilities)
    joint = estimate_quality(doubt_labels(p, study.labels), study.labels, answer.taught).joint
    prior = joint / joint.sum(axis=1, keepdims=True)
    likelihood = p / p.mean(axis=0)
    clip = pd.factorize(study.labels.clip)[0]
    place = pd.Series(clip).groupby(clip).cumcount().to_numpy()
    padded = np.ones((clip.max() + 1, place.max() + 1, study.classes))
    padded[clip, place] = likelihood
    first = np.unique(clip, return_index=True)[1]
    posterior = _forward_backward(padded, prior[study.given[first]])[clip, place]
    own = posterior[np.arange(len(p)), study.given]
    return Found(np.log(own + 1e-300) - np.log1p(-own + 1e-15), best_other(posterior, study.given))


def gaussian(values: FloatArray, study: Study) -> FloatArray:
    """Average by a Gaussian of one second alone, whatever the windows look like."""
    return smooth(values, study.labels, alike=np.zeros_like(values))


def bilateral(values: FloatArray, study: Study) -> FloatArray:
    """Average as the project does: over the windows near by that look alike."""
    return smooth(values, study.labels)


def box(values: FloatArray, study: Study) -> FloatArray:
    """Average over four windows of the clip on either side."""
    rolling = pd.DataFrame(values).groupby(study.labels.clip).rolling(9, center=True, min_periods=1).mean()
    return np.asarray(rolling.to_numpy())


def pieces(values: FloatArray, study: Study) -> FloatArray:
    """Average within pieces of constant probabilities, as :mod:`pipeline.detection.segments` cuts them."""
    averaged = np.empty_like(values)
    for rows in pd.Series(study.labels.clip).groupby(study.labels.clip).indices.values():
        for start, end in pieces_of_constant_doubt(values[rows], penalty=_PENALTY):
            averaged[rows[start:end]] = values[rows[start:end]].mean(axis=0)
    return averaged


def _forward_backward(likelihood: FloatArray, prior: FloatArray) -> FloatArray:
    """Return posteriors for likelihood (clips, ticks, classes); ticks past a clip's end have likelihood 1 and tell nothing."""
    ticks = likelihood.shape[1]
    forward, backward = np.empty_like(likelihood), np.ones_like(likelihood)
    now = prior
    for t in range(ticks):
        now = now * likelihood[:, t]
        forward[:, t] = now / now.sum(axis=1, keepdims=True)
        now = _STICKY * forward[:, t] + (1 - _STICKY) * prior
    for t in range(ticks - 2, -1, -1):
        ahead = likelihood[:, t + 1] * backward[:, t + 1]
        back = _STICKY * ahead + (1 - _STICKY) * (prior * ahead).sum(axis=1, keepdims=True)
        backward[:, t] = back / back.sum(axis=1, keepdims=True)
    both = forward * backward
    return np.asarray(both / both.sum(axis=2, keepdims=True))


def _rows_of_one(p: NDArray[np.floating]) -> FloatArray:
    p = np.asarray(p, np.float64)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _centred(values: FloatArray, study: Study) -> FloatArray:
    return np.asarray(values - pd.Series(values).groupby(study.given).transform("mean").to_numpy())


def _of_clip(values: FloatArray, study: Study, quantile: float) -> FloatArray:
    of_clip = pd.Series(values).groupby(study.labels.clip).quantile(quantile)
    return np.asarray(of_clip.loc[study.labels.clip].to_numpy())


SCORES: dict[str, Row] = {
    "self-confidence": Row("probability of the given label", partial(cleanlab_score, method="self_confidence")),
    "normalised margin": Row("its lead over the best other class", partial(cleanlab_score, method="normalized_margin")),
    "adjusted": Row("cleanlab's adjust_pred_probs", partial(cleanlab_score, method="self_confidence", adjust=True)),
    "lift": Row("less its mean over the windows of that label", lift),
    "+ Gaussian": Row("averaged in time, sigma 1 s", partial(lift, average=gaussian)),
    "+ box": Row("averaged in time over 9 windows instead", partial(lift, average=box)),
    "+ alike": Row("averaged over neighbours that look alike", partial(lift, average=bilateral)),
    "+ half median": Row("Gaussian, less half of the clip's median", partial(lift, average=gaussian, excuse=0.5)),
    "+ half 60 % quantile": Row("Gaussian, less half of the clip's 60 % quantile", partial(lift, average=gaussian, excuse=0.6)),
    "+ alike, half 60 %": Row("neighbours alike, less half of the 60 % quantile", partial(lift, average=bilateral, excuse=0.6)),
    "+ lead": Row("the project's own: a quarter lead, and clips that are wrong as a whole", full),
    "log lift": Row("logarithms, Gaussian, 60 % quantile", partial(lift, average=gaussian, excuse=0.6, log=True)),
    "sticky HMM": Row("posterior log odds, priors by given label, 95 % sticky", sticky_hmm),
    "pieces": Row("averaged in change-point pieces, 60 % quantile", partial(lift, average=pieces, excuse=0.6)),
}
"""Each takes the study and fixed probabilities."""
