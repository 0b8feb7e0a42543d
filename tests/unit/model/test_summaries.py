"""Summaries of windows are blind to where the animal is, which way it faces and how near the camera stands."""

from __future__ import annotations

import numpy as np
import pytest

from model.summaries import context, summarise_windows
from model.windowing import SEEN, Samples, pose_radius
from pipeline.detection.base_learners import BASE_LEARNERS


def samples(xy: np.ndarray, state: np.ndarray | None = None) -> Samples:
    state = np.full(xy.shape[:2], SEEN, np.uint8) if state is None else state
    radius = pose_radius(xy.astype(np.float32), state > 0)
    return Samples(
        xy=xy.astype(np.float32),
        state=state,
        frame_number=np.arange(len(xy), dtype=np.int32),
        block=np.zeros(len(xy), np.int32),
        scale=np.full(len(xy), np.nanmedian(radius), np.float32),
    )


@pytest.fixture
def walk() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.cumsum(rng.normal(0, 1, (60, 4, 2)), axis=0) * 0.3 + np.array([[0, 0], [20, 0], [40, 5], [60, 0]])


def test_every_base_learner_finds_its_blocks_and_they_are_finite(walk) -> None:
    blocks = summarise_windows(samples(walk), np.arange(56), steps=5)
    assert all(np.isfinite(learner.features(blocks, np.zeros(56, np.int64))).all() for learner in BASE_LEARNERS)
    assert all(np.isfinite(b).all() and len(b) == 56 for b in blocks.values())


@pytest.mark.parametrize("change", ["moved", "turned", "nearer"])
def test_place_direction_and_distance_of_the_camera_change_nothing(walk, change: str) -> None:
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    other = {"moved": walk + 300, "turned": walk @ turn.T, "nearer": walk * 4}[change]
    one, two = (summarise_windows(samples(xy), np.arange(56), steps=5) for xy in (walk, other))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=0.02, err_msg=name)


def test_missing_keypoints_say_nothing(walk) -> None:
    state = np.full(walk.shape[:2], SEEN, np.uint8)
    state[:, 3] = 0
    lost = walk.copy()
    lost[:, 3] = 0
    blocks = summarise_windows(samples(lost, state), np.arange(56), steps=5)
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    gone = [i for i, pair in enumerate(pairs) if 3 in pair]
    assert (blocks["distance"][:, gone] == 0).all()
    assert all(np.isfinite(b).all() for b in blocks.values())


def test_windows_of_one_sample_can_be_summarised(walk) -> None:
    assert all(np.isfinite(b).all() for b in summarise_windows(samples(walk), np.arange(60), steps=1).values())


def test_context_stays_in_its_clip() -> None:
    block = np.concatenate([np.zeros((10, 1)), np.ones((10, 1))]).astype(np.float32)
    clip = np.repeat([0, 1], 10)
    wide = context(block, clip, reaches=(3, 9))
    assert wide.shape == (20, 3)
    np.testing.assert_array_equal(wide, np.repeat(block, 3, axis=1))
