"""Predict every window by models that never saw its group: quick base learners first, then LSTMs on the labels that are left.

::

    windows of a species ── label cleaning (pipeline.detection.label_cleaning) ── kept and relabelled windows ─────────────┐
                                  └── search of the training length ── LSTMs, one a fold and view ── stacked ── oof
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.progress import Progress
from data_schemas.tables import probability_columns
from model.device import choose_device
from model.recipe import Recipe
from model.windowing import Samples
from pipeline.detection.label_cleaning import RELABELLING, EnsemblePrediction, clean_species, most_iterations
from pipeline.detection.label_scores import probability_of
from pipeline.detection.lstm_jobs import Checkpoints, LstmJob, run_jobs, search_folds, search_steps
from pipeline.detection.skill import measure_skill
from pipeline.detection.training_windows import Species, TrainingSet, recipe_of, species_of
from pipeline.workspace.workers import Workers, workers

_WEIGHTS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class _SpeciesPrediction:
    species: Species
    probabilities: NDArray[np.float64]
    network: NDArray[np.float64]
    ensemble: EnsemblePrediction
    fold: NDArray[np.int64]


def predict_out_of_fold(
    windows: pd.DataFrame,
    samples: Samples,
    *,
    config: Config,
    checkpoints: Checkpoints,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the oof and the trust table: for every window that is not left out one probability a class of its species.

    Windows of bad pose, windows across a change of label and those without a label are predicted, but train nothing. Networks are
    trained on the labels that were reviewed, and on those that cleaning kept or relabelled; for how long, a search on one fold
    finds. Their probabilities, averaged over views and repeats, and those of the base learners are mixed in the proportion that
    fits the labels best (Brier score, out of fold; Breiman 1996, "Stacked Regressions"). The hold-out is predicted by models
    of the audited groups alone. The trust table holds how much better than chance the models of each species are: the base
    learners of the first iteration, or the networks where no labels are cleaned (:mod:`pipeline.detection.skill`).
    """
    recipe = recipe_of(config)
    device = choose_device(config.run.device).type
    kinds = list(species_of(windows, config=config))
    networks = config.folds.repeats * config.folds.count * len(recipe.views)
    total, done = len(kinds) * (most_iterations(recipe) + networks), count(1)

    def advance() -> None:
        if progress:
            progress(min(next(done), total), total)

    first = windows["first_sample"].to_numpy(np.int64)
    shared: dict[str, Any] = {"config": config, "checkpoints": checkpoints, "first": first, "advance": advance}
    with workers(config) as run:
        cleaned = [clean_species(species, samples, run=run, **shared) for species in kinds]
    for _ in range(sum(most_iterations(recipe) - (len(e.changed) + RELABELLING if e.changed else 0) for e in cleaned)):
        advance()
    # A GPU is one device: there the networks stand in line, in this process.
    with workers(config, serial=device != "cpu") as run:
        predicted = [
            _predict_species(species, ensemble, samples, device=device, run=run, **shared)
            for species, ensemble in zip(kinds, cleaned, strict=True)
        ]
    return _table(windows, predicted), _trust(predicted)


def _predict_species(
    species: Species,
    ensemble: EnsemblePrediction,
    samples: Samples,
    *,
    first: NDArray[np.int64],
    config: Config,
    device: str,
    checkpoints: Checkpoints,
    run: Workers,
    advance: Callable[[], None],
) -> _SpeciesPrediction:
    """Train the networks of one species, and mix what they and the base learners predict."""
    training, recipe = species.training, recipe_of(config)
    total = np.zeros((len(species.rows), training.classes), np.float64)
    times = np.zeros(len(species.rows), np.int64)
    repeats = range(config.folds.repeats)
    folds = [training.deal(ensemble.target, count=training.folds, seed=training.seed_of(repeat=r)) for r in repeats]
    steps, own = config.windows.steps, first[species.rows]
    work: dict[str, Any] = {
        "checkpoints": checkpoints,
        "run": run,
        "samples": samples,
        "first": own,
        "steps": steps,
        "device": device,
    }
    if recipe.length_search and not recipe.optimizer_steps:
        # Two views are enough: one a core of a small machine.
        few = search_folds(folds[0], training.labels.given, ensemble.kept)
        searched = list(_jobs(species, ensemble, folds[0], recipe=replace(recipe, views=recipe.views[:2]), repeat=0, only=few))
        recipe = replace(recipe, optimizer_steps=search_steps(searched, training.labels.given, ensemble.kept, **work))
    jobs = [job for r in repeats for job in _jobs(species, ensemble, folds[r], recipe=recipe, repeat=r)]
    for job, probabilities in run_jobs(jobs, **work):
        total[job.predict] += probabilities
        times[job.predict] += 1
        advance()
    network = total / times[:, None]
    return _SpeciesPrediction(species, _stacked(network, ensemble, training), network=network, ensemble=ensemble, fold=folds[0])


