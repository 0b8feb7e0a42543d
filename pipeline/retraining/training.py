"""The models of the arms: one a species, with the same recipe, seed and number of optimizer steps in every arm.

::

    trusted labels of one fold ── training-length search ── optimizer steps ──┐
    training set of each arm ─────────────────────────────────────────────────┴── networks, one a view, as processes ── bundles
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.files import disk_errors
from model.classifier import BehaviorClassifier
from model.lstm import WindowLSTM
from model.recipe import Recipe
from model.training import Windows, train_network, view_seed
from model.windowing import Samples
from pipeline.detection.lstm_jobs import Checkpoints, LstmJob, search_folds, search_steps
from pipeline.retraining.training_conditions import TrainingCondition
from pipeline.workspace.workers import workers


@dataclass(frozen=True)
class ModelSpec:
    """A model that has to be there: that of a training condition for a species; arms keep theirs as a bundle.

    Attributes
    ----------
    key : str
        Hash of what it is made from; training sets of the same windows and classes share a model.
    first, target : int64, shape (n,)
        First samples and classes of the training windows.
    """

    condition: TrainingCondition
    species: str
    classes: Sequence[str]
    key: str
    first: NDArray[np.int64]
    target: NDArray[np.int64]
    bundle: Path | None


def optimizer_steps_of_recipe(recipe: Recipe, target: NDArray[np.int64]) -> int:
    """Return how many optimizer steps a recipe takes for training windows of these classes, where no search is made."""
    count = len(target)
    if recipe.balance == "downsample":
        _, sizes = np.unique(target, return_counts=True)
        count = int(sizes.min()) * len(sizes)
    return recipe.optimizer_steps or max(recipe.epochs * -(-count // recipe.batch_size), recipe.min_optimizer_steps)


def optimizer_steps_by_search(
    recipe: Recipe,
    samples: Samples,
    *,
    name: str,
    first: NDArray[np.int64],
    fold: NDArray[np.int64],
    trusted: NDArray[np.int64],
    kept: NDArray[np.bool_],
    classes: int,
    config: Config,
    device: str,
    checkpoints: Checkpoints,
) -> int:
    """Return after how many optimizer steps networks predict the trusted labels of an unseen fold best, as in the run.

    Parameters
    ----------
    name : str
        Under which the search's networks are kept.
    first, fold, trusted : int64, shape (n,)
        First sample, fold of the run, and trusted class of each audited window of a species, -1 for none.
    kept : bool, shape (n,)
        Windows whose trusted class is their own label: a relabelled one is a guess, by which no length is chosen.
    """
    folds = search_folds(fold, trusted, kept)
    train = {number: np.flatnonzero((trusted >= 0) & (fold != number)) for number in folds}
    # Two views are enough, as in the run: one a core of a small machine.
    tasks = [
        LstmJob(
            name=f"{name}-{number}-{view}",
            recipe=replace(recipe, views=(view,)),
            classes=classes,
            seed=view_seed(config.folds.seed, place),
            train=train[number],
            target=trusted[train[number]],
            predict=np.flatnonzero(fold == number),
        )
        for number in folds
        for place, view in enumerate(recipe.views[:2])
    ]
    work = {"samples": samples, "first": first, "steps": config.windows.steps, "device": device}
    with workers(config, serial=device != "cpu") as run:
        return search_steps(tasks, trusted, kept, checkpoints=checkpoints, run=run, **work)


def train_models(
    specs: Sequence[ModelSpec], samples: Samples, *, recipes: Mapping[str, Recipe], config: Config, device: str
) -> Iterator[tuple[ModelSpec, list[WindowLSTM], NDArray[np.float32]]]:
    """Yield the models in their order, each as soon as it is trained: its networks, one a view, and their losses.

    Parameters
    ----------
    recipes : mapping
        The recipe of each species, with the number of optimizer steps that all its training sets share.

    Yields
    ------
    spec, networks, losses
        The loss of every optimizer step: float32, shape (views, steps).
    """
    shared: dict[str, Any] = {"steps": config.windows.steps, "seed": config.folds.seed, "device": device}
    # A GPU is one device, where networks stand in line.
    with workers(config, serial=device != "cpu") as run:
        results = run(
            joblib.delayed(_train_view)(
                spec.first, spec.target, place, samples, recipe=recipes[spec.species], classes=len(spec.classes), **shared
            )
            for spec in specs
            for place in range(len(recipes[spec.species].views))
        )
        for spec in specs:
            made = [next(results) for _ in recipes[spec.species].views]
            yield spec, [network for network, _ in made], np.stack([losses for _, losses in made])


def place_bundle(classifier: BehaviorClassifier, folder: Path, *, beside: Path, fingerprint: str) -> None:
    """Write a bundle elsewhere on the same disk and rename it into its place: it appears whole or not at all.

    An older one goes only then. ``beside`` is a folder where nobody looks for bundles.

    Raises
    ------
    WorkspaceError
        The disk refuses.
    """
    part, old = (beside / f"{folder.parent.name}-{folder.name}.{end}" for end in ("part", "old"))
    hint = "make room or give write access, then type the same command again: finished models are kept"
    with disk_errors(folder, hint=hint):
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        classifier.save(part, fingerprint=fingerprint)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _train_view(
    first: NDArray[np.int64],
    target: NDArray[np.int64],
    place: int,
    samples: Samples,
    *,
    recipe: Recipe,
    classes: int,
    seed: int,
    steps: int,
    device: str,
) -> tuple[WindowLSTM, NDArray[np.float32]]:
    """Train one network, as :meth:`BehaviorClassifier.fit_windows` does; one thread, for the other cores have their own."""
    torch.set_num_threads(1)
    losses: list[torch.Tensor] = []
    network = train_network(
        Windows.of(samples, first, steps=steps, device=torch.device(device)),
        target,
        view=recipe.views[place],
        recipe=recipe,
        classes=classes,
        seed=view_seed(seed, place),
        losses=losses,
    )
    return network, torch.stack(losses).cpu().numpy()
