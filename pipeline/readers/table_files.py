"""From one file to a data frame: Parquet and CSV, with only the columns that mean something here."""

from __future__ import annotations

import gzip
import hashlib
import io
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_schemas.labels import normal_name
from pipeline.readers.checks import Unreadable
from pipeline.readers.encodings import decode_text
from pipeline.readers.pose_columns import pose_columns, telling_columns
from pipeline.readers.recordings import Remark

__all__ = ["CLIP_TEXT", "ENDINGS", "NAMED", "TableFile", "read_table_file"]

ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv")

CLIP_TEXT = ("label", "subject_id", "recording_id", "species", "breed", "gender", "date", "other_label", "age")
"""Columns that say something of a clip as a whole, the same in all its rows."""

_TEXT = ("clip_id", "frame_label", "label_source", "image", *CLIP_TEXT)
NAMED = ("frame_number", "timestamp_ms", "fps", *_TEXT)
"""All columns that have a meaning, but those of the keypoints."""


@dataclass(frozen=True)
class TableFile:
    """A file of a table.

    Attributes
    ----------
    name, digest : str
        Its path below the source as it is shown, and the hash of its bytes.
    columns : tuple of str
        All that it names.
    rows : DataFrame
        Only the columns that are known, or may tell who or what a row is of, as written.
    remarks : list of Remark
        Rows that were left out.
    notes : list of Remark
        What was mended or ignored.
    """

    name: str
    digest: str
    columns: tuple[str, ...]
    rows: pd.DataFrame
    remarks: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)


def read_table_file(name: str, path: Path) -> TableFile:
    """Read one file.

    Raises
    ------
    Unreadable
        It is not a table, or a column holds what no number or name can be read from.
    """
    remarks: list[Remark] = []
    notes: list[Remark] = []
    try:
        data = path.read_bytes()
        if path.name.lower().endswith(".parquet"):
            rows, columns = _parquet(data)
        else:
            text, told = decode_text(gzip.decompress(data) if path.name.lower().endswith(".gz") else data)
            notes += [Remark(name, "", note, count) for note, count in told.items()]
            rows, columns = _csv(text, name=name, remarks=remarks)
    except Unreadable as error:
        raise Unreadable(error.place, f"not a readable table: {error.reason}") from error
    except (OSError, ValueError, pa.ArrowException, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise Unreadable("", f"not a readable table: {reason}") from error
    notes += [Remark(name, column, "unknown column: ignored") for column in columns if column not in _known(columns)]
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return TableFile(name, digest, tuple(columns), rows, remarks, notes)


def _known(columns: Sequence[str]) -> set[str]:
    return {*NAMED, *pose_columns(columns)}


def _parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    file = pq.ParquetFile(pa.BufferReader(data))
    columns = [c for c in file.schema_arrow.names if not c.startswith("__index_level_")]
    _refuse_repeated(columns)
    known = _known(columns) | telling_columns(columns)
    table = file.read(columns=[c for c in columns if c in known])
    # Bytes that are no UTF-8 would fail long after this, wherever a name is looked at first.
    table.validate(full=True)
    arrays = {f.name: _plain_column(table[f.name], f.name) for f in table.schema}
    return pa.table(arrays).to_pandas(), columns


def _plain_column(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_nested(column.type) or (pa.types.is_temporal(column.type) and name not in _TEXT):
        raise ValueError(f"column {name} holds {column.type}, not {'names' if name in _TEXT else 'numbers'}")
    return column


def _csv(text: str, *, name: str, remarks: list[Remark]) -> tuple[pd.DataFrame, list[str]]:
    first_line = text.lstrip("\r\n").partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    header = [str(c) for c in pd.read_csv(io.StringIO(first_line), sep=separator, header=None, dtype="str").iloc[0].fillna("")]
    columns = [normal_name(c) for c in header]
    _refuse_repeated([c for c in columns if c])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        rows = pd.read_csv(
            io.BytesIO(text.encode()),  # three times as fast as text
            sep=separator,
            names=[c or f"nameless {i}" for i, c in enumerate(columns)],
            header=0,
            dtype={c: "str" for c in columns if c in _TEXT},
            index_col=False,
            on_bad_lines="warn",
            low_memory=False,
        )
    skipped = [line for w in caught for line in str(w.message).splitlines() if line]
    if any(line.startswith("Length of header") for line in skipped):
        raise ValueError("its first row has more fields than its header")
    if skipped:
        place, _, reason = skipped[0].removeprefix("Skipping ").partition(": ")
        more = f" (the first of {len(skipped)} such rows)" if len(skipped) > 1 else ""
        remarks.append(Remark(name, place, f"{reason}: the row is left out{more}"))
    known = _known(columns) | telling_columns(columns)
    return rows[[c for c in columns if c in known]], [c for c in columns if c]


def _refuse_repeated(columns: Sequence[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise ValueError(f"column {column} occurs twice")
        seen.add(column)
