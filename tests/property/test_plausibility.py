"""What holds of every clip: where it lies, how large it is and how it is turned says nothing about its faults."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.skeletons import Skeleton, load_skeleton, skeleton_of
from model.windowing import MISSING, SEEN, Samples
from pipeline.windows.pose_faults.motion import body_of
from pipeline.windows.pose_faults.plausibility import FAULTS, find_faults

SKELETONS = {
    "cat": load_skeleton("aihub59"),
    "mouse": skeleton_of(["nose", "left_ear", "right_ear", "neck", "tail"]),
    "rats": skeleton_of([f"rat{i}_{part}" for i in (1, 2) for part in ("top", "body", "tail", "tip")]),
}


def smooth_clip(rng: np.random.Generator, *, keypoints: int, frames: int, radius: float) -> np.ndarray:
    """Return a body whose keypoints sway, each by up to a fifth of the radius in 3 to 10 s, along a smooth path."""
    time = np.arange(frames)[:, None, None] / 5
    pose = rng.normal(0, radius, (1, keypoints, 2))
    sway = 0.2 * radius * np.sin(2 * np.pi * (time / rng.uniform(3, 10, (1, keypoints, 2)) + rng.random((1, keypoints, 2))))
    path = radius * rng.uniform(0, 5) * np.sin(2 * np.pi * (time / rng.uniform(8, 20) + rng.random((1, 1, 2))))
    return pose + sway + path


def faults(xy: np.ndarray, missing: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    state = np.where(missing, MISSING, SEEN).astype(np.uint8)
    n = len(xy)
    samples = Samples(
        xy=np.where(missing[..., None], 0, xy).astype(np.float32),
        state=state,
        frame_number=np.arange(n, dtype=np.int32),
        block=np.zeros(n, np.int32),
        scale=np.ones(n, np.float32),
    )
    return find_faults(samples, np.zeros(n, np.int32), body=body_of(skeleton), hz=5)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Skeleton, np.random.Generator]:
    skeleton = SKELETONS[draw(st.sampled_from(sorted(SKELETONS)))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    xy = smooth_clip(rng, keypoints=len(skeleton.keypoints), frames=draw(st.integers(2, 120)), radius=100.0)
    return xy, rng.random(xy.shape[:2]) < draw(st.sampled_from([0.0, 0.1, 0.4, 1.0])), skeleton, rng


@given(scene=scenes())
def test_smooth_motion_has_no_faults(scene) -> None:
    xy, missing, skeleton, _ = scene
    assert not faults(xy, missing, skeleton).any()


@given(scene=scenes(), scale=st.floats(0.05, 20), shift=st.tuples(*[st.floats(-3000, 3000)] * 2), angle=st.floats(0, 6.3))
def test_enlarged_shifted_and_turned_clips_have_the_same_faults(scene, scale: float, shift, angle: float) -> None:
    xy, missing, skeleton, rng = scene
    # Faults of every size, far from the thresholds: leaps of 0, or of 5 radii and more.
    struck = rng.random(xy.shape[:2]) < 0.03
    xy = xy + struck[..., None] * rng.choice([-1, 1], xy.shape) * rng.uniform(5, 9, xy.shape) * 100
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    np.testing.assert_array_equal(faults(xy, missing, skeleton), faults(scale * xy @ turn + np.array(shift), missing, skeleton))


@given(scene=scenes(), garbage=st.floats(1, 1e4))
def test_missing_keypoints_never_have_a_fault_and_every_fault_has_a_name(scene, garbage: float) -> None:
    xy, missing, skeleton, rng = scene
    found = faults(xy + rng.normal(0, garbage, xy.shape), missing, skeleton)
    assert not found[missing].any()
    assert found.max(initial=0) <= len(FAULTS)
