"""Arms are compared on the verified hold-out alone, each window for as many as it was drawn for, or not at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.label_error_rate import FEWEST_WINDOWS
from pipeline.evaluation.model_comparison import compare_arms, still_needed, verified_holdout
from pipeline.windows.folds import FEWEST_GROUPS

CLASSES = ["A", "B"]


def holdout(groups: int, *, each: int = 10) -> pd.DataFrame:
    n = groups * each
    return pd.DataFrame({"window_id": [f"w{i}" for i in range(n)], "group": [f"g{i // each}" for i in range(n)]})


def states(windows: pd.DataFrame, labels: list[str], **columns: object) -> pd.DataFrame:
    table = pd.DataFrame({"window_id": windows["window_id"][: len(labels)], "verified_label": labels, "stratum": "holdout"})
    return table.assign(state="verified", inclusion_probability=0.5).assign(**columns)


def verified(groups: int, *, each: int = 10):
    windows = holdout(groups, each=each)
    labels = ["A" if i % 2 else "B" for i in range(len(windows))]
    return verified_holdout(states(windows, labels), windows, classes=CLASSES, target={"A": "A", "B": "B"})


def predictions(found, *, right: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    told = np.where(rng.random(len(found)) < right, found.true, 1 - found.true)
    return np.where(np.arange(2) == told[:, None], 0.9, 0.1).astype(np.float32)


def test_only_windows_drawn_from_the_holdout_are_a_test() -> None:
    windows = holdout(6)
    drawn = states(windows, ["A"] * 40, stratum=["holdout"] * 20 + ["flagged"] * 20)
    found = verified_holdout(drawn, windows, classes=CLASSES, target={"A": "A"})
    assert len(found) == 20
    assert found.groups == 2
    assert found.held_out == 6


def test_windows_without_a_label_or_of_another_action_are_counted_and_left_out() -> None:
    windows = holdout(6)
    state = ["verified"] * 3 + ["unsure", "disputed", "mixed", "excluded", "open", "moved"]
    drawn = states(windows, ["A", "B", "X", *["A"] * 6], state=state)
    found = verified_holdout(drawn, windows, classes=CLASSES, target={"A": "A", "B": "B", "X": None})
    assert found.true.tolist() == [0, 1]
    assert (found.unsure, found.out_of_taxonomy) == (4, 1)


def test_verified_labels_are_merged_as_in_training() -> None:
    windows = holdout(1)
    found = verified_holdout(
        states(windows, ["A1", "A2", "B"]), windows, classes=CLASSES, target={"A1": "A", "A2": "A", "B": "B"}
    )
    assert found.true.tolist() == [0, 0, 1]


def test_nothing_drawn_needs_everything() -> None:
    found = verified_holdout(None, holdout(3), classes=CLASSES, target={})
    assert still_needed(found) == (FEWEST_WINDOWS, FEWEST_GROUPS)
    assert found.held_out == 3


@pytest.mark.parametrize(("groups", "each"), [(FEWEST_GROUPS - 1, 100), (FEWEST_GROUPS, 5)])
def test_too_few_groups_or_windows_give_no_figure_at_all(groups: int, each: int) -> None:
    found = verified(groups, each=each)
    assert any(still_needed(found))
    told = compare_arms(found, {"given": predictions(found, right=0.5), "pruned": predictions(found, right=1.0)}, classes=CLASSES)
    assert told == {"arms": {"given": None, "pruned": None}, "differences": {}, "identical": []}


def test_as_many_groups_and_windows_as_are_needed_are_enough() -> None:
    assert still_needed(verified(FEWEST_GROUPS, each=FEWEST_WINDOWS // FEWEST_GROUPS)) == (0, 0)
    windows = holdout(FEWEST_GROUPS, each=FEWEST_WINDOWS // FEWEST_GROUPS)
    found = verified_holdout(states(windows, ["A"] * (len(windows) - 1)), windows, classes=CLASSES, target={"A": "A"})
    assert still_needed(found) == (1, 0)
    assert still_needed(verified(FEWEST_GROUPS + 2, each=FEWEST_WINDOWS)) == (0, 0)


def test_a_better_arm_is_told_by_paired_differences_and_counts_by_class() -> None:
    found = verified(12)
    arms = {"given": predictions(found, right=0.6), "reviewed": predictions(found, right=0.95)}
    told = compare_arms(found, arms, classes=CLASSES)
    assert list(told["differences"]) == ["reviewed - given"]
    apart = told["differences"]["reviewed - given"]["balanced accuracy"]
    values = {arm: told["arms"][arm]["measures"]["balanced accuracy"]["value"] for arm in arms}
    assert apart["value"] == pytest.approx(values["reviewed"] - values["given"], abs=1e-5)
    assert apart["low"] > 0
    assert apart["groups"] == 12
    assert np.array(told["arms"]["given"]["confusion"]).sum(axis=1).tolist() == [60, 60]
    assert set(told["arms"]["given"]["class_f1"]) == set(CLASSES)
    assert told["arms"]["reviewed"]["calibration_error"] == pytest.approx(0.05, abs=0.03)


def test_a_window_weighs_as_many_as_it_was_drawn_for() -> None:
    windows = holdout(6)
    labels = ["A"] * 30 + ["B"] * 30
    chance = [0.1] * 30 + [1.0] * 30
    drawn = states(windows, labels, inclusion_probability=chance)
    found = verified_holdout(drawn, windows, classes=CLASSES, target={"A": "A", "B": "B"})
    assert found.weight.tolist() == [10] * 30 + [1] * 30
    always_a = np.tile(np.array([0.9, 0.1], np.float32), (60, 1))
    told = compare_arms(found, {"given": always_a}, classes=CLASSES)
    assert told["arms"]["given"]["measures"]["accuracy"]["value"] == round(10 / 11, 6)
    assert told["arms"]["given"]["confusion"] == [[30, 0], [30, 0]]


def test_a_class_that_nobody_saw_or_named_has_no_f1() -> None:
    windows = holdout(6)
    found = verified_holdout(states(windows, ["A"] * 60), windows, classes=CLASSES, target={"A": "A"})
    told = compare_arms(found, {"given": np.tile(np.array([0.9, 0.1], np.float32), (60, 1))}, classes=CLASSES)
    assert told["arms"]["given"]["class_f1"]["B"]["value"] is None
    assert told["arms"]["given"]["class_f1"]["A"]["value"] == 1.0


def test_models_that_predict_the_same_classes_are_told() -> None:
    found = verified(12)
    same = predictions(found, right=0.8)
    told = compare_arms(found, {"given": predictions(found, right=0.5), "pruned": same, "reviewed": same * 0.99}, classes=CLASSES)
    assert told["identical"] == ["reviewed - pruned"]
