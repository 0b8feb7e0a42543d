"""From label quality to segments: the unit that people review.

Boundaries are found, not smoothed: the error probability of the labels through a clip (one less their quality), one channel for
each suggested class, is a signal that is cut at its change points (least squares with a penalty for each part; Jackson et al.
2005, "Optimal partitioning"). Parts of high error probability become segments, ranked by the wrong labels that a second of
reviewing is expected to correct.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import SEGMENTS, text
from pipeline.windows.cutting import contiguous_blocks
from pipeline.windows.label_spans import ReviewedFrames

_PENALTY = 0.5
"""What another part must explain, in windows times squared error probability: some two seconds of 1 beside as much of 0."""

_OVERHEAD = 1.0
"""Seconds that a reviewer needs for each segment, whatever its length."""

_SHORTEST = 1.0
"""Seconds: shorter parts join the part of high error probability beside them."""

_MOST_STARTS = 512
"""Places where the last part may start, from which the best are kept when there are twice as many."""

_WHOLE_CLIP = 0.8
_EVEN = 0.5
_LONGEST_BOUNDARY = 3.0


@dataclass(frozen=True)
class _Timeline:
    """Windows as spans that never overlap: every frame belongs to the window whose middle is nearest.

    Attributes
    ----------
    start, end : int64, shape (n,)
        First and last frame of each window's span.
    bounds : int64, shape (runs + 1,)
        Where contiguous runs start: windows of one clip under one given label, without a gap, all of them reviewed or none.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    bounds: NDArray[np.int64]


