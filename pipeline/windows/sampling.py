"""From the frames table to the matrix of samples that windows are cut from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import keypoints_of
from model.windowing import Samples, concatenate, resample


@dataclass(frozen=True)
class SampledClips:
    """The samples of all clips, and the row of the clips table that each sample belongs to (int32, shape (n,))."""

    samples: Samples
    clip: NDArray[np.int32]


def clip_bounds(clips: pd.DataFrame) -> NDArray[np.int64]:
    """Return the rows of the frames table where each clip starts, and the end: shape (clips + 1,)."""
    return np.concatenate([[0], np.cumsum(clips["frame_count"].to_numpy(np.int64))])


def sample_clips(clips: pd.DataFrame, frames: pd.DataFrame, *, config: Config) -> SampledClips:
    """Put every clip on the time grid; ``frames`` lie in the order of ``clips``."""
    names = [f"{k}_{axis}" for k in keypoints_of(list(frames.columns)) for axis in ("x", "y")]
    xy = frames[names].to_numpy(np.float32).reshape(len(frames), -1, 2)
    time, number = frames["timestamp_ms"].to_numpy(), frames["frame_number"].to_numpy()
    bounds = clip_bounds(clips)
    parts = [
        resample(
            time[a:b],
            xy[a:b],
            frame_number=number[a:b],
            hz=config.windows.hz,
            max_gap_ms=config.windows.max_gap_ms,
            max_keypoint_gap_ms=config.pose.max_keypoint_gap_ms,
        )
        for a, b in pairwise(bounds)
    ]
    lengths = [len(p) for p in parts]
    return SampledClips(samples=concatenate(parts), clip=np.repeat(np.arange(len(parts), dtype=np.int32), lengths))
