"""ONNX: the same probabilities, from raw windows, without Python."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data_schemas.errors import BundleError, UsageError
from model import onnx_export
from model.classifier import BehaviorClassifier
from model.onnx_export import TOLERANCE, RawWindows, export_onnx
from model.recipe import PRESETS, Recipe

ALL_VIEWS = replace(PRESETS["default"], views=("frame", "body", "aligned", "distances"), min_optimizer_steps=20)
PLAIN = replace(PRESETS["classic"], epochs=2, layers=2)


def trained(recipe: Recipe, keypoints: int = 4) -> BehaviorClassifier:
    rng = np.random.default_rng(0)
    names = [f"k{i}" for i in range(keypoints)]
    classifier = BehaviorClassifier(["a", "b", "c"], names, species="DOG", recipe=recipe, device="cpu")
    return classifier.fit(rng.normal(100, 30, (90, 5, keypoints, 2)), ["a", "b", "c"] * 30)


def hard_windows(keypoints: int = 4) -> np.ndarray:
    """Return windows with keypoints, poses, or everything missing, and poses without size."""
    rng = np.random.default_rng(1)
    poses = rng.normal(100, 30, (40, 5, keypoints, 2)).astype(np.float32)
    poses[rng.random(poses.shape[:3]) < 0.4] = np.nan
    poses[0] = np.nan
    poses[1, 1:] = np.nan
    poses[2] = 7.0
    poses[3, :2] = 7.0
    return poses


@pytest.mark.parametrize("recipe", [ALL_VIEWS, PLAIN])
def test_the_graph_does_to_raw_windows_what_the_classifier_does(recipe: Recipe) -> None:
    classifier, poses = trained(recipe), hard_windows()
    with torch.inference_mode():
        found = RawWindows(classifier)(torch.from_numpy(poses)).numpy()
    np.testing.assert_allclose(found, classifier.predict_proba(poses), atol=1e-6)


@pytest.mark.parametrize("recipe", [ALL_VIEWS, PLAIN])
def test_the_exported_file_gives_the_same_probabilities_for_any_number_of_windows(tmp_path: Path, recipe: Recipe) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    classifier, poses = trained(recipe), hard_windows()
    apart = export_onnx(classifier, tmp_path / "model.onnx")
    assert apart <= TOLERANCE
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for rows in (slice(0, 1), slice(0, 7), slice(0, 40)):
        (found,) = session.run(None, {"poses": poses[rows]})
        np.testing.assert_allclose(found, classifier.predict_proba(poses[rows]), atol=TOLERANCE)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == ["a", "b", "c"]
    assert json.loads(facts["keypoints"]) == ["k0", "k1", "k2", "k3"]
    assert json.loads(facts["hz"]) == 5.0


def test_a_model_that_is_sure_of_itself_is_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    classifier = trained(ALL_VIEWS, keypoints=15)
    for network in classifier.networks:
        network.linear.weight.data *= 8
    assert export_onnx(classifier, tmp_path / "model.onnx") <= TOLERANCE


def test_a_graph_that_predicts_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    made = trained(PLAIN)
    exported = onnx_export._exported

    def other(classifier: BehaviorClassifier, example: torch.Tensor) -> object:
        graph = exported(classifier, example)
        classifier.networks[0].linear.bias.data += torch.tensor([3.0, 0, 0])
        classifier.networks = classifier.networks
        return graph

    monkeypatch.setattr(onnx_export, "_exported", other)
    with pytest.raises(BundleError, match=r"the exported model differs from the bundle by 0\.\d+, more than"):
        export_onnx(made, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match="onnx is not installed") as caught:
        export_onnx(trained(PLAIN), tmp_path / "model.onnx")
    assert caught.value.hint == "pip install 'pose-audit[onnx]'"
    assert list(tmp_path.iterdir()) == []


def test_what_was_not_trained_is_not_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    with pytest.raises(BundleError, match="has not been trained"):
        export_onnx(BehaviorClassifier(["a", "b"], ["k"], device="cpu"), tmp_path / "model.onnx")
