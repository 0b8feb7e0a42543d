"""The models of the arms: one a species, with the same recipe, seed and number of updates in every arm.

::

    trusted labels of one fold ── trial ── updates ──┐
    what each arm teaches ───────────────────────────┴── networks, one a view, as processes ── bundles
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
from model.training import Windows, train_network
from model.windowing import Samples
from pipeline.detection.lstm_jobs import Checkpoints, LstmJob, search_folds, search_steps
from pipeline.workspace.workers import workers

__all__ = ["Course", "Trained", "Tried", "place_bundle", "train_courses", "updates_by_recipe", "updates_by_trial"]

_SEED_OF_VIEW = 7919


@dataclass(frozen=True)
class Course:
    """One model to train.

    Attributes
    ----------
    species : str
    classes : tuple of str
    recipe : Recipe
        With the number of updates that all arms share.
    seed : int
    first : int64, shape (n,)
        First samples of the windows that teach.
    target : int64, shape (n,)
        The class that each of them teaches.
    made_from : str
        Hash of all that the model follows from: arms that teach the same share a course.
    """

    species: str
    classes: tuple[str, ...]
    recipe: Recipe
    seed: int
    first: NDArray[np.int64]
    target: NDArray[np.int64]
    made_from: str


@dataclass(frozen=True)
class Tried:
    """What a trial of how long to train looks at: the audited windows of a species.

    Attributes
    ----------
    name : str
        Under which the trial's networks are kept.
    first, fold, trusted : int64, shape (n,)
        First sample, fold of the run, and the class that each window may teach, -1 for none.
    kept : bool, shape (n,)
        Windows that teach their own label: a repaired one is a guess, by which no length is judged.
    """

    name: str
    first: NDArray[np.int64]
    fold: NDArray[np.int64]
    trusted: NDArray[np.int64]
    kept: NDArray[np.bool_]
    classes: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """The networks of a course, one a view, and the loss of every update: float32, shape (views, updates)."""

    networks: list[WindowLSTM]
    losses: NDArray[np.float32]


def updates_by_recipe(recipe: Recipe, target: NDArray[np.int64]) -> int:
    """Return how many updates a recipe takes for windows that teach these classes, where it makes no trial."""
    count = len(target)
    if recipe.balance == "downsample":
        _, sizes = np.unique(target, return_counts=True)
        count = int(sizes.min()) * len(sizes)
    return recipe.optimizer_steps or max(recipe.epochs * -(-count // recipe.batch_size), recipe.min_optimizer_steps)


def updates_by_trial(
    recipe: Recipe, tried: Tried, samples: Samples, *, config: Config, device: str, checkpoints: Checkpoints
) -> int:
    """Return after how many updates the networks of a fold that can tell predict its trusted labels best, as in the run."""
    folds = search_folds(tried.fold, tried.trusted, tried.kept)
    train = {number: np.flatnonzero((tried.trusted >= 0) & (tried.fold != number)) for number in folds}
    # Two views tell, as in the run: one a core of a small machine.
    tasks = [
        LstmJob(
            name=f"{tried.name}-{number}-{view}",
            recipe=replace(recipe, views=(view,)),
            classes=tried.classes,
            seed=tried.seed + _SEED_OF_VIEW * place,
            train=train[number],
            target=tried.trusted[train[number]],
            predict=np.flatnonzero(tried.fold == number),
        )
        for number in folds
        for place, view in enumerate(recipe.views[:2])
    ]
    work = {"samples": samples, "first": tried.first, "steps": config.windows.steps, "device": device}
    with workers(config, serial=device != "cpu") as run:
        return search_steps(tasks, tried.trusted, tried.kept, checkpoints=checkpoints, run=run, **work)


def train_courses(
    courses: Sequence[Course], samples: Samples, *, config: Config, device: str
) -> Iterator[tuple[Course, Trained]]:
    """Yield the courses in their order, each with its networks as soon as all of them are trained."""
    # A GPU is one device, where networks stand in line.
    with workers(config, serial=device != "cpu") as run:
        results = run(
            joblib.delayed(_train_view)(course, place, samples, steps=config.windows.steps, device=device)
            for course in courses
            for place in range(len(course.recipe.views))
        )
        for course in courses:
            made = [next(results) for _ in course.recipe.views]
            yield course, Trained([network for network, _ in made], np.stack([losses for _, losses in made]))


def place_bundle(classifier: BehaviorClassifier, folder: Path, *, beside: Path, made_from: str) -> None:
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
        classifier.save(part, made_from=made_from)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _train_view(
    course: Course, place: int, samples: Samples, *, steps: int, device: str
) -> tuple[WindowLSTM, NDArray[np.float32]]:
    """Train one network, as :meth:`BehaviorClassifier.fit_windows` does; one thread, for the other cores have their own."""
    torch.set_num_threads(1)
    losses: list[torch.Tensor] = []
    network = train_network(
        Windows.of(samples, course.first, steps=steps, device=torch.device(device)),
        course.target,
        view=course.recipe.views[place],
        recipe=course.recipe,
        classes=len(course.classes),
        seed=course.seed + _SEED_OF_VIEW * place,
        losses=losses,
    )
    return network, torch.stack(losses).cpu().numpy()
