"""The keypoints of one clip, packed for the page: 16-bit coordinates and what is known about each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEEN, INTERPOLATED, MISSING, LOW_CONFIDENCE = 0, 1, 2, 3
"""What is known about a keypoint in a frame; low confidence is seen, with a confidence below `_SURE`."""

_SURE = 0.5
_LARGEST = 32000
_NOWHERE = -32768


def packed(values: NDArray[Any], dtype: str) -> str:
    """Return an array as base64 of its little-endian bytes."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype)).tobytes()).decode("ascii")


def packed_poses(frames: pd.DataFrame, keypoints: Sequence[str], *, max_gap_ms: int, min_confidence: float) -> dict[str, Any]:
    """Return coordinates, their unit, what is known of each keypoint, and the box that holds nearly all of them.

    Parameters
    ----------
    max_gap_ms
        Gaps of a keypoint up to this long are interpolated, as the audit did, and marked; nothing else is made up.
    """
    names = [f"{k}_{axis}" for k in keypoints for axis in "xy"]
    xy = frames[names].to_numpy(np.float64, copy=True).reshape(len(frames), -1, 2)
    known = np.isfinite(xy).all(axis=2)
    state = np.where(known, SEEN, MISSING).astype(np.uint8)
    for place, name in enumerate(keypoints):
        if f"{name}_confidence" in frames:
            confidence = frames[f"{name}_confidence"].to_numpy(np.float64)
            state[known[:, place] & (confidence < _SURE), place] = LOW_CONFIDENCE
            unseen = known[:, place] & (confidence < min_confidence)
            state[unseen, place], xy[unseen, place] = MISSING, np.nan
    _interpolate(xy, state, frames["timestamp_ms"].to_numpy(np.float64), max_gap_ms=max_gap_ms)
    shown = np.isfinite(xy).all(axis=2)
    largest = float(np.abs(xy[shown]).max(initial=0.0))
    unit = max(largest / _LARGEST, 1e-9)
    coordinates = np.where(shown[:, :, None], np.rint(xy / unit), _NOWHERE)
    box = np.quantile(xy[shown], [0.002, 0.998], axis=0).ravel().tolist() if shown.any() else [0.0, 0.0, 1.0, 1.0]
    return {"xy": packed(coordinates, "<i2"), "unit": unit, "known": packed(state, "u1"), "box": box}


def _interpolate(xy: NDArray[np.float64], state: NDArray[np.uint8], time: NDArray[np.float64], *, max_gap_ms: int) -> None:
    """Fill short gaps within the clip in place."""
    for place in range(xy.shape[1]):
        seen = np.flatnonzero(state[:, place] != MISSING)
        gaps = np.flatnonzero((np.diff(seen) > 1) & (np.diff(time[seen]) <= max_gap_ms))
        for gap in gaps.tolist():
            inside = np.arange(seen[gap] + 1, seen[gap + 1])
            ends = seen[[gap, gap + 1]]
            for axis in (0, 1):
                xy[inside, place, axis] = np.interp(time[inside], time[ends], xy[ends, place, axis])
            state[inside, place] = INTERPOLATED
