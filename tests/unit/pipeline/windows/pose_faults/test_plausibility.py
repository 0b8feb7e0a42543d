"""What is a fault of the pose, by hand-made poses; and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data_schemas.skeletons import Skeleton, load_skeleton, skeleton_of
from model.windowing import MISSING, SEEN, Samples, concatenate
from pipeline.windows.pose_faults.motion import Poses, body_of, earlier
from pipeline.windows.pose_faults.plausibility import FAULTS, find_faults, window_faults

SKELETON = load_skeleton("aihub59")
# A cat from the front left, in pixels: far and near legs apart, so that an exchange shows.
POSE = np.array(
    [[30, 20], [45, 5], [32, 30], [36, 26], [70, 30], [80, 60], [100, 60], [70, 120], [115, 125], [170, 60], [195, 62],
     [165, 122], [210, 125], [190, 30], [250, 10]],
    np.float32,
)  # fmt: skip
RADIUS = 72.0
N = 60


def clip(motion=None, *, pose: np.ndarray = POSE, seed: int = 0, jitter: float = 1.0) -> np.ndarray:
    """Return N poses that breathe and jitter a little, moved by ``motion`` of shape (N, 2)."""
    rng = np.random.default_rng(seed)
    xy = np.repeat(pose[None], N, axis=0) + rng.normal(0, jitter, (N, len(pose), 2))
    return (xy if motion is None else xy + motion[:, None]).astype(np.float32)


def samples_of(xy: np.ndarray, missing: np.ndarray | None = None) -> Samples:
    state = np.where(np.zeros(xy.shape[:2], bool) if missing is None else missing, MISSING, SEEN).astype(np.uint8)
    return Samples(
        xy=np.where(state[..., None] == MISSING, 0, xy).astype(np.float32),
        state=state,
        frame_number=np.arange(len(xy), dtype=np.int32) * 6,
        block=np.zeros(len(xy), np.int32),
        scale=np.ones(len(xy), np.float32),
    )


def faults_of(xy: np.ndarray, missing: np.ndarray | None = None, *, skeleton: Skeleton = SKELETON) -> np.ndarray:
    samples = samples_of(xy, missing)
    found = find_faults(samples, np.zeros(len(xy), np.int32), body=body_of(skeleton), hz=5)
    return np.array(["", *FAULTS], object)[found]


def walk() -> np.ndarray:
    """Return a fast run to the right with swinging legs and a wagging tail: two strides a second, three radii a second."""
    xy = clip(np.stack([np.arange(N) * 0.6 * RADIUS, np.zeros(N)], axis=1))
    swing = 35 * np.sin(2 * np.pi * 2.0 * np.arange(N) / 5 + 0.4)
    for leg, sign in ((7, 1), (8, -1), (11, -1), (12, 1)):
        xy[:, leg, 0] += sign * swing
    xy[:, 14, 1] += 40 * np.sin(2 * np.pi * 1.7 * np.arange(N) / 5)
    return xy


def turning() -> np.ndarray:
    """Return an animal that turns in circles, seen from the side: 3 radians a second; all lengths shrink and grow."""
    angle = 0.6 * np.arange(N)
    depth = np.array([0, 0, 0, 0, 0, 25, -25, 25, -25, 25, -25, 25, -25, 0, 0])
    along = POSE[:, 0] - POSE[:, 0].mean()
    x = np.cos(angle)[:, None] * along + np.sin(angle)[:, None] * depth
    return clip(pose=POSE * 0) + np.stack([x, np.broadcast_to(POSE[:, 1], x.shape)], axis=2).astype(np.float32)


def test_a_keypoint_that_leaps_away_and_comes_back_is_a_jump_there_and_nowhere_else() -> None:
    xy = clip()
    xy[20, 12] += (90, 60)
    xy[40:42, 0] += (-150, 0)
    found = faults_of(xy)
    assert found[20, 12] == "jump"
    assert found[40:42, 0].tolist() == ["jump", "jump"]
    assert (found != "").sum() == 3


def test_a_leap_is_found_across_a_gap_and_while_running() -> None:
    xy, missing = walk(), np.zeros((N, 15), bool)
    missing[[19, 21], 4] = True
    xy[20, 4] += (0, 150)
    found = faults_of(xy, missing)
    assert found[20, 4] in ("jump", "bone_length")
    assert (found[:, 4] != "").sum() == 1


@pytest.mark.parametrize("motion", ["still", "run", "turn", "pan", "jerk", "approach"])
def test_what_animals_and_cameras_do_is_no_fault(motion: str) -> None:
    camera = np.zeros((N, 2))
    if motion == "pan":
        camera[:, 0] = np.where(np.arange(N) > 30, 300.0 * (np.arange(N) - 30), 0)
    if motion == "jerk":
        camera[[10, 25, 26, 44]] = (400, -300)
    xy = {"run": walk, "turn": turning}.get(motion, lambda: clip(camera))()
    if motion == "approach":
        xy = xy * np.linspace(0.7, 1.6, N, dtype=np.float32)[:, None, None]
    found = faults_of(xy)
    assert (found == "").all(), np.argwhere(found != "")


def test_missing_keypoints_are_no_fault_and_make_none() -> None:
    rng = np.random.default_rng(1)
    missing = rng.random((N, 15)) < 0.4
    missing[10:20] = True
    assert (faults_of(walk(), missing) == "").all()


def test_a_bone_that_is_far_too_long_blames_the_keypoint_at_its_loose_end() -> None:
    xy = clip()
    xy[30:50, 14] += (200, 200)
    found = faults_of(xy)
    assert (found[30:50, 14] == "bone_length").all()
    assert (found != "").sum() == 20


def test_foreshortened_bones_are_no_fault() -> None:
    xy = clip()
    xy[20:35] = (xy[20:35] - xy[20:35].mean(axis=1, keepdims=True)) * np.float32([0.2, 1]) + xy[20:35].mean(axis=1, keepdims=True)
    assert not (faults_of(xy) == "bone_length").any()


def test_without_edges_all_pairs_are_bones() -> None:
    xy = clip(pose=POSE[[0, 4, 13]])
    xy[30:40, 0] += (-250, 0)
    found = faults_of(xy, skeleton=skeleton_of(["nose", "neck", "tail"]))
    assert (found[30:40, 0] == "bone_length").all()
    assert (found[:, 1:] == "").all()


def test_an_exchanged_pair_is_reported_while_it_lasts() -> None:
    xy = clip()
    xy[30:40, [11, 12]] = xy[30:40, [12, 11]]
    found = faults_of(xy)
    assert (found[30:40, 11:13] == "swap").all()
    assert (found != "").sum() == 20


def test_of_a_pair_exchanged_to_the_end_the_rarer_side_is_reported() -> None:
    xy = clip()
    xy[40:, [11, 12]] = xy[40:, [12, 11]]
    found = faults_of(xy)
    assert (found[40:, 11:13] == "swap").all()
    assert (found[:40] == "").all()


def test_a_frozen_point_is_one_that_stands_still_to_the_bit_while_the_rest_moves() -> None:
    moving = clip(np.stack([60 * np.sin(np.arange(N) / 3), np.zeros(N)], axis=1))
    moving[20:40, 9] = moving[20, 9]
    found = faults_of(moving)
    assert (found[20:40, 9] == "frozen").all()
    assert (found[20:40, [*range(9), *range(10, 15)]] == "").all()
    shorter = moving.copy()
    shorter[28:40, 9] += 1
    assert not (faults_of(shorter)[:28] == "frozen").any()


def test_an_animal_at_rest_with_copied_keypoints_is_not_frozen() -> None:
    xy = np.repeat(POSE[None], N, axis=0)
    assert (faults_of(xy) == "").all()


@pytest.mark.parametrize("names", ["rat{}_{}", "{1}_{0}", "{1}.rat{0}", "track_{}_{}"])
def test_two_animals_that_change_names_are_an_identity_swap_at_that_step(names: str) -> None:
    parts = ["top", "body", "tail"]
    keypoints = [names.format(who, part) for who in ("1", "2") for part in parts]
    one, two = clip(pose=POSE[[0, 4, 13]]), clip(np.full((N, 2), 600.0), pose=POSE[[0, 4, 13]], seed=2)
    xy = np.concatenate([one, two], axis=1)
    xy[31:] = np.concatenate([two, one], axis=1)[31:]
    found = faults_of(xy, skeleton=skeleton_of(keypoints))
    assert (found[30:32] == "identity_swap").all()
    assert (found != "").sum() == 12


def test_animals_are_known_by_their_names() -> None:
    def animals(*names: str) -> int:
        return len(body_of(skeleton_of(names)).animals)

    assert animals("rat1_nose", "rat1_tail", "rat2_nose", "rat2_tail") == 2
    assert animals("nose_a", "tail_a", "nose_b", "tail_b", "nose_c", "tail_c") == 3
    assert animals("left_ear", "left_hip", "right_ear", "right_hip") == 1
    assert animals("ear_left", "hip_left", "ear_right", "hip_right") == 1
    assert animals("rat1_nose", "rat1_tail", "rat2_nose") == 1
    assert animals(*SKELETON.keypoints) == 1
    parts = body_of(skeleton_of(["a_nose", "b_tail", "a_tail", "b_nose"])).animals
    assert parts == ((0, 2), (3, 1))


def test_a_skeleton_is_laid_over_the_columns_by_name() -> None:
    skeleton = Skeleton("own", ("nose", "neck", "left_ear", "right_ear"), edges=((0, 1), (2, 3)), left_right=((2, 3),))
    body = body_of(skeleton, ("right_ear", "left_ear", "nose"))
    assert body.bones == ((1, 0),)
    assert body.left_right == ((1, 0),)
    assert body_of(skeleton_of(["a", "b", "c", "d"])).bones == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def test_clips_do_not_touch_each_other() -> None:
    xy = clip()
    xy[20, 12] += (90, 60)
    one, other = samples_of(xy), samples_of(walk() + 5000)
    both = concatenate([other, one, other])
    number = np.repeat(np.arange(3, dtype=np.int32), N)
    together = find_faults(both, number, body=body_of(SKELETON), hz=5)
    alone = find_faults(one, number[:N], body=body_of(SKELETON), hz=5)
    np.testing.assert_array_equal(together[N : 2 * N], alone)
    assert not together[:N].any()
    assert not together[2 * N :].any()


def test_many_clips_are_looked_at_in_blocks_of_whole_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = []
    for seed in range(5):
        parts.append(clip(seed=seed))
        parts[-1][20 + seed, 12] += (90, 60)
    samples, number = concatenate([samples_of(xy) for xy in parts]), np.repeat(np.arange(5, dtype=np.int32), N)
    whole = find_faults(samples, number, body=body_of(SKELETON), hz=5)
    assert np.argwhere(whole)[:, 0].tolist() == [N * seed + 20 + seed for seed in range(5)]
    monkeypatch.setattr("pipeline.windows.pose_faults.plausibility._BLOCK", 100)
    np.testing.assert_array_equal(find_faults(samples, number, body=body_of(SKELETON), hz=5), whole)


def test_poses_on_one_pixel_say_nothing_of_the_size_of_an_animal() -> None:
    xy = clip(jitter=0.0)
    xy[: N // 2 + 5] = 40.0
    shown = samples_of(np.concatenate([xy, np.full_like(xy, 40.0), clip(jitter=0.0)]))
    shown.state[2 * N :] = MISSING
    poses = Poses.of(shown, np.repeat(np.arange(3, dtype=np.int32), N), rows=slice(None), body=body_of(SKELETON), hz=5)
    # More than half of the first clip's poses have no extent, all of the second's, and none is seen in the third.
    assert 0.5 * RADIUS < poses.size[0, 0] < 2 * RADIUS
    assert (poses.size[:N] == poses.size[0, 0]).all()
    assert (poses.size[N:] == 1).all()
    assert (faults_of(np.full((N, 15, 2), 40, np.float32)) == "").all()


def test_no_samples_and_single_samples_have_no_faults() -> None:
    empty = samples_of(np.zeros((0, 15, 2), np.float32))
    assert find_faults(empty, np.zeros(0, np.int32), body=body_of(SKELETON), hz=5).shape == (0, 15)
    single = replace(samples_of(clip()), block=np.arange(N, dtype=np.int32))
    assert not find_faults(single, np.arange(N, dtype=np.int32), body=body_of(SKELETON), hz=5).any()


def rule(faults: np.ndarray, state: np.ndarray | None = None) -> str | None:
    state = np.full(faults.shape, SEEN, np.uint8) if state is None else state
    first = np.zeros(1, np.int64)
    return window_faults(faults, state, first, steps=5, min_visible=0.2, max_implausible=0.25)[0]


def test_one_leap_does_not_lose_a_window_and_an_exchange_does() -> None:
    faults = np.zeros((5, 15), np.uint8)
    faults[2, 3] = 1
    assert rule(faults) is None
    faults[1:3] = 5
    assert rule(faults) == "identity_swap"


def test_the_reason_is_missing_where_too_few_are_left_and_most_of_the_rest_is_sound() -> None:
    faults, state = np.zeros((5, 10), np.uint8), np.full((5, 10), SEEN, np.uint8)
    state[:, 1:] = MISSING
    assert rule(faults, state) == "missing"
    state[:, 1:3] = SEEN
    assert rule(faults, state) is None
    faults[:2, 0] = 4
    assert rule(faults, state) is None
    faults[:4, 0] = 4
    assert rule(faults, state) == "frozen"
    faults[:] = 0
    faults[:, :1] = 1
    assert rule(faults, state) == "jump"


@pytest.mark.parametrize(
    ("missing", "implausible", "reason"),
    [
        # Of 40 keypoints at least 8 must be visible and plausible, and no more than a quarter of the visible ones implausible.
        (32, 0, None),
        (33, 0, "missing"),
        (30, 2, None),
        (31, 2, "missing"),
        (0, 10, None),
        (0, 11, "jump"),
        (20, 5, None),
        (20, 6, "jump"),
        (32, 1, "missing"),
        (40, 0, "missing"),
        (0, 40, "jump"),
    ],
)
def test_a_window_is_flagged_from_one_keypoint_beyond_either_bound(missing: int, implausible: int, reason: str | None) -> None:
    state, faults = np.full((6, 10), SEEN, np.uint8), np.zeros((6, 10), np.uint8)
    # The window is the second to the fifth sample; what lies around it is as bad as can be and counts for nothing.
    state[[0, 5]], faults[[0, 5]] = MISSING, 3
    state[1:5].reshape(-1)[:missing] = MISSING
    faults[1:5].reshape(-1)[40 - implausible :] = FAULTS.index("jump") + 1
    rows = np.array([1], np.int64)
    assert window_faults(faults, state, rows, steps=4, min_visible=0.2, max_implausible=0.25).tolist() == [reason]


def test_a_keypoint_was_shown_before_in_its_own_run_alone_and_not_too_long_ago() -> None:
    shown = np.array([[True, False], [False, False], [True, False], [True, True], [False, False]])
    block = np.array([0, 0, 0, 1, 1], np.int32)
    assert earlier(shown, block, within=1).T.tolist() == [[-1, 0, -1, -1, 3], [-1, -1, -1, -1, 3]]
    assert earlier(shown, block, within=2).T.tolist() == [[-1, 0, 0, -1, 3], [-1, -1, -1, -1, 3]]
