"""How much better than chance the models are, before anything is made of their predictions: balanced accuracy with an interval.

Measured on what models that were trained on all labels predict for groups that they never saw. What later models are trained on,
once labels were pruned and relabelled, was chosen with the labels in sight, and agrees with them even where they are drawn at
random. Labels that people gave in review do not count: who accepts suggestions makes labels of what the models predicted.

The class predicted for a window is the one whose probability is highest relative to that class's mean, so that a rare class is
predicted as readily as a common one. The figure is the share of windows whose predicted class is the given label, every class
counting alike: guessing gets one in as many as there are classes, whatever their sizes. Its interval is a t interval on the
delete-one-group jackknife, but never narrower than that of labels drawn at random: one draw for each bout, and a single one for
an animal of one label throughout, since few groups can agree by luck.

Of few groups such an interval is wide. Models whose interval holds chance are better than chance all the same where a permutation
test says so: where they give the labels more probability than nearly all permutations of the labels among the draws of each
group, which leave alone what a group is like as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.detection.training_windows import TrainingSet

_LEVEL = 0.95

_PERMUTATIONS = 999

_BY_LUCK = 0.01
"""Models are better than chance where a smaller share of the permutations does as well."""


@dataclass(frozen=True)
class Skill:
    """How well models that never saw a group predict its labels.

    Attributes
    ----------
    right : float
        Balanced accuracy: share of the windows whose predicted class is the given label, every class counting alike, 0..1.
    low, high : float
        Its 95 % interval.
    chance : float
        What guessing would get.
    windows, groups, classes : int
        What it was measured on: audited windows of one label and good pose that nobody reviewed. Of less than two groups nothing
        is known: chance, with an interval from 0 to 1.
    better : bool
        Whether the models are better than chance: with 97.5 % confidence by the interval, or 99 % by the permutation test.
    """

    right: float
    low: float
    high: float
    chance: float
    windows: int
    groups: int
    classes: int
    better: bool


def measure_skill(probabilities: NDArray[np.floating], training: TrainingSet) -> Skill:
    """Return how well the windows that train, and whose label nobody gave in review, are predicted.

    Parameters
    ----------
    probabilities : shape (n, classes)
        By models that were trained on all windows that may train, but those of the window's own fold.
    """
    rows = np.flatnonzero(training.train_mask & ~training.labels.reviewed)
    given, group = training.labels.given[rows], pd.factorize(training.group[rows])[0]
    classes, chance = training.classes, 1 / training.classes
    groups = len(np.unique(group))
    if groups < 2:
        nothing: dict[str, Any] = {"right": chance, "low": 0.0, "high": 1.0, "better": False}
        return Skill(**nothing, chance=chance, windows=len(rows), groups=groups, classes=classes)
    own = probabilities[rows].astype(np.float64)
    predicted = (own / np.maximum(own.mean(axis=0), 1e-9)).argmax(axis=1)
    place = group * classes + given
    counted = np.bincount(place, minlength=classes * (group.max() + 1)).reshape(-1, classes)
    right = np.bincount(place, weights=predicted == given, minlength=counted.size).reshape(-1, classes)
    share = float(_balanced(right.sum(axis=0), counted.sum(axis=0)))
    without = _balanced(right.sum(axis=0) - right, counted.sum(axis=0) - counted)
    draw = _draws(training, rows, group)
    reach = max(_jackknife_half_width(without), _chance_half_width(draw, given, classes))
    better = share - reach > chance or _p_value(own - own.mean(axis=0), given, draw=draw, group=group) < _BY_LUCK
    return Skill(
        right=share,
        low=max(0.0, share - reach),
        high=min(1.0, share + reach),
        chance=chance,
        windows=len(rows),
        groups=groups,
        classes=classes,
        better=better,
    )


def _balanced(right: NDArray[np.float64], counted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean over the classes of the share that is right; of a class without windows nothing is known: chance."""
    return np.asarray(np.where(counted > 0, right / np.maximum(counted, 1), 1 / counted.shape[-1]).mean(axis=-1))


def _jackknife_half_width(without: NDArray[np.float64]) -> float:
    """Return half the width of the t interval of a figure, by the delete-one-group jackknife: from what it is without each."""
    from scipy.stats import t

    count = len(without)
    spread = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    return float(t.ppf((1 + _LEVEL) / 2, count - 1)) * spread


def _chance_half_width(draw: NDArray[np.int64], given: NDArray[np.int64], classes: int) -> float:
    """Return half the width of the interval of the figure where every draw got its label at random, whatever is predicted."""
    from scipy.stats import norm

    sizes = pd.DataFrame({"draw": draw, "class": given}).groupby(["class", "draw"]).size().groupby("class")
    alike = (sizes.agg(lambda n: (n**2).sum()) / sizes.sum() ** 2).sum()
    return float(norm.ppf((1 + _LEVEL) / 2) * np.sqrt((1 / classes) * (1 - 1 / classes) * alike) / classes)


def _p_value(
    adjusted: NDArray[np.float64], given: NDArray[np.int64], *, draw: NDArray[np.int64], group: NDArray[np.int64]
) -> float:
    """Return the share of permutations of the labels among the draws of each group that get as much probability, 0..1.

    Parameters
    ----------
    adjusted : float64, shape (n, classes)
        Probabilities less the mean of their class: the figure is their mean for the given labels, every class counting alike.
    """
    place, first, size = np.unique(draw, return_index=True, return_counts=True)
    sums = np.zeros((len(place), adjusted.shape[1]))
    np.add.at(sums, np.searchsorted(place, draw), adjusted)
    order = np.argsort(group[first], kind="stable")
    sums, size, label, of = sums[order], size[order], given[first][order], group[first][order]
    rng = np.random.default_rng(0)

    def figure(label: NDArray[np.int64]) -> float:
        weight = np.bincount(label, weights=size, minlength=sums.shape[1])
        found = np.bincount(label, weights=sums[np.arange(len(label)), label], minlength=sums.shape[1])
        return float((found / np.maximum(weight, 1)).mean())

    seen = figure(label)
    as_good = sum(figure(label[np.lexsort((rng.random(len(of)), of))]) >= seen for _ in range(_PERMUTATIONS))
    return (1 + as_good) / (1 + _PERMUTATIONS)


def _draws(training: TrainingSet, rows: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the draw of each window: its bout, or its group where all of that has one label, shape (n,)."""
    given, block = training.labels.given[rows], training.labels.block[rows]
    bout = np.concatenate([[0], np.cumsum((given[1:] != given[:-1]) | (block[1:] != block[:-1]) | (group[1:] != group[:-1]))])
    one_label = (pd.Series(given).groupby(group).transform("nunique") == 1).to_numpy(bool)
    return np.asarray(np.where(one_label, -1 - group, bout))
