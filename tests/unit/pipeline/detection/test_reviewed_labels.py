"""Reviewed labels are right: they train, are never flagged, and the rest is assessed by itself."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_schemas.config import load_config
from data_schemas.tables import ISSUES, SEGMENTS, text, validate
from pipeline.detection.base_learners import KernelRidge
from pipeline.detection.issues import find_label_issues
from pipeline.detection.label_cleaning import clean_labels
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import error_weight, score_labels
from pipeline.detection.segments import cut_segments
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import TrainingSet

CLIPS, EACH = 8, 24
ROWS = CLIPS * EACH
CLASSES = 3

REVIEWED = arrays(np.bool_, ROWS)
CERTAINTY = arrays(np.float64, (ROWS, CLASSES), elements=st.floats(0.01, 1.0))


def labelled(reviewed: np.ndarray | None = None, *, clips: int = CLIPS) -> WindowLabels:
    clip = np.repeat(np.arange(clips), EACH)
    nobody = np.zeros(len(clip), bool)
    return WindowLabels(
        given=clip % CLASSES,
        clip=clip,
        block=clip,
        audited=np.ones(len(clip), bool),
        valid_pose=~nobody,
        reviewed=nobody if reviewed is None else reviewed,
        sigma=2.0,
    )


def believed(labels: WindowLabels, *, wrong: slice = slice(30, 42), seed: int = 0) -> np.ndarray:
    p = np.eye(CLASSES)[labels.given] * 2 + np.random.default_rng(seed).random((len(labels.given), CLASSES))
    p[wrong] = p[wrong][:, [1, 2, 0]]
    return p / p.sum(1, keepdims=True)


def tables(reviewed: np.ndarray, certainty: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give windows, probabilities and clips; the last clip is the hold-out, one clip has another label by its inspector."""
    clip, place = np.divmod(np.arange(ROWS), EACH)
    names = np.array(["SIT", "TURN", "WALKRUN"], object)
    label = text(names[clip % CLASSES])
    windows = pd.DataFrame(
        {
            "window_id": text([f"w{i:04d}" for i in range(ROWS)]),
            "clip_id": text([f"clip{c}" for c in clip]),
            "subject_id": text([f"s{c}" for c in clip]),
            "species": text(["DOG"] * ROWS),
            "start_frame": (place * 6).astype(np.int32),
            "end_frame": (place * 6 + 24).astype(np.int32),
            "label": label,
            "target": label,
            "group": text([f"s{c}" for c in clip]),
            "split": text(np.where(clip == CLIPS - 1, "holdout", "audit").astype(object)),
            "mixed": place == EACH // 2,
            "reviewed": reviewed,
            "bad_pose": place == 3,
            "pose_fault": text(np.where(place == 3, "jump", None).astype(object)),
            "visible": np.float32(1),
            "first_sample": np.arange(ROWS),
        }
    )
    share = certainty / certainty.sum(axis=1, keepdims=True)
    own = share[np.arange(ROWS), clip % CLASSES].astype(np.float32)
    oof = pd.DataFrame({"window_id": windows["window_id"], "fold": np.int16(0), "used_for_training": ~windows["bad_pose"]})
    oof = oof.assign(network=own, base_learners=own, **{f"p_{n}": share[:, i].astype(np.float32) for i, n in enumerate(names)})
    clips = windows.drop_duplicates("clip_id")[["clip_id", "label"]].reset_index(drop=True)
    return windows, oof, clips.assign(other_label=text(["WALKRUN" if c == 1 else None for c in range(CLIPS)]))


@settings(deadline=None, max_examples=40)
@given(reviewed=REVIEWED, certainty=CERTAINTY)
def test_what_was_reviewed_is_never_flagged_and_every_other_window_is_ranked_before_it(
    reviewed: np.ndarray, certainty: np.ndarray
) -> None:
    windows, oof, clips = tables(reviewed, certainty)
    config = load_config(None)
    issues, segments = cut_segments(find_label_issues(windows, oof, clips, config=config), windows, config=config)
    validate(issues, ISSUES, source="issues")
    validate(segments, SEGMENTS, source="segments")
    own = windows.set_index("window_id").loc[issues["window_id"], "reviewed"].to_numpy(bool)
    assert not issues.loc[own, "is_issue"].any()
    assert issues.loc[own, "segment_id"].isna().all()
    assert (issues.loc[own, "label_quality"] == 1).all()
    assert sorted(issues["rank"]) == list(range(1, ROWS + 1))
    assert issues.loc[~own, "rank"].max() < issues.loc[own, "rank"].min() if own.any() and not own.all() else True


