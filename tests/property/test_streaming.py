"""What a stream predicts is what ``predict`` says of the same frames, to the bit."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.classifier import BehaviorClassifier
from model.recipe import make_recipe
from model.streaming import Prediction
from model.windowing import MISSING, cut, resample

KEYPOINTS = 4


@functools.cache
def classifier(preset: str) -> BehaviorClassifier:
    rng = np.random.default_rng(0)
    recipe = make_recipe(
        preset, min_optimizer_steps=5, epochs=1, views=None if preset == "classic" else ("frame", "body", "distances")
    )
    made = BehaviorClassifier(["a", "b"], [f"k{i}" for i in range(KEYPOINTS)], recipe=recipe, device="cpu")
    return made.fit(rng.normal(100, 30, (60, 5, KEYPOINTS, 2)), ["a", "b"] * 30)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Draw times and poses of a recording: any rate, jitter, gaps of any length, keypoints missing at random and for long."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, fps = draw(st.integers(1, 150)), draw(st.sampled_from([3.0, 5.0, 10.0, 23.976, 30.0, 60.0]))
    time = draw(st.floats(0, 1e7)) + np.arange(frames) * 1000 / fps
    time = time + rng.uniform(-1, 1, frames) * draw(st.sampled_from([0.0, 0.2, 0.45])) * 1000 / fps
    for _ in range(draw(st.integers(0, 3))):
        time[rng.integers(0, frames) :] += draw(st.floats(0, 2000))
    xy = rng.normal(100, 30, (frames, KEYPOINTS, 2))
    xy[rng.random((frames, KEYPOINTS)) < draw(st.sampled_from([0.0, 0.1, 0.6]))] = np.nan
    if draw(st.booleans()):
        start = rng.integers(0, frames)
        xy[start : start + rng.integers(1, 40), rng.integers(0, KEYPOINTS)] = np.nan
    return time, xy.astype(np.float32)


def streamed(model: BehaviorClassifier, time: NDArray[np.float64], xy: NDArray[np.float32], stride: float) -> list[Prediction]:
    stream = model.stream(stride_s=stride)
    return [d for t, frame in zip(time, xy, strict=True) for d in stream.push(frame, t)] + stream.flush()


@settings(max_examples=40)
@given(recordings(), st.sampled_from([0.2, 0.5, 1.0, 1.7]), st.sampled_from(["default", "classic"]))
def test_a_stream_agrees_with_predict_on_the_same_frames(recording, stride: float, preset: str) -> None:
    time, xy = recording
    model = classifier(preset)
    predictions = streamed(model, time, xy, stride)
    if not predictions:
        return
    windows = []
    for d in predictions:
        # The frames of the window, and one on either side where no gap parts them from it.
        place = np.floor((time - d.start_ms) * 5.0 / 1000.0 + 0.5)
        own = np.flatnonzero((place >= 0) & (place < 5))
        low, high = max(own[0] - 1, 0), min(own[-1] + 1, len(time) - 1)
        low += int(time[own[0]] - time[low] > 600)
        high -= int(time[high] - time[own[-1]] > 600)
        rows = slice(low, high + 1)
        samples = resample(
            time[rows],
            xy[rows],
            frame_number=np.arange(low, high + 1),
            hz=5,
            max_gap_ms=600,
            max_keypoint_gap_ms=400,
            start_ms=d.start_ms,
            count=5,
        )
        windows.append(np.where((samples.state > MISSING)[..., None], samples.xy, np.nan))
    np.testing.assert_array_equal(model.predict_proba(windows), [d.probabilities for d in predictions])
    assert model.predict(windows) == [d.label for d in predictions]


@settings(max_examples=30)
@given(recordings(), st.sampled_from([0.2, 1.0, 1.7]))
def test_frame_by_frame_all_at_once_and_as_a_recording_are_the_same(recording, stride: float) -> None:
    time, xy = recording
    model = classifier("default")
    one_by_one = streamed(model, time, xy, stride)
    stream = model.stream(stride_s=stride)
    at_once = stream.extend(xy, time) + stream.flush()
    assert [(d.start_ms, d.start_frame, d.end_frame, d.label) for d in one_by_one] == [
        (d.start_ms, d.start_frame, d.end_frame, d.label) for d in at_once
    ]
    for a, b in zip(one_by_one, at_once, strict=True):
        np.testing.assert_array_equal(a.probabilities, b.probabilities)
        assert a.probabilities.sum() - 1 < 1e-5


@settings(max_examples=40)
@given(recordings(), st.sampled_from([0.2, 1.0, 1.7]))
def test_windows_lie_apart_by_whole_strides_and_their_frames_within_reach(recording, stride: float) -> None:
    time, xy = recording
    predictions = streamed(classifier("classic"), time, xy, stride)
    for d in predictions:
        assert abs(d.end_ms - d.start_ms - 800) < 1e-6
        assert 0 <= d.start_frame <= d.end_frame < len(time)
        assert abs(time[d.start_frame] - d.start_ms) <= 600
        assert abs(time[d.end_frame] - d.end_ms) <= 600
    for a, b in itertools.pairwise(predictions):
        assert b.start_ms > a.start_ms


@settings(max_examples=60)
@given(
    st.sampled_from([5.0, 10.0, 23.976, 25.0, 30.0, 60.0]),
    st.lists(st.tuples(st.integers(1, 90), st.floats(0, 3000)), min_size=1, max_size=4),
    st.sampled_from([1, 2, 5]),
    st.booleans(),
)
def test_a_stream_and_a_recording_are_cut_into_the_same_windows(fps: float, parts, stride: int, whole_ms: bool) -> None:
    """With gaps of any length between the parts: after one that no window may span both grids start anew."""
    time, now = [], 0.0
    for frames, gap in parts:
        time += [now + i * 1000 / fps for i in range(frames)]
        now = time[-1] + 1000 / fps + gap
    times = np.rint(time) if whole_ms else np.array(time)
    xy = np.random.default_rng(0).normal(100, 30, (len(times), KEYPOINTS, 2)).astype(np.float32)
    samples = resample(times, xy, frame_number=np.arange(len(times)), hz=5, max_gap_ms=600, max_keypoint_gap_ms=400)
    first = cut(samples.block, steps=5, stride=stride)
    spans = np.stack([samples.frame_number[first], samples.frame_number[first + 4]], axis=1).tolist()
    assert [[d.start_frame, d.end_frame] for d in streamed(classifier("classic"), times, xy, stride / 5)] == spans
