"""Leaving a fold out by subtraction is the same as never having seen it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from model.kernel_ridge import predict_left_out


@pytest.fixture
def task() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    features = rng.normal(0, 1, (600, 8)).astype(np.float32)
    features[:, :3] += 3 * np.eye(3)[target]
    return features, target, rng.integers(0, 4, 600)


def test_it_predicts_what_it_did_not_see(task) -> None:
    features, target, fold = task
    mask = np.ones(600, bool)
    probabilities = predict_left_out(features, target, classes=3, fold=fold, training_mask=mask, seed=0, size=100)
    assert (probabilities.argmax(1) == target).mean() > 0.9
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_labels_of_the_own_fold_do_not_change_a_prediction(task) -> None:
    features, target, fold = task
    own = fold == 2
    lied = np.where(own, (target + 1) % 3, target)
    how = {"classes": 3, "fold": fold, "training_mask": np.ones(600, bool), "seed": 0, "size": 100, "penalties": (1e-2,)}
    one, other = (predict_left_out(features, t, **how) for t in (target, lied))
    # Sums in another order differ in the last digits.
    np.testing.assert_allclose(one[own], other[own], atol=1e-3)
    assert np.abs(one[~own] - other[~own]).max() > 0.01


def test_what_is_not_used_for_training_changes_nothing(task) -> None:
    features, target, fold = task
    mask = np.arange(600) % 5 > 0
    lied = np.where(mask, target, (target + 1) % 3)
    how = {"classes": 3, "fold": fold, "training_mask": mask, "seed": 0, "size": 100}
    one, other = (predict_left_out(features, t, **how) for t in (target, lied))
    np.testing.assert_array_equal(one, other)


def test_the_hold_out_is_predicted_by_all_folds_and_trains_nothing(task) -> None:
    features, target, fold = task
    apart = np.arange(600) < 100
    fold = np.where(apart, -1, fold)
    lied = np.where(apart, (target + 1) % 3, target)
    how = {"classes": 3, "fold": fold, "training_mask": ~apart, "seed": 0, "size": 100}
    one, other = (predict_left_out(features, t, **how) for t in (target, lied))
    np.testing.assert_array_equal(one, other)
    assert (one[apart].argmax(1) == target[apart]).mean() > 0.9


def test_the_penalty_that_serves_unseen_folds_is_chosen(task) -> None:
    features, target, fold = task
    how = {"classes": 3, "fold": fold, "training_mask": np.ones(600, bool), "seed": 0, "size": 100}
    penalties = (1e-4, 1e-1, 1e4)
    alone = [predict_left_out(features, target, penalties=(p,), **how) for p in penalties]
    agree = [(found.argmax(axis=1) == target).sum() for found in alone]
    assert len(set(agree)) > 1
    chosen = predict_left_out(features, target, penalties=penalties, **how)
    np.testing.assert_array_equal(chosen, alone[int(np.argmax(agree))])


def test_it_is_kernel_ridge_regression_on_one_hot_classes(task) -> None:
    """By scikit-learn, with a kernel for each frequency and an intercept; one half or twice as wide is .016 off."""
    features, target, fold = task
    seen = fold != 1
    how = {"classes": 3, "fold": fold, "training_mask": np.ones(600, bool), "seed": 0, "size": 600, "penalties": (0.1,)}
    found = predict_left_out(features, target, **how)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 300 * np.exp(-0.03 / 8 * ((a[:, None] - b[None]) ** 2).sum(axis=2)) + 1

    exact = KernelRidge(kernel="precomputed", alpha=0.1 * seen.sum())
    exact.fit(kernel(features[seen], features[seen]), np.eye(3)[target[seen]])
    said = np.clip(exact.predict(kernel(features[~seen], features[seen])), 1e-3, 1)
    said /= said.sum(axis=1, keepdims=True)
    assert np.abs(found[~seen] - said).mean() < 0.007


def test_where_nothing_trains_every_class_is_as_likely(task) -> None:
    features, target, fold = task
    found = predict_left_out(features, target, classes=4, fold=fold, training_mask=np.zeros(600, bool), seed=0, size=20)
    np.testing.assert_allclose(found, 0.25)
