"""The rows of a table, split into clips and frames; what is wrong with a clip rejects that clip, and only it.

Whole columns are looked at, never single rows; the rules for frames and times (:mod:`pipeline.readers.checks`) are asked clip by
clip only about the clips in which something is out of the ordinary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.confidences import confidence_columns
from data_schemas.config import Config
from data_schemas.errors import ConfigError
from data_schemas.labels import Taxonomy
from data_schemas.skeletons import Skeleton
from data_schemas.tables import LABEL_SOURCES, text_by_code
from pipeline.readers.checks import LARGEST, UNSIZED_LIMIT, Unreadable, fill_times, impossible_keypoints, order_frames
from pipeline.readers.recordings import ReaderMessage, clips_table
from pipeline.readers.tables.repeats import resolve_repeats
from pipeline.readers.tables.table_clips import (
    Declared,
    FrameClasses,
    declared_of_clips,
    facts_of_clips,
    frame_classes,
    label_sources,
    rates_of_clips,
)
from pipeline.readers.tables.table_columns import Rows
from pipeline.readers.tables.table_files import TableFile
from pipeline.readers.unseen import unseen_keypoints, unseen_note

_MOST_SURE = 2.0
"""Confidences are shares, though some tools let them pass 1; a median beyond this is no share."""


def split_rows(
    files: Sequence[TableFile],
    *,
    skeleton: Skeleton,
    config: Config,
    taxonomy: Taxonomy | None,
    rejected: list[ReaderMessage],
    notes: list[ReaderMessage],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips and the frames of a table, neither validated; messages are added to the lists."""
    rows = Rows(files)
    points, confidences = _poses(rows, skeleton, config=config)
    _drop_unseen(rows, points, confidences, skeleton)
    rate = _declared_rates(rows)
    exact = _times(rows, rate)
    time = np.rint(exact)
    resolve_repeats(rows, {**dict(zip(skeleton.columns, points, strict=True)), **confidences, "timestamp_ms": time})
    kept = _frames_to_keep(rows, exact, points)
    declared = declared_of_clips(rows)
    labels = frame_classes(rows, declared, taxonomy=taxonomy)
    sources = label_sources(rows, labels)
    rates = rates_of_clips(rows, time, declared=rate, kept=kept)
    facts = facts_of_clips(rows, declared, labels=labels, rates=rates, config=config, taxonomy=taxonomy)
    good = [clip for clip in range(len(rows.names)) if clip not in rows.rejected_clips]
    kept &= ~rows.in_rejected_clips()
    _note_unlabelled(rows, labels, declared, kept)
    rejected += rows.rejected
    notes += rows.notes
    counts = np.bincount(rows.clip[kept], minlength=len(rows.names))
    clips = clips_table([facts[c] | {"skeleton": skeleton.name, "frame_count": int(counts[c])} for c in good])
    columns: dict[str, Any] = {
        "clip_id": text_by_code(rows.names, rows.clip[kept]),
        "frame_number": rows.number[kept].astype(np.int32),
        "timestamp_ms": time[kept].astype(np.int32),
        **{name: values[kept] for name, values in zip(skeleton.columns, points, strict=True)},
        **{name: values[kept] for name, values in confidences.items()},
    }
    if labels is not None:
        columns["frame_label"] = text_by_code(labels[0], labels[1][kept])
        if sources is not None:
            columns["label_source"] = text_by_code(LABEL_SOURCES, sources[kept])
    if "image" in rows:
        columns["image"] = rows.paths("image")[kept]
    return clips, pd.DataFrame(columns, copy=False)


def _note_unlabelled(rows: Rows, labels: FrameClasses | None, declared: Declared, kept: NDArray[np.bool_]) -> None:
    """Note the frames that nobody labelled, in clips that are labelled frame by frame, and the clips of which no frame was."""
    codes = np.full(len(rows), -1) if labels is None else labels[1]
    by_frame = np.bincount(rows.clip[codes >= 0], minlength=len(rows.names)) > 0
    rows.note("a frame has no label where others of its clip have one: unlabelled", kept & (codes < 0) & by_frame[rows.clip])
    for clip in np.flatnonzero(~by_frame).tolist():
        if declared[clip]["label"] is None and clip not in rows.rejected_clips:
            rows.note_clip(clip, {"neither the clip nor any frame of it has a label: unlabelled": 1})


