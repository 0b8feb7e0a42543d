"""Cut windows from keypoints: sampling by time, interpolation of short gaps, and an index of windows over one matrix.

Plain numpy, used alike by training, auditing and streaming. A *sample* is a pose at one point of a regular time grid (5 Hz in
the recipe); a *window* is a number of consecutive samples, so it is known by the row of its first sample and no pose is copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["INTERPOLATED", "MISSING", "SEEN", "Samples", "concatenate", "cut", "pose_radius", "resample", "window_scale"]

MISSING, INTERPOLATED, SEEN = 0, 1, 2

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """Poses on a regular time grid: of one clip, or of many one after the other.

    Attributes
    ----------
    xy : float32, shape (n, keypoints, 2)
        Coordinates in the source's units (pixels); 0, not NaN, where missing.
    state : uint8, shape (n, keypoints)
        Whether each keypoint was ``SEEN`` (2), ``INTERPOLATED`` (1) or is ``MISSING`` (0).
    frame_number : int32, shape (n,)
        The source frame of each sample; that of the nearest moment where the source has no frame there.
    block : int32, shape (n,)
        The contiguous block that each sample belongs to: within one, samples follow each other without a gap. Ascending from 0;
        windows never leave their block.
    scale : float32, shape (n,)
        The clip's median pose radius in the units of ``xy`` (see :func:`pose_radius`): tens of pixels, say; never 0, never NaN.
    """

    xy: FloatArray
    state: NDArray[np.uint8]
    frame_number: NDArray[np.int32]
    block: NDArray[np.int32]
    scale: FloatArray

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.frame_number)


def resample(
    timestamp_ms: NDArray[np.integer],
    xy: FloatArray,
    *,
    frame_number: NDArray[np.integer],
    hz: float,
    max_gap_ms: float,
    max_keypoint_gap_ms: float,
    start_ms: float | None = None,
    count: int | None = None,
    scale: float | None = None,
) -> Samples:
    """Return the poses of one clip at ``hz`` samples a second, from its first frame on, or from ``start_ms``.

    After every gap that no window may span the time grid starts anew with the frame that follows, in a recording as in a stream.

    A sample is the frame nearest in time when that lies within half of the clip's own frame interval (a quarter of the time
    between samples, where frames are about as far apart as samples). Other samples, and keypoints that are missing in one, are
    interpolated linearly in time between the nearest frames that show the keypoint, if these are at most ``max_keypoint_gap_ms``
    apart.

    Parameters
    ----------
    timestamp_ms : shape (frames,)
        Strictly increasing times in milliseconds.
    xy : float32, shape (frames, keypoints, 2)
        Coordinates; NaN where missing.
    frame_number : shape (frames,)
        Source frame numbers, strictly increasing.
    hz : float
        Samples a second.
    max_gap_ms : float
        Frames further apart than this, and no nearer, end a block: no window spans them.
    max_keypoint_gap_ms : float
        Longest time between two frames that show a keypoint over which it is interpolated; just as long still is.
    start_ms, count : optional
        When the first sample is due, and the number of samples: from the first frame to the last where they are left out. Frames
        before and after serve interpolation alone.
    scale : float, optional
        The clip's median pose radius; measured where it is left out, and 1 where no pose has a radius above 0.
    """
    time = np.asarray(timestamp_ms, np.float64)
    step = 1000.0 / hz
    intervals = np.diff(time)
    interval = _median(intervals) if len(intervals) else step
    # Dense video has a frame near every sample; frames annotated at about the grid's own rate stray from it by rounding.
    tolerance = min(interval / 2 if interval < step / 2 else max(step / 4, interval / 2), step / 2) + 1.0

    # A gap that is too long parts two contiguous blocks.
    frame_block = np.append(0, np.cumsum(intervals > max_gap_ms))
    if start_ms is None:
        place, start, first, last = _time_grids(time, frame_block, step)
    else:
        samples = math.floor((time[-1] - start_ms) / step + 0.5) + 1 if count is None else count
        place, start, first, last = np.arange(samples), np.array(start_ms, np.float64), np.array(0), np.array(len(time) - 1)
    due = start + place * step
    reached = np.searchsorted(time, due)
    around = np.minimum(np.maximum(np.stack([reached - 1, reached]), first), last)
    distance = np.abs(time[around] - due)
    # A frame is one sample only, and of the frames on either side of a sample's time the nearer is taken; of two, the earlier.
    own = (np.floor((time[around] - start) / step + 0.5) == place) & (distance <= tolerance)
    real = own[0] | own[1]
    taken = np.where(own[0] & ~(own[1] & (distance[1] < distance[0])), around[0], around[1])
    before, after = np.where(real, taken, around)
    now = np.where(real, time[before], due)

    bridged = (due >= time[first]) & (due <= time[last]) & ((time[after] - time[before]) <= max_gap_ms)
    values, state = _interpolate(xy, time, block=frame_block, before=before, after=after, now=now, limit=max_keypoint_gap_ms)
    number = np.rint(np.interp(now, time, np.asarray(frame_number, np.float64))).astype(np.int32)
    # Samples inside a gap that is too long are left out; what follows it is another block.
    block = frame_block[before].astype(np.int32)
    clip_scale = np.full(len(place), _clip_scale(values, state) if scale is None else scale, np.float32)
    kept = real | bridged
    return Samples(xy=values[kept], state=state[kept], frame_number=number[kept], block=block[kept], scale=clip_scale[kept])


def _time_grids(
    time: NDArray[np.float64], block: NDArray[np.int64], step: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each sample's place on the time grid of its block, when that grid starts, and the block's first and last frame."""
    first = np.searchsorted(block, np.arange(block[-1] + 1))
    last = np.append(first[1:], len(time)) - 1
    counts = np.floor((time[last] - time[first]) / step + 0.5).astype(np.int64) + 1
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return place, np.repeat(time[first], counts), np.repeat(first, counts), np.repeat(last, counts)


