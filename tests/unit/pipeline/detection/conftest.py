"""Windows with wrong labels that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.tables import text
from model.windowing import SEEN, Samples


@pytest.fixture
def standing_or_walking() -> tuple[pd.DataFrame, Samples, np.ndarray]:
    """Give windows of animals that stand or walk, a tenth of the clips with the other label."""
    rng = np.random.default_rng(0)
    clips, each = 48, 20
    clip = np.repeat(np.arange(clips), each)
    walks = clip % 2
    way = np.tile(np.arange(each), clips) * 8.0 * walks
    xy = np.array([[0, 0], [20, 4], [40, 0]]) + rng.normal(0, 1, (clips * each, 3, 2))
    xy[:, :, 0] += way[:, None]
    samples = Samples(
        xy=xy.astype(np.float32),
        state=np.full((clips * each, 3), SEEN, np.uint8),
        frame_number=np.tile(np.arange(each), clips).astype(np.int32),
        block=clip.astype(np.int32),
        scale=np.full(clips * each, 16, np.float32),
    )
    first = np.flatnonzero(np.tile(np.arange(each), clips) <= each - 5)
    wrong = np.isin(clip[first], (4, 17, 30, 41))
    label = np.where((walks[first] == 1) ^ wrong, "WALKRUN", "SIT").astype(object)
    group = clip[first] // 4
    windows = pd.DataFrame(
        {
            "window_id": text([f"w{i}" for i in range(len(first))]),
            "clip_id": text([f"c{c:02d}" for c in clip[first]]),
            "species": text(["DOG"] * len(first)),
            "target": text(label),
            "group": text([f"g{g}" for g in group]),
            "split": text(np.where(group == 11, "holdout", "audit").astype(object)),
            "mixed": False,
            "reviewed": False,
            "bad_pose": False,
            "first_sample": first,
        }
    )
    return windows, samples, wrong
