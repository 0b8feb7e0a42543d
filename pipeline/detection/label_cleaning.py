"""Label cleaning: which labels networks may be trained on, found by quick models without any truth.

::

    windows of a species ── summaries ── base learners ──┐
          ┌── labels kept or relabelled ── out-of-fold predictions ── label scores ──┐
          └──────────────────────────────────────────────────────────────────────────┘

Every iteration deals new folds, lets each base learner (:mod:`pipeline.detection.base_learners`) predict the windows of the folds
that it did not see, scores the labels by the mean of their probabilities, and prunes the share of every class that has the lowest
scores. The share is the class's own estimate of wrong labels within bounds; pruning ends when hardly a window changes sides.
Iterations that relabel follow: a pruned label that is more likely wrong than right comes back as the class that is suggested
(pseudo-labelling). What pruning takes away are the very windows that show an action inside clips of another; relabelled, they
train as well.

Reviewed labels train in every iteration, as the class that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_schemas.config import Config
from data_schemas.tables import text
from model.recipe import Recipe
from model.summaries import summarise_windows
from model.windowing import Samples
from pipeline.detection.base_learners import BASE_LEARNERS, BaseLearner
from pipeline.detection.label_quality import LabelQuality, estimate_quality
from pipeline.detection.label_scores import predicted_neq_given, score_labels
from pipeline.detection.lstm_jobs import Checkpoints, InMemory
from pipeline.detection.training_windows import Species, TrainingSet, recipe_of, species_of
from pipeline.windows.folds import deal_groups
from pipeline.workspace.workers import Workers, workers

RELABELLING = 3
"""Iterations on relabelled windows. Their mean is the prediction of the ensemble; a fourth adds nothing (docs/research.md)."""

_MOST_AT_ONCE = 150_000
"""Windows that are cleaned together: their features fill about a gigabyte, and more would hardly improve the models."""

_LEAST_PRUNED, _MOST_PRUNED = 0.02, 0.3
"""Bounds of the share of a class that is pruned: scores are never certain, and a class must keep most of what shows it."""

_FOLDS = 10
"""Folds of an iteration, where fewer are asked for: leaving one out is cheap, and nine tenths train better than four fifths."""

_CONVERGED = 0.025
"""Pruning ends when a smaller share of the windows changes sides."""

_EVEN = 0.5

Members = Sequence[tuple[BaseLearner, NDArray[np.float32]]]
"""Base learners, each with what it reads of the windows, shape (n, features)."""


@dataclass(frozen=True)
class EnsemblePrediction:
    """What the base learners predict, and which labels they leave to train on.

    Attributes
    ----------
    probabilities : float32, shape (n, classes)
        Out of fold, by the last iterations; rows sum to 1. No columns where the recipe cleans no labels.
    kept : bool, shape (n,)
        The windows whose given labels are trusted: they may train, and were not pruned. Mostly .7 to .95 of those that may.
    target : int64, shape (n,)
        The class that each window trains as: the given one where it is kept, another where it was relabelled, -1 where none.
    changed : list of float
        Share of the windows that changed sides in each iteration, 0..1.
    first : float32, shape (n, classes)
        Probabilities of the first iteration, which was trained on all labels.
    """

    probabilities: NDArray[np.float32]
    kept: NDArray[np.bool_]
    target: NDArray[np.int64]
    changed: list[float]
    first: NDArray[np.float32]


_STORED = ("probabilities", "kept", "target", "first")
"""What is kept of a prediction, so that an interrupted run need not repeat it."""


def most_iterations(recipe: Recipe) -> int:
    """Return the most cleaning iterations that a species takes."""
    return recipe.cleaning_iterations + RELABELLING if recipe.cleaning_iterations else 0


def clean_species(
    species: Species,
    samples: Samples,
    *,
    first: NDArray[np.int64],
    config: Config,
    checkpoints: Checkpoints,
    run: Workers,
    advance: Callable[[], None],
) -> EnsemblePrediction:
    """Return the prediction of the base learners for one species; all labels are kept where the recipe cleans none.

    Parameters
    ----------
    first : int64, shape (windows,)
        Row of the first sample of each window of the windows table.
    """
    training, most = species.training, recipe_of(config).cleaning_iterations
    if not most:
        nothing = np.zeros((len(species.rows), 0), np.float32)
        return EnsemblePrediction(nothing, training.train_mask, _given_where(training.train_mask, training), [], first=nothing)
    arrays = ((what, checkpoints.read_array(f"{species.name}-{what}")) for what in _STORED)
    known = {what: array for what, array in arrays if array is not None}
    if len(known) == len(_STORED):
        return EnsemblePrediction(**known, changed=[])
    found: dict[str, NDArray[Any]] = {}
    changed: list[float] = []
    for rows in batches(training):
        part = training.subset(rows)
        members = members_of(part, samples, first[species.rows[rows]], steps=config.windows.steps)
        of_batch = clean_labels(members, part, most=most, run=run, progress=advance)
        for what in _STORED:
            array = getattr(of_batch, what)
            found.setdefault(what, np.empty((len(species.rows), *array.shape[1:]), array.dtype))[rows] = array
        changed = max(changed, of_batch.changed, key=len)
    for what, array in found.items():
        checkpoints.write_array(f"{species.name}-{what}", array)
    return EnsemblePrediction(**found, changed=changed)


def members_of(training: TrainingSet, samples: Samples, first: NDArray[np.int64], *, steps: int) -> Members:
    """Return the base learners with what they read of the windows that begin at the samples ``first``."""
    summaries = summarise_windows(samples, first, steps=steps, reference=training.audited)
    return [(learner, learner.features(summaries, training.labels.block)) for learner in BASE_LEARNERS]


def batches(training: TrainingSet) -> list[NDArray[np.int64]]:
    """Return the rows of the windows that are cleaned together: whole groups, and of every class as many in each batch.

    They are fewer and larger where a batch would hold a class of which only one of its groups could train it.
    """
    given, everything = training.labels.given, [np.arange(len(training.group))]
    for count in range(-(-len(training.group) // _MOST_AT_ONCE), 1, -1):
        batch = deal_groups(given, training.group, training.train_mask, count=count, seed=training.seed)
        batch = np.where(batch < 0, training.group % count, batch)
        own = pd.DataFrame({"batch": batch, "class": given, "group": training.group})[training.train_mask]
        if own.groupby(["batch", "class"])["group"].nunique().min() > 1:
            return [np.flatnonzero(batch == number) for number in range(count)]
    return everything


def clean_labels(
    members: Members,
    training: TrainingSet,
    *,
    most: int,
    run: Workers,
    relabelling: int = RELABELLING,
    progress: Callable[[], None] | None = None,
) -> EnsemblePrediction:
    """Run up to ``most`` iterations that prune and then those that relabel."""
    advance = progress or (lambda: None)
    kept = training.train_mask
    changed: list[float] = []
    predicted = first = np.zeros((len(kept), training.classes), np.float32)
    for iteration in range(most):
        predicted = predict_ensemble(members, training, _given_where(kept, training), iteration=iteration, run=run)
        first = first if iteration else predicted
        before, kept = kept, _pruned(predicted, training, kept=kept)
        changed.append(float((before != kept)[training.train_mask].mean()))
        advance()
        if iteration and changed[-1] < _CONVERGED:
            break
    target = _relabelled(predicted, training, kept=kept)
    predictions: list[NDArray[np.float32]] = []
    for iteration in range(most, most + relabelling):
        predictions.append(predict_ensemble(members, training, target, iteration=iteration, run=run))
        predicted = np.mean(predictions, axis=0, dtype=np.float32)
        target = _relabelled(predicted, training, kept=kept)
        advance()
    return EnsemblePrediction(predicted, kept=kept, target=target, changed=changed, first=first)


def predict_ensemble(
    members: Members, training: TrainingSet, target: NDArray[np.int64], *, iteration: int, run: Workers
) -> NDArray[np.float32]:
    """Return the mean of the base learners' out-of-fold probabilities, shape (n, classes), on folds of this iteration.

    Parameters
    ----------
    target : int64, shape (n,)
        The class that each window trains as, -1 for none.
    """
    fold = training.deal(target, count=max(training.folds, _FOLDS), seed=training.seed_of(iteration=iteration))
    calls = (
        joblib.delayed(_on_one_thread)(
            learner,
            features,
            target,
            classes=training.classes,
            fold=fold,
            seed=training.seed_of(iteration=iteration, member=place),
        )
        for place, (learner, features) in enumerate(members)
    )
    return np.asarray(np.mean(list(run(calls)), axis=0), np.float32)


def _on_one_thread(learner: BaseLearner, *arrays: Any, **how: Any) -> NDArray[np.float32]:
    """Let a base learner predict; the other cores have learners of their own, and threads that wait for each other cost more."""
    with threadpool_limits(limits=1):
        return learner.predict_left_out(*arrays, **how)


def error_shares(errors: NDArray[np.bool_], given: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return the share of each given class that is counted as an error, 0..1, shape (classes,); 0 for a class without windows."""
    return pd.Series(errors).groupby(given).mean().reindex(range(classes), fill_value=0.0).to_numpy(np.float64)


