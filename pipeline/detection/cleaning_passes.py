"""Which labels can teach: passes of quick voices, first without the labels that are doubted, then with these repaired.

Every pass deals new folds, lets each voice (:mod:`model.summaries` read by :mod:`model.kernel_ridge`) predict the windows of
the folds that it did not see, doubts the labels by the mean of their probabilities, and drops the most doubtful share of every
class. The share is the class's own estimate of wrong labels within bounds; dropping ends when hardly a window changes sides.
Passes that repair follow: a dropped label that is more likely wrong than right comes back as the one that is suggested. What
dropping takes away are the very windows that show an action inside clips of another; repaired, they teach as well.

Labels that people gave are fixed: they teach in every pass, under the label that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from model.kernel_ridge import predict_left_out
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import class_shares, doubt_labels, outvoted
from pipeline.detection.smoothing import Labelled
from pipeline.windows.folds import deal_groups

__all__ = ["REPAIRS", "Heard", "Lesson", "batches", "run_passes"]

REPAIRS = 3
"""Passes on repaired labels. Their mean is what the voices say; a fourth adds nothing (docs/research.md)."""

_MOST_AT_ONCE = 150_000
"""Windows that share their passes: their features fill about a gigabyte, and more would hardly teach more."""

_LEAST_DROPPED, _MOST_DROPPED = 0.02, 0.3
"""Bounds of the share of a class that is dropped: doubt is never certain, and a class must keep most of what shows it."""

_FOLDS = 10
"""Folds of a pass, where fewer are asked for: leaving one out is cheap, and nine tenths teach more than four fifths."""

_SETTLED = 0.025
"""Dropping ends when a smaller share of the windows changes sides."""

_EVEN = 0.5


@dataclass(frozen=True)
class Lesson:
    """The windows of one species, as the passes need them.

    Attributes
    ----------
    labels : Labelled
        Given classes (-1: none), clips and votes, and which labels are fixed.
    group : int64, shape (n,)
        Group of the folds.
    audited : bool, shape (n,)
        False for the hold-out, which teaches nothing and is predicted by what all others teach.
    teaches : bool, shape (n,)
        Audited windows that may train: labelled, not mixed, no bad pose.
    classes : int
    folds : int
    seed : int
    """

    labels: Labelled
    group: NDArray[np.int64]
    audited: NDArray[np.bool_]
    teaches: NDArray[np.bool_]
    classes: int
    folds: int
    seed: int

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """Return which labels people gave, shape (n,): they are never dropped, repaired or doubted."""
        return self.labels.fixed

    def deal(self, teaching: NDArray[np.int64], *, count: int, seed: int) -> NDArray[np.int64]:
        """Return the fold of each window, by the windows that teach a class; -1 where nothing of its group teaches."""
        return deal_groups(teaching, self.group, teaching >= 0, count=count, seed=seed)

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Return the rows of the windows that have a label; the others are predicted, and nothing is thought of them."""
        return np.flatnonzero(self.labels.given >= 0)

    def of(self, rows: NDArray[np.int64]) -> Lesson:
        """Return the lesson of some of the windows; of whole groups all or all that are labelled, so that folds stay apart."""
        return replace(
            self, labels=self.labels.of(rows), group=self.group[rows], audited=self.audited[rows], teaches=self.teaches[rows]
        )


@dataclass(frozen=True)
class Heard:
    """What the voices said last, and whose labels they had learnt from.

    Attributes
    ----------
    probabilities : float32, shape (n, classes)
    kept : bool, shape (n,)
        The windows whose given labels are trusted after the last pass.
    teaching : int64, shape (n,)
        The class that each window teaches: the given one where it is kept, another where it was repaired, -1 where none is.
    changed : list of float
        Share of the windows that changed sides in each pass.
    first : float32, shape (n, classes)
        What they said in the first pass, taught by all labels.
    """

    probabilities: NDArray[np.float32]
    kept: NDArray[np.bool_]
    teaching: NDArray[np.int64]
    changed: list[float]
    first: NDArray[np.float32]


