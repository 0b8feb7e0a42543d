"""In a later round, the labels of the source come back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import WINDOWS, text, validate
from pipeline.readers import Recordings, recognise
from pipeline.retraining.inputs import windows_before_review
from pipeline.windows.cutting import cut_windows
from pipeline.windows.folds import split_windows
from pipeline.windows.label_spans import lay_over, no_stretches, review_windows
from pipeline.windows.sampling import sample_clips

CONFIG = load_config(None, overrides={"folds": {"holdout": 0.2}})
SHARED = {"config": CONFIG, "taxonomy": None}


@pytest.fixture(params=["clips", "frames"])
def read(request: pytest.FixtureRequest, tmp_path, make_table: Callable) -> Recordings:
    """Give recordings with a label per clip, or per frame."""
    table = make_table(subjects=8, clips_each=1)
    if request.param == "frames":
        late = table["frame_number"] >= 40
        table = table.assign(frame_label=table["label"].where(~late, "SIT"))
    table.to_parquet(tmp_path / "poses.parquet", index=False)
    return recognise(tmp_path / "poses.parquet").read(CONFIG)


def cut(read: Recordings) -> pd.DataFrame:
    sampled = sample_clips(read.clips, read.frames, config=CONFIG)
    return split_windows(cut_windows(read.clips, read.frames, sampled=sampled, config=CONFIG, taxonomy=None), folds=CONFIG.folds)


def stretches(*rows: tuple[str, int, int, str | None]) -> pd.DataFrame:
    clip, start, end, label = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "clip_id": text(list(clip)),
            "start_frame": np.array(start, np.int32),
            "end_frame": np.array(end, np.int32),
            "label": text(list(label)),
            "label_source": text(["review"] * len(rows)),
        }
    )


def test_the_windows_of_a_later_round_are_those_of_the_first_again(read: Recordings) -> None:
    first = cut(read)
    audited = first.loc[first["split"] == "audit", "clip_id"].unique()
    told = stretches((audited[0], 0, 59, "OTHER"), (audited[1], 10, 29, "WALKRUN"), (audited[2], 0, 30, "SIT"))
    decided = lay_over(read.frames, no_stretches(), told)
    later = review_windows(first, read.clips, read.frames, decided, **SHARED)
    assert not later["label"].equals(first["label"])
    assert later["reviewed"].any()
    before = windows_before_review(later, read.clips, read.frames, decided, **SHARED)
    pd.testing.assert_frame_equal(validate(before, WINDOWS, source="before"), first)


def test_a_window_that_was_taken_out_is_not_brought_back(read: Recordings) -> None:
    first = cut(read)
    clip = first["clip_id"].iloc[0]
    decided = lay_over(read.frames, no_stretches(), stretches((clip, 0, 5, None)))
    later = review_windows(first, read.clips, read.frames, decided, **SHARED)
    before = windows_before_review(later, read.clips, read.frames, decided, **SHARED)
    assert len(before) == len(later) < len(first)
    assert not before["reviewed"].any()
