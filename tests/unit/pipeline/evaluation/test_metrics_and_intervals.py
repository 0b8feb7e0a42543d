"""Measures, delete-one-group jackknife intervals, and the bound of what is still wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, t
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from pipeline.evaluation.intervals import class_estimates, difference, estimate, share_estimate
from pipeline.evaluation.label_error_rate import FEWEST_WINDOWS, estimate_error_rate, segments_to_reach, windows_needed
from pipeline.evaluation.metrics import MEASURES, GroupStatistics, calibration_error, class_f1, group_statistics
from pipeline.windows.folds import FEWEST_GROUPS


def predictions(groups: int, *, seed: int = 0, each: int = 30, classes: int = 3, right: float = 0.7):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    true = rng.integers(0, classes, len(group))
    told = np.where(rng.random(len(group)) < right, true, rng.integers(0, classes, len(group)))
    probabilities = np.full((len(group), classes), 0.2 / (classes - 1))
    probabilities[np.arange(len(group)), told] = 0.8
    return true, probabilities, group


@given(seed=st.integers(0, 1000), groups=st.integers(1, 12))
def test_measures_of_the_whole_are_those_of_scikit_learn(seed: int, groups: int) -> None:
    true, probabilities, group = predictions(groups, seed=seed)
    counted = group_statistics(true, probabilities, np.zeros_like(group), groups=1)
    told = probabilities.argmax(axis=1)
    assert MEASURES["accuracy"](counted)[0] == pytest.approx(accuracy_score(true, told))
    assert MEASURES["balanced accuracy"](counted)[0] == pytest.approx(balanced_accuracy_score(true, told))
    assert MEASURES["macro F1"](counted)[0] == pytest.approx(f1_score(true, told, average="macro"))
    np.testing.assert_allclose(class_f1(counted)[0], f1_score(true, told, average=None))
    assert MEASURES["overconfidence"](counted)[0] == pytest.approx(0.8 - accuracy_score(true, told))
    assert calibration_error(counted)[0] == pytest.approx(abs(0.8 - accuracy_score(true, told)))


def test_each_sum_over_groups_gets_its_own_figure_and_a_single_one_a_number() -> None:
    counted = group_statistics(*predictions(4), groups=4)
    times = np.array([[1.0, 1, 1, 1], [2, 0, 1, 0]])
    for measure in (*MEASURES.values(), calibration_error):
        each = [float(measure(counted.summed(row))) for row in times]
        assert measure(counted.summed(times)).tolist() == pytest.approx(each)
        assert each[0] != each[1]
        assert np.isnan(measure(counted.summed(np.zeros(4))))


def test_a_weight_of_two_counts_like_the_window_twice() -> None:
    true, probabilities, group = predictions(6)
    twice = np.concatenate([np.arange(len(true)), np.arange(40)])
    weight = np.ones(len(true))
    weight[:40] = 2
    weighted = group_statistics(true, probabilities, group, groups=6, weight=weight)
    repeated = group_statistics(true[twice], probabilities[twice], group[twice], groups=6)
    np.testing.assert_allclose(weighted.confusion, repeated.confusion)
    np.testing.assert_allclose(weighted.bins, repeated.bins)


@pytest.mark.parametrize("groups", [FEWEST_GROUPS, 12, 40])
def test_an_interval_holds_the_figure_and_narrows_with_more_groups(groups: int) -> None:
    found = estimate(group_statistics(*predictions(groups), groups=groups), MEASURES["accuracy"])
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    more = estimate(group_statistics(*predictions(4 * groups), groups=4 * groups), MEASURES["accuracy"])
    assert more.high - more.low < found.high - found.low


def test_a_class_that_few_groups_show_gets_no_interval() -> None:
    true, probabilities, group = predictions(20)
    rare = (true == 2) & (group >= FEWEST_GROUPS - 1)
    counted = group_statistics(true[~rare], probabilities[~rare], group[~rare], groups=20)
    first, _, last = class_estimates(counted)
    assert (first.groups, last.groups) == (20, FEWEST_GROUPS - 1)
    assert first.is_known
    assert not last.is_known
    assert last.value == pytest.approx(class_f1(GroupStatistics(counted.confusion.sum(axis=0), counted.bins.sum(axis=0)))[2])


def test_too_few_groups_give_no_interval() -> None:
    found = estimate(group_statistics(*predictions(FEWEST_GROUPS - 1), groups=FEWEST_GROUPS - 1), MEASURES["accuracy"])
    assert (found.low, found.high, found.is_known) == (None, None, False)


def test_empty_groups_are_not_counted_as_groups() -> None:
    found = estimate(group_statistics(*predictions(FEWEST_GROUPS - 1), groups=50), MEASURES["accuracy"])
    assert found.groups == FEWEST_GROUPS - 1
    assert not found.is_known


def test_a_group_of_a_single_window_is_a_group() -> None:
    counted = counted_by(np.array([1.0, 0, 1, 1, 0, 1]), np.ones(6))
    assert [estimate(counted, MEASURES["accuracy"]).groups, class_estimates(counted)[0].groups] == [6, 6]


def test_windows_of_one_group_that_are_alike_widen_the_interval() -> None:
    groups, each = 30, 40
    rng = np.random.default_rng(1)
    group, true = np.repeat(np.arange(groups), each), np.zeros(groups * each, np.int64)
    alike, apart = np.repeat(rng.random(groups) < 0.5, each), rng.random(groups * each) < 0.5

    def width(right) -> float:
        found = estimate(
            group_statistics(true, np.where(right[:, None], [0.9, 0.1], [0.1, 0.9]), group, groups=groups), MEASURES["accuracy"]
        )
        return found.high - found.low

    assert width(alike) > 3 * width(apart)


def test_a_difference_of_the_same_predictions_is_none_and_certain() -> None:
    counted = group_statistics(*predictions(10), groups=10)
    found = difference(counted, counted, MEASURES["macro F1"])
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def sample(wrong_flagged: int, wrong_unflagged: int, *, each: int = 60) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"stratum": name, "clip_id": [f"{name}{i}" for i in range(each)], "wrong": np.arange(each) < wrong})
        for name, wrong in (("flagged", wrong_flagged), ("unflagged", wrong_unflagged))
    ]
    return pd.concat(parts, ignore_index=True)


def test_strata_weigh_as_much_as_they_have_windows() -> None:
    found = estimate_error_rate(sample(30, 0), sizes={"flagged": 100, "unflagged": 900})
    assert found.share == pytest.approx(0.05)
    assert found.at_most > 0.05


def test_a_sample_without_errors_still_has_a_bound_and_more_windows_lower_it() -> None:
    few, many = (estimate_error_rate(sample(0, 0, each=n), sizes={"flagged": 100, "unflagged": 900}).at_most for n in (40, 400))
    assert 0 < many < few < 0.2


def test_too_few_verified_windows_give_no_estimate_but_how_many_are_missing() -> None:
    found = estimate_error_rate(sample(3, 0, each=FEWEST_WINDOWS - 5), sizes={"flagged": 100, "unflagged": 900})
    assert (found.share, found.at_most) == (None, None)
    assert found.needed == {"flagged": 5, "unflagged": 5}


def test_an_interval_holds_the_share_and_its_upper_limit_lies_above_the_bound() -> None:
    found = estimate_error_rate(sample(20, 3), sizes={"flagged": 500, "unflagged": 500})
    assert 0 < found.low < found.share < found.at_most < found.high
    assert (found.verified, found.wrong) == ({"flagged": 60, "unflagged": 60}, {"flagged": 20, "unflagged": 3})


@given(flagged=st.integers(0, 60), unflagged=st.integers(0, 60))
def test_a_set_that_was_verified_whole_is_known(flagged: int, unflagged: int) -> None:
    found = estimate_error_rate(sample(flagged, unflagged), sizes={"flagged": 60, "unflagged": 60})
    assert (found.low, found.high, found.at_most) == (found.share, found.share, found.share)


@given(wrong=st.integers(0, 59))
def test_one_wrong_window_more_raises_the_bound(wrong: int) -> None:
    sizes = {"flagged": 600, "unflagged": 6000}
    assert (
        estimate_error_rate(sample(wrong, 2), sizes=sizes).at_most
        < estimate_error_rate(sample(wrong + 1, 2), sizes=sizes).at_most
    )


def test_without_an_error_the_bound_is_the_exact_one() -> None:
    found = estimate_error_rate(sample(0, 0), sizes={"flagged": 0, "unflagged": 10**6})
    assert found.low == 0.0
    assert found.at_most == pytest.approx(1 - 0.05 ** (1 / 60), rel=0.03)


def test_how_much_more_review_follows_the_queue() -> None:
    assert segments_to_reach([30, 20, 10], windows=1000, now=0.1, target_error_rate=0.06) == 2
    assert segments_to_reach([30, 20, 10], windows=1000, now=0.1, target_error_rate=0.2) == 0
    assert segments_to_reach([30, 20, 10], windows=1000, now=0.1, target_error_rate=0.1) == 0
    assert segments_to_reach([30, 20, 10], windows=1000, now=0.1, target_error_rate=0.01) is None


def test_how_many_windows_would_show_a_bound() -> None:
    sizes = {"flagged": 600, "unflagged": 6000}
    few, more = (estimate_error_rate(sample(wrong, 1), sizes=sizes) for wrong in (2, 12))
    assert windows_needed(few, sizes=sizes, at_most=0.9) == 0
    assert windows_needed(few, sizes=sizes, at_most=0.01) is None
    assert windows_needed(few, sizes=sizes, at_most=few.at_most) == 0
    assert windows_needed(few, sizes=sizes, at_most=few.share) is None
    assert 0 < windows_needed(few, sizes=sizes, at_most=0.05) < windows_needed(more, sizes=sizes, at_most=0.05)
    assert windows_needed(estimate_error_rate(sample(0, 0, each=5), sizes=sizes), sizes=sizes, at_most=0.05) is None


def test_a_share_of_all_is_not_certain_only_because_no_group_differs() -> None:
    reaches = []
    for groups in (FEWEST_GROUPS, 12, 60):
        true, probabilities, group = predictions(groups, right=1.0)
        counted = group_statistics(true, probabilities, group, groups=groups)
        for found in (estimate(counted, MEASURES["accuracy"]), class_estimates(counted)[0]):
            assert (found.value, found.high) == (1.0, 1.0)
            assert found.low == pytest.approx(0.025 ** (1 / groups))
        reaches.append(found.low)
    assert reaches == sorted(reaches)


def test_a_bound_at_the_estimate_takes_all_windows_that_there_are() -> None:
    sizes = {"flagged": 70, "unflagged": 80}
    found = estimate_error_rate(sample(7, 1), sizes=sizes)
    assert windows_needed(found, sizes=sizes, at_most=found.share + 1e-6) == 10 + 20


def test_a_share_of_nothing_is_unknown() -> None:
    found = share_estimate(np.zeros(6), np.zeros(6))
    assert np.isnan(found.value)
    assert (found.low, found.high, found.groups) == (None, None, 0)


RIGHT = np.array([3.0, 8.0, 9.0, 2.0, 10.0, 7.0])
WHOLE = np.array([10.0, 10.0, 12.0, 5.0, 20.0, 8.0])


def without_each(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Give the share without each group, by leaving its numbers out."""
    return np.array([np.delete(part, i).sum() / np.delete(whole, i).sum() for i in range(len(part))])