@settings(deadline=None, max_examples=40)
@given(reviewed=REVIEWED, certainty=CERTAINTY)
def test_the_estimates_of_the_rest_count_the_rest(reviewed: np.ndarray, certainty: np.ndarray) -> None:
    labels = labelled(reviewed)
    scores = score_labels(certainty / certainty.sum(axis=1, keepdims=True), labels)
    quality = estimate_quality(scores, labels, np.ones(ROWS, bool))
    assert not error_weight(scores, labels, np.ones(ROWS, bool))[reviewed].any()
    assert (quality.probability[reviewed] == 1).all()
    # Each label counts once; of those that are reviewed all are right.
    np.testing.assert_allclose(quality.joint.sum(axis=1), np.bincount(labels.given, minlength=CLASSES))
    assert (np.diag(quality.joint) >= np.bincount(labels.given[reviewed], minlength=CLASSES) - 1e-9).all()
    assert quality.flagged.sum() == round(float((1 - quality.probability)[~reviewed].sum()))
    order = np.argsort(scores.score, kind="stable")
    assert (np.diff(quality.probability[order[~reviewed[order]]]) > 0).all()


def test_reviewing_right_labels_does_not_lower_what_is_expected_of_the_others() -> None:
    """A hundred confirmed labels beside a stretch of wrong ones: the same number of wrong labels is expected among the rest."""
    p = believed(labelled())
    confirmed = np.arange(ROWS) >= 96
    expected = []
    for reviewed in (np.zeros(ROWS, bool), confirmed):
        labels = labelled(reviewed)
        quality = estimate_quality(score_labels(p, labels), labels, np.ones(ROWS, bool))
        expected.append(float((1 - quality.probability).sum()))
        assert quality.flagged[32:41].all()
    assert expected[1] == pytest.approx(expected[0], abs=4)


def test_what_models_see_in_a_reviewed_stretch_has_no_say_beside_it() -> None:
    labels = labelled()
    reviewed = np.zeros(ROWS, bool)
    reviewed[40:46] = True
    p = believed(labels, wrong=slice(40, 46))
    alone, beside = score_labels(p, replace(labels, reviewed=reviewed)), score_labels(p, labels)
    assert (alone.smoothed[36:40, labels.given[36]] > beside.smoothed[36:40, labels.given[36]]).all()
    other = p.copy()
    other[40:46] = 1 / CLASSES
    np.testing.assert_array_equal(
        score_labels(other, replace(labels, reviewed=reviewed)).smoothed[~reviewed], alone.smoothed[~reviewed]
    )


def test_reviewed_labels_train_in_every_iteration_whatever_is_predicted() -> None:
    rng = np.random.default_rng(0)
    clip = np.repeat(np.arange(48), 20)
    true = (clip % 3).astype(np.int64)
    wrong = (np.arange(960) % 20 < 6) & (clip % 2 == 0)
    given_labels = np.where(wrong, (true + 1) % 3, true)
    features = rng.normal(0, 1, (960, 6)).astype(np.float32)
    features[:, :3] += 2.5 * np.eye(3)[true]
    reviewed = wrong & (clip < 12)
    labels = WindowLabels(
        given=given_labels,
        clip=clip * 3 + given_labels,
        block=clip,
        audited=np.ones(960, bool),
        valid_pose=np.ones(960, bool),
        reviewed=reviewed,
        sigma=1.0,
    )
    everybody = np.ones(960, bool)
    members = [(KernelRidge("one", ()), features)]
    training = TrainingSet(
        labels, (clip // 4).astype(np.int64), everybody, train_mask=everybody & (clip != 11), classes=3, folds=4, seed=0
    )
    predicted = clean_labels(members, training, most=6, run=joblib.Parallel(n_jobs=1))
    trained = reviewed & (clip != 11)
    assert predicted.kept[trained].all()
    assert (predicted.target[trained] == given_labels[trained]).all()
    # What may not train does not, reviewed or not; and the wrong labels that nobody reviewed are still found.
    assert (predicted.target[clip == 11] == -1).all()
    assert predicted.kept[wrong & ~reviewed].mean() < 0.5
    nobody = replace(training, labels=replace(labels, reviewed=~everybody))
    unreviewed = clean_labels(members, nobody, most=6, run=joblib.Parallel(n_jobs=1))
    assert not unreviewed.kept[trained].all()


def test_a_reviewed_stretch_parts_the_segments_beside_it() -> None:
    certainty = np.full((ROWS, CLASSES), 0.05)
    clip, place = np.divmod(np.arange(ROWS), EACH)
    wrong = (clip == 4) & (place > 3)
    own = np.where(wrong, (clip + 1) % CLASSES, clip % CLASSES)
    certainty[np.arange(ROWS), own] = 0.9
    reviewed = (clip == 4) & (place > 10) & (place < 16)
    windows, oof, clips = tables(reviewed, certainty)
    windows["mixed"] = False
    config = load_config(None)
    _, segments = cut_segments(
        find_label_issues(windows, oof, clips.assign(other_label=None), config=config), windows, config=config
    )
    spans = segments.loc[(segments["clip_id"] == "clip4") & (segments["kind"] != "bad_pose"), ["start_frame", "end_frame"]]
    assert len(spans) == 2
    middle = windows.loc[reviewed, "start_frame"] + 12
    assert not any(a <= m <= b for m in middle for a, b in spans.itertuples(index=False))
