"""Sampling by time, interpolation and the index of windows."""

from __future__ import annotations

import numpy as np
import pytest

from model.windowing import INTERPOLATED, MISSING, SEEN, concatenate, cut, pose_radius, resample, window_scale


def poses(frames: int, keypoints: int = 2) -> np.ndarray:
    """Return poses whose x is the frame's number, so that interpolation can be read off."""
    xy = np.zeros((frames, keypoints, 2), np.float32)
    xy[..., 0] = np.arange(frames)[:, None]
    xy[:, 1, 1] = 10
    return xy


def sampled(
    time: np.ndarray,
    xy: np.ndarray | None = None,
    *,
    number: np.ndarray | None = None,
    gap: float = 600,
    keypoint_gap: float = 400,
):
    return resample(
        time,
        poses(len(time)) if xy is None else xy,
        frame_number=np.arange(len(time)) if number is None else number,
        hz=5,
        max_gap_ms=gap,
        max_keypoint_gap_ms=keypoint_gap,
    )


@pytest.mark.parametrize(
    ("fps", "expected"), [(30, [0, 6, 12, 18]), (25, [0, 5, 10, 15]), (15, [0, 3, 6, 9]), (10, [0, 2, 4, 6])]
)
def test_video_is_sampled_five_times_a_second(fps: float, expected: list[int]) -> None:
    time = np.rint(np.arange(int(fps)) / fps * 1000).astype(int)
    assert sampled(time).frame_number[:4].tolist() == expected


@pytest.mark.parametrize("fps", [30, 29.97, 25, 24, 15, 23.976])
@pytest.mark.parametrize("first", [0, 1])
def test_frames_annotated_at_five_hertz_are_all_taken_at_any_video_rate(fps: float, first: int) -> None:
    number = np.floor(np.arange(first, 60) * fps / 5).astype(int)
    samples = sampled(np.rint(number / fps * 1000).astype(int), number=number)
    assert samples.frame_number.tolist() == number.tolist()
    assert (samples.state == SEEN).all()


@pytest.mark.parametrize(("apart", "state"), [(40, SEEN), (45, INTERPOLATED)])
def test_a_sample_of_dense_video_is_a_frame_within_half_an_interval(apart: int, state: int) -> None:
    # 12.5 frames a second: the second sample is due at 200 ms, between two frames.
    samples = sampled(np.array([0, 80, 200 - apart, 200 + apart, 320, 400, 480, 560]))
    assert samples.state[:, 0].tolist() == [SEEN, state, SEEN, SEEN]
    assert samples.xy[1, 0, 0] == (2 if state == SEEN else pytest.approx(2.5))


@pytest.mark.parametrize(("early", "late", "taken"), [(180, 210, 2), (190, 220, 1), (190, 210, 1), (190, 290, 1), (110, 210, 2)])
def test_of_two_frames_the_nearer_is_the_sample_and_of_two_as_near_the_earlier(early: int, late: int, taken: int) -> None:
    samples = sampled(np.array([0, early, late, 400, 600, 800]))
    assert samples.frame_number.tolist() == [0, taken, 3, 4, 5]
    assert (samples.state == SEEN).all()


def test_a_clip_of_one_frame_is_one_sample() -> None:
    assert len(sampled(np.array([400]))) == 1


def test_a_grid_that_starts_at_a_given_time_ends_with_the_last_frame() -> None:
    time = np.array([0, 200, 400, 600, 1000])
    options = {"frame_number": np.arange(5), "hz": 5, "max_gap_ms": 600, "max_keypoint_gap_ms": 400}
    assert resample(time, poses(5), start_ms=200, **options).xy[:, 0, 0].tolist() == pytest.approx([1, 2, 3, 3.5, 4])
    assert len(resample(time, poses(5), start_ms=200, count=2, **options)) == 2


def test_no_sample_lies_after_the_last_frame() -> None:
    time = np.rint(np.arange(600) / 30 * 1000).astype(int)
    assert len(sampled(time)) == 100