def _interpolate(
    xy: FloatArray,
    time: NDArray[np.float64],
    *,
    block: NDArray[np.int64],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    now: NDArray[np.float64],
    limit: float,
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return coordinates and states at the times ``now``, between the frames ``before`` and ``after`` of one block."""
    frames, keypoints = xy.shape[:2]
    finite = np.isfinite(xy)
    shown = finite[..., 0] & finite[..., 1]
    index = np.arange(frames)[:, None]
    previous = np.maximum.accumulate(np.where(shown, index, -1), axis=0)[before]
    following = np.minimum.accumulate(np.where(shown, index, frames)[::-1], axis=0)[::-1][after]
    inside = (previous >= 0) & (following < frames)
    if block[-1]:
        inside &= block[np.maximum(previous, 0)] == block[np.minimum(following, frames - 1)]
    left, right = np.where(inside, previous, 0), np.where(inside, following, 0)
    span = time[right] - time[left]
    usable = inside & ((span <= limit) | (left == right))
    weight = np.where(span > 0, (now[:, None] - time[left]) / np.where(span > 0, span, 1.0), 0.0)[..., None]
    column = np.arange(keypoints)
    with np.errstate(invalid="ignore"):
        mixed = (1 - weight) * xy[left, column] + weight * xy[right, column]
    values = np.where(usable[..., None], mixed, 0.0).astype(np.float32)
    state = np.where(usable, np.where(left == right, SEEN, INTERPOLATED), MISSING).astype(np.uint8)
    return values, state


def pose_radius(xy: FloatArray, shown: NDArray[np.bool_]) -> FloatArray:
    """Return the size of each pose, shape (n,), in the units of ``xy``.

    It is the root mean square distance of the shown keypoints from their mean: 0 where one keypoint is
    shown, or all lie at one place, and NaN where none is shown.

    Parameters
    ----------
    xy : shape (n, keypoints, 2)
    shown : bool, shape (n, keypoints)
        The keypoints that count: seen or interpolated.
    """
    count = shown.sum(axis=1)
    weight = shown[..., None] / np.maximum(count, 1)[:, None, None]
    centre = (xy * weight).sum(axis=1, keepdims=True)
    radius = np.sqrt((((xy - centre) ** 2) * weight).sum(axis=(1, 2)))
    return np.where(count > 0, radius, np.nan).astype(np.float32)


def window_scale(xy: FloatArray, shown: NDArray[np.bool_]) -> FloatArray:
    """Return the size of the animal in each window, shape (n,), in the units of ``xy``: the median radius of its poses.

    Of those with a radius above 0 (see :func:`pose_radius`); 1 where none has, so that dividing by it is safe.

    Parameters
    ----------
    xy : shape (n, steps, keypoints, 2)
    shown : bool, shape (n, steps, keypoints)
    """
    windows, steps = shown.shape[:2]
    radius = pose_radius(xy.reshape(-1, *xy.shape[2:]), shown.reshape(-1, shown.shape[2])).reshape(windows, steps)
    usable = radius > 0
    count = usable.sum(axis=1)
    # Those that do not count are sorted behind all others.
    ordered = np.sort(np.where(usable, radius, np.float32(np.inf)), axis=1)
    row = np.arange(windows)
    middle = (ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, count // 2]) / 2
    return np.where(count > 0, middle, 1.0).astype(np.float32)


def _median(values: NDArray[np.floating]) -> float:
    """Return what np.median returns; for the few frames of one window that is several times slower than sorting them."""
    ordered = np.sort(values)
    return float((ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2)


def _clip_scale(xy: FloatArray, state: NDArray[np.uint8]) -> float:
    radius = pose_radius(xy, state > MISSING)
    radius = radius[np.isfinite(radius) & (radius > 0)]
    return _median(radius) if len(radius) else 1.0


def concatenate(clips: Iterable[Samples]) -> Samples:
    """Lay the samples of several clips one after the other; blocks are numbered on, so that none reaches over two clips."""
    parts = list(clips)
    blocks, offset = [], 0
    for part in parts:
        blocks.append(part.block + offset)
        offset += int(part.block.max()) + 1 if len(part) else 0
    return Samples(
        xy=np.concatenate([p.xy for p in parts]),
        state=np.concatenate([p.state for p in parts]),
        frame_number=np.concatenate([p.frame_number for p in parts]),
        block=np.concatenate(blocks).astype(np.int32),
        scale=np.concatenate([p.scale for p in parts]),
    )


def cut(block: NDArray[np.int32], *, steps: int, stride: int = 1) -> NDArray[np.int64]:
    """Return the row of each window's first sample, ascending: every ``stride`` samples from the start of each block.

    Parameters
    ----------
    block : int32, shape (n,)
        The contiguous block of each sample, ascending (see :class:`Samples`).
    steps : int
        Samples in a window; blocks that are shorter have none.
    """
    if len(block) < steps:
        return np.empty(0, np.int64)
    start_of_block = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    place_in_block = np.arange(len(block)) - np.repeat(start_of_block, np.diff(start_of_block, append=len(block)))
    rows = np.arange(len(block) - steps + 1)
    whole = block[rows] == block[rows + steps - 1]
    return np.asarray(rows[whole & (place_in_block[rows] % stride == 0)], np.int64)