def _jobs(
    species: Species,
    ensemble: EnsemblePrediction,
    fold: NDArray[np.int64],
    *,
    recipe: Recipe,
    repeat: int,
    only: list[int] | None = None,
) -> Iterator[LstmJob]:
    """Yield the networks to train: one a fold and view, or those of the folds ``only``."""
    training, apart = species.training, np.flatnonzero(fold < 0)
    for number in range(int(fold.max()) + 1) if only is None else only:
        train = np.flatnonzero((ensemble.target >= 0) & (fold != number) & (fold >= 0))
        for place, view in enumerate(recipe.views):
            yield LstmJob(
                # The species comes last: whatever it is called, it reads as no other job.
                name=f"network-{repeat}-{number}-{view}-{species.name}",
                recipe=replace(recipe, views=(view,)),
                classes=training.classes,
                seed=training.seed_of(repeat=repeat) * 31 + number * 101 + place,
                train=train,
                target=ensemble.target[train],
                predict=np.concatenate([np.flatnonzero(fold == number), apart]),
            )


def _stacked(network: NDArray[np.float64], ensemble: EnsemblePrediction, training: TrainingSet) -> NDArray[np.float64]:
    """Return networks and base learners in the proportion with the least Brier score.

    Scored on the kept labels, of which the wrong ones are missing that would distinguish the two, and on all labels, where the
    wrong ones count against whoever predicts the true class: half way between the two proportions.
    """
    if not ensemble.probabilities.shape[1]:
        return network
    scored = (ensemble.kept, training.train_mask)
    share = float(np.mean([_best_share(network, ensemble.probabilities, training, rows) for rows in scored]))
    return np.asarray((1 - share) * network + share * ensemble.probabilities)


def _best_share(
    network: NDArray[np.float64], ensemble: NDArray[np.float32], training: TrainingSet, rows: NDArray[np.bool_]
) -> np.floating[Any]:
    """Return the share of the base learners, 0..1, that agrees best with the given labels of some windows."""
    error = network[rows] - np.eye(training.classes)[training.labels.given[rows]]
    difference = ensemble[rows] - network[rows]
    # The score is a parabola in the weight; the grid only keeps it within 0..1.
    scores = [float(((error + w * difference) ** 2).sum()) for w in _WEIGHTS]
    return _WEIGHTS[int(np.argmin(scores))]  # type: ignore[no-any-return]


def _trust(predicted: list[_SpeciesPrediction]) -> pd.DataFrame:
    rows = []
    for p in predicted:
        skill = measure_skill(p.ensemble.first if p.ensemble.first.shape[1] else p.network, p.species.training)
        rows.append({"species": p.species.name, **asdict(skill)})
    return pd.DataFrame(rows).astype({"species": "str", **dict.fromkeys(("windows", "groups", "classes"), "int64")})


def _table(windows: pd.DataFrame, predicted: list[_SpeciesPrediction]) -> pd.DataFrame:
    names = sorted({c for p in predicted for c in p.species.classes})
    values = np.full((len(windows), len(names)), np.nan, np.float32)
    fold, kept = np.full(len(windows), -1, np.int16), np.zeros(len(windows), bool)
    network, learners = (np.full(len(windows), np.nan, np.float32) for _ in range(2))
    for p in predicted:
        rows, given = p.species.rows, p.species.training.labels.given
        columns = np.array([names.index(c) for c in p.species.classes], np.int64)
        values[rows[:, None], columns] = p.probabilities
        fold[rows], kept[rows] = p.fold, p.ensemble.kept
        network[rows], learners[rows] = (_of_given(found, given) for found in (p.network, p.ensemble.probabilities))
    table = pd.DataFrame(values, columns=probability_columns(names))
    columns_of_all = {
        "window_id": windows["window_id"].array,
        "fold": fold,
        "used_for_training": kept,
        "network": network.clip(0, 1),
        "base_learners": learners.clip(0, 1),
    }
    for place, (name, column) in enumerate(columns_of_all.items()):
        table.insert(place, name, column)
    return table.loc[np.flatnonzero(~np.isnan(values).all(axis=1))].reset_index(drop=True)


def _of_given(probabilities: NDArray[np.floating], given: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probability of each window's given label, NaN where it has none or nothing was predicted; shape (n,)."""
    own = np.full(len(given), np.nan, np.float32)
    if probabilities.shape[1]:
        rows = np.flatnonzero(given >= 0)
        own[rows] = probability_of(probabilities[rows], given[rows])
    return own