def _given_where(kept: NDArray[np.bool_], training: TrainingSet) -> NDArray[np.int64]:
    return np.where(kept, training.labels.given, -1)


def _pruned(probabilities: NDArray[np.float32], training: TrainingSet, *, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the windows that may train without the lowest scores of every class, shape (n,).

    A class of which that would leave the windows of a single group keeps them all: no model could learn it to predict that group.
    """
    found, rows = training.train_mask.copy(), training.labelled
    own = training.subset(rows)
    scores = score_labels(probabilities[rows], own.labels)
    errors, given = predicted_neq_given(scores, own.labels, kept[rows]), own.labels.given
    may = own.train_mask & ~own.labels.reviewed
    share = np.clip(error_shares(errors[may], given[may], own.classes), _LEAST_PRUNED, _MOST_PRUNED)
    left = own.train_mask.copy()
    for number in range(own.classes):
        of_class = np.flatnonzero(may & (given == number))
        lowest = of_class[np.argsort(scores.score[of_class], kind="stable")]
        left[lowest[: int(share[number] * len(of_class))]] = False
        if len(np.unique(own.group[left & (given == number)])) < 2:
            left[of_class] = True
    found[rows] = left
    return found


def _relabelled(probabilities: NDArray[np.float32], training: TrainingSet, *, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the class that each window trains as, -1 for none: a pruned label that is probably wrong is relabelled."""
    target, rows = _given_where(kept, training), training.labelled
    quality = _quality(probabilities[rows], training.subset(rows), kept[rows])
    wrong = training.train_mask[rows] & ~kept[rows] & (quality.probability < _EVEN)
    target[rows[wrong]] = quality.suggested[wrong]
    return target


def _quality(probabilities: NDArray[np.floating], own: TrainingSet, kept: NDArray[np.bool_]) -> LabelQuality:
    return estimate_quality(score_labels(probabilities, own.labels), own.labels, kept, count=predicted_neq_given)


def training_labels(windows: pd.DataFrame, samples: Samples, *, config: Config) -> pd.Series:
    """Return the class that each window may train as, by base learners alone: by window_id, null for none.

    It is the window's own label unless the last predictions make it more likely wrong than right; then it is the label that they
    suggest. Where the recipe cleans no labels it is the label as given.

    Parameters
    ----------
    windows
        As they are labelled now; ``reviewed``: people gave the label.
    """
    first = windows["first_sample"].to_numpy(np.int64)
    found = []
    with workers(config) as run:
        for species in species_of(windows, config=config):
            shared: dict[str, Any] = {"first": first, "config": config, "checkpoints": InMemory()}
            predicted = clean_species(species, samples, run=run, advance=lambda: None, **shared)
            names = text([species.classes[c] if c >= 0 else None for c in _likelier_class(species.training, predicted)])
            found.append(pd.Series(names, index=pd.Index(windows["window_id"].iloc[species.rows])))
    return pd.concat(found)


def _likelier_class(training: TrainingSet, predicted: EnsemblePrediction) -> NDArray[np.int64]:
    if not predicted.probabilities.shape[1]:
        return predicted.target
    target, rows = np.full(len(training.group), -1, np.int64), training.labelled
    probabilities = predicted.probabilities[rows].astype(np.float64)
    own = training.subset(rows)
    quality = _quality(probabilities / probabilities.sum(axis=1, keepdims=True), own, predicted.kept[rows])
    likelier = np.where(quality.probability < _EVEN, quality.suggested, own.labels.given)
    target[rows] = np.where(own.train_mask, likelier, -1)
    return target
