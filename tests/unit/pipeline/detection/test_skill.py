"""Models are called better than chance where they are, and nearly never where labels are drawn at random."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import TRUST, validate
from pipeline.audit.summary import label_errors
from pipeline.detection.issues import find_label_issues
from pipeline.detection.segments import cut_segments
from pipeline.detection.skill import measure_skill
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import TrainingSet
from pipeline.report.trust_text import trust_sentences
from pipeline.review.segment_states import unreviewed
from tests.unit.pipeline.detection.test_issues import clips_of, made_up

EACH = 10


def training_of(given: np.ndarray, group: np.ndarray, clip: np.ndarray, *, classes: int) -> TrainingSet:
    everybody = np.ones(len(given), bool)
    labels = WindowLabels(
        given=given, clip=clip, block=clip, audited=everybody, valid_pose=everybody, reviewed=~everybody, sigma=1.0
    )
    return TrainingSet(labels, group, everybody, everybody, classes=classes, folds=5, seed=0)


def drawn(
    rng: np.random.Generator, *, groups: int, clips: int, classes: int, skill: float = 0.0
) -> tuple[np.ndarray, TrainingSet]:
    """Give probabilities that are alike within a clip, and labels of clips that they tell or do not."""
    label = np.concatenate([np.arange(2 * classes) % classes, rng.integers(0, classes, groups * clips - 2 * classes)])
    label = rng.permutation(label)
    said = rng.dirichlet(np.ones(classes), groups * clips) * (1 - skill) + skill * np.eye(classes)[label]
    clip = np.repeat(np.arange(groups * clips), EACH)
    return said[clip], training_of(label[clip], clip // clips, clip, classes=classes)


@pytest.mark.parametrize(("groups", "clips", "classes"), [(2, 4, 2), (3, 4, 2), (4, 3, 3), (6, 2, 3), (12, 3, 5), (30, 1, 4)])
def test_labels_drawn_at_random_are_nearly_never_told(groups: int, clips: int, classes: int) -> None:
    rng = np.random.default_rng(0)
    told = [measure_skill(*drawn(rng, groups=groups, clips=clips, classes=classes)) for _ in range(100)]
    assert sum(skill.better for skill in told) <= 7
    assert np.mean([skill.right - skill.chance for skill in told]) == pytest.approx(0, abs=0.05)


def test_labels_that_models_tell_are_told_though_animals_are_few_and_a_class_is_rare() -> None:
    skill = measure_skill(*drawn(np.random.default_rng(0), groups=4, clips=4, classes=2, skill=0.8))
    assert skill.better
    assert (skill.groups, skill.classes, skill.chance) == (4, 2, 0.5)
    rng = np.random.default_rng(1)
    label = (np.arange(100) % 10 == 0).astype(np.int64)
    # The rare class is never the likeliest one, and yet it is told.
    said = np.stack([1 - (0.1 + 0.2 * label), 0.1 + 0.2 * label], axis=1) + rng.normal(0, 0.02, (100, 1)) * [1, -1]
    clip = np.repeat(np.arange(100), EACH)
    skill = measure_skill(said[clip], training_of(label[clip], clip // 20, clip, classes=2))
    assert skill.better
    assert skill.right > 0.9


def test_of_few_animals_a_permutation_test_tells_what_the_interval_cannot() -> None:
    skill = measure_skill(*drawn(np.random.default_rng(1), groups=5, clips=24, classes=4, skill=0.08))
    assert skill.low < skill.chance < skill.right
    assert skill.better
    assert "a permutation test" in trust_sentences([{"species": "DOG", **asdict(skill)}])[0]


def test_two_animals_of_one_label_each_prove_nothing() -> None:
    clip = np.repeat(np.arange(8), EACH)
    given = (clip >= 4).astype(np.int64)
    skill = measure_skill(np.eye(2)[given], training_of(given, given, clip, classes=2))
    assert skill.right == 1
    assert not skill.better


def test_labels_that_people_gave_in_review_do_not_make_models_better() -> None:
    """At chance, a reviewer who accepts every suggestion of most clips makes labels of what the models said."""
    said, training = drawn(np.random.default_rng(0), groups=12, clips=3, classes=3)
    before = measure_skill(said, training)
    assert not before.better
    accepted = training.labels.clip % 4 > 0
    given = np.where(accepted, said.argmax(axis=1), training.labels.given)
    reviewed = replace(training, labels=replace(training.labels, given=given, reviewed=accepted))
    skill = measure_skill(said, reviewed)
    assert measure_skill(said, replace(reviewed, labels=replace(reviewed.labels, reviewed=~reviewed.audited))).better
    assert not skill.better
    assert (skill.windows, skill.groups) == ((~accepted).sum(), 9)


@pytest.mark.parametrize("left", [0, 1])
def test_of_less_than_two_groups_that_nobody_reviewed_nothing_is_known(left: int) -> None:
    said, training = drawn(np.random.default_rng(0), groups=4, clips=4, classes=2, skill=0.8)
    skill = measure_skill(said, replace(training, labels=replace(training.labels, reviewed=training.group >= left)))
    assert (skill.right, skill.low, skill.high, skill.groups) == (0.5, 0, 1, left)
    assert not skill.better
    table = validate(pd.DataFrame([{"species": "DOG", **asdict(skill), "better": skill.better}]), TRUST, source="trust")
    assert f"left in {left} groups, too few" in trust_sentences(table.to_dict("records"))[0]


def test_where_models_are_no_better_than_chance_nothing_is_called_wrong() -> None:
    windows, oof, _ = made_up()
    told: dict[str, Any] = {"species": "DOG", "right": 0.5, "low": 0.4, "high": 0.6, "chance": 0.5, "windows": 320, "groups": 7}
    trust = [{**told, "classes": 2, "better": False}]
    config = load_config(None)
    assert find_label_issues(windows, oof, clips_of(windows), config=config)["is_issue"].any()
    issues = find_label_issues(windows, oof, clips_of(windows), config=config, untrusted={"DOG"})
    issues, segments = cut_segments(issues, windows, config=config)
    assert not issues["is_issue"].any()
    assert len(set(issues["label_quality"])) == 1
    assert segments.empty
    assert label_errors(unreviewed(issues, windows, trust)) == []
    assert "no better than chance" in trust_sentences(trust)[0]
    # What two people said of one clip is no claim of the models.
    told_twice = find_label_issues(windows, oof, clips_of(windows, {"clip01": "SIT"}), config=config, untrusted={"DOG"})
    assert set(told_twice.loc[told_twice["is_issue"], "clip_id"]) == {"clip01"}


def test_how_good_the_models_are_is_said_in_one_sentence() -> None:
    told = {"species": "DOG", "right": 0.71, "low": 0.652, "high": 0.77, "chance": 0.25, "windows": 9709, "groups": 28}
    (sentence,) = trust_sentences([{**told, "classes": 4, "better": True}])
    assert sentence == (
        "DOG: the models agree with 71% [65, 77] of the labels, each class counting alike; guessing would be 25% "
        "(measured on 9,709 windows of 28 groups that they had not seen)."
    )