def _poses(rows: Rows, skeleton: Skeleton, *, config: Config) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Return coordinates, shape (2 x keypoints, rows), with impossible ones missing, and confidences by column.

    A keypoint at a time: all of them in double precision would need as much memory as all the rest.
    """
    points = np.empty((2 * len(skeleton.keypoints), len(rows)), np.float32)
    confidences: dict[str, NDArray[np.float32]] = {}
    columns = confidence_columns(rows.columns, skeleton.keypoints)
    for i, keypoint in enumerate(skeleton.keypoints):
        xy = np.stack([rows.numbers(f"{keypoint}_x"), rows.numbers(f"{keypoint}_y")], axis=1)
        for note, where in impossible_keypoints(xy[:, None], limit=UNSIZED_LIMIT).items():
            rows.note(note, where[:, 0])
            xy[where[:, 0]] = np.nan
        if keypoint in columns:
            confidence = rows.numbers(columns[keypoint])
            with np.errstate(over="ignore"):
                confidences[f"{keypoint}_confidence"] = confidence.astype(np.float32)
            _require_shares(confidence, columns[keypoint], config=config)
            # An empty confidence is unknown, not low: some tools leave it empty where a person corrected the keypoint.
            xy[confidence < config.pose.min_confidence] = np.nan
        points[2 * i : 2 * i + 2] = xy.T
    return points, confidences


def _require_shares(confidence: NDArray[np.float64], column: str, *, config: Config) -> None:
    """Refuse to compare confidences in percent with a least confidence, which is a share."""
    known = confidence[~np.isnan(confidence)] if config.pose.min_confidence > 0 else confidence[:0]
    if len(known) and (middle := float(np.median(known))) > _MOST_SURE:
        raise ConfigError(
            f"pose.min_confidence = {config.pose.min_confidence:g} is a share, and half of column {column} is above {middle:g}",
            hint="divide the column by 100 if it holds percent, or leave pose.min_confidence at 0",
        )


def _drop_unseen(
    rows: Rows, points: NDArray[np.float32], confidences: dict[str, NDArray[np.float32]], skeleton: Skeleton
) -> None:
    """Let keypoints be missing that stand where a tool puts those that it does not see; with the note of how many."""
    known = [confidences.get(f"{name}_confidence") for name in skeleton.keypoints]
    for found in list(unseen_keypoints(points, rows.clip, known, any_place=True)):
        points[2 * found.keypoint : 2 * found.keypoint + 2, found.rows] = np.nan
        rows.note(unseen_note(found.place), found.rows, place=skeleton.keypoints[found.keypoint])


def _declared_rates(rows: Rows) -> NDArray[np.float64]:
    """Return the declared frame rate of each clip, frames a second, NaN where the table has none; shape (clips,)."""
    if "fps" not in rows:
        return np.full(len(rows.names), np.nan)
    declared = rows.numbers("fps")
    known = np.flatnonzero(~np.isnan(declared))
    clips, first = np.unique(rows.clip[known], return_index=True)
    rate = np.full(len(rows.names), np.nan)
    rate[clips] = declared[known[first]]
    rows.reject_rows(
        ~(declared > 0) & ~np.isnan(declared) | np.isinf(declared), "fps", lambda row: f"{declared[row]:.15g} is no frame rate"
    )
    rows.reject_rows(~np.isnan(declared) & (declared != rate[rows.clip]), "fps", "fps changes within the clip")
    return np.where((rate > 0) & np.isfinite(rate), rate, np.nan)


def _times(rows: Rows, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the time of every row in ms; where none is given it follows from frame number and rate."""
    timed_column = "timestamp_ms" in rows
    time = rows.numbers("timestamp_ms") if timed_column else np.full(len(rows), np.nan)
    timed = np.bincount(rows.clip[~np.isnan(time)], minlength=len(rows.names)) > 0
    by_rate = (~timed & ~np.isnan(rate))[rows.clip]
    with np.errstate(over="ignore"):
        time = np.where(by_rate, rows.number * 1000.0 / rate[rows.clip], time)
    if timed_column:
        rows.note("a time was missing: computed from the frame number", by_rate)
    for clip in np.unique(rows.clip[np.isnan(time) & ~rows.in_rejected_clips()]).tolist():
        span = rows.span(clip)
        try:
            declared_rate = None if np.isnan(rate[clip]) else float(rate[clip])
            time[span], repaired = fill_times(rows.whole(span), time[span], place="{row}", rate=declared_rate)
            rows.note_clip(clip, repaired)
        except Unreadable as error:
            row = span.start + int(error.place)
            rows.reject_clip(clip, error.reason, place=rows.place(row, "timestamp_ms" if timed_column else "fps"))
    return time


def _frames_to_keep(rows: Rows, time: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows to keep: frames given twice alike are kept once, and clips whose frames cannot be are rejected."""
    number, whole = rows.number, np.rint(time)
    within = np.diff(rows.clip, prepend=-1) == 0
    with np.errstate(invalid="ignore"):
        ordinary = (number >= 0) & (number <= LARGEST) & (time >= 0) & (time <= LARGEST)
        ordinary &= ~within | ((np.diff(number, prepend=-1) > 0) & (np.diff(whole, prepend=-1) > 0))
    kept = np.ones(len(rows), bool)
    for clip in np.unique(rows.clip[~ordinary & ~rows.in_rejected_clips()]).tolist():
        span = rows.span(clip)
        xy = points[:, span].T.reshape(span.stop - span.start, -1, 2)
        try:
            order, repaired = order_frames(rows.whole(span), time[span], xy, place="{row}")
            kept[span] = False
            kept[span.start + order] = True
            rows.note_clip(clip, repaired)
        except Unreadable as error:
            rows.reject_clip(clip, error.reason, place=rows.place(span.start + int(error.place)))
    return kept
