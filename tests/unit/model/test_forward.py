"""The forward pass in numpy: what PyTorch says, and the same to the bit however windows come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.classifier import BehaviorClassifier
from model.lstm import WindowLSTM
from model.recipe import PRESETS, Recipe
from model.views import VIEWS

KEYPOINTS, STEPS, WINDOWS = 6, 4, 150
RECIPES = [
    *(replace(PRESETS["default"], views=(view,)) for view in VIEWS),
    PRESETS["default"],
    PRESETS["classic"],
    replace(PRESETS["default"], layers=2, hidden_size=7, mask=False, standardise=False),
]


def classifier_of(recipe: Recipe, *, classes: int = 3) -> BehaviorClassifier:
    """Return a classifier with random weights, large enough to be sure of itself, and with standardised inputs."""
    torch.manual_seed(0)
    names, keypoints = [f"c{i}" for i in range(classes)], [f"k{i}" for i in range(KEYPOINTS)]
    made = BehaviorClassifier(names, keypoints, steps=STEPS, recipe=recipe, device="cpu")
    index = made._indexed(windows(), None)
    networks = [WindowLSTM(v, recipe, keypoints=KEYPOINTS, steps=STEPS, classes=classes) for v in recipe.views]
    with torch.no_grad():
        for network in networks:
            network.fit_standardisation(*index.take(torch.arange(WINDOWS)))
            for weights in network.parameters():
                weights *= 4
            network.linear.weight *= 4
    made.networks = networks
    return made


def windows() -> np.ndarray:
    """Return windows of animals that run at three speeds, some keypoints missing, and one without any."""
    rng = np.random.default_rng(0)
    poses = rng.normal(200, 40, (WINDOWS, 1, KEYPOINTS, 2)) + rng.normal(0, 4, (WINDOWS, STEPS, KEYPOINTS, 2))
    poses[..., 0] += (np.arange(WINDOWS) % 3)[:, None, None] * 20 * np.arange(STEPS)[:, None]
    poses[rng.random((WINDOWS, STEPS, KEYPOINTS)) < 0.2] = np.nan
    poses[7] = np.nan
    return poses.astype(np.float32)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{'+'.join(r.views)}-{r.layers}x{r.hidden_size}")
def test_it_says_what_pytorch_says(recipe: Recipe) -> None:
    classifier, poses = classifier_of(recipe), windows()
    by_torch = classifier.predict_windows(classifier._indexed(poses, None))
    assert np.ptp(by_torch, axis=0).min() > 0.2
    np.testing.assert_allclose(classifier.predict_proba(poses), by_torch, atol=1e-5)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{'+'.join(r.views)}-{r.layers}x{r.hidden_size}")
@pytest.mark.parametrize("classes", [2, 11])
def test_a_window_gets_the_same_bits_alone_and_in_company(recipe: Recipe, classes: int) -> None:
    classifier, poses = classifier_of(recipe, classes=classes), windows()
    together = classifier.predict_proba(poses)
    for start, count in ((0, 1), (149, 1), (3, 2), (1, 31), (40, 64), (40, 65), (20, 130)):
        np.testing.assert_array_equal(classifier.predict_proba(poses[start : start + count]), together[start : start + count])


def test_its_weights_are_copies() -> None:
    classifier, poses = classifier_of(PRESETS["classic"]), windows()
    before = classifier.predict_proba(poses)
    with torch.no_grad():
        classifier.networks[0].linear.bias += torch.tensor([2.0, 0.0, 0.0])
    np.testing.assert_array_equal(classifier.predict_proba(poses), before)
    classifier.networks = classifier.networks
    assert (classifier.predict_proba(poses)[:, 0] > before[:, 0]).all()


def test_no_windows_have_no_probabilities() -> None:
    classifier = classifier_of(PRESETS["classic"])
    empty = classifier.predict_proba(np.empty((0, STEPS, KEYPOINTS, 2)))
    assert empty.shape == (0, 3)
