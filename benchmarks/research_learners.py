"""Learners, each trained once on all labels, good and bad: views, base learners, trees, neighbours, losses for noisy labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors

from benchmarks.research_data import Ranking, Row, Study, StudyPrediction, audit
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
from benchmarks.research_scores import ranking_of
from model.lstm import WindowLSTM
from model.recipe import PRESETS
from model.training import Windows, network_logits, train_network
from model.views import VIEWS, view_size
from pipeline.detection.base_learners import BASE_LEARNERS, BaseLearner
from pipeline.detection.label_cleaning import predict_ensemble
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import best_other, probability_of, score_labels

VIEWS_OF_PROJECT = PRESETS["default"].views
STEPS = 140
_NEIGHBOURS, _REFERENCES = 50, 4000


def networks(
    study: Study,
    *,
    views: Sequence[str] = VIEWS_OF_PROJECT,
    steps: int = STEPS,
    train: Callable[..., torch.nn.Module] = train_network,
) -> StudyPrediction:
    """Return what the project's networks predict where no label is cleaned, trained by another loop perhaps."""
    with trained_by(train):
        return audit(study, cleaning_iterations=0, optimizer_steps=steps, views=list(views))


def trained_by(train: Callable[..., torch.nn.Module]) -> AbstractContextManager[object]:
    """Have the project's networks trained by another loop."""

    def without_progress(*arrays: Any, **how: Any) -> torch.nn.Module:
        how.pop("progress", None)
        return train(*arrays, **how)

    return patch("model.classifier.train_network", without_progress)


def all_views_in_one(study: Study) -> StudyPrediction:
    """Return the predictions of one network a fold that reads all views side by side."""

    def every(*poses: torch.Tensor) -> torch.Tensor:
        return torch.cat([VIEWS[v](*poses) for v in VIEWS_OF_PROJECT], dim=2)

    def size(_view: str, keypoints: int) -> int:
        return sum(view_size(v, keypoints) for v in VIEWS_OF_PROJECT)

    with patch.dict(VIEWS, {"every": every}), patch("model.lstm.view_size", size):
        return networks(study, views=("every",))


def once(study: Study, *, learners: Sequence[BaseLearner] = BASE_LEARNERS) -> StudyPrediction:
    """Return the mean of base learners, each trained once on all labels, on the folds of the first cleaning iteration."""
    members = [(learner, learner.features(study.summaries, study.labels.block)) for learner in learners]
    run = joblib.Parallel(n_jobs=1)
    probabilities = predict_ensemble(members, study.training, study.target, iteration=0, run=run)
    return StudyPrediction(probabilities, study.training.train_mask)