def t_reach(each: np.ndarray, *, degrees: int) -> float:
    """Give half of the width of the 95 % interval of the delete-one-group jackknife, as textbooks have it."""
    variance = (len(each) - 1) * np.mean((each - each.mean()) ** 2)
    return float(t.ppf(0.975, degrees) * np.sqrt(variance))


def counted_by(right: np.ndarray, whole: np.ndarray) -> GroupStatistics:
    """Count two classes, all windows of the first, of which so many are right in each group."""
    confusion = np.zeros((len(right), 2, 2))
    confusion[:, 0, 0], confusion[:, 0, 1] = right, whole - right
    bins = np.zeros((len(right), 10, 3))
    bins[:, 9] = np.stack([whole, 0.95 * whole, right], axis=1)
    return GroupStatistics(confusion, bins)


def test_the_interval_of_a_share_is_the_jackknife_of_its_log_odds() -> None:
    share = RIGHT.sum() / WHOLE.sum()
    apart = t_reach(without_each(RIGHT, WHOLE), degrees=5) / (share * (1 - share))
    expected = [1 / (1 + np.exp(-(np.log(share / (1 - share)) + side * apart))) for side in (-1, 0, 1)]
    # A group that has nothing of the whole changes nothing.
    for found in (
        share_estimate(np.append(RIGHT, 0), np.append(WHOLE, 0)),
        estimate(counted_by(RIGHT, WHOLE), MEASURES["accuracy"]),
    ):
        assert [found.low, found.value, found.high] == pytest.approx(expected, abs=1e-12)
        assert found.groups == 6


