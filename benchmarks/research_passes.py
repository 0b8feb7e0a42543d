"""Passes that drop doubted labels, the whole method, the method without each of its parts, and the ceiling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from benchmarks.research_data import Answer, Found, Row, Study, judge
from benchmarks.research_learners import networks
from benchmarks.research_losses import Learner, augmented, learn, plain
from benchmarks.research_scores import box, lift
from model.lstm import WindowLSTM
from model.training import Windows
from pipeline.detection.cleaning_passes import REPAIRS, Heard, Lesson, run_passes
from pipeline.detection.out_of_fold import predict_out_of_fold
from pipeline.windows.folds import assign_folds

__all__ = ["ABLATIONS", "PASSES", "project"]

UPDATES = 280
"""Updates of the networks in the ablation, where the project would find their number by trial."""

_NOTHING_DROPPED = {
    "pipeline.detection.cleaning_passes._LEAST_DROPPED": 0.0,
    "pipeline.detection.cleaning_passes._MOST_DROPPED": 0.0,
}
_PENALTY, _WIDTH, _SIZE = 1e-2, 0.03, 400


class _Parts(dict[str, NDArray[Any]]):
    """Keeps parts in memory."""

    def read_array(self, name: str) -> NDArray[Any] | None:
        """Return a part, or None."""
        return self.get(name)

    def write_array(self, name: str, array: NDArray[Any]) -> None:
        """Keep a part."""
        self[name] = array


def project(study: Study, *, target: NDArray[np.int64] | None = None, **model: Any) -> Answer:
    """Return what ``audit run`` predicts: passes of voices, networks on the labels that these trust, both mixed.

    Parameters
    ----------
    target : int64, shape (n,), optional
        Learn these classes instead of the given ones.
    model
        Keys of ``[model]``.
    """
    windows = study.windows
    if target is not None:
        windows = windows.assign(target=np.array(study.names, object)[target])
    oof, _ = predict_out_of_fold(windows, study.samples, config=study.with_model(**model), parts=_Parts())
    return Answer(oof[[f"p_{name}" for name in study.names]].to_numpy(np.float64), oof["taught"].to_numpy(bool))


def passes(study: Study, *, most: int = 6, repairs: int = 0) -> Answer:
    """Return what the voices say after so many passes that drop and that repair."""
    with joblib.Parallel(n_jobs=1) as workers:
        heard = run_passes(study.voices, study.lesson, most=most, repairs=repairs, workers=workers)
    return Answer(heard.probabilities, heard.kept)


def dropping(study: Study, *, shares: Sequence[float]) -> Answer:
    """Return what the voices say after passes that drop fixed shares of every class."""
    left = iter(shares)

    def share(_wrong: NDArray[np.bool_], _given: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
        return np.full(classes, next(left))

    with (
        patch("pipeline.detection.cleaning_passes.class_shares", share),
        patch("pipeline.detection.cleaning_passes._SETTLED", 0.0),
    ):
        return passes(study, most=len(shares))


def sketch(study: Study, *, rounds: int = 4, share: float = 0.2) -> Found:
    """Return the published sketch: three networks a pass, a fixed fifth of every class dropped, a box of nine windows."""
    teaches, found = study.lesson.teaches, Found(np.zeros(len(study.given)), study.given)
    for number in range(rounds):
        fold = assign_folds(study.given, study.lesson.group, count=5, seed=study.seed + 100 * number)
        dealt = replace(study, fold=fold, lesson=replace(study.lesson, teaches=teaches))
        found = lift(study, networks(dealt), average=box, excuse=0.5)
        teaches = study.lesson.teaches.copy()
        for label in range(study.classes):
            rows = np.flatnonzero(study.lesson.teaches & (study.given == label))
            teaches[rows[np.argsort(found.score[rows], kind="stable")][: int(share * len(rows))]] = False
    return found


def softened(study: Study, *, rounds: int = 4) -> Answer:
    """Return what the voices say when they learn softened labels instead of dropping any (EM with a transition matrix)."""
    one_hot = np.eye(study.classes)
    soft, p = one_hot[study.given], np.zeros((len(study.given), study.classes))
    for number in range(rounds):
        seed = study.seed + 100 * number
        fold = assign_folds(study.given, study.lesson.group, count=10, seed=seed)
        rows = study.lesson.teaches
        said = [_soft_ridge(f, soft, fold, rows, seed=seed + i) for i, f in enumerate(study.voices.values())]
        p = np.mean(said, axis=0)
        counts = one_hot[study.given].T @ p
        soft = p * (counts / counts.sum(axis=0))[study.given]
        soft /= soft.sum(axis=1, keepdims=True)
    return Answer(p, study.lesson.teaches)


def patched(study: Study, *, changes: Mapping[str, Any], run: Callable[[Study], Answer]) -> Found:
    """Return the project's score with some of its constants changed, in the passes and at the end."""
    with ExitStack() as stack:
        for name, value in changes.items():
            stack.enter_context(patch(name, value))
        return judge(run(study), study)


def without_context(voices: Mapping[str, NDArray[np.float32]], lesson: Lesson, **rest: Any) -> Heard:
    """Run the project's passes without the voice of the context."""
    return run_passes({name: f for name, f in voices.items() if name != "context"}, lesson, **rest)


def without_repairs(voices: Mapping[str, NDArray[np.float32]], lesson: Lesson, **rest: Any) -> Heard:
    """Run the project's passes that drop, and have networks learn from what they keep."""
    heard = run_passes(voices, lesson, repairs=0, **rest)
    return replace(heard, teaching=np.where(heard.kept, lesson.labels.given, -1))


