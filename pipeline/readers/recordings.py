"""What every reader gives back, and how its parts become tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.skeletons import Skeleton
from data_schemas.tables import CLIPS, FRAMES, READER_MESSAGES, text, text_by_code, validate
from pipeline.readers.checks import Unreadable
from pipeline.readers.names import shown_path, writable

_NUMBERS = {"fps": "float64", "age": "float64", "frame_count": "int32"}


@dataclass(frozen=True)
class ReaderMessage:
    """A message of a reader: something rejected or repaired, in which file, where in it, why, and how often."""

    file: str
    place: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Clip:
    """One clip as read: facts for the clips table, arrays for the frames table.

    Attributes
    ----------
    facts : dict
        The columns of the clips table but ``skeleton`` and ``frame_count``.
    frame_number, timestamp_ms : int32, shape (frames,)
        Strictly increasing, both.
    xy : float32, shape (frames, keypoints, 2)
        Pixels; NaN where missing.
    images : list of str or None, or None
        The path of each frame's picture, where the clip has any.
    notes : dict
        What was repaired while reading, and how often.
    """

    facts: dict[str, Any]
    frame_number: NDArray[np.int32]
    timestamp_ms: NDArray[np.int32]
    xy: NDArray[np.float32]
    images: Sequence[str | None] | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Recordings:
    """All that a source holds, as validated tables, and what their columns and labels mean.

    Attributes
    ----------
    clips, frames : DataFrame
        Frames lie in the order of the clips, and by frame number.
    rejected, notes : DataFrame
        What was rejected, and what was repaired on reading: file, place, reason.
    skeleton : Skeleton
        The keypoints, in the order of the columns of ``frames``.
    taxonomy : Taxonomy or None
        What the labels mean; None where they stand for themselves.
    """

    clips: pd.DataFrame
    frames: pd.DataFrame
    rejected: pd.DataFrame
    notes: pd.DataFrame
    skeleton: Skeleton
    taxonomy: Taxonomy | None


def group_of(
    clip_id: str,
    *,
    recording: str | None,
    animal: Mapping[str, str | None],
    config: Config,
    places: Mapping[str, str] | None = None,
) -> str:
    """Return the group of the folds that a clip belongs to.

    Parameters
    ----------
    recording : str or None
        The recording that the clip was cut from.
    animal : dict
        What distinguishes the animals, by name: a subject, or AI-Hub's date, breed, gender and age; all must be known.
    places : dict, optional
        Where the source holds each of these, for the message.

    Raises
    ------
    Unreadable
        The group is not known, and the configuration does not let such a clip be its own.
    """
    by = config.groups.by
    if by == "clip":
        return clip_id
    parts = {"recording": recording} if by == "recording" else animal
    missing = [name for name, value in parts.items() if value is None]
    if not missing:
        return "|".join(str(value) for value in parts.values())
    if config.groups.missing == "clip":
        return clip_id
    raise Unreadable(
        (places or {}).get(missing[0], ""),
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, so the {by} is not known and no fold can keep it "
        'apart: complete it, or set groups.missing = "clip" in audit.toml',
    )


def assemble(
    clips: list[Clip],
    *,
    skeleton: Skeleton,
    taxonomy: Taxonomy | None,
    rejected: Iterable[ReaderMessage],
    notes: Iterable[ReaderMessage],
) -> Recordings:
    """Lay clips one after the other and validate the tables. ``clips`` is emptied, so that poses are not held twice."""
    table = clips_table([c.facts | {"skeleton": skeleton.name, "frame_count": len(c.frame_number)} for c in clips])
    repaired = [ReaderMessage(str(c.facts["source"]), "", reason, count) for c in clips for reason, count in c.notes.items()]
    columns = _frame_columns(clips, skeleton)
    return Recordings(
        clips=validate(table, CLIPS, source="clips as read"),
        frames=validate(pd.DataFrame(columns, copy=False), FRAMES, source="frames as read"),
        rejected=messages_table(rejected),
        notes=messages_table([*notes, *repaired]),
        skeleton=skeleton,
        taxonomy=taxonomy,
    )


def clips_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return facts of clips as a clips table, not yet validated."""
    values = {name: [row[name] for row in rows] for name in CLIPS.columns}
    return pd.DataFrame({n: np.array(v, _NUMBERS[n]) if n in _NUMBERS else text(v) for n, v in values.items()})


def _frame_columns(clips: list[Clip], skeleton: Skeleton) -> dict[str, Any]:
    lengths = [len(c.frame_number) for c in clips]
    columns: dict[str, Any] = {
        "clip_id": text_by_code([c.facts["clip_id"] for c in clips], np.repeat(np.arange(len(clips)), lengths)),
        "frame_number": np.concatenate([c.frame_number for c in clips] or [np.empty(0, np.int32)]),
        "timestamp_ms": np.concatenate([c.timestamp_ms for c in clips] or [np.empty(0, np.int32)]),
    }
    images = _images(clips)
    points = np.empty((2 * len(skeleton.keypoints), sum(lengths)), np.float32)
    start = 0
    clips.reverse()
    while clips:
        xy = clips.pop().xy
        points[:, start : start + len(xy)] = xy.reshape(len(xy), -1).T
        start += len(xy)
    columns |= dict(zip(skeleton.columns, points, strict=True))
    return columns | ({"image": images} if images is not None else {})


def _images(clips: Sequence[Clip]) -> Any:
    """Return the picture of every frame, or None where no clip has any."""
    if all(c.images is None for c in clips):
        return None
    # A clip at a time: millions of paths are far smaller in Arrow than as Python strings.
    arrays = [pa.array(c.images or [None] * len(c.frame_number), pa.large_string()) for c in clips]
    return pd.array(pa.chunked_array(arrays, pa.large_string()).combine_chunks(), dtype="str")


def messages_table(messages: Iterable[ReaderMessage]) -> pd.DataFrame:
    """Return messages as a table, sorted; equal ones are one row with their number."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for message in messages:
        counted[shown_path(message.file), writable(message.place), writable(message.reason)] += message.count
    rows = [(f, p, r if n == 1 else f"{r} ({n} times)") for (f, p, r), n in sorted(counted.items())]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    table = pd.DataFrame({name: text(list(c)) for name, c in zip(("file", "place", "reason"), columns, strict=True)})
    return validate(table, READER_MESSAGES, source="reader messages")
