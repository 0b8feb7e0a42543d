"""Predict every window by models that never saw its group: quick voices first, then networks on the labels that these trust.

::

    windows of a species ── passes (pipeline.detection.cleaning_passes) ── kept and repaired labels, voices ────────────┐
                                  └── trial: how long to train ── networks, one a fold and view ── mixed ── oof
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.progress import Progress
from data_schemas.tables import probability_columns
from model.device import choose_device
from model.recipe import Recipe
from model.windowing import Samples
from pipeline.detection.cleaning_passes import REPAIRS, Heard, Lesson
from pipeline.detection.label_cleaning import Species, listen, most_passes, recipe_of, species_of
from pipeline.detection.lstm_jobs import NetworkTask, Parts, run_tasks, trial_folds, trial_lengths
from pipeline.detection.skill import measure_skill

__all__ = ["predict_out_of_fold"]

_WEIGHTS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class _Predicted:
    species: Species
    probabilities: NDArray[np.float64]
    network: NDArray[np.float64]
    heard: Heard
    fold: NDArray[np.int64]


def predict_out_of_fold(
    windows: pd.DataFrame,
    samples: Samples,
    *,
    config: Config,
    parts: Parts,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the oof and the trust table: for every window that is not left out one probability a class of its species.

    Windows of bad pose, windows across a change of label and those without a label are predicted, but teach nothing. Networks
    learn from the labels that were reviewed, and from those that the passes trust or repaired; how long, a trial on one fold
    finds. Their probabilities, averaged over views and repeats, and those of the voices are mixed in the proportion that fits
    the trusted labels best (Brier score, out of fold; Breiman 1996, "Stacked Regressions"). The hold-out is predicted by models
    of the audited groups alone. The trust table holds how much better than chance the models of each species are: the voices of
    the first pass, or the networks where there are no passes (:mod:`pipeline.detection.skill`).
    """
    recipe = recipe_of(config)
    device = choose_device(config.run.device).type
    kinds = list(species_of(windows, config=config))
    steps = _Steps(progress, len(kinds) * (most_passes(recipe) + config.folds.repeats * config.folds.count * len(recipe.views)))
    first = windows["first_sample"].to_numpy(np.int64)
    # Copy-on-write maps: the workers share one matrix, and torch gets memory that it may call writable.
    jobs = config.run.jobs or -1
    shared: dict[str, Any] = {"config": config, "parts": parts, "first": first, "advance": steps.advance}
    with joblib.Parallel(n_jobs=jobs, mmap_mode="c") as workers:
        heard = [listen(species, samples, workers=workers, **shared) for species in kinds]
    steps.jump(sum(most_passes(recipe) - (len(h.changed) + REPAIRS if h.changed else 0) for h in heard))
    # A GPU is one device: there the networks stand in line, in this process.
    with joblib.Parallel(n_jobs=jobs if device == "cpu" else 1, return_as="generator", mmap_mode="c") as workers:
        predicted = [
            _network_answers(species, h, samples, device=device, workers=workers, **shared)
            for species, h in zip(kinds, heard, strict=True)
        ]
    return _table(windows, predicted), _trust(predicted)


