"""LSTMs as jobs: each trains on some windows and predicts others, in a process of its own, and is kept when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import joblib
import numpy as np
from numpy.typing import NDArray

from model.recipe import Recipe
from model.windowing import Samples
from pipeline.workspace.workers import Workers

STEP_BUDGETS = tuple(35 << n for n in range(10))
"""Numbers of optimizer steps to try; the search stops at the first that hardly predicts better than the one before."""

_WORTH = 0.005
"""What twice as many steps must save, as a share of the error of guessing: easy labels are fitted a little better for hours."""

Probabilities = NDArray[np.float32]


class Checkpoints(Protocol):
    """Where finished predictions are kept, so that an interrupted run goes on where it was."""

    def read_array(self, name: str) -> NDArray[Any] | None:
        """Return an array, or None."""

    def write_array(self, name: str, array: NDArray[Any]) -> None:
        """Keep an array."""


class InMemory(dict[str, NDArray[Any]]):
    """Checkpoints of one process, gone with it."""

    read_array = dict.get
    write_array = dict.__setitem__


@dataclass(frozen=True)
class LstmJob:
    """One network to train on some windows, to predict others.

    Attributes
    ----------
    name : str
        Where its predictions are kept.
    recipe : Recipe
        With one view.
    train, target : int64, shape (n,)
        Places of the training windows among those of the species, and the classes that they train as. Where there are none,
        every class is as likely.
    predict : int64, shape (m,)
        Places of the windows to predict.
    """

    name: str
    recipe: Recipe
    classes: int
    seed: int
    train: NDArray[np.int64]
    target: NDArray[np.int64]
    predict: NDArray[np.int64]


def run_jobs(
    jobs: Sequence[LstmJob], *, checkpoints: Checkpoints, run: Workers, **work: Any
) -> Iterator[tuple[LstmJob, Probabilities]]:
    """Yield each job with its probabilities, in the order of the jobs: a sum of floats depends on its order.

    ``work`` holds what all of them share: samples, first, steps and device.
    """
    known = {job.name: checkpoints.read_array(job.name) for job in jobs}
    fresh = [job for job in jobs if known[job.name] is None]
    results = run(joblib.delayed(_train_and_predict)(job, **work) for job in fresh)
    for job in jobs:
        probabilities = known.pop(job.name)
        if probabilities is None:
            probabilities = next(results)
            checkpoints.write_array(job.name, probabilities)
        yield job, probabilities


def search_folds(fold: NDArray[np.int64], target: NDArray[np.int64], kept: NDArray[np.bool_]) -> list[int]:
    """Return the folds to search the training length on: the first whose kept windows show two classes, else as many as do so.

    Where a fold has no kept window, or all are of one class, nothing says how long to train for them.
    """
    numbers = sorted(set(fold[kept & (fold >= 0)].tolist()))
    shown = {number: set(target[kept & (fold == number)].tolist()) for number in numbers}
    alone = next((number for number in numbers if len(shown[number]) > 1), None)
    if alone is not None:
        return [alone]
    enough = next((n for n in range(1, len(numbers)) if len(set.union(*(shown[f] for f in numbers[:n]))) > 1), len(numbers))
    return numbers[:enough]


def search_steps(
    jobs: Sequence[LstmJob],
    given: NDArray[np.int64],
    kept: NDArray[np.bool_],
    *,
    checkpoints: Checkpoints,
    run: Workers,
    **work: Any,
) -> int:
    """Return the number of optimizer steps after which the networks of some folds predict their kept labels best.

    The fewest, where there is none to predict. Noisy labels as such say little about when to stop; those that cleaning kept, of
    groups that the network did not see, do.
    """
    best, least = STEP_BUDGETS[0], float("inf")
    for optimizer_steps in STEP_BUDGETS:
        named = [
            replace(
                job,
                name=f"search-{optimizer_steps}-{job.name}",
                recipe=replace(job.recipe, optimizer_steps=optimizer_steps),
                predict=job.predict[kept[job.predict]],
            )
            for job in jobs
        ]
        error = guessing = 0.0
        for job, probabilities in run_jobs(named, checkpoints=checkpoints, run=run, **work):
            true = np.eye(job.classes)[given[job.predict]]
            error += float(((probabilities - true) ** 2).sum())
            guessing += float(((true.mean(axis=0) - true) ** 2).sum())
        if error >= least - _WORTH * guessing:
            break
        best, least = optimizer_steps, error
    return best


def _train_and_predict(job: LstmJob, *, samples: Samples, first: NDArray[np.int64], steps: int, device: str) -> Probabilities:
    """Train one network and predict with it; one thread, because the other cores have networks of their own."""
    if not len(job.train):
        return np.full((len(job.predict), job.classes), 1 / job.classes, np.float32)
    # Workers that run base learners alone need no torch, which takes seconds to import.
    import torch

    from model.classifier import BehaviorClassifier
    from model.training import Windows

    torch.set_num_threads(1)
    classifier = BehaviorClassifier(
        [str(c) for c in range(job.classes)],
        [str(k) for k in range(samples.xy.shape[1])],
        steps=steps,
        recipe=job.recipe,
        device=device,
    )
    index = Windows.of(samples, first, steps=steps, device=classifier.device)
    classifier.fit_windows(replace(index, first=index.first[job.train]), job.target, seed=job.seed)
    return classifier.predict_windows(replace(index, first=index.first[job.predict]))
