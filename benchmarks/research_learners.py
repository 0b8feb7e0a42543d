"""Learners, each in one pass over all labels, good and bad: views, voices, trees, neighbours and losses for noisy labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors

from benchmarks.research_data import Answer, Found, Row, Study
from benchmarks.research_losses import (
    Learner,
    Loss,
    Poses,
    augmented,
    bootstrapping,
    early_learning,
    forward_corrected,
    generalised,
    learn,
    learn_in_pairs,
    plain,
    smoothed,
)
from benchmarks.research_scores import course_score
from model.kernel_ridge import predict_left_out
from model.lstm import WindowLSTM
from model.recipe import PRESETS, Recipe
from model.training import Windows, network_logits, train_network
from model.views import VIEWS, view_size
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import best_other, doubt_labels

__all__ = ["LEARNERS", "networks", "voices"]

VIEWS_OF_PROJECT = PRESETS["default"].views
UPDATES = 140
_NEIGHBOURS, _REFERENCES = 50, 4000

Train = Callable[..., WindowLSTM | list[WindowLSTM]]
"""Trains one network, or several whose probabilities are averaged."""


def networks(
    study: Study, *, views: Sequence[str] = VIEWS_OF_PROJECT, updates: int = UPDATES, train: Train = train_network
) -> Answer:
    """Return the mean probabilities of networks that did not see the window's fold."""
    answers = np.zeros((len(study.given), study.classes))
    for view, number, target, index in _lessons(study, views):
        rows = study.fold == number
        made = train(index, target, view=view, recipe=_recipe(updates), classes=study.classes, seed=_seed(study, number, view))
        trained = made if isinstance(made, list) else [made]
        left_out = replace(index, first=torch.from_numpy(study.first[rows]))
        for network in trained:
            answers[rows] += _softmax(network_logits(network, left_out)) / len(views) / len(trained)
    return Answer(answers, study.lesson.teaches)


def all_views_in_one(study: Study) -> Answer:
    """Return the answers of one network a fold that reads all views side by side."""

    def every(*poses: torch.Tensor) -> torch.Tensor:
        return torch.cat([VIEWS[v](*poses) for v in VIEWS_OF_PROJECT], dim=2)

    def size(_view: str, keypoints: int) -> int:
        return sum(view_size(v, keypoints) for v in VIEWS_OF_PROJECT)

    with patch.dict(VIEWS, {"every": every}), patch("model.lstm.view_size", size):
        return networks(study, views=("every",))


def voices(study: Study, *, names: Sequence[str] = ("pairs", "space", "motion", "context")) -> Answer:
    """Return the mean of kernel ridge voices that did not see the window's fold."""
    said = [
        predict_left_out(
            study.voices[name],
            study.given,
            classes=study.classes,
            fold=study.fold,
            teaches=study.lesson.teaches,
            seed=study.seed + place,
        )[0]
        for place, name in enumerate(names)
    ]
    return Answer(np.mean(said, axis=0), study.lesson.teaches)


def with_loss(
    study: Study, *, make_loss: Callable[..., Loss], change: Callable[[Poses], Poses] | None = None, **rest: Any
) -> Answer:
    """Return networks trained with another loss, or on changed poses; ``rest`` goes to :func:`networks`."""
    return networks(study, train=partial(learn, learner=Learner(make_loss, change)), **rest)


def noise_transition(study: Study) -> Answer:
    """Return networks trained through the noise that the project estimates from one pass of its voices."""
    first = voices(study)
    joint = estimate_quality(doubt_labels(first.probabilities, study.labels), study.labels, first.taught).joint
    transition = (joint / joint.sum(axis=0)).T
    return with_loss(study, make_loss=partial(forward_corrected, transition=transition))


def nearest_neighbours(study: Study) -> Answer:
    """Return the given labels of the 50 nearest of 4,000 windows of other groups, in the embedding of the body network."""
    answers = np.zeros((len(study.given), study.classes))
    for view, number, target, index in _lessons(study, ("body",)):
        rows = study.fold == number
        seed = _seed(study, number, view)
        network = train_network(index, target, view=view, recipe=_recipe(UPDATES), classes=study.classes, seed=seed)
        some = np.random.default_rng(seed).permutation(len(target))[:_REFERENCES]
        with torch.inference_mode():
            known = network.embed(*index.take(torch.from_numpy(some))).numpy()
            asked = network.embed(
                *replace(index, first=torch.from_numpy(study.first[rows])).take(torch.arange(rows.sum()))
            ).numpy()
        near = NearestNeighbors(n_neighbors=_NEIGHBOURS, algorithm="brute").fit(known).kneighbors(asked, return_distance=False)
        answers[rows] = np.eye(study.classes)[target[some][near]].mean(axis=1)
    return Answer(_believable(answers), study.lesson.teaches)