def test_figures_that_are_no_shares_have_symmetric_intervals_with_as_many_degrees_of_freedom_as_groups_less_one() -> None:
    one, two = counted_by(RIGHT, WHOLE), counted_by(WHOLE - RIGHT, WHOLE)
    too_sure = estimate(one, MEASURES["overconfidence"])
    reach = t_reach(without_each(RIGHT, WHOLE), degrees=5)
    assert (too_sure.low, too_sure.high) == pytest.approx((too_sure.value - reach, too_sure.value + reach))
    apart = difference(one, two, MEASURES["accuracy"])
    each = without_each(WHOLE - RIGHT, WHOLE) - without_each(RIGHT, WHOLE)
    reach = t_reach(each, degrees=5)
    value = 1 - 2 * RIGHT.sum() / WHOLE.sum()
    assert (apart.low, apart.value, apart.high) == pytest.approx((value - reach, value, value + reach))


def test_the_f1_of_a_class_has_the_degrees_of_freedom_of_the_groups_that_show_it() -> None:
    confusion = np.zeros((8, 2, 2))
    confusion[:6, 0, 0], confusion[:6, 0, 1] = RIGHT, WHOLE - RIGHT
    confusion[:, 1, 1], confusion[:, 1, 0] = 5, np.arange(8)
    found = class_estimates(GroupStatistics(confusion, np.zeros((8, 10, 3))))[0]
    kept = [np.delete(confusion, i, axis=0).sum(axis=0) for i in range(8)]
    each = np.array([2 * c[0, 0] / (c[0].sum() + c[:, 0].sum()) for c in kept])
    apart = t_reach(each, degrees=5) / (found.value * (1 - found.value))
    assert found.groups == 6
    assert np.log(found.high / (1 - found.high)) - np.log(found.value / (1 - found.value)) == pytest.approx(apart)