def batches(lesson: Lesson) -> list[NDArray[np.int64]]:
    """Return the rows of the windows that share their passes: whole groups, and of every class as many in each batch.

    They are fewer and larger where a batch would hold a class of which only one of its groups could teach it.
    """
    everything = [np.arange(len(lesson.group))]
    for count in range(-(-len(lesson.group) // _MOST_AT_ONCE), 1, -1):
        batch = deal_groups(lesson.labels.given, lesson.group, lesson.teaches, count=count, seed=lesson.seed)
        batch = np.where(batch < 0, lesson.group % count, batch)
        taught = pd.DataFrame({"batch": batch, "class": lesson.labels.given, "group": lesson.group})[lesson.teaches]
        if taught.groupby(["batch", "class"])["group"].nunique().min() > 1:
            return [np.flatnonzero(batch == number) for number in range(count)]
    return everything


def run_passes(
    voices: Mapping[str, NDArray[np.float32]],
    lesson: Lesson,
    *,
    most: int,
    workers: joblib.Parallel,
    repairs: int = REPAIRS,
    progress: Callable[[], None] | None = None,
) -> Heard:
    """Run up to ``most`` passes that drop and then those that repair.

    ``voices`` holds the features of each voice, shape (n, features).
    """
    kept = lesson.teaches
    changed: list[float] = []
    said = first = np.zeros((len(kept), lesson.classes), np.float32)
    for number in range(most):
        said = _ask(voices, lesson, np.where(kept, lesson.labels.given, -1), number=number, workers=workers)
        first = first if number else said
        before, kept = kept, _trusted(said, lesson, kept=kept)
        changed.append(float((before != kept)[lesson.teaches].mean()))
        if progress:
            progress()
        if number and changed[-1] < _SETTLED:
            break
    teaching = _repaired(said, lesson, kept=kept)
    answers: list[NDArray[np.float32]] = []
    for number in range(most, most + repairs):
        answers.append(_ask(voices, lesson, teaching, number=number, workers=workers))
        said = np.mean(answers, axis=0, dtype=np.float32)
        teaching = _repaired(said, lesson, kept=kept)
        if progress:
            progress()
    return Heard(probabilities=said, kept=kept, teaching=teaching, changed=changed, first=first)


def _ask(
    voices: Mapping[str, NDArray[np.float32]],
    lesson: Lesson,
    teaching: NDArray[np.int64],
    *,
    number: int,
    workers: joblib.Parallel,
) -> NDArray[np.float32]:
    """Return the mean of what the voices say after learning from the windows that teach a class, with folds of their own."""
    seed = lesson.seed + 100 * number
    fold = lesson.deal(teaching, count=max(lesson.folds, _FOLDS), seed=seed)
    said = workers(
        joblib.delayed(_on_one_thread)(
            features, teaching, classes=lesson.classes, fold=fold, teaches=teaching >= 0, seed=seed + place
        )
        for place, features in enumerate(voices.values())
    )
    return np.asarray(np.mean([answer for answer, _ in said], axis=0), np.float32)


def _on_one_thread(*arrays: Any, **how: Any) -> tuple[NDArray[np.float32], float]:
    """Call :func:`predict_left_out`; the other cores have voices of their own, and threads that wait for each other cost more."""
    with threadpool_limits(limits=1):
        return predict_left_out(*arrays, **how)


def _trusted(probabilities: NDArray[np.float32], lesson: Lesson, *, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the windows that may teach without the most doubtful of every class.

    A class of which that would leave the windows of a single group keeps them all: no model could learn it to predict that group.
    """
    trusted, rows = lesson.teaches.copy(), lesson.labelled
    trusted[rows] = _trusted_of(probabilities[rows], lesson.of(rows), kept=kept[rows])
    return trusted


def _trusted_of(probabilities: NDArray[np.float32], lesson: Lesson, *, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    given = lesson.labels.given
    doubt = doubt_labels(probabilities, lesson.labels)
    wrong = outvoted(doubt, lesson.labels, kept)
    may = lesson.teaches & ~lesson.fixed
    share = np.clip(class_shares(wrong[may], given[may], lesson.classes), _LEAST_DROPPED, _MOST_DROPPED)
    trusted = lesson.teaches.copy()
    for number in range(lesson.classes):
        rows = np.flatnonzero(may & (given == number))
        most_doubtful = rows[np.argsort(doubt.score[rows], kind="stable")]
        trusted[most_doubtful[: int(share[number] * len(rows))]] = False
        if len(np.unique(lesson.group[trusted & (given == number)])) < 2:
            trusted[rows] = True
    return trusted


def _repaired(probabilities: NDArray[np.floating], lesson: Lesson, *, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the class that each window teaches, -1 for none: a dropped label that is probably wrong is repaired."""
    teaching, rows = np.full(len(kept), -1, np.int64), lesson.labelled
    own = lesson.of(rows)
    quality = estimate_quality(doubt_labels(probabilities[rows], own.labels), own.labels, kept[rows], count=outvoted)
    wrong = own.teaches & ~kept[rows] & (quality.right < _EVEN)
    teaching[rows] = np.where(kept[rows], own.labels.given, np.where(wrong, quality.suggested, -1))
    return teaching
