"""The classifier as another program would use it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import BundleError, ConfigError, DataError
from model.classifier import BehaviorClassifier
from model.recipe import PRESETS, make_recipe

KEYPOINTS = ("nose", "neck", "tail")
QUICK = replace(PRESETS["default"], min_updates=30)


@pytest.fixture(scope="module")
def task() -> tuple[np.ndarray, list[str]]:
    """Give windows of animals that stand or move, with keypoints missing here and there."""
    rng = np.random.default_rng(0)
    moving = rng.random(240) < 0.4
    xy = rng.normal(0, 0.3, (240, 5, 3, 2)) + np.array([[0, 0], [2, 0], [4, 1]])
    xy[:, :, :, 0] += np.arange(5)[None, :, None] * 2.0 * moving[:, None, None]
    xy[rng.random((240, 5, 3)) < 0.1] = np.nan
    return xy, ["walk" if m else "stand" for m in moving]


def classifier(recipe=QUICK) -> BehaviorClassifier:
    return BehaviorClassifier(["stand", "walk"], KEYPOINTS, recipe=recipe, device="cpu")


@pytest.mark.parametrize("balance", ["none", "weights", "downsample"])
@pytest.mark.parametrize("schedule", ["step", "one-cycle"])
def test_it_learns_to_tell_standing_from_walking(task, balance, schedule) -> None:
    poses, labels = task
    fitted = classifier(replace(QUICK, balance=balance, schedule=schedule, views=("body",))).fit(poses[:160], labels[:160])
    assert np.mean(np.array(fitted.predict(poses[160:])) == labels[160:]) > 0.9


def test_probabilities_sum_to_one_and_survive_a_window_without_any_keypoint(task) -> None:
    poses, labels = task
    probabilities = classifier().fit(poses, labels).predict_proba(np.full((2, 5, 3, 2), np.nan))
    assert probabilities.shape == (2, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_classifier_and_another_seed_another(task) -> None:
    poses, labels = task
    first, again, other = (classifier().fit(poses, labels, seed=s).predict_proba(poses) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_a_bundle_gives_the_same_answers_after_a_round_trip(task, tmp_path: Path) -> None:
    poses, labels = task
    fitted = classifier().fit(poses, labels)
    fitted.save(tmp_path / "bundle")
    loaded = BehaviorClassifier.load(tmp_path / "bundle", device="cpu")
    np.testing.assert_array_equal(loaded.predict_proba(poses), fitted.predict_proba(poses))
    assert (loaded.classes, loaded.keypoints, loaded.recipe) == (fitted.classes, fitted.keypoints, fitted.recipe)
    assert sorted(p.name for p in (tmp_path / "bundle").iterdir()) == ["MODEL_CARD.md", "model.json", "weights.safetensors"]


def test_a_damaged_bundle_is_refused(task, tmp_path: Path) -> None:
    poses, labels = task
    classifier().fit(poses, labels).save(tmp_path)
    weights = bytearray((tmp_path / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "weights.safetensors").write_bytes(weights)
    with pytest.raises(BundleError, match="is not the file that"):
        BehaviorClassifier.load(tmp_path)


@pytest.mark.parametrize("damage", [lambda c: c.pop("classes"), lambda c: c.update(steps=7), lambda c: c.update(format=99)])
def test_a_card_that_does_not_fit_is_refused(task, tmp_path: Path, damage) -> None:
    poses, labels = task
    classifier().fit(poses, labels).save(tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    damage(card)
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(BundleError):
        BehaviorClassifier.load(tmp_path)


def test_a_folder_without_a_bundle_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        BehaviorClassifier.load(tmp_path)
    assert "model.json" in caught.value.hint


def test_poses_of_another_shape_are_refused(task) -> None:
    poses, labels = task
    with pytest.raises(DataError, match=r"expected poses of shape \(n, 5, 3, 2\), got \(240, 4, 3, 2\)"):
        classifier().fit(poses[:, :4], labels)


def test_an_unknown_label_is_named(task) -> None:
    poses, labels = task
    with pytest.raises(DataError, match="'fly' is not one of the classes"):
        classifier().fit(poses, [*labels[:-1], "fly"])


def test_an_untrained_classifier_says_so(task) -> None:
    with pytest.raises(BundleError, match="has not been trained"):
        classifier().predict(task[0])


def test_the_classic_preset_is_the_recipe() -> None:
    recipe = PRESETS["classic"]
    assert (recipe.layers, recipe.hidden, recipe.epochs, recipe.batch, recipe.rate) == (3, 30, 100, 100, 0.01)
    assert (recipe.schedule, recipe.step_epochs, recipe.gamma, recipe.balance) == ("step", 10, 0.3, "downsample")
    assert (recipe.views, recipe.standardise, recipe.mask) == (("frame",), False, False)
    network = classifier(replace(recipe, epochs=1)).fit(np.zeros((4, 5, 3, 2)), ["stand", "walk"] * 2).networks[0]
    assert network.linear.in_features == 150


def test_an_unknown_view_gets_the_nearest_known() -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe("default", views=("bodi",))
    assert caught.value.hint == "did you mean 'body'?"


def test_embedding_loads_neither_page_nor_pandas() -> None:
    code = "import sys, model.classifier; print({'streamlit', 'cleanlab', 'pandera', 'pandas', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
