"""What label scores may and may not depend on."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.base_learners import KernelRidge
from pipeline.detection.label_cleaning import clean_labels
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import LabelScores, agreement, error_weight, score_labels
from pipeline.detection.smoothing import WindowLabels, smooth
from pipeline.detection.training_windows import TrainingSet


def labelled(clips: int = 6, each: int = 30, classes: int = 3, sigma: float = 3.0) -> WindowLabels:
    clip = np.repeat(np.arange(clips), each)
    return WindowLabels(
        given=clip % classes,
        clip=clip,
        block=clip,
        audited=np.ones(len(clip), bool),
        valid_pose=np.ones(len(clip), bool),
        reviewed=np.zeros(len(clip), bool),
        sigma=sigma,
    )


def believed(labels: WindowLabels, *, classes: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = np.eye(classes)[labels.given] * 2 + rng.random((len(labels.given), classes))
    return p / p.sum(1, keepdims=True)


@given(value=st.floats(0, 1), sigma=st.floats(0.5, 10))
def test_the_average_of_a_constant_is_the_constant(value: float, sigma: float) -> None:
    labels = labelled(sigma=sigma)
    np.testing.assert_allclose(smooth(np.full((180, 2), value), labels), value, atol=1e-12)


def test_the_average_never_leaves_its_clip() -> None:
    labels = labelled()
    values = labels.clip[:, None].astype(float)
    np.testing.assert_allclose(smooth(values, labels), values)


def test_neither_side_of_a_clear_change_counts_for_the_other() -> None:
    labels = labelled(clips=3, each=60, sigma=5.0)
    first = (np.arange(180) % 60) < 30
    p = np.where(first[:, None], [0.95, 0.03, 0.02], [0.04, 0.93, 0.03])
    nearby = smooth(p, labels)
    beside = np.isin(np.arange(180) % 60, (0, 29, 30, 59))
    assert nearby[first & ~beside, 0].min() > 0.89
    assert nearby[~first & ~beside, 0].max() < 0.11
    # The two windows at the change itself: half of what they are compared by lies beyond it.
    assert nearby[first, 0].min() > 0.7
    assert nearby[~first, 0].max() < 0.3


@given(seed=st.integers(0, 50))
def test_where_a_model_wavers_the_average_steadies_it(seed: int) -> None:
    labels = labelled(sigma=5.0)
    wavering = 0.5 + 0.15 * np.random.default_rng(seed).standard_normal(180)
    p = np.stack([wavering, 1 - wavering], axis=1)
    assert smooth(p, labels)[:, 0].std() < 0.5 * p[:, 0].std()


@given(seed=st.integers(0, 50))
def test_the_average_lies_between_what_it_averages(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = replace(labelled(), valid_pose=rng.random(180) < 0.7)
    p = rng.dirichlet(np.ones(3), size=180)
    nearby = smooth(p, labels)
    np.testing.assert_allclose(nearby.sum(axis=1), 1.0)
    for clip in range(6):
        own = labels.clip == clip
        assert (nearby[own] >= p[own].min(axis=0) - 1e-12).all()
        assert (nearby[own] <= p[own].max(axis=0) + 1e-12).all()


def test_windows_of_bad_pose_are_scored_by_their_neighbours_and_score_none() -> None:
    labels = labelled()
    sick = np.zeros(180, bool)
    sick[10:14] = True
    values = np.where(sick, 100.0, 1.0)[:, None]
    mute = replace(labels, valid_pose=~sick)
    np.testing.assert_allclose(smooth(values, mute), 1.0)


def test_a_clip_without_a_valid_pose_keeps_its_values() -> None:
    labels = labelled()
    mute = replace(labels, valid_pose=labels.clip != 2)
    values = np.random.default_rng(0).random((180, 2))
    np.testing.assert_array_equal(smooth(values, mute)[labels.clip == 2], values[labels.clip == 2])


def test_a_stretch_of_another_class_scores_lowest() -> None:
    labels = labelled()
    p = believed(labels)
    p[40:52] = p[40:52][:, [1, 2, 0]]
    scores = score_labels(p, labels)
    assert set(np.argsort(scores.score)[:8]) <= set(range(40, 52))
    assert error_weight(scores, labels, np.ones(180, bool))[43:49].all()


def test_quality_keeps_the_order_of_the_scores_and_lies_within_bounds() -> None:
    labels = labelled()
    p = believed(labels)
    p[40:52] = p[40:52][:, [1, 2, 0]]
    scores = score_labels(p, labels)
    quality = estimate_quality(scores, labels, np.ones(180, bool))
    order = np.argsort(scores.score, kind="stable")
    assert (np.diff(quality.probability[order]) > 0).all()
    assert quality.probability.min() >= 0
    assert quality.probability.max() <= 1
    assert quality.joint.sum() == pytest.approx(180)
    np.testing.assert_allclose(quality.joint.sum(axis=1), np.bincount(labels.given))
    assert (quality.suggested != labels.given).all()


def test_kappa_is_one_for_agreement_and_zero_for_chance() -> None:
    one = np.array([0, 1, 2, 0, 1, 2])
    everything = np.ones(6, bool)

    def kappa(predicted: np.ndarray, given: np.ndarray, kept: np.ndarray) -> float:
        return agreement(LabelScores(np.zeros(6), smoothed=np.eye(3)[predicted], clip_offset=np.zeros(6)), given, kept)

    assert kappa(one, one, everything) == 1
    assert kappa(np.zeros(6, int), one, everything) == 0
    assert kappa(np.zeros(6, int), np.zeros(6, int), everything) == 0
    assert kappa(one, one, ~everything) == 0


def test_cleaning_prunes_the_labels_that_were_injected_wrong() -> None:
    rng = np.random.default_rng(0)
    clip = np.repeat(np.arange(48), 20)
    true = (clip % 3).astype(np.int64)
    wrong = (np.arange(960) % 20 < 6) & (clip % 2 == 0)
    given = np.where(wrong, (true + 1) % 3, true)
    features = rng.normal(0, 1, (960, 6)).astype(np.float32)
    features[:, :3] += 2.5 * np.eye(3)[true]
    training = TrainingSet(
        labels=WindowLabels(
            given=given,
            clip=clip * 3 + given,
            block=clip,
            audited=np.ones(960, bool),
            valid_pose=np.ones(960, bool),
            reviewed=np.zeros(960, bool),
            sigma=1.0,
        ),
        group=(clip // 4).astype(np.int64),
        audited=np.ones(960, bool),
        train_mask=np.ones(960, bool),
        classes=3,
        folds=4,
        seed=0,
    )
    members = [(KernelRidge("one", ()), features), (KernelRidge("two", ()), features[:, ::-1])]
    predicted = clean_labels(members, training, most=6, run=joblib.Parallel(n_jobs=1))
    assert wrong[~predicted.kept].mean() > 0.6
    assert wrong[predicted.kept].mean() < wrong.mean() / 2
    # The first iteration after the first in which hardly a label changes sides is the last.
    assert 2 < len(predicted.changed) < 6
    assert predicted.changed[-1] < 0.025 <= min(predicted.changed[:-1])


def test_confident_learning_counts_a_label_only_where_the_other_class_is_as_probable_as_where_it_is_given() -> None:
    """The first class is told with nearly .9 where it is given, so .55 for it is no confident sign, though it leads."""
    clip = np.repeat(np.arange(30), 10)
    given = clip % 3
    p = np.full((300, 3), 0.05)
    p[np.arange(300), given] = np.array([0.9, 0.9, 0.5])[given]
    p[given == 2] = [0.25, 0.25, 0.5]
    p[given == 1, :] = [0.05, 0.9, 0.05]
    p[10:13] = [0.92, 0.05, 0.03]
    p[13:16] = [0.55, 0.42, 0.03]
    labels = labelled(clips=30, each=10, sigma=0.01)
    counted = error_weight(score_labels(p, labels), labels, np.ones(300, bool))
    assert (counted[10:13] == 1).all()
    assert (counted[13:16] == 0.5).all()
    assert not counted[20:].any()


def test_what_cleanlab_counts_decides_how_many_labels_are_flagged(monkeypatch) -> None:
    """It is a part of how wrong labels are counted: where it finds none, fewer are expected to be wrong."""
    labels = labelled(clips=30, each=10, sigma=0.01)
    p = np.full((300, 3), 0.05)
    p[np.arange(300), labels.given] = 0.9
    wrong = np.arange(0, 300, 10)
    p[wrong] = np.roll(p[wrong], 1, axis=1)
    scores = score_labels(p, labels)
    found = estimate_quality(scores, labels, np.ones(300, bool))
    assert found.flagged[wrong].sum() >= 25
    monkeypatch.setattr("cleanlab.count.compute_confident_joint", lambda *_, **__: (None, np.empty(0, np.int64)))
    without = estimate_quality(scores, labels, np.ones(300, bool))
    assert (1 - without.probability).sum() < (1 - found.probability).sum() - 5
    assert without.flagged.sum() < found.flagged.sum()