def cut_segments(
    issues: pd.DataFrame, windows: pd.DataFrame, *, config: Config, reviewed: ReviewedFrames | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut every clip into segments, each with its kind.

    Kinds, the first that holds: ``bad_pose`` where at least half of the windows show implausible or too few keypoints;
    ``wrong_clip`` where the clip's label is more likely wrong throughout than not, or the segment covers 80 % of its clip;
    ``boundary`` where it holds a change between frame labels and is at most 3 s long; ``ambiguous`` where the label is held to be
    as likely right as wrong; else ``contaminated``.

    Parameters
    ----------
    reviewed
        The frames that people have decided about, if any: no segment starts or ends with one, and a window that stands for such
        frames alone is no issue, though it may reach into others.

    Returns
    -------
    issues, segments
        The issues with ``kind`` and ``segment_id`` filled in for the windows whose middle lies in a segment, and the segments
        table, the most urgent first. Segments of bad pose come last: there is no label to correct.
    """
    table = issues.merge(
        windows[["window_id", "mixed", "bad_pose", "reviewed", "first_sample"]], on="window_id", validate="one_to_one"
    )
    table = table.sort_values(["clip_id", "start_frame"], kind="stable", ignore_index=True)
    if table.empty:
        return issues, _segments_table([]).drop(columns="window_ids")
    block = contiguous_blocks(table, config=config)
    timeline = _timeline(table, block)
    if reviewed is not None:
        done = reviewed.all_reviewed(table["clip_id"], timeline.start, timeline.end)
        issues = issues.assign(is_issue=issues["is_issue"] & ~issues["window_id"].isin(table.loc[done, "window_id"]))
        table = table.assign(reviewed=table["reviewed"] | done, is_issue=table["is_issue"] & ~done)
        timeline = _timeline(table, block)
    threshold = _thresholds(table)
    seconds = config.windows.stride / config.windows.hz
    in_clip = table.groupby("clip_id").size().to_dict()
    rows = []
    for a, b in _parts(table, timeline, threshold=threshold, shortest=round(_SHORTEST / seconds)):
        start, end = int(timeline.start[a]), int(timeline.end[b - 1])
        if reviewed is not None:
            start, end = reviewed.trimmed(str(table["clip_id"].iloc[a]), start, end)
        rows.append(_segment(table.iloc[a:b], start, end, seconds=seconds, in_clip=in_clip))
    segments = _segments_table(rows)
    inside = segments[["window_ids", "kind", "segment_id"]].explode("window_ids").set_index("window_ids")
    marked = issues.assign(**{name: text(issues["window_id"].map(inside[name])) for name in ("kind", "segment_id")})
    segments = segments.drop(columns="window_ids")
    return marked, segments.sort_values(["priority", "segment_id"], ascending=[False, True], kind="stable", ignore_index=True)


def change_point_parts(signal: NDArray[np.float64], *, penalty: float) -> list[tuple[int, int]]:
    """Return the parts (start, end), end exclusive, of a signal between its change points.

    They have the least squared error about their means plus penalties.

    Every earlier place is tried as the start of the last part as long as they are few; of many those that can never be best are
    forgotten (Killick et al. 2012, "PELT"), and then all but the best. So the time grows with the length, not with its square.
    Without the latter the cut would be exact, as it was all the same on simulated hours, but an hour at 5 windows a second in
    which nothing changes, where nothing can be forgotten, took 20 s in place of 2.

    Parameters
    ----------
    signal : float64, shape (n, channels)
    penalty : float
        What each further part costs.
    """
    count = len(signal)
    total = np.concatenate([np.zeros((1, signal.shape[1])), np.cumsum(signal, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((signal**2).sum(axis=1))])
    best, last = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    best[0] = -penalty
    starts = np.empty(0, np.int64)
    for end in range(1, count + 1):
        starts = np.append(starts, end - 1)
        inner = total[end] - total[starts]
        cost = best[starts] + squares[end] - squares[starts] - (inner**2).sum(axis=1) / (end - starts) + penalty
        lowest = int(cost.argmin())
        best[end], last[end] = cost[lowest], starts[lowest]
        if len(starts) > 2 * _MOST_STARTS:
            starts = starts[cost - penalty <= best[end]]
            cost = cost[cost - penalty <= best[end]]
            starts = np.sort(starts[np.argsort(cost, kind="stable")[:_MOST_STARTS]])
    found, end = [], count
    while end:
        found.append((int(last[end]), int(end)))
        end = int(last[end])
    return found[::-1]


def _thresholds(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the least error probability of the flagged windows of each window's species, shape (n,).

    So segments hold about as many windows as are flagged. The hold-out changes no threshold.
    """
    flagged = table[table["is_issue"] & (table["split"] == "audit")]
    highest = flagged.groupby("species")["label_quality"].max()
    return 1.0 - table["species"].map(highest).fillna(0.0).to_numpy(np.float64)


def _timeline(table: pd.DataFrame, block: NDArray[np.int64]) -> _Timeline:
    start, end = table["start_frame"].to_numpy(np.int64), table["end_frame"].to_numpy(np.int64)
    label = pd.factorize(table["given_label"])[0]
    middle = (start + end) // 2
    between = (middle[1:] + middle[:-1] + 1) // 2
    joined = (block[1:] == block[:-1]) & (start[1:] <= end[:-1] + 1)
    span_start, span_end = start.copy(), end.copy()
    span_start[1:] = np.where(joined, between, start[1:])
    span_end[:-1] = np.where(joined, between - 1, end[:-1])
    reviewed = table["reviewed"].to_numpy(bool)
    new = np.concatenate([[True], ~joined | (label[1:] != label[:-1]) | (reviewed[1:] != reviewed[:-1])])
    return _Timeline(start=span_start, end=span_end, bounds=np.append(np.flatnonzero(new), len(table)))


def _parts(
    table: pd.DataFrame, timeline: _Timeline, *, threshold: NDArray[np.float64], shortest: int
) -> Iterator[tuple[int, int]]:
    """Yield the parts of high error probability of every run that is not reviewed, and of bad pose, as rows of the table."""
    error = 1.0 - table["label_quality"].to_numpy(np.float64)
    suggested = pd.factorize(table["suggested_label"])[0]
    bad = table["bad_pose"].to_numpy(bool)
    flagged = table["is_issue"].to_numpy(bool)
    reviewed = table["reviewed"].to_numpy(bool)
    for a, b in pairwise(timeline.bounds):
        if reviewed[a] or not (flagged[a:b] | bad[a:b]).any():
            continue
        present = np.unique(suggested[a:b])
        channels = error[a:b, None] * (suggested[a:b, None] == present)
        bad_pose = np.where(bad[a:b], 1.0, 0.0)[:, None]
        signal = np.concatenate([channels * (1 - bad_pose), bad_pose], axis=1)
        parts = [slice(a + x, a + y) for x, y in change_point_parts(signal, penalty=_PENALTY)]
        yield from ((p.start, p.stop) for p in parts if bad[p].mean() >= _EVEN)
        high = [(p.start, p.stop) for p in parts if bad[p].mean() < _EVEN and error[p].mean() >= threshold[a]]
        yield from (p for p in _merged(high, shortest=shortest) if flagged[slice(*p)].any())


def _merged(parts: Sequence[tuple[int, int]], *, shortest: int) -> list[tuple[int, int]]:
    """Return the parts, those that touch merged where one is short: a span and where it fades are one thing to review."""
    joined: list[tuple[int, int]] = []
    for start, end in parts:
        if joined and joined[-1][1] == start and min(end - start, start - joined[-1][0]) < shortest:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _segment(part: pd.DataFrame, start: int, end: int, *, seconds: float, in_clip: Mapping[Any, int]) -> dict[str, object]:
    first = part.iloc[0]
    weight = part.groupby("suggested_label")["suggested_probability"].sum()
    suggested = str(weight.idxmax())
    quality = float(part["label_quality"].mean())
    kind = _kind(part, quality=quality, seconds=seconds * len(part), of_clip=len(part) / in_clip[str(first["clip_id"])])
    wrong_seconds = (1 - quality) * len(part) * seconds
    return {
        "segment_id": hashlib.blake2b(f"{first['clip_id']}\0{start}\0{end}\0segment".encode(), digest_size=8).hexdigest(),
        "clip_id": first["clip_id"],
        "species": first["species"],
        "start_frame": int(start),
        "end_frame": int(end),
        "given_label": first["given_label"],
        "suggested_label": suggested,
        "suggested_probability": float(part.loc[part["suggested_label"] == suggested, "suggested_probability"].mean()),
        "label_quality": quality,
        "windows": len(part),
        "kind": kind,
        "priority": (0.0 if kind == "bad_pose" else 1.0) * wrong_seconds / (_OVERHEAD + len(part) * seconds),
        "split": first["split"],
        "window_ids": part["window_id"].tolist(),
    }


def _kind(part: pd.DataFrame, *, quality: float, seconds: float, of_clip: float) -> str:
    if part["bad_pose"].mean() >= _EVEN:
        return "bad_pose"
    if float(part["wrong_clip"].mean()) > _EVEN or of_clip >= _WHOLE_CLIP:
        return "wrong_clip"
    if part["mixed"].any() and seconds <= _LONGEST_BOUNDARY:
        return "boundary"
    return "ambiguous" if quality >= _EVEN else "contaminated"


def _segments_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return segments with the types of their table, and the windows of each in ``window_ids``."""
    types = {name: column.dtype.type for name, column in SEGMENTS.columns.items()}
    return pd.DataFrame(rows, columns=[*types, "window_ids"]).astype(types)
