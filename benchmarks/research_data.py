"""The windows, folds and truth that every row of the research table shares, and how a row is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from data_schemas.config import Config, Folds, Model, Run
from model.summaries import VOICES, context, summarise_windows
from model.windowing import Samples
from pipeline.detection.cleaning_passes import Lesson
from pipeline.detection.issues import judge_labels
from pipeline.detection.label_cleaning import labels_of
from pipeline.detection.label_quality import Quality
from pipeline.detection.smoothing import Labelled
from pipeline.readers import recognise
from pipeline.windows.cutting import cut_windows
from pipeline.windows.folds import assign_folds, classes_of, split_windows
from pipeline.windows.sampling import sample_clips

__all__ = ["COLUMNS", "Answer", "Found", "Row", "Study", "figures", "judge", "load_study", "quality_of"]

FloatArray = NDArray[np.float64]
COLUMNS = ("AUROC", "AP", "recall 5 %", "recall 10 %", "recall 20 %", "best F1", "suggestion")
_REACHES = (3, 9)


@dataclass(frozen=True, eq=False)
class Study:
    """One species' windows under their given labels; ``true`` is for scoring, and for the rows that are named a ceiling.

    Attributes
    ----------
    windows : DataFrame
        The project's windows table, all of it audited: no group is held out.
    true : int64, shape (n,)
        Commonest frame label of each window.
    fold : int64, shape (n,)
        Five folds, grouped, as in ``audit run``.
    """

    windows: pd.DataFrame
    samples: Samples
    labels: Labelled
    true: NDArray[np.int64]
    fold: NDArray[np.int64]
    lesson: Lesson
    names: list[str]
    config: Config
    seed: int

    @property
    def given(self) -> NDArray[np.int64]:
        """Return the given class of each window."""
        return self.labels.given

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return len(self.names)

    @property
    def first(self) -> NDArray[np.int64]:
        """Return the row of each window's first sample."""
        return self.windows["first_sample"].to_numpy(np.int64)

    @cached_property
    def blocks(self) -> dict[str, NDArray[np.float32]]:
        """Return the hand-made summaries of every window."""
        return summarise_windows(self.samples, self.first, steps=self.config.windows.steps)

    @cached_property
    def voices(self) -> dict[str, NDArray[np.float32]]:
        """Return the features of the project's four voices."""
        voices = {voice: np.concatenate([self.blocks[b] for b in names], axis=1) for voice, names in VOICES.items()}
        clip = self.labels.clip
        near = {"space": context(voices["space"], clip, reaches=_REACHES[:1])}
        return {**voices, **near, "context": context(self.blocks["distance"], clip, reaches=_REACHES)}

    def with_model(self, **model: Any) -> Config:
        """Return the configuration with keys of ``[model]`` changed."""
        return self.config.model_copy(update={"model": Model(**model)})


@dataclass(frozen=True)
class Answer:
    """Out-of-fold probabilities, shape (n, classes), and the labels that taught, shape (n,)."""

    probabilities: NDArray[np.floating]
    taught: NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """An order of review: ``score`` is low where the label is doubtful; ``suggested`` is the best other class."""

    score: FloatArray
    suggested: NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """One thing that was tried: a sentence, and the function that does it."""

    says: str
    run: Callable[..., Answer | Found]


def load_study(frames: Path, truth: Path, *, groups: Sequence[str] | None, first: int | None, seed: int) -> Study:
    """Read the frames of some groups; those of the others are neither learnt from nor scored."""
    config = Config(folds=Folds(holdout=0.0, seed=seed), run=Run(jobs=1, device="cpu"))
    found = recognise(frames).read(config, progress=lambda _done, _all: None)
    subjects = sorted(found.clips["subject_id"].unique())
    wanted = list(groups) if groups else subjects[:first]
    clips = found.clips[found.clips["subject_id"].isin(wanted)].reset_index(drop=True)
    own = found.frames[found.frames["clip_id"].isin(clips["clip_id"])].reset_index(drop=True)
    if len(species := set(clips["species"])) != 1:
        raise SystemExit(f"expected clips of one species, got {len(species)} in {len(clips)} clips")
    sampled = sample_clips(clips, own, config=config)
    windows = cut_windows(clips, own, sampled=sampled, config=config, taxonomy=None)
    windows = split_windows(windows, folds=config.folds)
    names = classes_of(windows)
    labels = labels_of(windows, classes=names, config=config)
    group = pd.factorize(windows["group"])[0].astype(np.int64)
    lesson = Lesson(
        labels=labels,
        group=group,
        audited=np.ones(len(windows), bool),
        teaches=~windows["bad_pose"].to_numpy(bool) & ~windows["mixed"].to_numpy(bool),
        classes=len(names),
        folds=config.folds.count,
        seed=seed,
    )
    return Study(
        windows=windows,
        samples=sampled.samples,
        labels=labels,
        true=_true_classes(windows, pd.read_parquet(truth), names),
        fold=assign_folds(labels.given, group, count=config.folds.count, seed=seed).astype(np.int64),
        lesson=lesson,
        names=names,
        config=config,
        seed=seed,
    )


def judge(answer: Answer, study: Study) -> Found:
    """Return the project's own score and suggestion for these probabilities."""
    quality = quality_of(answer, study)
    return Found(quality.right, quality.suggested)


def quality_of(answer: Answer, study: Study) -> Quality:
    """Return the project's own quality of each label for these probabilities."""
    p = np.asarray(answer.probabilities, np.float64)
    return judge_labels(p, study.labels, study.lesson.group, answer.taught, config=study.config).quality


def figures(found: Found, study: Study) -> list[float]:
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


def _true_classes(windows: pd.DataFrame, truth: pd.DataFrame, names: list[str]) -> NDArray[np.int64]:
    """Return the commonest true class of each window's frames; the first by name where two are as common."""
    code = pd.Categorical(truth["true_label"].astype(str), categories=names).codes
    if (code < 0).any():
        raise SystemExit("the truth holds a label that no clip carries")
    table = truth.assign(code=code).sort_values(["clip_id", "frame_number"], ignore_index=True)
    rows_of_clip = table.groupby("clip_id").indices
    number, codes = table["frame_number"].to_numpy(), table["code"].to_numpy()
    true = np.empty(len(windows), np.int64)
    for clip, rows in windows.groupby("clip_id").indices.items():
        own = rows_of_clip[clip]
        counts = np.zeros((len(own) + 1, len(names)), np.int64)
        np.cumsum(np.eye(len(names), dtype=np.int64)[codes[own]], axis=0, out=counts[1:])
        low = np.searchsorted(number[own], windows["start_frame"].to_numpy()[rows], "left")
        high = np.searchsorted(number[own], windows["end_frame"].to_numpy()[rows], "right")
        true[rows] = (counts[high] - counts[low]).argmax(axis=1)
    return true
