"""`audit predict` does to poses what training did, and says where it finds no bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import BundleError
from model.classifier import BehaviorClassifier
from model.pose_rules import PoseRules
from model.recipe import make_recipe
from pipeline.audit.prediction import Predictions, load_models, predict_recordings, reading_config
from pipeline.readers import recognise
from tests.unit.pipeline.readers.toy_tables import poses, put

RECIPE = make_recipe("default", min_optimizer_steps=2, views=("body",))


def model(rules: PoseRules) -> BehaviorClassifier:
    made = BehaviorClassifier(["a", "b"], ["nose", "tail"], rules=rules, recipe=RECIPE, device="cpu")
    return made.fit(np.random.default_rng(0).normal(100, 30, (40, 5, 2, 2)), ["a", "b"] * 20)


def predicted(path: Path, rules: PoseRules) -> Predictions:
    config = reading_config(format=None)
    return predict_recordings(recognise(path).read(config), {"RAT": model(rules)}, stride_s=1.0, config=config)


def test_keypoints_of_low_confidence_are_missing_as_in_training(tmp_path: Path) -> None:
    frames = 60
    rng = np.random.default_rng(1)
    table = poses().iloc[np.repeat(0, frames)].assign(frame_number=np.arange(frames), timestamp_ms=np.arange(frames) * 40)
    table[["nose_x", "nose_y", "tail_x", "tail_y"]] = rng.normal(100, 30, (frames, 4))
    sure = put(tmp_path / "sure.csv", table.assign(nose_likelihood=[0.9, *[0.1] * (frames - 1)]))
    without = put(tmp_path / "without.csv", table)
    strict = predicted(sure, PoseRules(min_confidence=0.5))
    assert strict.table["visible"].between(0.5, 0.6).all()
    assert strict.unmet_rules == ()
    assert (predicted(sure, PoseRules()).table["visible"] == 1).all()
    untold = predicted(without, PoseRules(min_confidence=0.5))
    assert (untold.table["visible"] == 1).all()
    assert len(untold.unmet_rules) == 1
    assert "confidence 0.5 and more" in untold.unmet_rules[0]


def test_a_run_without_models_says_which_command_trains_them(tmp_path: Path) -> None:
    run = tmp_path / "ws" / "runs" / "one"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    for place in ("models", "models/reviewed", "."):
        with pytest.raises(BundleError) as caught:
            load_models(run / place)
        assert f"audit retrain -w {tmp_path / 'ws'}" in caught.value.hint
    with pytest.raises(BundleError) as caught:
        load_models(tmp_path / "nowhere" / "models")
    assert "audit retrain" in caught.value.hint


def test_the_arms_of_a_run_are_named(tmp_path: Path) -> None:
    for arm in ("given", "reviewed"):
        model(PoseRules()).save(tmp_path / "models" / arm / "RAT")
    with pytest.raises(BundleError, match="2 arms: given, reviewed") as caught:
        load_models(tmp_path / "models")
    assert str(tmp_path / "models" / "reviewed") in caught.value.hint
    assert list(load_models(tmp_path / "models" / "reviewed")) == ["RAT"]


def test_poses_are_bad_by_the_rules_of_training(tmp_path: Path) -> None:
    frames = 100
    table = poses().iloc[np.repeat(0, frames)].assign(frame_number=np.arange(frames), timestamp_ms=np.arange(frames) * 40)
    table[["nose_x", "nose_y", "tail_x", "tail_y"]] = np.random.default_rng(1).normal(100, 2, (frames, 4))
    table.loc[table["frame_number"] >= 50, ["tail_x", "tail_y"]] = np.nan
    lost = put(tmp_path / "lost.csv", table)
    assert not predicted(lost, PoseRules()).table["bad_pose"].any()
    assert predicted(lost, PoseRules(min_visible=0.6)).table["pose_fault"].fillna("").tolist() == ["", "", "missing", "missing"]

    number = np.arange(frames)
    table[["nose_x", "tail_x", "nose_y", "tail_y"]] = np.stack([number, number + 50, 0 * number, 0 * number], axis=1)
    table.loc[table["frame_number"].between(60, 64), "tail_x"] += 300
    leaping = put(tmp_path / "leaping.csv", table)
    bones = {"edges": (("nose", "tail"),), "left_right": ()}
    strict = PoseRules(max_implausible=0.05, **bones)
    assert predicted(leaping, strict).table["bad_pose"].tolist() == [False, False, True, False]
    assert not predicted(leaping, PoseRules()).table["bad_pose"].any()
    assert not predicted(leaping, PoseRules(find_faults=False, max_implausible=0.0)).table["bad_pose"].any()
