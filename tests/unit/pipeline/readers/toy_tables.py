"""A toy table of two clips, and how it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def poses(**changes) -> pd.DataFrame:
    """Return two clips of four frames."""
    table = pd.DataFrame(
        {
            "clip_id": ["a"] * 4 + ["b"] * 4,
            "subject_id": ["s1"] * 4 + ["s2"] * 4,
            "species": "rat",
            "frame_number": [0, 1, 2, 3] * 2,
            "timestamp_ms": [0, 40, 80, 120] * 2,
            "label": ["rest"] * 4 + ["walk"] * 4,
            "nose_x": np.arange(8.0),
            "nose_y": np.arange(8.0) * 2,
            "tail_x": [1.0, np.nan] * 4,
            "tail_y": [1.0, np.nan] * 4,
        }
    )
    return table.assign(**changes)


def put(path: Path, table: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path