def test_many_groups_are_left_out_one_by_one_as_few_are() -> None:
    right, whole = np.tile(RIGHT, 50), np.tile(WHOLE, 50)
    one, two = share_estimate(right, whole), estimate(counted_by(right, whole), MEASURES["accuracy"])
    assert (one.low, one.high, one.groups) == pytest.approx((two.low, two.high, 300))


def test_nothing_right_in_any_group_has_the_exact_limit() -> None:
    found = share_estimate(np.zeros(6), WHOLE)
    assert (found.low, found.high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 6)))


def test_tenths_of_probability_tell_the_calibration_error_and_signs_do_not_cancel() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.4, 0.6], [1.0, 0.0]])
    true = np.array([0, 1, 1, 1, 0])
    counted = group_statistics(true, probabilities, np.zeros(5, np.int64), groups=1)
    # .95, .95 and 1 are right in two of three: too sure by .9; two of .6 are right always: too modest by .8.
    assert calibration_error(counted)[0] == pytest.approx((0.9 + 0.8) / 5)
    assert MEASURES["overconfidence"](counted)[0] == pytest.approx((0.9 - 0.8) / 5)
    assert counted.bins[0, :, 0].tolist() == [0, 0, 0, 0, 0, 0, 2, 0, 0, 3]


@pytest.mark.parametrize(("wrong", "shape"), [(2, (2.5, 58.5)), (20, (20.5, 40.5)), (59, (59.5, 1.5))])
def test_limits_are_those_of_jeffreys(wrong: int, shape: tuple[float, float]) -> None:
    found = estimate_error_rate(sample(0, wrong), sizes={"flagged": 0, "unflagged": 10**6})
    expected = beta.ppf([0.025, 0.95, 0.975], *shape)
    # The limits are quantiles of 20,000 draws: those of few wrong windows vary most.
    np.testing.assert_allclose([found.low, found.at_most, found.high], expected, rtol=0.05 if wrong == 2 else 0.01)


def test_a_stratum_of_one_window_counts() -> None:
    one = pd.concat([sample(1, 0, each=1).iloc[:1], sample(0, 0)[lambda t: t["stratum"] == "unflagged"]], ignore_index=True)
    assert estimate_error_rate(one, sizes={"flagged": 1, "unflagged": 3}).share == pytest.approx(0.25)


def test_where_all_are_wrong_the_lower_limit_is_the_exact_one() -> None:
    found = estimate_error_rate(sample(0, 60), sizes={"flagged": 0, "unflagged": 10**6})
    assert (found.low, found.at_most, found.high) == pytest.approx((0.025 ** (1 / 60), 1.0, 1.0), rel=0.005)
    none = estimate_error_rate(sample(0, 0), sizes={"flagged": 0, "unflagged": 10**6})
    assert none.verified == {"unflagged": 60}
    assert (none.low, none.high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 60)), rel=0.03)


def test_as_many_windows_as_are_needed_and_a_stratum_verified_whole_are_enough() -> None:
    each = FEWEST_WINDOWS
    assert estimate_error_rate(sample(3, 0, each=each), sizes={"flagged": 100, "unflagged": 900}).share is not None
    small = sample(3, 0, each=each).drop(index=range(20))
    assert estimate_error_rate(small, sizes={"flagged": 10, "unflagged": 900}).share is not None
    assert estimate_error_rate(small, sizes={"flagged": 11, "unflagged": 900}).needed == {"flagged": 1, "unflagged": 0}
    assert segments_to_reach([30, 20, 10], windows=1000, now=0.1, target_error_rate=0.05) == 2
    assert segments_to_reach([30, 20, 10], windows=200, now=0.5, target_error_rate=0.25) == 2


def test_the_bound_is_shown_after_the_windows_that_are_said_to_be_needed() -> None:
    sizes = {"flagged": 600, "unflagged": 6000}
    found = estimate_error_rate(sample(2, 1), sizes=sizes)
    more = windows_needed(found, sizes=sizes, at_most=0.05)
    times = 1 + more / 120
    shown = estimate_error_rate(sample(round(2 * times), round(times), each=round(60 * times)), sizes=sizes)
    assert shown.at_most == pytest.approx(0.05, rel=0.1)
