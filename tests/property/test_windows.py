"""What holds of every clip, however its frames fall."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.windowing import MISSING, SEEN, cut, resample


@st.composite
def clips(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw increasing times in ms, with gaps, and poses with missing keypoints."""
    steps = draw(st.lists(st.one_of(st.integers(1, 60), st.integers(180, 220), st.integers(201, 3000)), min_size=0, max_size=60))
    time = np.concatenate([[draw(st.integers(0, 10_000))], np.array(steps, np.int64)]).cumsum()
    value = st.one_of(st.just(np.nan), st.floats(-1e4, 1e4, width=32))
    return time, draw(arrays(np.float32, (len(time), 2, 2), elements=value))


@given(clip=clips(), gap=st.sampled_from([0, 400, 600, 2000]), steps=st.integers(1, 7), stride=st.integers(1, 4))
def test_windows_lie_within_a_block_and_no_gap_is_longer_than_allowed(clip, gap: int, steps: int, stride: int) -> None:
    time, xy = clip
    samples = resample(time, xy, frame_number=time, hz=5, max_gap_ms=gap, max_keypoint_gap_ms=400)
    first = cut(samples.block, steps=steps, stride=stride)
    for row in first:
        span = samples.frame_number[row : row + steps]
        assert (np.diff(span) > 0).all()
        assert span[-1] - span[0] <= (steps - 1) * 200 + 210
        inside = time[(time >= span[0]) & (time <= span[-1])]
        assert steps == 1 or np.diff(inside).max(initial=0) <= max(gap, 301)


@given(clip=clips())
def test_samples_are_finite_seen_ones_are_the_sources_own_and_missing_ones_are_zero(clip) -> None:
    time, xy = clip
    samples = resample(time, xy, frame_number=time, hz=5, max_gap_ms=600, max_keypoint_gap_ms=400)
    assert np.isfinite(samples.xy).all()
    assert (samples.xy[samples.state == MISSING] == 0).all()
    place = np.searchsorted(time, samples.frame_number)
    for row, keypoint in zip(*np.nonzero(samples.state == SEEN), strict=True):
        np.testing.assert_array_equal(samples.xy[row, keypoint], xy[place[row], keypoint])
    assert (samples.scale > 0).all()


@given(clip=clips(), shift=st.integers(0, 10_000))
def test_windows_do_not_depend_on_where_the_time_grid_starts(clip, shift: int) -> None:
    time, xy = clip
    here = resample(time, xy, frame_number=time, hz=5, max_gap_ms=600, max_keypoint_gap_ms=400)
    there = resample(time + shift, xy, frame_number=time, hz=5, max_gap_ms=600, max_keypoint_gap_ms=400)
    np.testing.assert_array_equal(here.frame_number, there.frame_number)
    np.testing.assert_array_equal(here.state, there.state)
