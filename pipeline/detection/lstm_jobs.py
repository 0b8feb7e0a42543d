"""Networks as tasks: each trains on some windows and predicts others, in a process of its own, and is kept when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import joblib
import numpy as np
from numpy.typing import NDArray

from model.recipe import Recipe
from model.windowing import Samples

__all__ = ["LENGTHS", "NetworkTask", "Parts", "run_tasks", "trial_folds", "trial_lengths"]

LENGTHS = tuple(35 << n for n in range(10))
"""Numbers of updates to try, from very short; a trial stops at the first that hardly predicts better than the one before."""

_WORTH = 0.005
"""What twice as many updates must save, as a share of the error of guessing: easy labels are learnt a little better for hours."""

Probabilities = NDArray[np.float32]


class Parts(Protocol):
    """Where finished parts are kept, so that an interrupted run goes on where it was."""

    def read_array(self, name: str) -> NDArray[Any] | None:
        """Return a part, or None."""

    def write_array(self, name: str, array: NDArray[Any]) -> None:
        """Keep a part."""


@dataclass(frozen=True)
class NetworkTask:
    """One network to train: on some windows, to predict others.

    Attributes
    ----------
    name : str
        Where its answer is kept.
    recipe : Recipe
        With one view.
    train, target : int64, shape (n,)
        Places of the training windows among those of the species, and their classes.
        Where there are none, every class is as likely.
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


def run_tasks(
    tasks: Sequence[NetworkTask], *, parts: Parts, workers: joblib.Parallel, **work: Any
) -> Iterator[tuple[NetworkTask, Probabilities]]:
    """Yield each task with its probabilities, in the order of the tasks: a sum of floats depends on its order.

    ``work`` holds what all of them share: samples, first, steps and device.
    """
    known = {t.name: parts.read_array(t.name) for t in tasks}
    fresh = [t for t in tasks if known[t.name] is None]
    results = workers(joblib.delayed(_train_and_predict)(t, **work) for t in fresh)
    for task in tasks:
        probabilities = known.pop(task.name)
        if probabilities is None:
            probabilities = next(results)
            parts.write_array(task.name, probabilities)
        yield task, probabilities


def trial_folds(fold: NDArray[np.int64], target: NDArray[np.int64], kept: NDArray[np.bool_]) -> list[int]:
    """Return the folds to try lengths of training on: the first whose trusted windows show two classes, else as many as do so.

    Where a fold has no trusted window, or all are of one class, nothing tells how long to train for them.
    """
    numbers = sorted(set(fold[kept & (fold >= 0)].tolist()))
    shown = {number: set(target[kept & (fold == number)].tolist()) for number in numbers}
    alone = next((number for number in numbers if len(shown[number]) > 1), None)
    if alone is not None:
        return [alone]
    enough = next((n for n in range(1, len(numbers)) if len(set.union(*(shown[f] for f in numbers[:n]))) > 1), len(numbers))
    return numbers[:enough]


def trial_lengths(
    tasks: Sequence[NetworkTask],
    given: NDArray[np.int64],
    kept: NDArray[np.bool_],
    *,
    parts: Parts,
    workers: joblib.Parallel,
    **work: Any,
) -> int:
    """Return the number of updates after which the networks of some folds predict the trusted labels of their windows best.

    The fewest, where there is none to predict. Noisy labels as such say little about when to stop; those that the passes trust,
    of groups that the network did not see, do.
    """
    best, least = LENGTHS[0], float("inf")
    for updates in LENGTHS:
        named = [
            replace(
                t,
                name=f"trial-{updates}-{t.name}",
                recipe=replace(t.recipe, optimizer_steps=updates),
                predict=t.predict[kept[t.predict]],
            )
            for t in tasks
        ]
        score = guessing = 0.0
        for task, probabilities in run_tasks(named, parts=parts, workers=workers, **work):
            true = np.eye(task.classes)[given[task.predict]]
            score += float(((probabilities - true) ** 2).sum())
            guessing += float(((true.mean(axis=0) - true) ** 2).sum())
        if score >= least - _WORTH * guessing:
            break
        best, least = updates, score
    return best


def _train_and_predict(
    task: NetworkTask, *, samples: Samples, first: NDArray[np.int64], steps: int, device: str
) -> Probabilities:
    """Train one network and predict with it; one thread, because the other cores have networks of their own."""
    if not len(task.train):
        return np.full((len(task.predict), task.classes), 1 / task.classes, np.float32)
    # Workers that only listen to voices need no torch, which takes seconds to import.
    import torch

    from model.classifier import BehaviorClassifier
    from model.training import Windows

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
