"""Windows after review: each under the label of most of its frames, or left out where that leads the next by too little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.labels import Taxonomy
from data_schemas.tables import text, text_by_code
from pipeline.windows.cutting import merged_labels
from pipeline.windows.frame_index import FrameIndex, FrameSpans

_KEPT = ("window_id", "clip_id", "subject_id", "species", "start_frame", "end_frame")
_OF_RUN = ("bad_pose", "pose_fault", "visible")
_EXACT = 1e-9


@dataclass(frozen=True)
class CleanWindows:
    """The windows table after review, and how many windows are not in it.

    Attributes
    ----------
    table : DataFrame
        See ``CLEAN_WINDOWS``.
    left_out_mixed, left_out_excluded : int
        Windows in which the commonest label has too small a margin over the next, and windows that hold an excluded frame.
    """

    table: pd.DataFrame
    left_out_mixed: int
    left_out_excluded: int


def clean_windows(
    windows: pd.DataFrame, after: pd.DataFrame, *, margin: float, merge: str = "none", taxonomy: Taxonomy | None = None
) -> CleanWindows:
    """Return the windows after review.

    A window with an excluded frame is left out. One whose frames have several labels is exported under the commonest where that
    leads the next by at least ``margin`` of its labelled frames (never where two are equally common), else it is left out. One
    whose frames have none is exported without a label.

    Parameters
    ----------
    windows
        The run's windows; those of a later round carry labels after review.
    after
        Its frames after review (see :func:`pipeline.review.frame_labels.review_frames`).
    margin
        Share of a window's labelled frames.
    merge, taxonomy
        Give ``target``, the class that a label is trained as.
    """
    spans = FrameIndex.of(after).spans_of(windows)
    excluded = spans.count(after["excluded"].to_numpy(bool)) > 0
    codes, names = pd.factorize(after["label"], sort=True)
    found = spans.commonest(codes)
    margins = (found.count - found.runner_up) / np.maximum(found.labelled, 1)
    clear = (found.labelled == 0) | ((found.count > found.runner_up) & (margins >= margin - _EXACT))
    kept = clear & ~excluded
    reviewed = spans.count((after["label_source"] != "given").to_numpy(bool))
    total = np.maximum(spans.length, 1)[kept]
    run = windows[kept].reset_index(drop=True)
    label = pd.Series(text_by_code(list(names), found.code[kept]))
    table = run[list(_KEPT)].assign(
        label=label,
        target=text(merged_labels(run["species"], label, merge=merge, taxonomy=taxonomy)),
        given_label=_given_labels(run["label"], after["given"], spans.take(np.flatnonzero(kept)), reviewed[kept] > 0),
        majority=np.where(found.labelled[kept] > 0, found.count[kept] / total, np.nan),
        mixed=found.count[kept] < found.labelled[kept],
        reviewed=reviewed[kept] / total,
        split=_splits(windows)[kept].where(label.notna().to_numpy(), "unlabelled").array,
        **{name: run[name] for name in _OF_RUN},
    )
    return CleanWindows(
        table=table,
        left_out_mixed=int((~clear & ~excluded).sum()),
        left_out_excluded=int(excluded.sum()),
    )


def _given_labels(label: pd.Series, given: pd.Series, spans: FrameSpans, reviewed: NDArray[np.bool_]) -> pd.Series:
    """Return the label that each window had before any review: the run's own, but where people decided about its frames."""
    if not reviewed.any():
        return label
    codes, names = pd.factorize(given, sort=True)
    own = label.to_numpy(object, copy=True)
    own[reviewed] = np.array([*names, None], object)[spans.take(np.flatnonzero(reviewed)).commonest(codes).code]
    return pd.Series(own, index=label.index, dtype="str")


def _splits(windows: pd.DataFrame) -> pd.Series:
    """Return the split of each window of a run, were it labelled: one that nobody had labelled goes with its group."""
    split, group = windows["split"], windows["species"] + "\0" + windows["subject_id"]
    of_group = np.select(
        [group.isin(group[split == "holdout"].unique()), windows["species"].isin(windows["species"][split == "audit"].unique())],
        ["holdout", "audit"],
        "left_out",
    )
    return split.where(split != "unlabelled", pd.Series(of_group, index=windows.index))
