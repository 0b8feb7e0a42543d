"""Predict every window by networks that never saw its group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import joblib
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import probability_columns
from model.classifier import BehaviorClassifier
from model.device import choose_device
from model.recipe import Recipe, make_recipe
from model.training import Windows
from model.windowing import Samples
from pipeline.folds import assign_folds, classes_of

__all__ = ["Parts", "predict_out_of_fold", "recipe_of"]

Probabilities = NDArray[np.float32]


class Parts(Protocol):
    """Where finished parts are kept, so that an interrupted run goes on where it was."""

    def read_array(self, name: str) -> NDArray[Any] | None:
        """Return a part, or None."""

    def write_array(self, name: str, array: NDArray[Any]) -> None:
        """Keep a part."""


@dataclass(frozen=True)
class _Task:
    """One network to train: on the windows of some folds, to predict the rest and the hold-out."""

    name: str
    species: str
    repeat: int
    recipe: Recipe
    classes: int
    seed: int
    train: NDArray[np.int64]
    target: NDArray[np.int64]
    predict: NDArray[np.int64]


def recipe_of(config: Config) -> Recipe:
    """Return the recipe that the configuration asks for."""
    keys = config.model.model_dump()
    return make_recipe(keys.pop("preset"), **keys)


def predict_out_of_fold(
    windows: pd.DataFrame,
    samples: Samples,
    *,
    config: Config,
    parts: Parts,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return the oof table: for every window of the audit and the hold-out, one probability a class of its species.

    A network is trained for each species, repeat, fold and view, one a process; standardisation is fitted on its training
    windows. Windows of bad pose and windows across a change of label are predicted, but train nothing. The probabilities of
    views and repeats are averaged; the hold-out is predicted by the networks of every fold.
    """
    first = windows["first_sample"].to_numpy(np.int64)
    total = {str(s): np.zeros((len(windows), len(classes_of(w))), np.float64) for s, w in windows.groupby("species")}
    weight = np.zeros(len(windows), np.int64)
    fold = np.full(len(windows), -1, np.int16)
    tasks = list(_tasks(windows, config=config, fold=fold))
    for done, (task, probabilities) in enumerate(_run(tasks, samples, first=first, config=config, parts=parts), start=1):
        total[task.species][task.predict] += probabilities
        weight[task.predict] += 1
        if progress:
            progress(done, len(tasks))
    return _table(windows, total=total, weight=weight, fold=fold)


def _tasks(windows: pd.DataFrame, *, config: Config, fold: NDArray[np.int16]) -> Iterator[_Task]:
    """Yield every network to train, and set ``fold`` to each window's fold in the first repeat."""
    recipe = recipe_of(config)
    split, species = windows["split"].to_numpy(object), windows["species"].to_numpy(object)
    teaches = ~windows["bad_pose"].to_numpy() & ~windows["mixed"].to_numpy()
    for name, of_species in windows.groupby("species"):
        classes = classes_of(of_species)
        rows = np.flatnonzero((species == name) & (split == "audit"))
        apart = np.flatnonzero((species == name) & (split == "holdout"))
        if not len(rows):
            continue
        target = pd.Categorical(windows["target"].iloc[rows], categories=classes).codes.astype(np.int64)
        group = pd.factorize(windows["group"].iloc[rows])[0].astype(np.int64)
        for repeat in range(config.folds.repeats):
            seed = config.folds.seed + 1000 * repeat
            folds = assign_folds(target, group, count=config.folds.count, seed=seed)
            if repeat == 0:
                fold[rows] = folds
            for number in np.unique(folds):
                train = (folds != number) & teaches[rows]
                for place, view in enumerate(recipe.views):
                    yield _Task(
                        name=f"{name}-{repeat}-{number}-{view}",
                        species=str(name),
                        repeat=repeat,
                        recipe=replace(recipe, views=(view,)),
                        classes=len(classes),
                        seed=seed * 31 + int(number) * 101 + place,
                        train=rows[train],
                        target=target[train],
                        predict=np.concatenate([rows[folds == number], apart]),
                    )


def _run(
    tasks: list[_Task], samples: Samples, *, first: NDArray[np.int64], config: Config, parts: Parts
) -> Iterator[tuple[_Task, Probabilities]]:
    """Yield each task with its probabilities, in the order of the tasks: a sum of floats depends on its order."""
    device = choose_device(config.run.device).type
    jobs = (config.run.jobs or -1) if device == "cpu" else 1
    known = {t.name: parts.read_array(t.name) for t in tasks}
    fresh = [t for t in tasks if known[t.name] is None]
    # Copy-on-write maps: the workers share one matrix, and torch gets memory that it may call writable.
    workers = joblib.Parallel(n_jobs=jobs, return_as="generator", mmap_mode="c", pre_dispatch="2*n_jobs")
    results = workers(joblib.delayed(_train_and_predict)(t, samples, first, config.windows.steps, device) for t in fresh)
    for task in tasks:
        probabilities = known.pop(task.name)
        if probabilities is None:
            probabilities = next(results)
            parts.write_array(task.name, probabilities)
        yield task, probabilities


def _train_and_predict(task: _Task, samples: Samples, first: NDArray[np.int64], steps: int, device: str) -> Probabilities:
    """Train one network and predict with it; one thread, because the other cores have networks of their own."""
    torch.set_num_threads(1)
    classifier = BehaviorClassifier(
        [str(c) for c in range(task.classes)],
        [str(k) for k in range(samples.xy.shape[1])],
        steps=steps,
        recipe=task.recipe,
        device=device,
    )
    index = Windows.of(samples, first, steps=steps, device=classifier.device)
    classifier.fit_windows(replace(index, first=index.first[task.train]), task.target, seed=task.seed)
    return classifier.predict_windows(replace(index, first=index.first[task.predict]))


def _table(
    windows: pd.DataFrame, *, total: dict[str, NDArray[np.float64]], weight: NDArray[np.int64], fold: NDArray[np.int16]
) -> pd.DataFrame:
    names = sorted({c for _, w in windows.groupby("species") for c in classes_of(w)})
    values = np.full((len(windows), len(names)), np.nan, np.float32)
    for species, of_species in windows.groupby("species"):
        rows = np.flatnonzero((windows["species"] == species).to_numpy() & (weight > 0))
        columns = np.array([names.index(c) for c in classes_of(of_species)], np.int64)
        values[rows[:, None], columns] = total[str(species)][rows] / weight[rows, None]
    table = pd.DataFrame(values, columns=probability_columns(names))
    table.insert(0, "window_id", windows["window_id"].array)
    table.insert(1, "fold", fold)
    return table[weight > 0].reset_index(drop=True)
