"""Models of the arms: the same network as a classifier's own, bundles whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import Config, load_config
from data_schemas.errors import WorkspaceError
from model.bundle import fingerprint, is_bundle
from model.classifier import BehaviorClassifier
from model.recipe import Recipe, make_recipe
from model.training import Windows
from model.windowing import SEEN, Samples
from pipeline.detection.lstm_jobs import InMemory
from pipeline.retraining.training import (
    ModelSpec,
    optimizer_steps_by_search,
    optimizer_steps_of_recipe,
    place_bundle,
    train_models,
)
from pipeline.retraining.training_conditions import TrainingCondition

RECIPE = make_recipe("default", views=("body", "distances"), optimizer_steps=12, hidden_size=8, batch_size=16)
CONDITION = TrainingCondition("given", 1.0, 0, pd.DataFrame())


@pytest.fixture
def walking() -> tuple[Samples, np.ndarray, np.ndarray]:
    """Give samples, first samples and classes of windows that stand or move to the right."""
    rng = np.random.default_rng(0)
    runs, each = 40, 5
    way = np.tile(np.arange(each), runs) * 8.0 * np.repeat(np.arange(runs) % 2, each)
    xy = np.array([[0, 0], [20, 4], [40, 0]]) + rng.normal(0, 1, (runs * each, 3, 2))
    xy[:, :, 0] += way[:, None]
    samples = Samples(
        xy=xy.astype(np.float32),
        state=np.full((runs * each, 3), SEEN, np.uint8),
        frame_number=np.arange(runs * each, dtype=np.int32),
        block=np.repeat(np.arange(runs), each).astype(np.int32),
        scale=np.full(runs * each, 16, np.float32),
    )
    return samples, np.arange(runs, dtype=np.int64) * each, np.arange(runs, dtype=np.int64) % 2


def config(jobs: int) -> Config:
    return load_config(None, overrides={"run": {"jobs": jobs}, "folds": {"seed": 3}})


def spec(first: np.ndarray, target: np.ndarray, *, key: str = "k") -> ModelSpec:
    return ModelSpec(CONDITION, "DOG", ("SIT", "WALKRUN"), key, first, target, bundle=None)


def trained_on(queue: list[ModelSpec], samples: Samples, *, jobs: int = 1) -> list[tuple[ModelSpec, list, np.ndarray]]:
    return list(train_models(queue, samples, recipes={"DOG": RECIPE}, config=config(jobs), device="cpu"))


def classifier(networks: list) -> BehaviorClassifier:
    made = BehaviorClassifier(["SIT", "WALKRUN"], ["a", "b", "c"], species="DOG", recipe=RECIPE, device="cpu")
    made.networks = networks
    return made


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_job_trains_what_a_classifier_would(walking, jobs: int) -> None:
    samples, first, target = walking
    queue = [spec(first, target, key="all"), spec(first[:20], target[:20], key="half")]
    made = trained_on(queue, samples, jobs=jobs)
    assert [model.key for model, *_ in made] == ["all", "half"]
    _, networks, losses = made[0]
    index = Windows.of(samples, first, steps=5)
    whole = classifier([]).fit_windows(index, target, seed=3)
    assert np.array_equal(classifier(networks).predict_windows(index), whole.predict_windows(index))
    assert losses.shape == (2, 12)
    assert losses[:, -1].mean() < losses[:, 0].mean()


def test_steps_are_those_of_the_recipe_where_no_search_is_made() -> None:
    target = np.array([0] * 900 + [1] * 100)
    assert optimizer_steps_of_recipe(Recipe(optimizer_steps=70), target) == 70
    assert optimizer_steps_of_recipe(Recipe(epochs=3, batch_size=100, min_optimizer_steps=0), target) == 30
    assert optimizer_steps_of_recipe(Recipe(epochs=3, batch_size=100, min_optimizer_steps=0, balance="downsample"), target) == 6
    assert optimizer_steps_of_recipe(Recipe(epochs=1, batch_size=100, min_optimizer_steps=200), target) == 200


def test_a_search_finds_how_long_to_train_and_keeps_its_networks(walking) -> None:
    samples, first, target = walking
    kept = InMemory()
    kept_labels = np.ones(40, bool)
    how = {"name": "x", "first": first, "fold": np.arange(40) // 2 % 4, "trusted": target, "kept": kept_labels, "classes": 2}
    how |= {"config": config(1), "device": "cpu", "checkpoints": kept}
    recipe = make_recipe("default", views=("body",))
    found = optimizer_steps_by_search(recipe, samples, **how)
    assert found in (35, 70, 140, 280)
    assert all(name.startswith("search-") and name.endswith("x-0-body") for name in kept)
    count = len(kept)
    assert optimizer_steps_by_search(recipe, samples, **how) == found
    assert len(kept) == count


def test_a_bundle_takes_the_place_of_an_older_one_whole(walking, tmp_path: Path) -> None:
    samples, first, target = walking
    ((_, networks, _),) = trained_on([spec(first, target)], samples)
    folder, beside = tmp_path / "models" / "given" / "DOG", tmp_path / "parts"
    place_bundle(classifier(networks), folder, beside=beside, fingerprint="one")
    assert fingerprint(folder) == "one"
    (beside / "given-DOG.part").mkdir()
    (beside / "given-DOG.part" / "model.json").write_text("left by a process that was killed")
    place_bundle(classifier(networks), folder, beside=beside, fingerprint="two")
    assert fingerprint(folder) == "two"
    assert [p.name for p in folder.parent.iterdir()] == ["DOG"]
    assert not list(beside.iterdir())
    (folder / "weights.safetensors").write_bytes(b"")
    assert is_bundle(folder)
    assert fingerprint(folder) is None


def test_a_disk_that_refuses_leaves_the_older_bundle(walking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, first, target = walking
    ((_, networks, _),) = trained_on([spec(first, target)], samples)
    place_bundle(classifier(networks), tmp_path / "DOG", beside=tmp_path / "parts", fingerprint="one")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data_schemas.files.os.fsync", refuse)
    with pytest.raises(WorkspaceError, match="No space left"):
        place_bundle(classifier(networks), tmp_path / "DOG", beside=tmp_path / "parts", fingerprint="two")
    assert fingerprint(tmp_path / "DOG") == "one"
