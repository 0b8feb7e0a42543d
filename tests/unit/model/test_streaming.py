"""Frames in, one at a time; predictions out, once a second."""

from __future__ import annotations

import numpy as np
import pytest

from data_schemas.errors import ConfigError, DataError
from model import streaming
from model.classifier import BehaviorClassifier
from model.recipe import make_recipe
from model.streaming import CutWindow, Prediction, TimeGrid, WindowCutter
from model.windowing import cut, resample

KEYPOINTS = ("nose", "neck", "tail")


@pytest.fixture(scope="module")
def classifier() -> BehaviorClassifier:
    rng = np.random.default_rng(0)
    made = BehaviorClassifier(["a", "b", "c"], KEYPOINTS, recipe=make_recipe("default", min_optimizer_steps=10), device="cpu")
    return made.fit(rng.normal(100, 30, (60, 5, 3, 2)), ["a", "b", "c"] * 20)


def moving(frames: int) -> np.ndarray:
    """Return poses whose x tells the frame."""
    xy = np.zeros((frames, 3, 2), np.float32)
    xy[..., 0] = np.arange(frames)[:, None]
    xy[:, 1, 1], xy[:, 2, 1] = 10, 25
    return xy


def cut_all(time: np.ndarray, xy: np.ndarray | None = None, *, stride_ms: float = 1000) -> list[CutWindow]:
    cutter = WindowCutter(TimeGrid(), 3, stride_ms=stride_ms)
    poses = moving(len(time)) if xy is None else xy
    found = [w for t, p in zip(time, poses, strict=True) for w in cutter.push(p, float(t))]
    return found + cutter.flush()


@pytest.mark.parametrize("fps", [5, 7.5, 10, 15, 24, 25, 29.97, 30, 50, 60, 120])
def test_one_prediction_a_second_at_any_rate(fps: float) -> None:
    windows = cut_all(np.arange(round(10 * fps)) * 1000 / fps)
    assert [w.start_ms for w in windows] == pytest.approx([1000 * i for i in range(10)])
    assert all(w.end_ms - w.start_ms == 800 and w.visible > 0.5 for w in windows)


def test_slower_than_the_grid_what_lies_between_frames_is_interpolated() -> None:
    windows = cut_all(np.arange(30) * 1000 / 3)
    assert len(windows) == 9
    assert windows[1].poses[1, 0, 0] == pytest.approx(3 + 0.6)


def test_thirty_frames_make_a_prediction(classifier: BehaviorClassifier) -> None:
    stream = classifier.stream(fps=30)
    counts = [len(stream.push(xy)) for xy in moving(300)]
    assert sum(counts) == 10
    assert sum(counts[:30]) == 1
    assert stream.flush() == []


def test_windows_are_those_of_training_where_nothing_is_missing() -> None:
    time = np.arange(317) * 1000 / 30
    samples = resample(time, moving(317), frame_number=np.arange(317), hz=5, max_gap_ms=600, max_keypoint_gap_ms=400)
    rows = cut(samples.block, steps=5, stride=5)
    windows = cut_all(time)
    assert [w.start_frame for w in windows] == samples.frame_number[rows].tolist()
    assert [w.end_frame for w in windows] == samples.frame_number[rows + 4].tolist()
    for window, row in zip(windows, rows, strict=True):
        np.testing.assert_array_equal(window.poses, samples.xy[row : row + 5])


@pytest.mark.parametrize("stride", [0.2, 0.5, 1.0, 2.5])
def test_the_stride_is_free(stride: float) -> None:
    starts = [w.start_ms for w in cut_all(np.arange(300) * 1000 / 30, stride_ms=1000 * stride)]
    assert starts == pytest.approx([1000 * stride * i for i in range(len(starts))])
    assert starts[-1] + 1000 * stride + 800 > 9900


def test_a_long_gap_ends_the_window_and_starts_the_grid_anew() -> None:
    time = np.concatenate([np.arange(75), np.arange(75) + 103]) * 1000 / 30
    assert [w.start_frame for w in cut_all(time)] == [0, 30, 75, 105]


def test_a_gap_of_just_the_limit_is_spanned_as_in_a_recording() -> None:
    time = np.array([0, 200, 800, 1000, 1200, 1400])
    assert [(w.start_frame, w.end_frame) for w in cut_all(time)] == [(0, 2)]
    assert cut_all(np.array([0, 200, 801, 1001, 1201, 1401])) == []


def test_a_short_gap_is_bridged_and_marked() -> None:
    seen = np.delete(np.arange(60), np.s_[10:20])
    first = cut_all(seen * 1000 / 30, moving(60)[seen])[0]
    assert first.poses[2, 0, 0] == pytest.approx(12)
    assert first.visible == pytest.approx(0.6)


