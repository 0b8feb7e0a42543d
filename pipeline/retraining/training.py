"""The models of the arms: one a species, with the same recipe, seed and number of optimizer steps in every arm.

::

    trusted labels of one fold ── training-length search ── optimizer steps ──┐
    training set of each arm ─────────────────────────────────────────────────┴── networks, one a view, as processes ── bundles
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from pipeline.workspace.workers import workers

__all__ = [
    "SearchData",
    "TrainedNetworks",
    "TrainingJob",
    "optimizer_steps_by_search",
    "optimizer_steps_of_recipe",
    "place_bundle",
    "train_jobs",
]


@dataclass(frozen=True)
class TrainingJob:
    """One model to train.

    Attributes
    ----------
    species : str
    classes : tuple of str
    recipe : Recipe
        With the number of optimizer steps that all arms share.
    seed : int
    first : int64, shape (n,)
        First samples of the training windows.
    target : int64, shape (n,)
        Their classes.
    key : str
        Hash of all that the model follows from: arms with the same training set share a job.
    """

    species: str
    classes: tuple[str, ...]
    recipe: Recipe
    seed: int
    first: NDArray[np.int64]
    target: NDArray[np.int64]
    key: str


@dataclass(frozen=True)
class SearchData:
    """What the search for the training length looks at: the audited windows of a species.

    Attributes
    ----------
    name : str
        Under which the search's networks are kept.
    first, fold, trusted : int64, shape (n,)
        First sample, fold of the run, and trusted class of each window, -1 for none.
    kept : bool, shape (n,)
        Windows whose trusted class is their own label: a relabelled one is a guess, by which no length is chosen.
    """

    name: str
    first: NDArray[np.int64]
    fold: NDArray[np.int64]
    trusted: NDArray[np.int64]
    kept: NDArray[np.bool_]
    classes: int
    seed: int


@dataclass(frozen=True)
class TrainedNetworks:
    """The networks of a job, one a view, and the loss of every optimizer step: float32, shape (views, steps)."""

    networks: list[WindowLSTM]
    losses: NDArray[np.float32]


def optimizer_steps_of_recipe(recipe: Recipe, target: NDArray[np.int64]) -> int:
    """Return how many optimizer steps a recipe takes for training windows of these classes, where no search is made."""
    count = len(target)
    if recipe.balance == "downsample":
        _, sizes = np.unique(target, return_counts=True)
        count = int(sizes.min()) * len(sizes)
    return recipe.optimizer_steps or max(recipe.epochs * -(-count // recipe.batch_size), recipe.min_optimizer_steps)


def optimizer_steps_by_search(
    recipe: Recipe, search: SearchData, samples: Samples, *, config: Config, device: str, checkpoints: Checkpoints
) -> int:
    """Return after how many optimizer steps networks tell the trusted labels of an unseen fold best, as in the run."""
    folds = search_folds(search.fold, search.trusted, search.kept)
    train = {number: np.flatnonzero((search.trusted >= 0) & (search.fold != number)) for number in folds}
    # Two views tell, as in the run: one a core of a small machine.
    tasks = [
        LstmJob(
            name=f"{search.name}-{number}-{view}",
            recipe=replace(recipe, views=(view,)),
            classes=search.classes,
            seed=view_seed(search.seed, place),
            train=train[number],
            target=search.trusted[train[number]],
            predict=np.flatnonzero(search.fold == number),
        )
        for number in folds
        for place, view in enumerate(recipe.views[:2])
    ]
    work = {"samples": samples, "first": search.first, "steps": config.windows.steps, "device": device}
    with workers(config, serial=device != "cpu") as run:
        return search_steps(tasks, search.trusted, search.kept, checkpoints=checkpoints, run=run, **work)


def train_jobs(
    queue: Sequence[TrainingJob], samples: Samples, *, config: Config, device: str
) -> Iterator[tuple[TrainingJob, TrainedNetworks]]:
    """Yield the jobs in their order, each with its networks as soon as all of them are trained."""
    # A GPU is one device, where networks stand in line.
    with workers(config, serial=device != "cpu") as run:
        results = run(
            joblib.delayed(_train_view)(job, place, samples, steps=config.windows.steps, device=device)
            for job in queue
            for place in range(len(job.recipe.views))
        )
        for job in queue:
            made = [next(results) for _ in job.recipe.views]
            yield job, TrainedNetworks([network for network, _ in made], np.stack([losses for _, losses in made]))


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
    job: TrainingJob, place: int, samples: Samples, *, steps: int, device: str
) -> tuple[WindowLSTM, NDArray[np.float32]]:
    """Train one network, as :meth:`BehaviorClassifier.fit_windows` does; one thread, for the other cores have their own."""
    torch.set_num_threads(1)
    losses: list[torch.Tensor] = []
    network = train_network(
        Windows.of(samples, job.first, steps=steps, device=torch.device(device)),
        job.target,
        view=job.recipe.views[place],
        recipe=job.recipe,
        classes=len(job.classes),
        seed=view_seed(job.seed, place),
        losses=losses,
    )
    return network, torch.stack(losses).cpu().numpy()
