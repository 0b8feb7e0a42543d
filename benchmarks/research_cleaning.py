"""Cleaning that prunes and relabels, the whole method, the method without each of its parts, and the ceiling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from benchmarks.research_data import Ranking, Row, Study, StudyPrediction, assess, audit, changed
from benchmarks.research_learners import networks, trained_by
from benchmarks.research_losses import Learner, augmented, learn, plain
from benchmarks.research_scores import BOX, CONFIDENCE, adjusted
from pipeline.detection.base_learners import BASE_LEARNERS
from pipeline.detection.label_cleaning import RELABELLING, EnsemblePrediction, clean_labels
from pipeline.detection.training_windows import TrainingSet

STEPS = 280
"""Optimizer steps of the networks in the ablation, where the project would search for their number."""

_NOTHING_PRUNED = {"label_cleaning._LEAST_PRUNED": 0.0, "label_cleaning._MOST_PRUNED": 0.0}
_PENALTY, _WIDTH, _SIZE = 1e-2, 0.03, 400


def cleaned(study: Study, *, most: int = 6, relabelling: int = 0) -> StudyPrediction:
    """Return what the base learners predict after so many iterations that prune and that relabel."""
    run = joblib.Parallel(n_jobs=1)
    found = clean_labels(study.members, study.training, most=most, relabelling=relabelling, run=run)
    return StudyPrediction(found.probabilities, found.kept)


def pruned(study: Study, *, shares: Sequence[float]) -> StudyPrediction:
    """Return what the base learners predict after iterations that prune fixed shares of every class."""
    left = iter(shares)

    def share(_errors: NDArray[np.bool_], _given: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
        return np.full(classes, next(left))

    with changed({"label_cleaning.error_shares": share, "label_cleaning._CONVERGED": 0.0}):
        return cleaned(study, most=len(shares))


def sketch(study: Study, *, rounds: int = 4, share: float = 0.2) -> Ranking:
    """Return the published sketch: three networks a round, a fixed fifth of every class pruned, a box of nine windows."""
    trains, found = study.training.train_mask, Ranking(np.zeros(len(study.given)), study.given)
    for number in range(rounds):
        # What is marked as mixed trains nothing, and is predicted all the same.
        folds = study.config.folds.model_copy(update={"seed": study.training.seed_of(iteration=number)})
        config = study.config.model_copy(update={"folds": folds})
        dealt = replace(study, windows=study.windows.assign(mixed=~trains), config=config)
        found = adjusted(study, networks(dealt), smoothing=BOX, quantile=0.5)
        trains = study.training.train_mask.copy()
        for label in range(study.classes):
            rows = np.flatnonzero(study.training.train_mask & (study.given == label))
            trains[rows[np.argsort(found.score[rows], kind="stable")][: int(share * len(rows))]] = False
    return found


def softened(study: Study, *, rounds: int = 4) -> StudyPrediction:
    """Return what base learners predict when they learn softened labels instead of pruning any (EM with a transition matrix)."""
    one_hot, training = np.eye(study.classes), study.training
    soft, p = one_hot[study.given], np.zeros((len(study.given), study.classes))
    for number in range(rounds):
        fold = training.deal(study.target, count=10, seed=training.seed_of(iteration=number))
        seeds = [training.seed_of(iteration=number, member=place) for place in range(len(study.members))]
        found = [_soft_ridge(f, soft, fold, training, seed=s) for (_, f), s in zip(study.members, seeds, strict=True)]
        p = np.mean(found, axis=0)
        counts = one_hot[study.given].T @ p
        soft = p * (counts / counts.sum(axis=0))[study.given]
        soft /= soft.sum(axis=1, keepdims=True)
    return StudyPrediction(p, training.train_mask)


def with_changes(study: Study, *, changes: dict[str, Any], run: Callable[[Study], StudyPrediction]) -> Ranking:
    """Return the project's ranking with some of its names exchanged, in cleaning and at the end."""
    with changed(changes):
        return assess(run(study), study)


def without_relabelling(members: Any, training: TrainingSet, **rest: Any) -> EnsemblePrediction:
    """Prune as the project does, and train networks on what is kept."""
    found = clean_labels(members, training, relabelling=0, **rest)
    return replace(found, target=np.where(found.kept, training.labels.given, -1))


def augmented_networks(study: Study) -> Ranking:
    """Return the project's ranking with networks trained on mirrored and turned windows with hidden keypoints."""
    with trained_by(partial(learn, learner=Learner(plain, augmented))):
        return assess(_quick(study), study)


