"""What a window shows, in numbers that need no network: distances between keypoints, how they change, and how things move.

Hand-made summaries of this kind serve classifiers of animal behaviour well (JABS, SimBA: pairwise distances, speeds and their
means over windows). They are blind to where the animal is and which way it faces; sizes are relative to the clip's median pose
radius.
Plain numpy: the base learners of the audit, :mod:`model.kernel_ridge`, are fitted to them in seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from model.windowing import MISSING, Samples

__all__ = ["context", "measure_windows", "summarise_windows"]

FloatArray = NDArray[np.float32]

_CHUNK = 16_384
_NEAREST, _SLOWEST, _STILLEST = 0.05, 0.02, 0.01
"""Added before the logarithm, in pose radii: below this a distance, a speed or a spread is noise."""

_FARTHEST = 4.0
"""Standard deviations beyond which a feature says no more."""


def summarise_windows(
    samples: Samples, first: NDArray[np.int64], *, steps: int, reference: NDArray[np.bool_] | None = None
) -> dict[str, FloatArray]:
    """Return blocks of features, each of shape (windows, features), standardised: -4..4, 0 where the keypoints are missing.

    Lengths and speeds are logs of pose radii before that.

    Parameters
    ----------
    samples : Samples
        Poses on a regular time grid.
    first : int64, shape (windows,)
        Row of each window's first sample.
    steps : int
        Samples in a window.
    reference : bool, shape (windows,), optional
        The windows whose mean and spread standardise all of them.

    Returns
    -------
    dict
        ``distance``, ``nearest``, ``farthest``, ``spread``, ``trend``, ``closing``: mean, extremes, spread, change and change
        from sample to sample of each pair's log distance; ``turning``: how much its direction turns; ``speed``, ``fastest``,
        ``way``: mean and largest log speed and log net way of each keypoint; ``own_speed``: its log speed relative to the body;
        ``body_speed``: that of the body's centre; ``seen``: share of samples that show the keypoint.
    """
    return {
        name: _standardised(block, slice(None) if reference is None else reference)
        for name, block in measure_windows(samples, first, steps=steps).items()
    }


def measure_windows(samples: Samples, first: NDArray[np.int64], *, steps: int) -> dict[str, FloatArray]:
    """Return the blocks of :func:`summarise_windows` before they are standardised; NaN where the keypoints are missing."""
    parts = [_blocks(*_poses(samples, rows)) for rows in _chunks(first, steps)]
    names = parts[0] if parts else {}
    return {name: np.concatenate([p[name] for p in parts]) for name in names}


def context(features: FloatArray, contiguous: NDArray[np.int64], *, reaches: tuple[int, ...]) -> FloatArray:
    """Return features beside their means over ``reach`` windows of the same contiguous block on either side, for each reach.

    Parameters
    ----------
    features : float32, shape (windows, features)
    contiguous : int64, shape (windows,)
        The contiguous block of each window: one number for windows that follow each other without a gap; ascending.
    """
    total = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features, axis=0, dtype=np.float64)])
    rows = np.arange(len(features))
    start, end = (np.searchsorted(contiguous, contiguous, side) for side in ("left", "right"))
    found = [features]
    for reach in reaches:
        low, high = np.maximum(rows - reach, start), np.minimum(rows + reach + 1, end)
        found.append(((total[high] - total[low]) / (high - low)[:, None]).astype(np.float32))
    return np.concatenate(found, axis=1)


def _chunks(first: NDArray[np.int64], steps: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(first), _CHUNK):
        yield first[start : start + _CHUNK, None] + np.arange(steps)


def _poses(samples: Samples, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return poses in pose radii, NaN where missing, shape (w, t, k, 2), and whether keypoints are shown, shape (w, t, k)."""
    shown = samples.state[rows] > MISSING
    scale = samples.scale[rows[:, :1]]
    return np.where(shown[..., None], samples.xy[rows] / scale[..., None, None], np.float32(np.nan)), shown.astype(np.float32)


def _blocks(xy: FloatArray, shown: FloatArray) -> dict[str, FloatArray]:
    pairs = np.array(list(combinations(range(xy.shape[2]), 2)), np.int64).reshape(-1, 2)
    with warnings.catch_warnings():
        # A keypoint that no sample shows gives NaN, which becomes 0 when the block is standardised.
        warnings.simplefilter("ignore", RuntimeWarning)
        distance = np.log(np.linalg.norm(xy[:, :, pairs[:, 0]] - xy[:, :, pairs[:, 1]], axis=-1) + _NEAREST)
        centre = np.nanmean(xy, axis=2, keepdims=True)
        half = max(1, distance.shape[1] // 2)
        found = {
            "distance": np.nanmean(distance, axis=1),
            "spread": np.log(np.nanstd(distance, axis=1) + _STILLEST),
            "nearest": np.nanmin(distance, axis=1),
            "farthest": np.nanmax(distance, axis=1),
            "closing": _closing(distance),
            "turning": _turning(xy, pairs),
            "trend": np.nanmean(distance[:, -half:], axis=1) - np.nanmean(distance[:, :half], axis=1),
            "speed": np.nanmean(_log_steps(xy), axis=1),
            "fastest": np.nanmax(_log_steps(xy), axis=1),
            "way": np.log(np.linalg.norm(xy[:, -1] - xy[:, 0], axis=-1) + _SLOWEST),
            "own_speed": np.nanmean(_log_steps(xy - centre), axis=1),
            "body_speed": np.nanmean(_log_steps(centre), axis=1),
            "seen": shown.mean(axis=1),
        }
    return {name: np.asarray(block, np.float32) for name, block in found.items()}


def _log_steps(xy: FloatArray) -> FloatArray:
    """Return the log way of each keypoint between samples, shape (w, t - 1, k); one NaN step for windows of one sample."""
    if xy.shape[1] < 2:
        return np.full((len(xy), 1, xy.shape[2]), np.nan, np.float32)
    return np.asarray(np.log(np.linalg.norm(np.diff(xy, axis=1), axis=-1) + _SLOWEST), np.float32)


def _closing(distance: FloatArray) -> FloatArray:
    """Return the log of how much each log distance changes from sample to sample, shape (w, pairs)."""
    if distance.shape[1] < 2:
        return np.full((len(distance), distance.shape[2]), np.nan, np.float32)
    return np.asarray(np.log(np.nanmean(np.abs(np.diff(distance, axis=1)), axis=1) + _STILLEST), np.float32)


def _turning(xy: FloatArray, pairs: NDArray[np.int64]) -> FloatArray:
    """Return the log of the mean turn of each pair's direction from sample to sample, in radians, shape (w, pairs)."""
    if xy.shape[1] < 2:
        return np.full((len(xy), len(pairs)), np.nan, np.float32)
    arm = xy[:, :, pairs[:, 1]] - xy[:, :, pairs[:, 0]]
    before, after = arm[:, :-1], arm[:, 1:]
    cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(axis=-1)))
    return np.asarray(np.log(np.nanmean(turn, axis=1) + _SLOWEST), np.float32)


def _standardised(block: FloatArray, reference: NDArray[np.bool_] | slice) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean, spread = np.nanmean(block[reference], axis=0), np.nanstd(block[reference], axis=0) + 1e-3
    np.subtract(block, mean, out=block)
    np.divide(block, spread, out=block)
    return np.nan_to_num(np.clip(block, -_FARTHEST, _FARTHEST), copy=False)
