"""Reader of tables: Parquet or CSV with one row a frame, a label per clip (``label``) or per frame (``frame_label``)."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow

from data_schemas.config import Config
from data_schemas.errors import SourceError
from data_schemas.labels import Taxonomy, nearest
from data_schemas.tables import CLIPS, FRAMES, keypoints_of, validate
from pipeline.readers.recordings import Recordings, Remark, remarks_table
from pipeline.readers.table_rows import CLIP_TEXT, split_rows

__all__ = ["ENDINGS", "read_tables"]

ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv")

_KNOWN = ("clip_id", "frame_number", "timestamp_ms", "frame_label", "image", "fps", "age", *CLIP_TEXT)


def read_tables(paths: Sequence[tuple[str, Path]], *, config: Config, taxonomy: Taxonomy | None) -> Recordings:
    """Read tables that together hold the frames of all clips.

    Parameters
    ----------
    paths : sequence of (name below the source, path)
        Files with the same columns, in order.

    Raises
    ------
    SourceError
        A column that is needed is missing, or no file can be read.
    """
    rejected: list[Remark] = []
    notes: list[Remark] = []
    parts = []
    for name, path in paths:
        try:
            data = path.read_bytes()
            part = _parse(path, data)
        except (OSError, ValueError, pyarrow.ArrowException, EOFError) as error:
            rejected.append(
                Remark(name, "", f"not a readable table: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
            )
            continue
        part.attrs["source"] = name
        part["_source"], part["_hash"] = name, hashlib.blake2b(data, digest_size=16).hexdigest()
        parts.append(part)
    parts = _same_kind(parts, rejected)
    if not parts:
        why = "; ".join(f"{r.file}: {r.reason}" for r in rejected[:3]) or "no table"
        raise SourceError(why, hint="give Parquet or CSV with one row a frame; docs/data-formats.md shows the columns")
    frames = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    source = paths[0][0] if len(paths) == 1 else "tables"
    _require_columns(frames, source=source, config=config)
    notes += [
        Remark(source, c, "unknown column: ignored") for c in frames.columns if _unknown(str(c), [str(k) for k in frames.columns])
    ]
    clips, frames = split_rows(frames, config=config, taxonomy=taxonomy, rejected=rejected, notes=notes)
    return Recordings(
        clips=validate(clips, CLIPS, source=source),
        frames=validate(frames, FRAMES, source=source),
        rejected=remarks_table(rejected),
        notes=remarks_table(notes),
    )


def _parse(path: Path, data: bytes) -> pd.DataFrame:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return pd.read_parquet(io.BytesIO(data))
    plain = gzip.decompress(data) if name.endswith(".gz") else data
    written = plain.decode("utf-8-sig")
    first_line = written.partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    names = {c.strip().strip('"') for c in first_line.split(separator)}
    as_text = {c: "str" for c in names if c in ("clip_id", "frame_label", "image", *CLIP_TEXT)}
    return pd.read_csv(io.StringIO(written), sep=separator, dtype=as_text)


def _same_kind(parts: list[pd.DataFrame], rejected: list[Remark]) -> list[pd.DataFrame]:
    """Return the tables that hold frames; where some do, others that hold none, or no row, are set aside."""
    some = any({"clip_id", "frame_number"} <= set(p.columns) for p in parts)
    kept = []
    for part in parts:
        missing = [c for c in ("clip_id", "frame_number") if c not in part]
        if part.empty:
            source = str(part.attrs["source"])
            rejected.append(Remark(source, "", "the table has no row"))
        elif some and missing:
            rejected.append(Remark(str(part["_source"].iloc[0]), "", f"not a table of frames: column {missing[0]} is missing"))
        else:
            kept.append(part)
    return kept


def _require_columns(frames: pd.DataFrame, *, source: str, config: Config) -> None:
    columns = [str(c) for c in frames.columns]
    needed: list[tuple[str, ...]] = [("clip_id",), ("frame_number",), ("timestamp_ms", "fps"), ("label", "frame_label")]
    if config.groups.missing == "reject" and config.groups.by != "clip":
        needed.append(("recording_id",) if config.groups.by == "recording" else ("subject_id", "recording_id"))
    for choices in needed:
        if not set(choices) & set(columns):
            close = next((n for c in choices if (n := nearest(c, [k for k in columns if k not in _KNOWN]))), None)
            why = (
                " (the group of the folds; or set groups.by or groups.missing in audit.toml)" if "recording_id" in choices else ""
            )
            raise SourceError(
                f"{source}: column {' or '.join(choices)} is missing{why}",
                hint=f"is it called {close!r}? Rename it to {choices[0]}"
                if close
                else "docs/data-formats.md shows the columns of a table",
            )
    if not keypoints_of(columns):
        raise SourceError(
            f"{source}: no keypoint: expected columns such as nose_x and nose_y, got {', '.join(columns[:8])}",
            hint="name every keypoint's coordinates NAME_x and NAME_y",
        )


def _unknown(column: str, columns: Sequence[str]) -> bool:
    points = keypoints_of([str(c) for c in columns])
    return (
        column not in _KNOWN
        and not column.startswith("_")
        and column not in {f"{k}_{p}" for k in points for p in ("x", "y", "confidence")}
    )
