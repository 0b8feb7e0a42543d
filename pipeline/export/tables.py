"""The tables of an export: each frame with its label after review, and how tables are written, part by part."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from data_schemas.tables import CLEAN_FRAMES, keypoints_of, text_by_code, validate
from pipeline.readers.spreadsheets import guarded_table

_OF_CLIP = ("subject_id", "recording_id", "species", "label", "other_label", "breed", "gender", "date")
_NUMBERS_OF_CLIP = ("age", "fps")


def clean_frames(frames: pd.DataFrame, after: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Return the frames that are left, each with its label after review and the facts of its clip.

    Parameters
    ----------
    frames
        A part of the run's frames table.
    after
        The same rows after review (see :func:`pipeline.review.frame_labels.review_frames`).
    clips
        The clips table, with the labels after review.
    """
    left = ~after["excluded"].to_numpy(bool)
    frames, after = frames[left].reset_index(drop=True), after[left].reset_index(drop=True)
    clip = pd.Index(clips["clip_id"]).get_indexer(frames["clip_id"])
    columns = {name: frames[name] for name in ("clip_id", "frame_number", "timestamp_ms")}
    for name in _OF_CLIP:
        place, names = pd.factorize(clips[name])
        columns[name] = pd.Series(text_by_code(list(names), place[clip]))
    columns |= {name: pd.Series(clips[name].to_numpy()[clip]) for name in _NUMBERS_OF_CLIP}
    columns |= {"frame_label": after["label"], "given_label": after["given"]}
    columns |= {"label_source": after["label_source"].where(after["label"].notna())}
    columns |= {name: after[name] for name in ("event_id", "mark")}
    columns |= {name: frames[name] for name in _poses_and_pictures(frames)}
    return pd.DataFrame({name: columns[name] for name in _ordered(columns, CLEAN_FRAMES)}, copy=False)


def _poses_and_pictures(frames: pd.DataFrame) -> list[str]:
    parts = [f"{k}_{part}" for k in keypoints_of(list(frames.columns)) for part in ("x", "y", "confidence")]
    return [name for name in (*parts, "image") if name in frames]


def _ordered(columns: dict[str, pd.Series], schema: pa.DataFrameSchema) -> list[str]:
    """Return the names of columns as the schema orders them, those that it knows by a pattern (keypoints) last."""
    named = [name for name in schema.columns if name in columns]
    return named + [name for name in columns if name not in named]


@dataclass(frozen=True)
class WrittenTable:
    """A table that was written, under the names of its files."""

    names: tuple[str, ...]
    rows: int


def write_parts(folder: Path, name: str, parts: Iterable[pd.DataFrame], *, schema: pa.DataFrameSchema, csv: bool) -> WrittenTable:
    """Write the parts of a table, one after the other; there is at least one, and it may be empty.

    The same parts give the same bytes: nothing in the files depends on when they were written.

    Raises
    ------
    TableError
        A part breaks the schema.
    """
    names = (f"{name}.parquet", *([f"{name}.csv"] if csv else []))
    rows = 0
    spreadsheet: pyarrow.csv.CSVWriter | None = None
    arrow_schema = None
    with ExitStack() as opened:
        for part in parts:
            valid = validate(part, schema, source=f"{name} (as made)")
            table = pyarrow.Table.from_pandas(valid, schema=arrow_schema, preserve_index=False)
            if arrow_schema is None:
                arrow_schema = table.schema
                parquet = opened.enter_context(pyarrow.parquet.ParquetWriter(folder / names[0], arrow_schema, compression="zstd"))
                if csv:
                    spreadsheet = opened.enter_context(pyarrow.csv.CSVWriter(folder / names[1], guarded_table(table).schema))
            parquet.write_table(table)
            if spreadsheet is not None:
                spreadsheet.write_table(guarded_table(table))
            rows += len(valid)
    return WrittenTable(names, rows)
