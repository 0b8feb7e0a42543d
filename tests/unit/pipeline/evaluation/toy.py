"""A toy run of one window a clip, and a blind sample of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

FRAMES = 10


def windows_of(clips: int = 4, *, holdout: int = 1, label: str = "A") -> pd.DataFrame:
    """Return one window of ten frames for each clip; the first clips are the hold-out."""
    return pd.DataFrame(
        {
            "window_id": [f"w{i}" for i in range(clips)],
            "clip_id": [f"c{i}" for i in range(clips)],
            "subject_id": [f"s{i}" for i in range(clips)],
            "species": "DOG",
            "start_frame": np.zeros(clips, np.int32),
            "end_frame": np.full(clips, FRAMES - 1, np.int32),
            "label": label,
            "split": ["holdout" if i < holdout else "audit" for i in range(clips)],
        }
    )


def sample_of(windows: pd.DataFrame, *, sample_id: str = "s1", run_id: str = "run") -> pd.DataFrame:
    """Return a blind sample of all windows; audited ones count as unflagged."""
    return windows[["window_id", "clip_id", "start_frame", "end_frame"]].assign(
        sample_id=sample_id,
        position=np.arange(len(windows), dtype=np.int32),
        stratum=["holdout" if s == "holdout" else "unflagged" for s in windows["split"]],
        inclusion_probability=0.5,
        run_id=run_id,
        drawn_at="2026-11-25T00:00:00.000Z",
        seed=0,
    )