def test_missing_keypoints_are_interpolated_briefly_and_stay_missing_for_long() -> None:
    xy = moving(60)
    xy[4:9, 0] = np.nan
    xy[0:30, 1] = np.nan
    first = cut_all(np.arange(60) * 1000 / 30, xy)[0]
    assert first.poses[1, 0, 0] == pytest.approx(6)
    assert np.isnan(first.poses[:, 1]).all()
    assert first.visible == pytest.approx(9 / 15)


def test_a_window_knows_nothing_of_those_before(classifier: BehaviorClassifier) -> None:
    rng = np.random.default_rng(2)
    frames = rng.normal(100, 30, (90, 3, 2))
    other = np.concatenate([rng.normal(-500, 300, (29, 3, 2)), frames[29:]])
    first, second = (classifier.predict_frames(f)[2] for f in (frames, other))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_only_the_frames_of_a_window_are_kept() -> None:
    cutter = WindowCutter(TimeGrid(), 3, stride_ms=60_000)
    for i, xy in enumerate(moving(1500)):
        cutter.push(xy, i * 1000 / 30)
    assert len(cutter._time) == len(cutter._xy) == 1


def test_many_streams_are_predicted_at_once(classifier: BehaviorClassifier) -> None:
    clips = np.random.default_rng(3).normal(100, 30, (4, 40, 3, 2))
    streams = [classifier.stream() for _ in clips]
    windows = [w for i in range(40) for stream, clip in zip(streams, clips, strict=True) for w in stream.cut(clip[i])]
    together = classifier.predict_cut_windows(windows)
    alone = [classifier.stream().extend(clip)[0] for clip in clips]
    assert [d.label for d in together] == [d.label for d in alone]
    np.testing.assert_array_equal([d.probabilities for d in together], [d.probabilities for d in alone])


def test_a_known_scale_takes_the_place_of_the_windows_own(classifier: BehaviorClassifier) -> None:
    frames = np.random.default_rng(4).normal(100, 30, (35, 3, 2))
    own, known = (classifier.predict_frames(frames, scale=s)[0].probabilities for s in (None, 500.0))
    assert np.abs(own - known).max() > 1e-4


@pytest.mark.parametrize(
    ("xy", "time", "message"),
    [
        (np.zeros((2, 2)), 1.0, r"frame 1: expected keypoints of shape \(3, 2\), got \(2, 2\)"),
        ([["x", 1]] * 3, 1.0, "frame 1: keypoints are not numbers"),
        (np.zeros((3, 2)), 0.0, "frame 1: time 0 ms after 0 ms"),
        (np.zeros((3, 2)), float("nan"), "frame 1: time nan ms"),
    ],
)
def test_what_is_no_frame_is_refused_and_the_stream_goes_on(classifier: BehaviorClassifier, xy, time, message: str) -> None:
    stream = classifier.stream()
    stream.push(np.zeros((3, 2)), 0.0)
    with pytest.raises(DataError, match=message):
        stream.push(xy, time)
    assert stream.push(np.zeros((3, 2)), 33.0) == []


def test_former_names_serve_for_one_version_with_a_warning(classifier: BehaviorClassifier) -> None:
    for former, now in (("Clock", TimeGrid), ("Decision", Prediction)):
        with pytest.warns(DeprecationWarning, match=f"{former} is now called {now.__name__}"):
            assert getattr(streaming, former) is now
    with pytest.raises(AttributeError):
        _ = streaming.Decided
    frames = moving(60)
    expected = [p.start_ms for p in classifier.predict_frames(frames, stride_s=0.4)]
    with pytest.warns(DeprecationWarning, match="predict_frames"):
        assert [p.start_ms for p in classifier.decide(frames, hop=0.4)] == expected
    with pytest.warns(DeprecationWarning, match="stride_s"):
        stream = classifier.stream(hop=0.4)
    windows = [w for xy in frames for w in stream.cut(xy)]
    assert [w.start_ms for w in windows] == expected[: len(windows)]
    with pytest.warns(DeprecationWarning, match="predict_cut_windows"):
        assert len(classifier.decide_windows(windows)) == len(windows) > 2


@pytest.mark.parametrize("options", [{"fps": 0}, {"stride_s": -1}, {"scale": float("nan")}])
def test_a_stream_without_pace_is_refused(classifier: BehaviorClassifier, options) -> None:
    with pytest.raises(DataError, match="is not a positive number"):
        classifier.stream(**options)


def test_times_must_be_as_many_as_frames(classifier: BehaviorClassifier) -> None:
    with pytest.raises(DataError, match="3 frames but 2 times"):
        classifier.stream().extend(moving(3), [0, 33])


def test_a_grid_may_span_no_gap_and_interpolate_nothing() -> None:
    assert TimeGrid(steps=1, hz=1000, max_gap_ms=0, max_keypoint_gap_ms=0).steps == 1


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"steps": 2.5}, {"hz": 0}, {"hz": 1001}, {"max_gap_ms": -1}, {"max_keypoint_gap_ms": -1}]
)
def test_a_grid_without_samples_is_refused(change) -> None:
    with pytest.raises(ConfigError, match="no windows can be cut"):
        TimeGrid(**change)
