"""A base learner and a label score that are added as docs/architecture.md says, in an audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from data_schemas.tables import probability_columns
from pipeline.detection.base_learners import BASE_LEARNERS
from pipeline.detection.label_cleaning import RELABELLING
from pipeline.detection.label_scores import LABEL_SCORES, probability_of
from pipeline.detection.smoothing import WindowLabels
from tests.integration.test_cases_detection import audited, recordings


class NearestMean:
    """The class whose mean speed is nearest."""

    name = "nearest mean"

    def __init__(self) -> None:
        self.trained: list[float] = []

    def features(self, summaries: Mapping[str, NDArray[np.float32]], block: NDArray[np.int64]) -> NDArray[np.float32]:
        assert (np.diff(block) >= 0).all()
        return summaries["speed"]

    def predict_left_out(
        self, features: NDArray[np.float32], target: NDArray[np.int64], *, classes: int, fold: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        found = np.zeros((len(features), classes), np.float32)
        for number in np.unique(fold):
            train = (target >= 0) & (fold != number)
            means = np.stack([features[train & (target == c)].mean(axis=0) for c in range(classes)])
            distance = np.linalg.norm(features[fold == number][:, None] - means, axis=2)
            found[fold == number] = softmax(-5 * distance, axis=1)
        self.trained.append(float((target >= 0).mean()))
        return found


class FirstClip:
    """A grudge against the first clip."""

    name = "first clip"
    weight = 0.5

    def __call__(self, smoothed: NDArray[np.float64], labels: WindowLabels) -> NDArray[np.float64]:
        np.testing.assert_allclose(smoothed.sum(axis=1), 1, atol=1e-5)
        return np.where(labels.clip == 0, -1.0, probability_of(smoothed, labels.given))


def test_a_learner_and_a_score_that_are_added_decide_an_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = recordings(tmp_path, {name: ["SIT", "WALK"] * 2 for name in ("one", "two", "three", "four", "five")})
    learner = NearestMean()
    monkeypatch.setattr("pipeline.detection.label_cleaning.BASE_LEARNERS", (learner,))
    monkeypatch.setattr("pipeline.detection.label_scores.LABEL_SCORES", (*LABEL_SCORES, FirstClip()))
    found = audited(source, optimizer_steps=1, cleaning_iterations=1)
    assert len(learner.trained) == 1 + RELABELLING
    told = found["oof"].merge(found["windows"], on="window_id")
    assert found["trust"]["better"].all()
    assert told.loc[~told["mixed"], "base_learners"].mean() > 0.9
    assert set(probability_columns(["SIT", "WALK"])) <= set(told)
    quality = found["issues"].groupby("clip_id")["label_quality"].mean()
    assert quality.idxmin() == told["clip_id"].min()


def test_learners_and_scores_have_names_of_their_own() -> None:
    for members in (BASE_LEARNERS, LABEL_SCORES):
        assert len({member.name for member in members}) == len(members)
    assert sum(score.weight for score in LABEL_SCORES) == 1
