"""Tables of frames as other programs hold them, read by their columns alone: pandas or anything that is indexed like it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from data_schemas.confidences import confidence_columns
from data_schemas.errors import DataError

__all__ = ["ClipFrames", "FrameTable", "clips_of", "is_table", "missing_keypoints"]


class FrameTable(Protocol):
    """A table with a row a frame; a DataFrame of pandas is one."""

    @property
    def columns(self) -> Iterable[str]:
        """Return the names of the columns."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""


@dataclass(frozen=True)
class ClipFrames:
    """The frames of one clip.

    Attributes
    ----------
    clip_id : str
        Its name; empty where the table has no ``clip_id``.
    xy : float32, shape (frames, keypoints, 2)
        Coordinates in the table's units; NaN where missing.
    time_ms : float64, shape (frames,)
        When each frame was taken, in milliseconds.
    confidence : float64, shape (frames, keypoints), optional
        How sure the pose estimator was, 0..1; NaN where unknown, None where the table has no such column.
    """

    clip_id: str
    xy: NDArray[np.float32]
    time_ms: NDArray[np.float64]
    confidence: NDArray[np.float64] | None = None


def is_table(frames: object) -> TypeGuard[FrameTable]:
    """Tell whether something is a table with named columns rather than an array."""
    return hasattr(frames, "columns") and hasattr(frames, "__getitem__")


def missing_keypoints(columns: Iterable[str], keypoints: Sequence[str]) -> tuple[str, ...]:
    """Return the keypoints of a model that a table lacks."""
    known = set(columns)
    return tuple(k for k in keypoints if not {f"{k}_x", f"{k}_y"} <= known)


def clips_of(table: FrameTable, keypoints: Sequence[str], *, fps: float) -> Iterator[ClipFrames]:
    """Yield the clips of a table in the order in which they appear.

    Columns are ``NAME_x`` and ``NAME_y`` of every keypoint, null where missing; ``timestamp_ms`` or else ``frame_number``, which
    ``fps`` turns into times, or else the rows follow each other at ``fps``; and ``clip_id`` where there are several clips. A
    keypoint may have a confidence, as ``NAME_confidence`` (see :mod:`data_schemas.confidences`). Other columns are ignored.

    Raises
    ------
    DataError
        A keypoint of the model is missing, or a column holds something else than numbers.
    """
    columns = [str(c) for c in table.columns]
    missing = missing_keypoints(columns, keypoints)
    if missing:
        there = [m[1] for c in columns if (m := re.fullmatch("(.+)_x", c))]
        raise DataError(
            f"the table lacks keypoints that the model needs: {', '.join(missing)}",
            hint=f"it has {', '.join(there) or 'none'}; name the columns NAME_x and NAME_y as the model does",
        )
    xy = np.stack([_numbers(table, f"{k}_{a}") for k in keypoints for a in "xy"], axis=1).astype(np.float32)
    poses = xy.reshape(len(xy), len(keypoints), 2)
    confidence = _confidences(table, columns, keypoints)
    if "timestamp_ms" in columns:
        time = _numbers(table, "timestamp_ms")
    else:
        number = _numbers(table, "frame_number") if "frame_number" in columns else np.arange(len(poses), dtype=np.float64)
        time = number * 1000.0 / fps
    if "clip_id" not in columns:
        yield ClipFrames("", poses, time, confidence)
        return
    names = np.array([str(name) for name in table["clip_id"]], object)
    _, first, code = np.unique(names.astype(str), return_index=True, return_inverse=True)
    for clip in np.argsort(first):
        rows = code == clip
        yield ClipFrames(str(names[first[clip]]), poses[rows], time[rows], None if confidence is None else confidence[rows])


def _confidences(table: FrameTable, columns: Sequence[str], keypoints: Sequence[str]) -> NDArray[np.float64] | None:
    found = confidence_columns(columns, keypoints)
    if not found:
        return None
    unknown = np.full(len(_numbers(table, next(iter(found.values())))), np.nan)
    return np.stack([_numbers(table, found[k]) if k in found else unknown for k in keypoints], axis=1)


def _numbers(table: FrameTable, column: str) -> NDArray[np.float64]:
    try:
        return np.array(table[column], np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column}: {error}", hint="give numbers, null where a keypoint is missing") from error
