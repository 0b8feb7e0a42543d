"""The clean windows: each under the label that most of its frames have after review, or left out where none leads by enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.labels import Taxonomy
from data_schemas.tables import text
from pipeline.readers.recordings import text_by_code
from pipeline.windows.cutting import merged_labels

__all__ = ["CleanWindows", "clean_windows"]

_WIDE = np.int64(2) ** 32
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
        Windows in which no label leads by the margin, and windows that hold an excluded frame.
    """

    table: pd.DataFrame
    left_out_mixed: int
    left_out_excluded: int


@dataclass(frozen=True)
class _Votes:
    """The commonest label of each window and the frames that have it, and the next; all of shape (windows,)."""

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    second: NDArray[np.int64]


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
    frames = _Frames(after)
    first, last = frames.bounds(windows)
    total = last - first
    excluded = _sums(after["excluded"].to_numpy(bool)[frames.order], first, last) > 0
    codes, names = pd.factorize(after["label"], sort=True)
    votes = _votes(codes[frames.order], len(names), first, last)
    labelled = _sums((codes >= 0)[frames.order], first, last)
    lead = (votes.count - votes.second) / np.maximum(labelled, 1)
    clear = (labelled == 0) | ((votes.count > votes.second) & (lead >= margin - _EXACT))
    kept = clear & ~excluded
    reviewed = _sums((after["label_source"] != "given").to_numpy(bool)[frames.order], first, last)
    run = windows[kept].reset_index(drop=True)
    label = pd.Series(text_by_code(list(names), np.where(labelled > 0, votes.first, -1)[kept]))
    table = run[list(_KEPT)].assign(
        label=label,
        target=text(merged_labels(run["species"], label, merge=merge, taxonomy=taxonomy)),
        given_label=_given_labels(run["label"], after["given"].iloc[frames.order], first[kept], last[kept], reviewed[kept] > 0),
        majority=np.where(labelled > 0, votes.count / np.maximum(total, 1), np.nan)[kept],
        mixed=votes.count[kept] < labelled[kept],
        reviewed=reviewed[kept] / np.maximum(total[kept], 1),
        split=_splits(windows)[kept].where(label.notna().to_numpy(), "unlabelled").array,
        **{name: run[name] for name in _OF_RUN},
    )
    return CleanWindows(
        table=table,
        left_out_mixed=int((~clear & ~excluded).sum()),
        left_out_excluded=int(excluded.sum()),
    )


def _given_labels(
    label: pd.Series, given: pd.Series, first: NDArray[np.int64], last: NDArray[np.int64], touched: NDArray[np.bool_]
) -> pd.Series:
    """Return the label that each window had before any review: the run's own, but where people decided about its frames."""
    if not touched.any():
        return label
    codes, names = pd.factorize(given, sort=True)
    votes = _votes(codes, len(names), first[touched], last[touched])
    own = label.to_numpy(object, copy=True)
    own[touched] = np.array([*names, None], object)[np.where(votes.count > 0, votes.first, -1)]
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


class _Frames:
    """Where the frames of windows lie among the frames of all clips."""

    def __init__(self, after: pd.DataFrame) -> None:
        clips, self._names = pd.factorize(after["clip_id"])
        keys = clips * _WIDE + after["frame_number"].to_numpy(np.int64)
        self.order = np.argsort(keys, kind="stable")
        self._keys = keys[self.order]

    def bounds(self, windows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the place of each window's first frame, and the one behind its last."""
        clip = pd.Index(self._names).get_indexer(windows["clip_id"]) * _WIDE
        first = np.searchsorted(self._keys, clip + windows["start_frame"].to_numpy(np.int64), side="left")
        last = np.searchsorted(self._keys, clip + windows["end_frame"].to_numpy(np.int64), side="right")
        return first, last


def _votes(codes: NDArray[np.int64], classes: int, first: NDArray[np.int64], last: NDArray[np.int64]) -> _Votes:
    """Count label by label: one running sum over all frames at a time needs little memory, however many labels there are."""
    best, count, second = (np.zeros(len(first), np.int64) for _ in range(3))
    for code in range(classes):
        held = _sums(codes == code, first, last)
        leads = held > count
        second = np.maximum(second, np.where(leads, count, held))
        best = np.where(leads, code, best)
        count = np.where(leads, held, count)
    return _Votes(best, count, second)


def _sums(flags: NDArray[np.bool_], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.zeros(len(flags) + 1, np.int64)
    np.cumsum(flags, out=total[1:])
    sums: NDArray[np.int64] = total[last] - total[first]
    return sums