def test_a_short_gap_is_interpolated_and_marked() -> None:
    time = np.array([0, 200, 600, 800, 1000])
    samples = sampled(time, number=time * 30 // 1000)
    assert samples.frame_number.tolist() == [0, 6, 12, 18, 24, 30]
    assert samples.state[2].tolist() == [INTERPOLATED, INTERPOLATED]
    assert samples.xy[2, 0, 0] == pytest.approx(1.5)
    assert len(cut(samples.block, steps=5)) == 2


def test_no_window_spans_a_long_gap() -> None:
    time = np.concatenate([np.arange(5), np.arange(5) + 9]) * 200
    samples = sampled(time)
    first = cut(samples.block, steps=5)
    assert samples.frame_number[first].tolist() == [0, 5]


def test_the_limit_of_a_gap_is_configurable() -> None:
    time = np.array([0, 200, 600, 800, 1000])
    assert len(cut(sampled(time, gap=300).block, steps=5)) == 0


def test_a_gap_of_just_the_limit_is_spanned_and_a_longer_one_is_not() -> None:
    time = np.array([0, 200, 800, 1000, 1200])
    spanned, parted = sampled(time, gap=600, keypoint_gap=600), sampled(time, gap=599, keypoint_gap=600)
    assert spanned.block.tolist() == [0] * 7
    assert spanned.state[:, 0].tolist() == [SEEN, SEEN, INTERPOLATED, INTERPOLATED, SEEN, SEEN, SEEN]
    assert parted.block.tolist() == [0, 0, 1, 1, 1]


def test_a_keypoint_that_is_missing_for_just_the_limit_is_interpolated() -> None:
    xy = poses(7)
    xy[2, 0] = np.nan
    assert sampled(np.arange(7) * 200, xy, keypoint_gap=400).state[2].tolist() == [INTERPOLATED, SEEN]
    assert sampled(np.arange(7) * 200, xy, keypoint_gap=399).state[2].tolist() == [MISSING, SEEN]


def test_a_keypoint_missing_briefly_is_interpolated_and_missing_long_stays_missing() -> None:
    time = np.arange(30) * 33
    xy = poses(30)
    xy[5:8, 0] = np.nan
    xy[3:25, 1] = np.nan
    samples = sampled(time, xy)
    assert samples.state[1, 0] == INTERPOLATED
    assert samples.xy[1, 0, 0] == pytest.approx(6, abs=0.1)
    assert samples.state[1, 1] == MISSING
    assert samples.xy[1, 1].tolist() == [0, 0]


def test_nothing_is_invented_before_the_first_sighting() -> None:
    xy = poses(20)
    xy[:8, 0] = np.nan
    assert sampled(np.arange(20) * 100, xy).state[:4, 0].tolist() == [MISSING] * 4


def test_scale_is_the_median_radius_and_never_zero() -> None:
    assert sampled(np.arange(10) * 200).scale[0] == pytest.approx(5)
    assert sampled(np.arange(10) * 200, np.full((10, 2, 2), np.nan, np.float32)).scale.tolist() == [1.0] * 10
    assert sampled(np.arange(10) * 200, np.zeros((10, 2, 2), np.float32)).scale.tolist() == [1.0] * 10


def test_poses_without_a_radius_do_not_count_in_the_median() -> None:
    one_place = np.zeros((10, 2, 2), np.float32)
    one_place[6:, 1, 1] = [4, 6, 8, 10]
    # Half the distance of two keypoints is their radius: 2, 3, 4 and 5, whose median is 3.5; with the six zeros it would be 0.
    assert sampled(np.arange(10) * 200, one_place).scale.tolist() == [3.5] * 10
    windows = np.stack([one_place[3:8], one_place[:5], one_place[5:]])
    shown = np.ones(windows.shape[:3], bool)
    assert window_scale(windows, shown).tolist() == [2.5, 1.0, 3.5]
    shown[0, 4] = False
    assert window_scale(windows, shown).tolist() == [2.0, 1.0, 3.5]


def test_windows_never_cross_clips() -> None:
    both = concatenate([sampled(np.arange(6) * 200), sampled(np.arange(7) * 200)])
    assert cut(both.block, steps=5).tolist() == [0, 1, 6, 7, 8]


def test_stride_counts_from_the_start_of_each_block() -> None:
    assert cut(np.array([0] * 9 + [1] * 8, np.int32), steps=5, stride=2).tolist() == [0, 2, 4, 9, 11]


def test_fewer_samples_than_steps_give_no_window() -> None:
    assert cut(np.zeros(3, np.int32), steps=5).tolist() == []
    assert cut(np.zeros(0, np.int32), steps=5).tolist() == []


def test_radius_of_a_pose_without_keypoints_is_unknown() -> None:
    radius = pose_radius(poses(2), np.array([[True, True], [False, False]]))
    assert radius[0] == pytest.approx(5)
    assert np.isnan(radius[1])
