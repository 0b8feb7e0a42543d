"""The windows of a run as its source labels them: a later round has laid the decisions of its reviewers over them."""

from __future__ import annotations

import pandas as pd

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.tables import text
from pipeline.windows.cutting import merged_labels
from pipeline.windows.folds import split_again
from pipeline.windows.label_spans import labels_as_given, review_windows, reviewed_in_source

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
    given = labels_as_given(windows, clips, frames, reviewed)
    target = merged_labels(given["species"], given["label"], merge=config.labels.merge, taxonomy=taxonomy)
    before = split_again(given.assign(target=text(target), reviewed=False))
    return review_windows(before, clips, frames, reviewed_in_source(frames), config=config, taxonomy=taxonomy)
