"""What holds of every split: no group on both sides, every class learnable, every window predicted once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import Folds
from pipeline.windows.folds import FEWEST_GROUPS, assign_folds, deal_groups, split_windows, training_mask


@st.composite
def grouped(draw: st.DrawFn) -> pd.DataFrame:
    """Draw windows of groups, each showing some classes."""
    groups = draw(st.integers(1, 14))
    rows = []
    for group in range(groups):
        for target in draw(st.sets(st.integers(0, 4), min_size=1, max_size=3)):
            rows += [(f"g{group}", f"c{target}")] * draw(st.integers(1, 6))
    table = pd.DataFrame(rows, columns=["group", "target"])
    unfit = draw(st.lists(st.integers(0, 9), min_size=len(table), max_size=len(table)))
    marks = {"mixed": [u == 0 for u in unfit], "bad_pose": [u == 1 for u in unfit]}
    return table.assign(species="DOG", clip_id=table["group"], label=table["target"], split="audit", **marks)


@given(windows=grouped(), count=st.integers(2, 6), seed=st.integers(0, 5), holdout=st.sampled_from([0.0, 0.1, 0.3]))
def test_split_and_folds_keep_groups_whole_and_classes_learnable(
    windows: pd.DataFrame, count: int, seed: int, holdout: float
) -> None:
    split = split_windows(windows, folds=Folds(count=count, seed=seed, holdout=holdout))
    assert len(split) == len(windows)
    apart = set(split.loc[split["split"] == "holdout", "group"])
    audited = split[split["split"] == "audit"]
    assert not apart & set(audited["group"])
    if audited.empty:
        return
    trains = training_mask(audited)
    shown = audited[trains].groupby("target")["group"].nunique()
    assert set(shown.index) == set(audited["target"])
    assert len(shown) >= 2
    assert (shown >= 2).all()

    target = pd.factorize(audited["target"])[0].astype(np.int64)
    group = pd.factorize(audited["group"])[0].astype(np.int64)
    fold = deal_groups(target, group, trains, count=count, seed=seed)
    assert pd.DataFrame({"g": group, "f": fold}).drop_duplicates()["g"].is_unique
    assert (fold[trains] >= 0).all()
    trained_on = pd.DataFrame({"t": target, "f": fold})[trains]
    assert (trained_on.drop_duplicates().groupby("t").size() >= 2).all()
    np.testing.assert_array_equal(fold, deal_groups(target, group, trains, count=count, seed=seed))


@given(windows=grouped(), count=st.integers(1, 12), seed=st.integers(0, 5))
def test_no_class_of_two_groups_lies_in_one_fold_whatever_else_there_is(windows: pd.DataFrame, count: int, seed: int) -> None:
    target, group = (pd.factorize(windows[name])[0].astype(np.int64) for name in ("target", "group"))
    fold = assign_folds(target, group, count=count, seed=seed)
    shown = pd.DataFrame({"t": target, "g": group, "f": fold}).groupby("t").nunique()
    assert (shown["f"][shown["g"] > 1] > 1).all()


@given(sizes=st.lists(st.integers(20, 40), min_size=45, max_size=45), seed=st.integers(0, 5))
def test_folds_are_stratified_where_groups_allow_it(sizes: list[int], seed: int) -> None:
    group = np.repeat(np.arange(45), sizes)
    target = group % 3
    fold = assign_folds(target, group, count=5, seed=seed)
    shown = np.bincount(5 * target + fold, minlength=15).reshape(3, 5)
    np.testing.assert_allclose(shown, np.repeat(shown.mean(axis=1, keepdims=True), 5, axis=1), rtol=0.25)


def test_classes_that_two_folds_cannot_hold_apart_get_a_third() -> None:
    target = np.array([0, 1, 1, 2, 2, 0])
    group = np.array([0, 0, 1, 1, 2, 2])
    fold = assign_folds(target, group, count=2, seed=0)
    assert len(set(fold.tolist())) == 3
    assert all(len(set(fold[target == c].tolist())) >= 2 for c in range(3))


@given(
    sizes=st.lists(st.integers(1, 40), min_size=4, max_size=60), seed=st.integers(0, 5), holdout=st.sampled_from([0.05, 0.1, 0.3])
)
def test_a_hold_out_has_the_groups_that_an_estimate_needs_where_a_quarter_has(
    sizes: list[int], seed: int, holdout: float
) -> None:
    rows = [(f"g{i:02d}", f"c{c}") for i, size in enumerate(sizes) for c in range(2) for _ in range(size)]
    windows = pd.DataFrame(rows, columns=["group", "label"])
    windows = windows.assign(target=windows["label"], species="DOG", mixed=False, bad_pose=False)
    split = split_windows(windows, folds=Folds(seed=seed, holdout=holdout))
    apart = split.loc[split["split"] == "holdout", "group"].nunique()
    if len(sizes) >= 4 * FEWEST_GROUPS:
        assert apart >= FEWEST_GROUPS
    assert apart < len(sizes)


@pytest.mark.parametrize(
    ("groups", "share", "apart"),
    [
        # As many as the share says, to the nearest, of four groups and more; half at most.
        (8, 0.25, 2),
        (12, 0.25, 3),
        (10, 0.1, 1),
        (12, 0.5, 6),
        (12, 0.9, 6),
        (4, 0.25, 1),
        (3, 0.5, 0),
        (6, 0.1, 1),
        (5, 0.1, 0),
        (4, 0.1, 0),
        (8, 0.0, 0),
        # Of twenty and more at least the five that an interval needs.
        (19, 0.1, 2),
        (20, 0.1, 5),
        (24, 0.1, 6),
    ],
)
def test_the_hold_out_is_the_share_of_groups_that_is_asked_for(groups: int, share: float, apart: int) -> None:
    rows = [(f"g{i:02d}", f"c{c}") for i in range(groups) for c in range(2) for _ in range(3)]
    windows = pd.DataFrame(rows, columns=["group", "label"])
    windows = windows.assign(target=windows["label"], species="DOG", mixed=False, bad_pose=False)
    split = split_windows(windows, folds=Folds(holdout=share))
    assert split.loc[split["split"] == "holdout", "group"].nunique() == apart
    assert set(split["split"]) <= {"audit", "holdout"}


def test_no_class_is_held_out_that_could_not_be_audited_without_it() -> None:
    """Every class has two groups, none of which can be spared: nothing is held out."""
    rows = [(f"g{i}", f"c{i // 2}") for i in range(8) for _ in range(3)]
    windows = pd.DataFrame(rows, columns=["group", "label"])
    windows = windows.assign(target=windows["label"], species="DOG", mixed=False, bad_pose=False)
    assert set(split_windows(windows, folds=Folds(holdout=0.25))["split"]) == {"audit"}
