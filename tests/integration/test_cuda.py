"""Networks on a GPU: learning, the way back to a CPU, and a whole audit; skipped where there is none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from model.classifier import BehaviorClassifier
from model.device import choose_device
from model.recipe import PRESETS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.fixture(scope="module")
def task() -> tuple[np.ndarray, list[str]]:
    """Give windows of animals that stand or move."""
    rng = np.random.default_rng(0)
    moving = rng.random(240) < 0.4
    xy = rng.normal(0, 0.3, (240, 5, 3, 2)) + np.array([[0, 0], [2, 0], [4, 1]])
    xy[:, :, :, 0] += np.arange(5)[None, :, None] * 2.0 * moving[:, None, None]
    return xy, ["walk" if m else "stand" for m in moving]


def classifier(device: str) -> BehaviorClassifier:
    recipe = replace(PRESETS["default"], min_optimizer_steps=30)
    return BehaviorClassifier(["stand", "walk"], ["nose", "neck", "tail"], recipe=recipe, device=device)


def test_auto_takes_the_gpu() -> None:
    assert choose_device("auto").type == "cuda"


def test_a_bundle_trained_on_the_gpu_predicts_the_same_on_the_cpu(task, tmp_path) -> None:
    poses, labels = task
    trained = classifier("cuda").fit(poses[:160], labels[:160])
    assert np.mean(np.array(trained.predict(poses[160:])) == labels[160:]) > 0.9
    trained.save(tmp_path / "bundle")
    there = BehaviorClassifier.load(tmp_path / "bundle", device="cpu")
    by_gpu = trained.predict_windows(trained._indexed(poses, None))
    np.testing.assert_allclose(there.predict_proba(poses), by_gpu, atol=1e-5)
    np.testing.assert_array_equal(there.predict_proba(poses), trained.predict_proba(poses))


def test_a_stream_on_the_gpu_decides_as_the_table_does(task) -> None:
    poses, labels = task
    trained = classifier("cuda").fit(poses, labels)
    frames = np.repeat(poses[:6].reshape(30, 3, 2), 6, axis=0)
    stream = trained.stream(fps=30)
    decisions = [d for frame in frames for d in stream.push(frame)] + stream.flush()
    whole = trained.predict_frames(frames, fps=30)
    assert [d.label for d in decisions] == [d.label for d in whole]


def test_an_audit_on_the_gpu_flags_what_one_on_the_cpu_flags(make_table, tmp_path) -> None:
    make_table(subjects=6, wrong=0.15).to_parquet(tmp_path / "poses.parquet")
    quality = []
    for device in ("cpu", "cuda"):
        command = [sys.executable, "-m", "pipeline.cli", "run", "poses.parquet", "-w", device, "--device", device]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        issues = pd.read_parquet(tmp_path / device / "runs" / "latest" / "issues.parquet")
        quality.append(issues.set_index("window_id")["label_quality"])
    assert np.corrcoef(quality[0], quality[1].reindex(quality[0].index))[0, 1] > 0.95