def augmented_training(windows: Windows, target: NDArray[np.int64], **rest: Any) -> WindowLSTM:
    """Train a network of the project on mirrored and turned windows with hidden keypoints."""
    rest.pop("progress", None)
    return learn(windows, target, learner=Learner(plain, augmented), **rest)


def ceiling(study: Study) -> Answer:
    """Return the project's networks and voices, trained on the TRUE labels of all windows of the other folds."""
    with ExitStack() as stack:
        for name, value in _NOTHING_DROPPED.items():
            stack.enter_context(patch(name, value))
        learnt = project(study, target=study.true, optimizer_steps=UPDATES)
    return Answer(learnt.probabilities, study.lesson.teaches)


def _soft_ridge(
    features: NDArray[np.float32], soft: NDArray[np.float64], fold: NDArray[np.integer], rows: NDArray[np.bool_], *, seed: int
) -> NDArray[np.float64]:
    """Return kernel ridge answers as :mod:`model.kernel_ridge` makes them, for targets that are shares of classes."""
    waves = np.random.default_rng(seed).normal(size=(features.shape[1], _SIZE // 2)) * np.sqrt(2 * _WIDTH / features.shape[1])
    angle = features @ waves.astype(np.float32)
    waved = np.concatenate([np.cos(angle), np.sin(angle), np.ones((len(angle), 1), np.float32)], axis=1)
    sums = [_sums(waved, soft, rows & (fold == number)) for number in range(int(fold.max()) + 1)]
    gram, moment = sum(g for g, _ in sums), sum(m for _, m in sums)
    answers = np.empty(soft.shape)
    for number, (own_gram, own_moment) in enumerate(sums):
        ridge = (gram - own_gram).astype(np.float64) + _PENALTY * (rows & (fold != number)).sum() * np.eye(waved.shape[1])
        answers[fold == number] = waved[fold == number] @ solve(ridge, moment - own_moment, assume_a="pos")
    clipped = np.clip(answers, 1e-3, 1.0)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True))


def _sums(waved: NDArray[np.float32], soft: NDArray[np.float64], own: NDArray[np.bool_]) -> tuple[Any, Any]:
    return waved[own].T @ waved[own], waved[own].T @ soft[own]


def _counts() -> Iterator[tuple[str, Row]]:
    for most in (1, 2, 3, 4):
        yield f"{most} pass{'es' * (most > 1)}", Row("four voices, the project's estimate is dropped", partial(passes, most=most))


PASSES: dict[str, Row] = {
    **dict(_counts()),
    "until settled": Row("at most six passes", passes),
    "repaired once": Row("then one pass on dropped labels that come back as suggested", partial(passes, repairs=1)),
    "repaired": Row("then three, averaged: the project's voices", partial(passes, repairs=REPAIRS)),
    "repaired six times": Row("then six, averaged", partial(passes, repairs=6)),
    "fixed 20 %": Row("of every class is dropped, four passes", partial(dropping, shares=(0.2,) * 4)),
    "fixed 30 %": Row("of every class is dropped, four passes", partial(dropping, shares=(0.3,) * 4)),
    "annealed": Row("10, 15, 20, 25, 30 % are dropped", partial(dropping, shares=(0.1, 0.15, 0.2, 0.25, 0.3))),
    "the sketch": Row("three LSTMs a pass, a fifth is dropped, box, half median; four passes", sketch),
    "softened labels": Row("four rounds of EM instead of dropping", softened),
}
"""Each takes the study; voices alone."""

_quick = partial(project, optimizer_steps=UPDATES)
_DETECTION = "pipeline.detection"


def _changed(name: str, value: object) -> Callable[..., Found]:
    """Return the whole method, short, with one name of the code exchanged."""
    return partial(patched, changes={name: value}, run=_quick)


def _no_clip(odds: NDArray[np.float64], **_: float) -> NDArray[np.float64]:
    return np.zeros_like(odds)


ABLATIONS: dict[str, Row] = {
    "project": Row("as audit run has it: length of training by trial", project),
    "project, 280 updates": Row("the same with a fixed length, for the rows below", _quick),
    "no passes": Row("all labels teach voices and networks", partial(patched, changes=_NOTHING_DROPPED, run=_quick)),
    "no voices": Row("networks alone, on all labels", partial(project, optimizer_steps=UPDATES, cleaning_iterations=0)),
    "no repairs": Row("what is dropped teaches nobody", _changed(f"{_DETECTION}.hearing.run_passes", without_repairs)),
    "no networks": Row("voices alone after the passes", partial(passes, repairs=REPAIRS)),
    "no context voice": Row("three voices", _changed(f"{_DETECTION}.hearing.run_passes", without_context)),
    "no excuse": Row("nothing of the clip is subtracted", _changed(f"{_DETECTION}.doubt._EXCUSE", 0.0)),
    "no lead": Row("lift alone", _changed(f"{_DETECTION}.doubt._LEAD", 0.0)),
    "no wrong clips": Row("no clip is judged as a whole", _changed(f"{_DETECTION}.issues.wrong_as_a_whole", _no_clip)),
    "5 folds": Row("in the passes instead of 10", _changed(f"{_DETECTION}.passes._FOLDS", 5)),
    "augmented networks": Row(
        "added: mirrored, turned, keypoints hidden",
        partial(patched, changes={"model.classifier.train_network": augmented_training}, run=_quick),
    ),
    "ceiling (truth)": Row("the same voices and networks trained on the TRUE labels of all windows", ceiling),
}
"""Each takes the study."""
