"""The windows of a run as its source labels them: a later round has laid the decisions of its reviewers over them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.tables import text
from pipeline.folds import split_again
from pipeline.reviewed import review_windows, reviewed_in_source
from pipeline.windows import merged_labels, window_labels

__all__ = ["windows_before_review"]


def windows_before_review(
    windows: pd.DataFrame,
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    reviewed: pd.DataFrame,
    *,
    config: Config,
    taxonomy: Taxonomy | None,
) -> pd.DataFrame:
    """Return the windows of a later round under the labels that the first round had.

    What the source itself says was reviewed stays so. Windows that a decision took out of the round are not brought back, and the
    groups of the hold-out stay what they are.

    Parameters
    ----------
    windows
        Of the round.
    clips, frames
        As read: their labels are those of the source.
    reviewed
        The stretches that the round knew to be decided.
    """
    names = reviewed["clip_id"].unique()
    own = clips[clips["clip_id"].isin(names)].reset_index(drop=True)
    at = np.flatnonzero(windows["clip_id"].isin(names))
    part = windows.iloc[at]
    label, mixed = window_labels(
        own,
        frames[frames["clip_id"].isin(names)].reset_index(drop=True),
        clip=pd.Index(own["clip_id"]).get_indexer(part["clip_id"]).astype(np.int32),
        start=part["start_frame"].to_numpy(np.int32),
        end=part["end_frame"].to_numpy(np.int32),
    )
    target = merged_labels(part["species"], label, config=config, taxonomy=taxonomy)
    before = windows.assign(reviewed=False)
    for name, values in (("label", label), ("target", target), ("mixed", mixed)):
        column = before[name].to_numpy(bool if name == "mixed" else object, copy=True)
        column[at] = values
        before[name] = column if name == "mixed" else text(column)
    in_source = reviewed_in_source(frames)
    return review_windows(split_again(before), clips, frames, in_source, config=config, taxonomy=taxonomy)