class _Steps:
    """Counts what is done, and tells it."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def advance(self, by: int = 1) -> None:
        """Count steps as done."""
        self._done += by
        if self._progress:
            self._progress(min(self._done, self._total), self._total)

    def jump(self, by: int) -> None:
        """Count steps as done that need not be taken."""
        if by > 0:
            self.advance(by)


def _network_answers(
    species: Species,
    heard: Heard,
    samples: Samples,
    *,
    first: NDArray[np.int64],
    config: Config,
    device: str,
    parts: Parts,
    workers: joblib.Parallel,
    advance: Callable[[], None],
) -> _Predicted:
    lesson, recipe = species.lesson, recipe_of(config)
    answers = np.zeros((len(species.rows), lesson.classes), np.float64)
    weight = np.zeros(len(species.rows), np.int64)
    seeds = [config.folds.seed + 1000 * r for r in range(config.folds.repeats)]
    folds = [lesson.deal(heard.teaching, count=lesson.folds, seed=seed) for seed in seeds]
    work = {"samples": samples, "first": first[species.rows], "steps": config.windows.steps, "device": device}
    if recipe.length_search and not recipe.optimizer_steps:
        # Two views tell: one a core of a small machine.
        tried = trial_folds(folds[0], lesson.labels.given, heard.kept)
        trials = list(_tasks(species, heard, folds[0], recipe=replace(recipe, views=recipe.views[:2]), repeat=0, only=tried))
        recipe = replace(
            recipe, optimizer_steps=trial_lengths(trials, lesson.labels.given, heard.kept, parts=parts, workers=workers, **work)
        )
    tasks = [t for r, fold in enumerate(folds) for t in _tasks(species, heard, fold, recipe=recipe, repeat=r)]
    for task, probabilities in run_tasks(tasks, parts=parts, workers=workers, **work):
        answers[task.predict] += probabilities
        weight[task.predict] += 1
        advance()
    network = answers / weight[:, None]
    return _Predicted(species, _mixed(network, heard, lesson), network=network, heard=heard, fold=folds[0])


def _tasks(
    species: Species, heard: Heard, fold: NDArray[np.int64], *, recipe: Recipe, repeat: int, only: list[int] | None = None
) -> Iterator[NetworkTask]:
    """Yield the networks to train: one a fold and view, or those of the folds ``only``."""
    lesson, apart = species.lesson, np.flatnonzero(fold < 0)
    for number in range(int(fold.max()) + 1) if only is None else only:
        train = np.flatnonzero((heard.teaching >= 0) & (fold != number) & (fold >= 0))
        for place, view in enumerate(recipe.views):
            yield NetworkTask(
                # The species comes last: whatever it is called, it reads as no other task.
                name=f"network-{repeat}-{number}-{view}-{species.name}",
                recipe=replace(recipe, views=(view,)),
                classes=lesson.classes,
                seed=(lesson.seed + 1000 * repeat) * 31 + number * 101 + place,
                train=train,
                target=heard.teaching[train],
                predict=np.concatenate([np.flatnonzero(fold == number), apart]),
            )


def _mixed(network: NDArray[np.float64], heard: Heard, lesson: Lesson) -> NDArray[np.float64]:
    """Return networks and voices in the proportion with the least Brier score.

    Scored on the trusted labels, of which the wrong ones are missing that would tell the two apart, and on all labels, where the
    wrong ones count against whoever sees through them: half way between the two proportions.
    """
    if not heard.probabilities.shape[1]:
        return network
    share = float(np.mean([_best_share(network, heard.probabilities, lesson, rows) for rows in (heard.kept, lesson.teaches)]))
    return np.asarray((1 - share) * network + share * heard.probabilities)


def _best_share(
    network: NDArray[np.float64], voices: NDArray[np.float32], lesson: Lesson, rows: NDArray[np.bool_]
) -> np.floating[Any]:
    """Return the share of the voices that agrees best with the given labels of some windows."""
    miss = network[rows] - np.eye(lesson.classes)[lesson.labels.given[rows]]
    apart = voices[rows] - network[rows]
    # The score is a parabola in the weight; the grid only keeps it within 0..1.
    scores = [float(((miss + w * apart) ** 2).sum()) for w in _WEIGHTS]
    return _WEIGHTS[int(np.argmin(scores))]  # type: ignore[no-any-return]


def _trust(predicted: list[_Predicted]) -> pd.DataFrame:
    told = []
    for p in predicted:
        skill = measure_skill(p.heard.first if p.heard.first.shape[1] else p.network, p.species.lesson)
        told.append({"species": p.species.name, **asdict(skill), "better": skill.better})
    return pd.DataFrame(told).astype({"species": "str", **dict.fromkeys(("windows", "groups", "classes"), "int64")})


def _table(windows: pd.DataFrame, predicted: list[_Predicted]) -> pd.DataFrame:
    names = sorted({c for p in predicted for c in p.species.classes})
    values = np.full((len(windows), len(names)), np.nan, np.float32)
    fold, taught = np.full(len(windows), -1, np.int16), np.zeros(len(windows), bool)
    network, voices = (np.full(len(windows), np.nan, np.float32) for _ in range(2))
    for p in predicted:
        rows, given = p.species.rows, p.species.lesson.labels.given
        columns = np.array([names.index(c) for c in p.species.classes], np.int64)
        values[rows[:, None], columns] = p.probabilities
        fold[rows], taught[rows] = p.fold, p.heard.kept
        network[rows], voices[rows] = (_of_given(said, given) for said in (p.network, p.heard.probabilities))
    table = pd.DataFrame(values, columns=probability_columns(names))
    told = {
        "window_id": windows["window_id"].array,
        "fold": fold,
        "taught": taught,
        "network": network.clip(0, 1),
        "voices": voices.clip(0, 1),
    }
    for place, (name, column) in enumerate(told.items()):
        table.insert(place, name, column)
    return table.loc[np.flatnonzero(~np.isnan(values).all(axis=1))].reset_index(drop=True)


def _of_given(probabilities: NDArray[np.floating], given: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probability of each window's given label, NaN where it has none or nothing was said; shape (n,)."""
    own = np.full(len(given), np.nan, np.float32)
    if probabilities.shape[1]:
        rows = np.flatnonzero(given >= 0)
        own[rows] = probabilities[rows, given[rows]]
    return own
