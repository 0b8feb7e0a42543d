"""Summaries of windows are blind to where the animal is, which way it faces and how near the camera stands."""

from __future__ import annotations

import numpy as np
import pytest

from model.summaries import context, measure_windows, summarise_windows
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


def test_context_is_the_mean_over_neighbours_on_either_side() -> None:
    block = np.array([[1], [2], [4], [8], [16], [100], [300]], np.float32)
    found = context(block, np.array([0, 0, 0, 0, 0, 1, 1]), reaches=(1, 2))
    assert found[:, 1].tolist() == pytest.approx([1.5, 7 / 3, 14 / 3, 28 / 3, 12, 200, 200])
    assert found[:, 2].tolist() == pytest.approx([7 / 3, 15 / 4, 31 / 5, 30 / 4, 28 / 3, 200, 200])


def test_summaries_are_what_they_are_called() -> None:
    """Of one window of three keypoints, one by one: lengths in radii, with what is noise added before each logarithm."""
    xy = np.random.default_rng(0).normal(0, 20, (6, 3, 2))
    one = samples(xy)
    found = {name: block[0] for name, block in measure_windows(one, np.array([1]), steps=5).items()}
    pose = xy[1:] / one.scale[0]
    pairs = [(0, 1), (0, 2), (1, 2)]
    arms = np.stack([pose[:, b] - pose[:, a] for a, b in pairs], axis=1)
    gap = np.log(np.hypot(*arms.transpose(2, 0, 1)) + 0.05)
    direction = np.unwrap(np.arctan2(arms[..., 1], arms[..., 0]), axis=0)

    def pace(places: np.ndarray) -> np.ndarray:
        return np.log(np.hypot(*np.diff(places, axis=0).transpose(2, 0, 1)) + 0.02)

    centre = pose.mean(axis=1, keepdims=True)
    expected = {
        "distance": gap.mean(axis=0),
        "nearest": gap.min(axis=0),
        "farthest": gap.max(axis=0),
        "spread": np.log(gap.std(axis=0) + 0.01),
        "trend": gap[3:].mean(axis=0) - gap[:2].mean(axis=0),
        "closing": np.log(np.abs(np.diff(gap, axis=0)).mean(axis=0) + 0.01),
        "turning": np.log(np.abs(np.diff(direction, axis=0)).mean(axis=0) + 0.02),
        "speed": pace(pose).mean(axis=0),
        "fastest": pace(pose).max(axis=0),
        "way": np.log(np.hypot(*(pose[-1] - pose[0]).T) + 0.02),
        "own_speed": pace(pose - centre).mean(axis=0),
        "body_speed": pace(centre).mean(axis=0),
        "seen": np.ones(3),
    }
    assert found.keys() == expected.keys()
    for name, block in expected.items():
        np.testing.assert_allclose(found[name], block, atol=2e-4, err_msg=name)


def test_summaries_are_standardised_by_the_reference_and_end_at_four_deviations(walk) -> None:
    reference = np.arange(56) < 40
    raw, found = (
        f(samples(walk), np.arange(56), steps=5, **k)
        for f, k in ((measure_windows, {}), (summarise_windows, {"reference": reference}))
    )
    own = raw["distance"]
    expected = (own - own[reference].mean(axis=0)) / (own[reference].std(axis=0) + 0.001)
    np.testing.assert_allclose(found["distance"], np.clip(expected, -4, 4), atol=1e-3)
    everything = summarise_windows(samples(walk), np.arange(56), steps=5)["distance"]
    np.testing.assert_allclose(everything.mean(axis=0), 0, atol=0.05)
    leap = walk.copy()
    leap[59] += 1e6 * np.arange(4)[:, None]
    assert np.abs(summarise_windows(samples(leap), np.arange(56), steps=5, reference=reference)["speed"][-1]).max() == 4


def test_windows_are_summarised_alike_whatever_is_done_at_a_time(walk, monkeypatch) -> None:
    at_once = measure_windows(samples(walk), np.arange(56), steps=5)
    monkeypatch.setattr("model.summaries._CHUNK", 10)
    for name, block in measure_windows(samples(walk), np.arange(56), steps=5).items():
        np.testing.assert_array_equal(block, at_once[name])
    assert measure_windows(samples(walk), np.arange(0), steps=5) == {}
