"""What is estimated, by numbers that can be worked out by hand or that a textbook's formula gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from data_schemas.tables import text
from pipeline.detection.clip_labels import _clip_features, _eligible_windows, clip_error_odds, clip_error_probability
from pipeline.detection.label_quality import (
    LabelQuality,
    _calibrated,
    _lowest_quality,
    _noise_rates,
    _temperature_scaled,
    estimate_quality,
)
from pipeline.detection.label_scores import LabelScores, best_other, class_centred, predicted_neq_given, score_labels
from pipeline.detection.segments import _kind, _merged, _segment, _thresholds, _timeline
from pipeline.detection.skill import _balanced, _chance_half_width, _draws, _jackknife_half_width, _p_value
from pipeline.detection.smoothing import WindowLabels, smooth
from pipeline.detection.training_windows import TrainingSet


def labelled(given: list[int], *, clip: list[int] | None = None, sigma: float = 0.1, **marked: list[int]) -> WindowLabels:
    """Return labels of windows, each in a clip of its own where none is given; ``marked`` are rows that are not as most are."""
    n, clips = len(given), np.arange(len(given)) if clip is None else np.array(clip)
    usual = {"audited": True, "valid_pose": True, "reviewed": False}
    masks = {name: np.isin(np.arange(n), marked.get(name, [])) ^ value for name, value in usual.items()}
    return WindowLabels(np.array(given), clip=clips, block=clips, sigma=sigma, **masks)


@pytest.mark.parametrize(("windows", "sigma"), [(30, 2.0), (5, 2.0), (40, 3.3)])
def test_where_all_windows_look_alike_the_average_is_a_gaussian_in_time(windows: int, sigma: float) -> None:
    values = np.random.default_rng(0).random((windows, 2))
    how = {"sigma": sigma, "axis": 0, "mode": "constant", "radius": int(3 * sigma)}
    expected = gaussian_filter1d(values, **how) / gaussian_filter1d(np.ones((windows, 1)), **how)
    labels = labelled([0] * windows, clip=[0] * windows, sigma=sigma)
    np.testing.assert_allclose(smooth(values, labels, guide=np.ones((windows, 3))), expected)


@pytest.mark.parametrize("apart", [0.2, 0.4, 0.8])
def test_two_windows_weigh_to_each_other_by_time_and_by_how_much_they_differ(apart: float) -> None:
    weight = np.exp(-0.5) * np.exp(-((apart / 0.4) ** 2))
    p = np.array([[1.0, 0.0], [1 - apart, apart]])
    expected = (p + weight * p[::-1]) / (1 + weight)
    np.testing.assert_allclose(smooth(p, labelled([0, 0], clip=[0, 0], sigma=1.0)), expected)


def test_a_window_of_bad_pose_has_what_its_only_neighbour_has() -> None:
    labels = labelled([0, 0, 0], clip=[0, 0, 1], sigma=1.0, valid_pose=[1, 2])
    values = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    np.testing.assert_allclose(smooth(values, labels), values[[0, 0, 2]])


def test_windows_that_are_left_out_part_those_before_from_those_after() -> None:
    labels = labelled([0, 1, 0, 1, 0, 1], clip=[0, 0, 0, 0, 1, 1])
    some = labels.subset(np.array([0, 1, 3, 4, 5]))
    assert some.given.tolist() == [0, 1, 1, 0, 1]
    assert np.unique(some.block, return_inverse=True)[1].tolist() == [0, 0, 1, 2, 2]
    assert labels.subset(np.array([2, 3])).block.tolist() == [1, 1]


def test_a_score_is_centred_by_class_and_relative_to_its_clip() -> None:
    """The first two clips have one label, the third another; a window of the hold-out and one of bad pose centre nothing."""
    labels = labelled([0, 0, 0, 0, 1, 1, 0], clip=[0, 0, 0, 1, 2, 2, 3], audited=[3], valid_pose=[6])
    p = np.array([[0.6, 0.3], [0.5, 0.1], [0.1, 0.8], [0.9, 0.0], [0.55, 0.3], [0.5, 0.4], [0.2, 0.2]])
    p = np.column_stack([p, 1 - p.sum(axis=1)])
    own = np.array([0.6, 0.5, 0.1, 0.9, 0.3, 0.4, 0.2])
    margin = np.array([0.3, 0.1, -0.7, 0.8, -0.25, -0.1, -0.4])
    mean = {0: (0.4, -0.1), 1: (0.35, -0.175)}
    adjusted = np.array(
        [0.75 * (o - mean[g][0]) + 0.25 * (m - mean[g][1]) for o, m, g in zip(own, margin, labels.given, strict=True)]
    )
    better = np.array([np.quantile(adjusted[labels.clip == c], 0.6) for c in labels.clip])
    found = score_labels(p, labels)
    np.testing.assert_allclose(found.score, adjusted - 0.5 * better)
    # The median margin of a clip, where it is negative.
    np.testing.assert_allclose(found.clip_offset, [0, 0, 0, 0, -0.175, -0.175, -0.4], atol=1e-12)
    assert found.smoothed.tolist() == p.tolist()


def test_a_class_of_which_nothing_counts_is_centred_at_zero() -> None:
    found = class_centred(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 0]), np.array([True, True, False, False]))
    assert found.tolist() == [-1, 1, 5, 5]
    assert best_other(np.array([[0.0, 0.0, 1.0], [0.2, 0.5, 0.3]]), np.array([2, 1])).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("wrong", "offset", "error"),
    # Of sixteen kept labels so many are wrong: kappa is 1, .75, .5, 0, and none, half or all of the offset is taken off.
    [
        (0, -0.9, True),
        (2, -0.36, True),
        (2, -0.44, False),
        (4, -0.18, True),
        (4, -0.22, False),
        (8, -0.18, True),
        (8, -0.22, False),
    ],
)
def test_the_clip_level_offset_counts_the_less_the_better_models_agree(wrong: int, offset: float, error: bool) -> None:
    given = np.arange(17) % 2
    predicted = np.where(np.arange(17) < wrong, 1 - given, given)
    smoothed = np.eye(2)[predicted]
    smoothed[16] = [0.4, 0.6]
    scores = LabelScores(np.zeros(17), smoothed=smoothed, clip_offset=np.where(np.arange(17) == 16, offset, 0.0))
    labels, kept = labelled(given.tolist()), np.arange(17) < 16
    assert predicted_neq_given(scores, labels, kept)[16] == error
    assert not predicted_neq_given(scores, replace(labels, reviewed=~kept), kept)[16]


def test_noise_rates_are_the_shares_of_true_classes_where_these_are_seen() -> None:
    """A hundred labels of one class of which ten are of another, and fifty of which none is; half a label is spread for each."""
    given, true = np.repeat([0, 1], [100, 50]), np.repeat([0, 1], [90, 60])
    scaled = np.where(np.eye(2)[true] > 0, 1 - 1e-9, 1e-9)
    noise, posterior = _noise_rates(scaled, given, np.ones((2, 2)))
    np.testing.assert_allclose(noise, [[90.25 / 100.5, 10.25 / 100.5], [0.25 / 50.5, 50.25 / 50.5]], rtol=1e-6)
    np.testing.assert_allclose(posterior, np.eye(2)[true], atol=1e-6)


def test_where_nothing_is_seen_noise_rates_stay_what_was_counted() -> None:
    """Every window looks like its class on average; the posterior of each is then the rate of its given label."""
    counts = np.array([[90.0, 10.0], [20.0, 80.0]])
    noise, posterior = _noise_rates(np.tile([0.8, 0.2], (200, 1)), np.repeat([0, 1], 100), counts)
    np.testing.assert_allclose(noise, counts / 100, atol=0.02)
    np.testing.assert_allclose(posterior[[0, 199]], counts / 100, atol=0.02)


def test_probabilities_get_the_temperature_at_which_trusted_labels_are_likeliest() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (400, 3))
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sharp = np.exp(2.5 * logits) / np.exp(2.5 * logits).sum(axis=1, keepdims=True)
    given = np.array([rng.choice(3, p=p) for p in sharp])
    trusted = np.arange(400) < 300

    def misfit(power: float) -> float:
        scaled = soft**power / (soft**power).sum(axis=1, keepdims=True)
        return float(-np.log(scaled[np.arange(300), given[:300]] + 1e-3).mean())

    best = min(np.linspace(0.3, 8, 771), key=misfit)
    found = _temperature_scaled(soft, np.where(trusted, given, 2 - given), trusted)
    np.testing.assert_allclose(np.ptp(np.log(found), axis=1), best * np.ptp(np.log(soft), axis=1), rtol=0.02)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_estimates_become_monotone_in_the_score_with_a_hundredth_for_its_order() -> None:
    score, estimate = np.array([3.0, 0.0, 2.0, 1.0]), np.array([0.9, 0.1, 0.7, 0.3])
    # Made monotone: .1, .3, .7, .9 as they are.
    found = _calibrated(score, estimate, np.ones(4, bool))
    np.testing.assert_allclose(found, 0.99 * estimate + 0.01 * (score + 0.5) / 4)
    # Two pairs that are out of order have a height in common, which they reach in their middle.
    found = _calibrated(np.arange(4.0), np.array([0.3, 0.1, 0.9, 0.7]), np.ones(4, bool))
    np.testing.assert_allclose(found, 0.99 * np.array([0.2, 0.35, 0.65, 0.8]) + 0.01 * np.array([1, 3, 5, 7]) / 8)
    # Others are placed between them, and change nothing.
    own = np.array([True, True, False, True, True, False])
    found = _calibrated(np.array([0, 1, 1.5, 2, 3, 9]), np.array([0.3, 0.1, 0.9, 0.7]), own)
    np.testing.assert_allclose(found[[2, 5]], [0.99 * 0.5 + 0.01 * 0.5, 0.99 * 0.8 + 0.01 * 7 / 8])


@pytest.mark.parametrize(
    ("probability", "marked", "flagged"),
    [
        # As many as are expected to be wrong: 2.1, 1.8, none.
        ([0.1, 0.2, 0.9, 0.7], {}, [0, 1]),
        ([0.2, 0.2, 0.9, 0.9], {}, [0, 1]),
        ([0.9, 0.9, 0.9, 0.9], {}, []),
        ([0.5, 0.5, 0.5, 0.5], {}, [0, 1]),
        # Of the hold-out those that are no better, and none where none is.
        ([0.1, 0.2, 0.9, 0.2, 0.21], {"audited": [3, 4]}, [0, 1, 3]),
        ([0.9, 0.9, 0.9, 0.0], {"audited": [3]}, []),
        # Bad poses and reviewed labels are neither counted nor flagged.
        ([0.1, 0.2, 0.9, 0.0, 0.0], {"valid_pose": [3, 4]}, [0, 1]),
        ([0.1, 0.2, 0.9, 0.0, 0.0], {"reviewed": [3, 4]}, [0, 1]),
    ],
)
def test_as_many_labels_are_flagged_as_are_expected_to_be_wrong(
    probability: list[float], marked: dict[str, list[int]], flagged: list[int]
) -> None:
    labels = labelled([0] * len(probability), **marked)
    rows = np.flatnonzero(labels.audited & ~labels.reviewed)
    assert np.flatnonzero(_lowest_quality(np.array(probability), labels, rows)).tolist() == flagged


def test_of_close_calls_the_commoner_class_is_suggested() -> None:
    """Classes 0 and 1 are predicted alike on average but for the rows in question; a fifth of how common they are counts."""
    smoothed = np.array([[0.1, 0.6, 0.3]] * 8 + [[0.2, 0.39, 0.41], [0.2, 0.3, 0.5]])
    labels = labelled([1] * 8 + [0, 0])
    scores = LabelScores(np.arange(10.0), smoothed=smoothed, clip_offset=np.zeros(10))
    found = estimate_quality(scores, labels, np.ones(10, bool))
    assert found.suggested[8:].tolist() == [1, 2]
    assert found.joint.sum() == pytest.approx(10)


def test_quality_is_the_mean_of_what_is_predicted_and_what_is_counted() -> None:
    """Where models know nothing: of 100 labels of either class 10 and 20 are counted as errors, those of the lowest scores."""
    row, given, seen = np.arange(200), np.repeat([0, 1], 100), []
    error = row % 100 < 10 + 10 * given
    labels = labelled(given.tolist())
    scores = LabelScores(np.where(error, 0.0, 1.0) + 1e-6 * row, smoothed=np.full((200, 2), 0.5), clip_offset=np.zeros(200))

    def found(kept: np.ndarray, labels: WindowLabels = labels) -> LabelQuality:
        wrong_clip = np.where(row == 50, 0.5, 0.0)
        return estimate_quality(scores, labels, kept, clip_error=wrong_clip, count=lambda _s, _l, k: seen.append(k) or error)

    quality = found(~error)
    np.testing.assert_allclose(quality.joint, [[88.4, 11.6], [21.2, 78.8]], atol=0.2)
    # Half a label in each of six rounds takes them there from 10 and 20. By Bayes' rule .886 and .79; made monotone, those that
    # are counted have a height in common, and so have the others.
    expected = np.where(error, (10 * 0.886 + 20 * 0.79) / 60, (90 * 1.886 + 80 * 1.79) / 340)
    np.testing.assert_allclose(quality.probability, np.where(row == 50, expected / 2, expected), atol=0.012)
    # Where no label was kept, those that are audited are trusted.
    some = replace(labels, audited=row != 7)
    found(row < 0, some)
    assert [s.tolist() for s in seen] == [(~error).tolist(), (row != 7).tolist()]
    # Reviewed labels are right, and in the joint where they are audited.
    reviewed = found(~error, replace(some, reviewed=row < 10))
    assert (reviewed.probability[:10] == 1).all()
    np.testing.assert_allclose(reviewed.joint.sum(axis=1), [99, 100])
    assert reviewed.joint[0, 1] < 2.5
    # Where all that are audited were reviewed, the others are estimated from themselves.
    held = found(~error, replace(labels, audited=row % 2 == 0, reviewed=row % 2 == 0)).probability
    assert held[error & (row % 2 > 0)].max() < 0.5 < 0.8 < held[~error & (row % 2 > 0)].min()


def test_a_class_without_windows_is_guessed() -> None:
    assert _balanced(np.array([3.0, 0, 1]), np.array([4, 0, 4])) == pytest.approx((3 / 4 + 1 / 3 + 1 / 4) / 3)
    found = _balanced(np.array([[1.0, 1], [0, 2], [0, 0]]), np.array([[1, 2], [0, 2], [0, 0]]))
    np.testing.assert_allclose(found, [0.75, 0.75, 0.5])


def test_intervals_of_skill_are_those_of_the_textbook() -> None:
    # t(.975, 2) = 4.3027; the variance of a jackknife is (n - 1) / n times the sum of squares.
    assert _jackknife_half_width(np.array([0.5, 0.7, 0.9])) == pytest.approx(4.302653 * np.sqrt(2 / 3 * 0.08))
    # z(.975) = 1.95996; one class of four draws of five windows, one of a draw of three and one of one.
    draw, given = np.repeat([0, 1, 2, 3, 4, 5], [5, 5, 5, 5, 3, 1]), np.repeat([0, 1], [20, 4])
    expected = 1.959964 * np.sqrt(0.25 * (4 * 25 / 400 + 10 / 16)) / 2
    assert _chance_half_width(draw, given, 2) == pytest.approx(expected)


def test_permutations_keep_to_their_group_and_draws_to_one_label() -> None:
    """Of two groups with two draws of each label there are 36 deals of the labels, one of which is as good."""
    draw, group = np.repeat(np.arange(8), 3), np.repeat([0, 1], 12)
    given = np.repeat([0, 1, 0, 1, 1, 1, 0, 0], 3)
    told = np.eye(2)[given] - 0.5
    assert _p_value(told, given, draw=draw, group=group) == pytest.approx(1 / 36, abs=0.012)
    assert _p_value(-told, given, draw=draw, group=group) == 1
    # What only a group's looks tell is told by every permutation.
    of_group = np.eye(2)[group] - 0.5
    assert _p_value(of_group, group, draw=draw, group=group) == 1


def test_a_draw_is_a_bout_or_a_group_of_one_label() -> None:
    labels = labelled([0, 0, 1, 1, 1, 0, 0, 0, 0], clip=[0, 0, 0, 1, 1, 2, 2, 3, 4])
    group = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1])
    everybody = np.ones(9, bool)
    training = TrainingSet(labels, group, everybody, everybody, classes=2, folds=2, seed=0)
    draw = _draws(training, np.arange(9), group)
    assert np.unique(draw[:7], return_inverse=True)[1].tolist() == [0, 0, 1, 2, 2, 3, 3]
    assert draw[7] == draw[8]
    assert draw[7] not in draw[:7]


def test_the_odds_of_a_wrong_clip_become_a_probability_by_bayes_rule() -> None:
    np.testing.assert_allclose(clip_error_probability(np.array([0, 1, 19, 1e9]), share=0.05), [0, 0.05, 0.5, 1], atol=1e-6)


def test_a_clip_is_described_by_how_its_probabilities_are_distributed() -> None:
    p = np.random.default_rng(0).dirichlet([1, 1], 11)
    p[3] = [1, 0]
    found = _clip_features(p, np.repeat([0, 1], [4, 7]))
    for row, own in enumerate((p[:4], p[4:])):
        log = np.log(np.maximum(own, 0.001))
        led = np.bincount(own.argmax(axis=1), minlength=2) / len(own)
        quantiles = [np.quantile(own, q, axis=0) for q in (0.1, 0.25, 0.5, 0.75, 0.9)]
        np.testing.assert_allclose(
            found[row], np.concatenate([own.mean(axis=0), log.mean(axis=0), log.std(axis=0), led, *quantiles])
        )


def test_labels_that_nobody_gave_to_any_part_of_a_clip_stand_for_it() -> None:
    # One clip nobody reviewed; one of which a part was relabelled; one whose windows were all reviewed.
    labels = labelled([0, 0, 1, 1, 2, 2, 2], clip=[0, 0, 1, 1, 1, 2, 2], reviewed=[3, 5, 6])
    eligible, confirmed = _eligible_windows(labels.clip, labels, classes=3)
    assert eligible.tolist() == [True, True, False, False, True, True, True]
    assert confirmed.tolist() == [[False] * 3, [False, True, False], [False, False, True]]


def test_where_the_other_groups_have_one_label_no_clip_is_classified() -> None:
    clip = np.repeat(np.arange(6), 3)
    labels = labelled((clip > 3).astype(int).tolist(), clip=clip.tolist())
    found = clip_error_odds(np.full((18, 2), 0.5), labels, (clip > 2).astype(np.int64), seed=0)
    assert (found[:9] > 1).all()
    assert found[9:].tolist() == [0.0] * 9


@pytest.mark.parametrize(
    ("parts", "merged"),
    [
        ([], []),
        ([(0, 4), (4, 9)], [(0, 9)]),
        ([(0, 5), (5, 9)], [(0, 9)]),
        ([(0, 5), (5, 10)], [(0, 5), (5, 10)]),
        ([(0, 4), (5, 9)], [(0, 4), (5, 9)]),
        # What was merged is long.
        ([(0, 4), (4, 6), (6, 12)], [(0, 6), (6, 12)]),
        ([(0, 4), (4, 6), (6, 10)], [(0, 10)]),
    ],
)
def test_parts_that_touch_are_one_where_one_of_them_is_short(parts: list[tuple[int, int]], merged: list[tuple[int, int]]) -> None:
    assert _merged(parts, shortest=5) == merged


@pytest.mark.parametrize(
    ("columns", "told", "kind"),
    [
        ({"bad_pose": [True, False], "wrong_clip": 0.9}, {}, "bad_pose"),
        ({"bad_pose": [False, False, True], "wrong_clip": 0.9}, {}, "wrong_clip"),
        ({"wrong_clip": [0.6, 0.5]}, {}, "wrong_clip"),
        ({"wrong_clip": [0.6, 0.4]}, {}, "contaminated"),
        ({}, {"of_clip": 0.8}, "wrong_clip"),
        ({}, {"of_clip": 0.79}, "contaminated"),
        ({"mixed": [True, False]}, {"of_clip": 0.8}, "wrong_clip"),
        ({"mixed": [True, False]}, {"seconds": 3.0}, "boundary"),
        ({"mixed": [True, False]}, {"seconds": 3.2}, "contaminated"),
        ({"mixed": [True, False]}, {"seconds": 3.0, "quality": 0.5}, "boundary"),
        ({}, {"quality": 0.5}, "ambiguous"),
        ({}, {"quality": 0.49}, "contaminated"),
    ],
)
def test_the_kind_of_a_segment_is_the_first_that_holds(columns: dict[str, object], told: dict[str, float], kind: str) -> None:
    rows = max(len(v) if isinstance(v, list) else 2 for v in [*columns.values(), [0, 0]])
    part = pd.DataFrame({"bad_pose": [False] * rows, "wrong_clip": 0.1, "mixed": False} | columns)
    assert _kind(part, **{"quality": 0.2, "seconds": 1.0, "of_clip": 0.5} | told) == kind


def test_a_segment_has_the_priority_of_the_wrong_labels_that_a_second_of_review_repairs() -> None:
    part = pd.DataFrame(
        {
            **dict.fromkeys(("window_id", "clip_id", "species", "split"), "x"),
            "given_label": "SIT",
            "suggested_label": ["TURN", "WALKRUN", "WALKRUN", "WALKRUN"],
            "suggested_probability": [0.9, 0.3, 0.2, 0.3],
            "label_quality": [0.1, 0.2, 0.3, 0.2],
            "bad_pose": [True, False, False, False],
            "wrong_clip": 0.0,
            "mixed": False,
        }
    )
    found = _segment(part, 12, 60, seconds=0.5, in_clip={"x": 10})
    # The label with the most probability in all; .8 of 2 s are wrong, and the review takes 1 s more than the segment.
    assert (found["suggested_label"], found["kind"], found["windows"]) == ("TURN", "contaminated", 4)
    assert (found["start_frame"], found["end_frame"]) == (12, 60)
    assert found["suggested_probability"] == pytest.approx(0.9)
    assert found["priority"] == pytest.approx(0.8 * 2 / 3)
    assert _segment(part.iloc[[0, 1]], 0, 9, seconds=0.5, in_clip={"x": 10})["priority"] == 0
    assert _segment(part, 0, 9, seconds=0.5, in_clip={"x": 5})["kind"] == "wrong_clip"


def test_every_frame_belongs_to_the_window_whose_middle_is_nearest() -> None:
    table = pd.DataFrame(
        {
            "start_frame": [0, 6, 12, 40, 46, 52, 58],
            "end_frame": [24, 30, 36, 64, 70, 76, 82],
            "given_label": text(list("AAAAABB")),
            "reviewed": [False] * 6 + [True],
        }
    )
    found = _timeline(table, np.array([0, 0, 0, 1, 1, 1, 1]))
    # Middles are 12, 18, 24 | 52, 58, 64, 70; what lies half way goes to the later window.
    assert found.start.tolist() == [0, 15, 21, 40, 55, 61, 67]
    assert found.end.tolist() == [14, 20, 36, 54, 60, 66, 82]
    assert found.bounds.tolist() == [0, 3, 5, 6, 7]
    # Windows of one block that leave out frames in between share none of these, those that follow each other do.
    apart = pd.DataFrame({"start_frame": [0, 10, 21], "end_frame": [9, 19, 30], "given_label": "A", "reviewed": False})
    found = _timeline(apart, np.zeros(3, np.int64))
    assert (found.start.tolist(), found.end.tolist(), found.bounds.tolist()) == ([0, 9, 21], [8, 19, 30], [0, 2, 3])


def test_the_threshold_of_a_species_is_the_best_quality_that_is_flagged_in_its_audit() -> None:
    table = pd.DataFrame(
        {
            "species": ["CAT", "CAT", "CAT", "DOG", "DOG", "EEL"],
            "is_issue": [True, True, True, True, False, False],
            "split": ["audit", "audit", "holdout", "audit", "audit", "audit"],
            "label_quality": [0.1, 0.3, 0.9, 0.2, 0.8, 0.4],
        }
    )
    np.testing.assert_allclose(_thresholds(table), [0.7, 0.7, 0.7, 0.8, 0.8, 1])