def ceiling(study: Study) -> StudyPrediction:
    """Return the project's networks and base learners, trained on the TRUE labels of all windows of the other folds."""
    with changed(_NOTHING_PRUNED):
        found = audit(study, target=study.true, optimizer_steps=STEPS)
    return StudyPrediction(found.probabilities, study.training.train_mask)


def _soft_ridge(
    features: NDArray[np.float32], soft: NDArray[np.float64], fold: NDArray[np.int64], training: TrainingSet, *, seed: int
) -> NDArray[np.float64]:
    """Return kernel ridge predictions out of fold for targets that are shares of classes, with a fixed penalty."""
    found = np.empty(soft.shape)
    for number in np.unique(fold):
        train = np.flatnonzero(training.train_mask & (fold != number))
        kernel = RBFSampler(gamma=_WIDTH / features.shape[1], n_components=_SIZE, random_state=seed)
        ridge = make_pipeline(kernel, Ridge(alpha=_PENALTY * len(train) * 2 / _SIZE)).fit(features[train], soft[train])
        found[fold == number] = ridge.predict(features[fold == number])
    clipped = np.clip(found, 1e-3, 1.0)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True))


CLEANING: dict[str, Row] = {
    **{
        f"{n} iterations": Row("four base learners, the project's estimate is pruned", partial(cleaned, most=n))
        for n in (1, 2, 3, 4)
    },
    "until converged": Row("at most six iterations", cleaned),
    "relabelled once": Row("then one iteration on pruned labels that come back as suggested", partial(cleaned, relabelling=1)),
    "relabelled": Row("then three, averaged: the project's base learners", partial(cleaned, relabelling=RELABELLING)),
    "relabelled six times": Row("then six, averaged", partial(cleaned, relabelling=6)),
    "fixed 20 %": Row("of every class is pruned, four iterations", partial(pruned, shares=(0.2,) * 4)),
    "fixed 30 %": Row("of every class is pruned, four iterations", partial(pruned, shares=(0.3,) * 4)),
    "annealed": Row("10, 15, 20, 25, 30 % are pruned", partial(pruned, shares=(0.1, 0.15, 0.2, 0.25, 0.3))),
    "the sketch": Row("three LSTMs a round, a fifth is pruned, box, half median; four rounds", sketch),
    "softened labels": Row("four rounds of EM instead of pruning", softened),
}
"""Each takes the study; base learners alone."""

_quick = partial(audit, optimizer_steps=STEPS)


def _changed(name: str, value: object) -> Callable[..., Ranking]:
    """Return the whole method, short, with one name of the code exchanged."""
    return partial(with_changes, changes={name: value}, run=_quick)


def _no_clip(odds: NDArray[np.float64], **_: float) -> NDArray[np.float64]:
    return np.zeros_like(odds)


_THREE = tuple(learner for learner in BASE_LEARNERS if learner.name != "context")

ABLATIONS: dict[str, Row] = {
    "project": Row("as audit run has it: the length of training is searched", audit),
    "project, 280 steps": Row("the same with a fixed length, for the rows below", _quick),
    "no cleaning": Row("all labels train base learners and networks", partial(with_changes, changes=_NOTHING_PRUNED, run=_quick)),
    "no base learners": Row("networks alone, on all labels", partial(audit, optimizer_steps=STEPS, cleaning_iterations=0)),
    "no relabelling": Row("what is pruned trains nothing", _changed("label_cleaning.clean_labels", without_relabelling)),
    "no networks": Row("base learners alone after cleaning", partial(cleaned, relabelling=RELABELLING)),
    "no context": Row("three base learners", _changed("label_cleaning.BASE_LEARNERS", _THREE)),
    "no clip-level offset": Row("nothing of the clip is subtracted", _changed("label_scores._CLIP_WEIGHT", 0.0)),
    "no margin": Row("self-confidence alone", _changed("label_scores.LABEL_SCORES", CONFIDENCE)),
    "no clip-level errors": Row("no clip is classified as a whole", _changed("issues.clip_error_probability", _no_clip)),
    "5 folds": Row("in cleaning instead of 10", _changed("label_cleaning._FOLDS", 5)),
    "augmented networks": Row("added: mirrored, turned, keypoints hidden", augmented_networks),
    "ceiling (truth)": Row("the same base learners and networks trained on the TRUE labels of all windows", ceiling),
}
"""Each takes the study."""