@dataclass(frozen=True)
class BoostedTrees:
    """Gradient boosted trees on all summaries; every fourth window trains, 40 rounds of 15 leaves."""

    name: str = "boosted trees"

    def features(self, summaries: Mapping[str, NDArray[np.float32]], block: NDArray[np.int64]) -> NDArray[np.float32]:  # noqa: ARG002
        """Return all blocks side by side."""
        return np.concatenate(list(summaries.values()), axis=1)

    def predict_left_out(
        self, features: NDArray[np.float32], target: NDArray[np.int64], *, classes: int, fold: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        """Return out-of-fold probabilities."""
        found = np.zeros((len(features), classes), np.float32)
        for number in np.unique(fold):
            train = np.flatnonzero((target >= 0) & (fold != number))[::4]
            trees = HistGradientBoostingClassifier(
                max_iter=40, max_leaf_nodes=15, max_bins=63, max_features=0.2, random_state=seed
            ).fit(features[train], target[train])
            rows = fold == number
            found[np.ix_(rows, trees.classes_)] = trees.predict_proba(features[rows])
        return _believable(found)


def with_loss(
    study: Study, *, make_loss: Callable[..., Loss], change: Callable[[Poses], Poses] | None = None, **rest: Any
) -> StudyPrediction:
    """Return networks trained with another loss, or on changed poses; ``rest`` goes to :func:`networks`."""
    return networks(study, train=partial(learn, learner=Learner(make_loss, change)), **rest)


def noise_transition(study: Study) -> StudyPrediction:
    """Return networks trained through the noise that the project estimates from its base learners, trained once."""
    first = once(study)
    joint = estimate_quality(score_labels(first.probabilities, study.labels), study.labels, first.kept).joint
    transition = (joint / joint.sum(axis=0)).T
    return with_loss(study, make_loss=partial(forward_corrected, transition=transition))


def nearest_neighbours(study: Study) -> StudyPrediction:
    """Return the given labels of the 50 nearest of 4,000 windows of other groups, in the embedding of the body network."""
    found = np.zeros((len(study.given), study.classes))
    for how, rows, target, index in _training_windows(study, ("body",)):
        network = train_network(index, target, **how)
        some = np.random.default_rng(how["seed"]).permutation(len(target))[:_REFERENCES]
        left_out = replace(index, first=torch.from_numpy(study.first[rows]))
        with torch.inference_mode():
            known = network.embed(*index.take(torch.from_numpy(some))).numpy()
            asked = network.embed(*left_out.take(torch.arange(len(rows)))).numpy()
        near = NearestNeighbors(n_neighbors=_NEIGHBOURS, algorithm="brute").fit(known).kneighbors(asked, return_distance=False)
        found[rows] = np.eye(study.classes)[target[some][near]].mean(axis=1)
    return StudyPrediction(_believable(found), study.training.train_mask)


def training_dynamics(study: Study, *, margin: bool) -> Ranking:
    """Return the loss, or the margin of logits (Pleiss et al. 2020), of left-out windows, summed over ten checkpoints."""
    total, found = np.zeros(len(study.given)), np.zeros((len(study.given), study.classes))
    for how, rows, target, index in _training_windows(study, VIEWS_OF_PROJECT):
        left_out, given = replace(index, first=torch.from_numpy(study.first[rows])), study.given[rows]

        def watch(network: WindowLSTM, rows: NDArray[np.int64] = rows, left_out: Windows = left_out, given=given) -> None:
            logits = network_logits(network, left_out)
            network.train()
            p = softmax(logits, axis=1)
            found[rows] += p
            lead = probability_of(logits, given) - probability_of(logits, best_other(logits - logits.min(), given))
            total[rows] += lead if margin else np.log(probability_of(p, given) + 1e-6)

        learn(index, target, learner=Learner(plain, watch=watch), **how)
    return Ranking(ranking_of(total, study), best_other(found, study.given))


def _training_windows(
    study: Study, views: Sequence[str]
) -> Iterator[tuple[dict[str, Any], NDArray[np.int64], NDArray[np.int64], Windows]]:
    """Yield how to train, the rows left out, and the classes and the index of the windows to train on, of each view and fold."""
    index, fold = Windows.of(study.samples, study.first, steps=study.config.windows.steps), study.fold
    recipe = replace(PRESETS["default"], optimizer_steps=STEPS)
    for place, view in enumerate(views):
        for number in range(int(fold.max()) + 1):
            train = np.flatnonzero(study.training.train_mask & (fold != number))
            how = {"view": view, "recipe": recipe, "classes": study.classes}
            how["seed"] = study.training.seed_of() * 31 + number * 101 + place
            yield how, np.flatnonzero(fold == number), study.given[train], replace(index, first=index.first[train])


def _believable(p: NDArray[np.floating]) -> NDArray[Any]:
    p = np.maximum(p, 1e-3)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _sweep() -> dict[str, Row]:
    so_long = {n: partial(networks, views=("body",), steps=n) for n in (35, 70, 280, 560)}
    return {f"{n} steps": Row("LSTM body, trained so long", run) for n, run in so_long.items()}


LEARNERS: dict[str, Row] = {
    **{f"LSTM {v}": Row("this view alone", partial(networks, views=(v,))) for v in ("frame", "body", "aligned", "distances")},
    "three views": Row("LSTMs of body, aligned and distances averaged", networks),
    "one on all views": Row("one LSTM on the three views side by side", all_views_in_one),
    **{
        f"kernel ridge {learner.name}": Row("this base learner alone", partial(once, learners=(learner,)))
        for learner in BASE_LEARNERS
    },
    "four base learners": Row("kernel ridges averaged", once),
    "neighbours": Row("50 nearest windows of other groups in the body LSTM", nearest_neighbours),
    "boosted trees": Row("on all summaries, every 4th window trains", partial(once, learners=(BoostedTrees(),))),
    "label smoothing": Row("three views, .1", partial(with_loss, make_loss=smoothed)),
    "generalised cross entropy": Row("three views, q = .7", partial(with_loss, make_loss=generalised)),
    "bootstrapping": Row("three views, hard, .8", partial(with_loss, make_loss=bootstrapping)),
    "early-learning": Row("LSTM body, 560 steps", partial(with_loss, make_loss=early_learning, steps=560, views=("body",))),
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
"""Each takes the study. Networks train for 140 steps of 256 windows where nothing else is said."""
