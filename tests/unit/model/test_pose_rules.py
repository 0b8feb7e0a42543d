"""What training took for missing is missing in predictions, too, or it is said that this cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import BundleError, ConfigError, DataError
from model.bundle import read_bundle, write_bundle
from model.classifier import BehaviorClassifier
from model.pose_rules import PoseRules
from model.recipe import make_recipe
from model.streaming import Prediction

RULES = PoseRules(min_confidence=0.6, unseen=((0.0, 0.0),), min_visible=0.7, edges=(("nose", "neck"),), left_right=())
FRAMES = 120


def trained(rules: PoseRules | None) -> BehaviorClassifier:
    recipe = make_recipe("default", min_optimizer_steps=5, views=("body",))
    made = BehaviorClassifier(["a", "b"], ["nose", "neck", "tail"], rules=rules, recipe=recipe, device="cpu")
    return made.fit(np.random.default_rng(0).normal(100, 30, (60, 5, 3, 2)), ["a", "b"] * 30)


@pytest.fixture(scope="module")
def with_rules() -> BehaviorClassifier:
    return trained(RULES)


@pytest.fixture(scope="module")
def recording() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give poses, confidences, and the poses with NaN where the rules tell them missing."""
    rng = np.random.default_rng(1)
    xy = rng.normal(100, 30, (FRAMES, 3, 2)).astype(np.float32)
    xy[20:40, 0] = 0
    confidence = rng.choice([0.1, 0.9, np.nan], (FRAMES, 3))
    return xy, confidence, np.where(((confidence < 0.6) | (xy == 0).all(2))[..., None], np.float32(np.nan), xy)


def said(decisions: list[Prediction]) -> list[tuple[float, float, float]]:
    return [(d.start_ms, d.visible, d.probability) for d in decisions]


def test_frames_are_decided_as_if_they_came_with_what_is_missing(with_rules: BehaviorClassifier, recording) -> None:
    xy, confidence, as_trained = recording
    expected = said(with_rules.predict_frames(as_trained, confidences=1.0))
    assert expected == said(trained(None).predict_frames(as_trained))
    assert said(with_rules.predict_frames(xy, confidences=confidence)) == expected
    stream = with_rules.stream()
    pushed = [d for pose, sure in zip(xy, confidence, strict=True) for d in stream.push(pose, confidence=sure)]
    assert said(pushed + stream.flush()) == expected
    table = pd.DataFrame(xy.reshape(FRAMES, 6), columns=[f"{k}_{a}" for k in with_rules.keypoints for a in "xy"])
    table[[f"{k}_likelihood" for k in with_rules.keypoints]] = confidence
    assert said(with_rules.predict_frames(table)) == expected


def test_missing_is_what_lies_below_the_least_confidence_and_neither_what_reaches_it_nor_what_is_unknown() -> None:
    xy = np.ones((1, 3, 2), np.float32)
    assert RULES.missing(xy, [[0.6, np.nan, 0.59]]).tolist() == [[False, False, True]]
    assert np.isnan(RULES.applied(xy, [[0.6, np.nan, 0.59]])).all(axis=2).tolist() == [[False, False, True]]


def test_a_stream_says_where_fewer_keypoints_were_shown_than_training_asked_for(
    with_rules: BehaviorClassifier, recording
) -> None:
    xy = np.where(recording[0] == 0, np.float32(5), recording[0])
    xy[60:, 1] = np.nan
    assert [d.bad_pose for d in with_rules.predict_frames(xy, confidences=1.0)] == [False, False, True, True]


def test_windows_that_hold_places_where_nothing_was_seen_are_predicted_without_them(with_rules: BehaviorClassifier) -> None:
    poses = np.random.default_rng(2).normal(100, 30, (4, 5, 3, 2)).astype(np.float32)
    missing = poses.copy()
    poses[:, 2, 1], missing[:, 2, 1] = 0, np.nan
    np.testing.assert_array_equal(with_rules.predict_proba(poses), with_rules.predict_proba(missing))


def test_without_confidence_it_is_said_once_that_it_cannot_be_done_alike(with_rules: BehaviorClassifier, recording) -> None:
    stream = with_rules.stream()
    with pytest.warns(UserWarning, match=r"confidence 0\.6 and more") as told:
        stream.extend(recording[0])
    assert len(told) == 1


def test_a_bundle_keeps_the_rules_and_an_old_one_has_none(with_rules: BehaviorClassifier, tmp_path: Path) -> None:
    with_rules.save(tmp_path / "new")
    assert BehaviorClassifier.load(tmp_path / "new").rules == RULES
    assert "min_confidence: 0.6" in (tmp_path / "new" / "MODEL_CARD.md").read_text()
    facts, weights = read_bundle(tmp_path / "new")
    told = {name: value for name, value in facts.items() if name not in ("format", "weights_sha256", "pose_rules")}
    write_bundle(tmp_path / "old", told, weights=weights, card="")
    assert BehaviorClassifier.load(tmp_path / "old").rules == PoseRules()
    for wrong in ({"min_confidence": 2}, {"unseen": [[1]]}, {"unseen": [["x", 0]]}, {"min_visible": 2}, {"edges": [["nose"]]}, 5):
        write_bundle(tmp_path / "wrong", told | {"pose_rules": wrong}, weights=weights, card="")
        with pytest.raises(BundleError):
            BehaviorClassifier.load(tmp_path / "wrong")


def test_confidences_that_do_not_fit_are_refused(with_rules: BehaviorClassifier, recording) -> None:
    for wrong in ([0.5] * 4, "high"):
        with pytest.raises(DataError, match="confidence"):
            with_rules.stream().push(recording[0][0], confidence=wrong)
        with pytest.raises(DataError, match="confidence"):
            with_rules.predict_frames(recording[0], confidences=wrong)
    with pytest.raises(ConfigError):
        PoseRules(min_confidence=1.5)