def boosted_trees(study: Study) -> Answer:
    """Return gradient boosted trees on all summaries; every fourth window trains, 40 rounds of 15 leaves."""
    features = np.concatenate(list(study.blocks.values()), axis=1)
    answers = np.zeros((len(study.given), study.classes))
    for number in range(study.fold.max() + 1):
        train = np.flatnonzero(study.lesson.teaches & (study.fold != number))[::4]
        trees = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=15, max_bins=63, max_features=0.2, random_state=study.seed
        ).fit(features[train], study.given[train])
        rows = study.fold == number
        answers[np.ix_(rows, trees.classes_)] = trees.predict_proba(features[rows])
    return Answer(_believable(answers), study.lesson.teaches)


def training_dynamics(study: Study, *, margin: bool) -> Found:
    """Return the loss, or the margin of logits (Pleiss et al. 2020), of left-out windows, summed over ten checkpoints."""
    total, answers = np.zeros(len(study.given)), np.zeros((len(study.given), study.classes))
    for view, number, target, index in _lessons(study, VIEWS_OF_PROJECT):
        rows = np.flatnonzero(study.fold == number)
        left_out, given = replace(index, first=torch.from_numpy(study.first[rows])), study.given[rows]

        def watch(network: WindowLSTM, rows: NDArray[np.int64] = rows, left_out: Windows = left_out, given=given) -> None:
            logits = network_logits(network, left_out)
            network.train()
            p, place = _softmax(logits), np.arange(len(given))
            answers[rows] += p
            lead = logits[place, given] - logits[place, best_other(logits - logits.min(), given)]
            total[rows] += lead if margin else np.log(p[place, given] + 1e-6)

        learner = Learner(plain, watch=watch)
        seed = _seed(study, number, view)
        learn(index, target, view=view, recipe=_recipe(UPDATES), classes=study.classes, seed=seed, learner=learner)
    return Found(course_score(total, study), best_other(answers, study.given))


def _lessons(study: Study, views: Sequence[str]) -> Iterator[tuple[str, int, NDArray[np.int64], Windows]]:
    """Yield each view and fold with the windows to train on."""
    index = Windows.of(study.samples, study.first, steps=study.config.windows.steps)
    for view in views:
        for number in range(int(study.fold.max()) + 1):
            train = np.flatnonzero(study.lesson.teaches & (study.fold != number))
            yield view, number, study.given[train], replace(index, first=index.first[torch.from_numpy(train)])


def _recipe(updates: int) -> Recipe:
    return replace(PRESETS["default"], optimizer_steps=updates)


def _seed(study: Study, number: int, view: str) -> int:
    return study.seed * 31 + number * 101 + (*VIEWS, "every").index(view)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


def _believable(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.maximum(p, 1e-3)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _sweep() -> dict[str, Row]:
    so_long = {n: partial(networks, views=("body",), updates=n) for n in (35, 70, 280, 560)}
    return {f"{n} updates": Row("LSTM body, trained so long", run) for n, run in so_long.items()}


LEARNERS: dict[str, Row] = {
    **{f"LSTM {v}": Row("this view alone", partial(networks, views=(v,))) for v in ("frame", "body", "aligned", "distances")},
    "three views": Row("LSTMs of body, aligned and distances averaged", networks),
    "one on all views": Row("one LSTM on the three views side by side", all_views_in_one),
    **{
        f"voice {v}": Row("this kernel ridge alone", partial(voices, names=(v,))) for v in ("pairs", "space", "motion", "context")
    },
    "four voices": Row("kernel ridges averaged", voices),
    "neighbours": Row("50 nearest windows of other groups in the body LSTM", nearest_neighbours),
    "boosted trees": Row("on all summaries, every 4th window trains", boosted_trees),
    "label smoothing": Row("three views, .1", partial(with_loss, make_loss=smoothed)),
    "generalised cross entropy": Row("three views, q = .7", partial(with_loss, make_loss=generalised)),
    "bootstrapping": Row("three views, hard, .8", partial(with_loss, make_loss=bootstrapping)),
    "early-learning": Row("LSTM body, 560 updates", partial(with_loss, make_loss=early_learning, updates=560, views=("body",))),
    "co-teaching": Row(
        "three views, two networks exchange the small-loss 80 %", partial(networks, train=partial(learn_in_pairs, kept=0.8))
    ),
    "forward correction": Row("three views, through an estimated transition matrix", noise_transition),
    "augmentation": Row(
        "three views, mirrored, turned, a tenth of keypoints hidden", partial(with_loss, make_loss=plain, change=augmented)
    ),
    **_sweep(),
    "cumulative loss": Row("three views, over ten checkpoints", partial(training_dynamics, margin=False)),
    "area under the margin": Row("three views, over ten checkpoints", partial(training_dynamics, margin=True)),
}
"""Each takes the study. Networks train for 140 updates of 256 windows where nothing else is said."""
