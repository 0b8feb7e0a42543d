"""The windows and the truth that every row of the research table shares, the audit of them, and how a row is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from data_schemas.config import Config, Folds, Model, Run
from data_schemas.tables import probability_columns
from model.summaries import summarise_windows
from model.windowing import Samples
from pipeline.detection.base_learners import BASE_LEARNERS
from pipeline.detection.issues import assess_labels
from pipeline.detection.label_cleaning import Members
from pipeline.detection.label_quality import LabelQuality
from pipeline.detection.lstm_jobs import InMemory
from pipeline.detection.out_of_fold import predict_out_of_fold
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import TrainingSet, species_of
from pipeline.readers import recognise
from pipeline.windows.cutting import cut_windows, window_labels
from pipeline.windows.folds import split_windows
from pipeline.windows.sampling import sample_clips

FloatArray = NDArray[np.float64]
COLUMNS = ("AUROC", "AP", "recall 5 %", "recall 10 %", "recall 20 %", "best F1", "suggestion")


@dataclass(frozen=True, eq=False)
class Study:
    """One species' windows under their given labels; ``true`` is for scoring, and for the rows that are named a ceiling.

    Attributes
    ----------
    windows : DataFrame
        The project's windows table, all of it audited: no group is held out.
    true : int64, shape (n,)
        Commonest frame label of each window.
    """

    windows: pd.DataFrame
    samples: Samples
    true: NDArray[np.int64]
    training: TrainingSet
    names: list[str]
    config: Config

    @property
    def labels(self) -> WindowLabels:
        """Return the labels that are audited."""
        return self.training.labels

    @property
    def given(self) -> NDArray[np.int64]:
        """Return the given class of each window."""
        return self.labels.given

    @property
    def target(self) -> NDArray[np.int64]:
        """Return the class that each window trains as where no label is pruned, -1 where it may not train."""
        return np.where(self.training.train_mask, self.given, -1)

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return len(self.names)

    @property
    def first(self) -> NDArray[np.int64]:
        """Return the row of each window's first sample."""
        return self.windows["first_sample"].to_numpy(np.int64)

    @property
    def fold(self) -> NDArray[np.int64]:
        """Return the fold of each window, as the networks of ``audit run`` have it."""
        return self.training.deal(self.target, count=self.training.folds, seed=self.training.seed_of())

    @cached_property
    def summaries(self) -> dict[str, NDArray[np.float32]]:
        """Return the hand-made summaries of every window."""
        return summarise_windows(self.samples, self.first, steps=self.config.windows.steps)

    @cached_property
    def members(self) -> Members:
        """Return the project's base learners with what they read."""
        return [(learner, learner.features(self.summaries, self.labels.block)) for learner in BASE_LEARNERS]


@dataclass(frozen=True)
class StudyPrediction:
    """Out-of-fold probabilities, shape (n, classes), and the windows whose labels were kept for training, shape (n,)."""

    probabilities: NDArray[np.floating]
    kept: NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """An order of review: ``score`` is low where the label is likely wrong; ``suggested`` is the best other class."""

    score: FloatArray
    suggested: NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One thing that was tried: a sentence, and the function that does it."""

    says: str
    run: Callable[..., StudyPrediction | Ranking]


def load_study(frames: Path, truth: Path, *, groups: Sequence[str] | None, first: int | None, seed: int) -> Study:
    """Read the frames of some groups; those of the others neither train nor are scored."""
    config = Config(folds=Folds(holdout=0.0, seed=seed), run=Run(jobs=1, device="cpu"))
    found = recognise(frames).read(config, progress=lambda _done, _all: None)
    subjects = sorted(found.clips["subject_id"].unique())
    wanted = list(groups) if groups else subjects[:first]
    clips = found.clips[found.clips["subject_id"].isin(wanted)].reset_index(drop=True)
    own = found.frames[found.frames["clip_id"].isin(clips["clip_id"])].reset_index(drop=True)
    if len(kinds := set(clips["species"])) != 1:
        raise SystemExit(f"expected clips of one species, got {len(kinds)} in {len(clips)} clips")
    sampled = sample_clips(clips, own, config=config)
    windows = split_windows(cut_windows(clips, own, sampled=sampled, config=config, taxonomy=None), folds=config.folds)
    (species,) = species_of(windows, config=config)
    windows = windows.iloc[species.rows].reset_index(drop=True)
    true = _true_classes(clips, own, windows, pd.read_parquet(truth), species.classes)
    return Study(windows, sampled.samples, true, training=species.training, names=species.classes, config=config)


def audit(study: Study, *, target: NDArray[np.int64] | None = None, **model: Any) -> StudyPrediction:
    """Return what ``audit run`` predicts: labels cleaned by base learners, networks on those that are left, both mixed.

    Parameters
    ----------
    target : int64, shape (n,), optional
        Train on these classes instead of the given ones.
    model
        Keys of ``[model]``.
    """
    windows = study.windows
    if target is not None:
        windows = windows.assign(target=np.array(study.names, object)[target])
    config = study.config.model_copy(update={"model": Model(**model)})
    oof, _ = predict_out_of_fold(windows, study.samples, config=config, checkpoints=InMemory())
    return StudyPrediction(oof[probability_columns(study.names)].to_numpy(np.float64), oof["used_for_training"].to_numpy(bool))


def changed(changes: dict[str, Any]) -> ExitStack:
    """Exchange some names of ``pipeline.detection`` as long as the stack is open."""
    stack = ExitStack()
    for name, value in changes.items():
        stack.enter_context(patch(f"pipeline.detection.{name}", value))
    return stack


def assess(found: StudyPrediction, study: Study) -> Ranking:
    """Return the project's own score and suggestion for these probabilities."""
    quality = quality_of(found, study)
    return Ranking(quality.probability, quality.suggested)


def quality_of(found: StudyPrediction, study: Study) -> LabelQuality:
    """Return the project's own quality of each label for these probabilities."""
    p = np.asarray(found.probabilities, np.float64)
    return assess_labels(p, study.labels, study.training.group, found.kept, config=study.config).quality


def figures(found: Ranking, study: Study) -> list[float]:
    """Return the cells of :data:`COLUMNS`; an error is a window whose given class is not its commonest true one."""
    error = study.given != study.true
    order = np.argsort(found.score, kind="stable")
    hits = np.cumsum(error[order])
    best = (2 * hits / (np.arange(1, len(hits) + 1) + error.sum())).max()
    return [
        float(roc_auc_score(error, -found.score)),
        float(average_precision_score(error, -found.score)),
        *(float(hits[int(share * len(hits)) - 1] / error.sum()) for share in (0.05, 0.10, 0.20)),
        float(best),
        float((found.suggested == study.true)[error].mean()),
    ]


def _true_classes(
    clips: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame, truth: pd.DataFrame, names: list[str]
) -> NDArray[np.int64]:
    """Return the commonest true class of each window's frames; the first by name where two are as common."""
    if not set(truth["true_label"]) <= set(names):
        raise SystemExit("the truth holds a label that no clip carries")
    labelled = frames[["clip_id", "frame_number"]].merge(truth, on=["clip_id", "frame_number"], how="left")["true_label"]
    clip = pd.Index(clips["clip_id"]).get_indexer(windows["clip_id"]).astype(np.int32)
    spans = {name: windows[f"{name}_frame"].to_numpy(np.int32) for name in ("start", "end")}
    label, _ = window_labels(clips, frames.assign(frame_label=labelled.array), clip=clip, **spans)
    return pd.Categorical(label, categories=names).codes.astype(np.int64)
