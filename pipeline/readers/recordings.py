"""What every reader gives back, and how its parts become tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.skeletons import Skeleton
from data_schemas.tables import CLIPS, FRAMES, REMARKS, text, validate

__all__ = ["Clip", "Progress", "Recordings", "Remark", "assemble", "group_of", "remarks_table"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Remark:
    """Something set aside or mended: in which file, where in it, and why."""

    file: str
    place: str
    reason: str


@dataclass(frozen=True)
class Clip:
    """One clip as read: facts for the clips table, arrays for the frames table.

    Attributes
    ----------
    facts : dict
        The columns of the clips table but ``subject_id`` and ``frame_count``.
    frame_number, timestamp_ms : int32, shape (frames,)
        Strictly increasing, and not decreasing.
    xy : float32, shape (frames, keypoints, 2)
        NaN where missing.
    """

    facts: dict[str, Any]
    frame_number: NDArray[np.int32]
    timestamp_ms: NDArray[np.int32]
    xy: NDArray[np.float32]
    images: Sequence[str | None] | None = None
    notes: list[Remark] = field(default_factory=list)


@dataclass(frozen=True)
class Recordings:
    """All that a source holds, as validated tables.

    Attributes
    ----------
    clips, frames : DataFrame
        Frames lie in the order of the clips, and by frame number.
    rejected, notes : DataFrame
        What was set aside, and what was mended on reading.
    """

    clips: pd.DataFrame
    frames: pd.DataFrame
    rejected: pd.DataFrame
    notes: pd.DataFrame


def group_of(facts: Mapping[Any, Any], *, animal: Sequence[Any], config: Config) -> str | Remark:
    """Return the group of the folds that a clip belongs to, or the reason why it has none.

    ``animal`` holds what names the animal: a subject, or AI-Hub's date, breed, gender and age; all must be known.
    """
    by = config.groups.by
    if by == "clip":
        return str(facts["clip_id"])
    parts = [facts["recording_id"]] if by == "recording" else list(animal)
    if all(_told(p) for p in parts):
        return "|".join(str(p) for p in parts)
    if config.groups.missing == "clip":
        return str(facts["clip_id"])
    told = " | ".join(str(p) if _told(p) else "?" for p in parts)
    way = 'complete it, or set groups.missing = "clip" in audit.toml'
    return Remark(str(facts["source"]), "", f"its {by} is not known ({told}), so no fold can keep it apart: {way}")


def _told(fact: Any) -> bool:
    """Tell whether a fact is there: neither null, nor NaN, nor blank."""
    return not pd.isna(fact) and bool(str(fact).strip())


def assemble(clips: Sequence[Clip], skeleton: Skeleton, *, rejected: Iterable[Remark], notes: Iterable[Remark]) -> Recordings:
    """Lay clips one after the other and validate the tables."""
    lengths = np.array([len(c.frame_number) for c in clips], np.int64)
    clip_table = pd.DataFrame([c.facts | {"frame_count": len(c.frame_number)} for c in clips], columns=list(CLIPS.columns))
    clip_table = _typed_clips(clip_table)
    columns: dict[str, Any] = {
        "clip_id": text(np.repeat(clip_table["clip_id"].to_numpy(object), lengths)),
        "frame_number": _joined([c.frame_number for c in clips], np.int32),
        "timestamp_ms": _joined([c.timestamp_ms for c in clips], np.int32),
    }
    xy = np.concatenate([c.xy for c in clips]) if clips else np.empty((0, len(skeleton.keypoints), 2), np.float32)
    flat = xy.reshape(len(xy), 2 * len(skeleton.keypoints))
    columns |= {name: flat[:, i] for i, name in enumerate(skeleton.columns)}
    if any(c.images is not None for c in clips):
        columns["image"] = text([i for c in clips for i in (c.images if c.images is not None else [None] * len(c.frame_number))])
    return Recordings(
        clips=validate(clip_table, CLIPS, source="clips as read"),
        frames=validate(pd.DataFrame(columns), FRAMES, source="frames as read"),
        rejected=remarks_table(rejected),
        notes=remarks_table(notes),
    )


def remarks_table(remarks: Iterable[Remark]) -> pd.DataFrame:
    """Return remarks as a table, sorted, equal ones once with their number."""
    counted = Counter((r.file, r.place, r.reason) for r in remarks)
    rows = [(f, p, r if n == 1 else f"{r} ({n} times)") for (f, p, r), n in sorted(counted.items())]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    table = pd.DataFrame({name: text(list(c)) for name, c in zip(("file", "place", "reason"), columns, strict=True)})
    return validate(table, REMARKS, source="remarks")


def _typed_clips(table: pd.DataFrame) -> pd.DataFrame:
    typed = {
        name: text(table[name].to_numpy(object)) for name in table.columns if CLIPS.columns[name].dtype.type is not np.float64
    }
    numbers = {"fps": "float64", "age": "float64", "frame_count": "int32"}
    return table.assign(**{k: v for k, v in typed.items() if k not in numbers}).astype(numbers)


def _joined(parts: list[NDArray[np.int32]], dtype: type[np.int32]) -> NDArray[np.int32]:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype)
