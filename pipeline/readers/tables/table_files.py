"""From one file to a data frame: Parquet and CSV, with only the columns that mean something here."""

from __future__ import annotations

import gzip
import hashlib
import io
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_schemas.labels import normal_name
from data_schemas.progress import Progress
from data_schemas.tables import text_by_code
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.archives import LARGEST_FILE
from pipeline.readers.files.listing import Listing, StoredFile, read_bytes
from pipeline.readers.files.other_programs import HEAD_BYTES, OtherProgramFile, identify_file, identify_table
from pipeline.readers.names import plain_name, shown_path
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.spreadsheets import unguarded_column
from pipeline.readers.tables.csv_text import CsvText, csv_text, has_decimal_commas
from pipeline.readers.tables.pose_columns import pose_columns, telling_columns

ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv")

CLIP_TEXT = ("label", "subject_id", "recording_id", "species", "breed", "gender", "date", "other_label", "age")
"""Columns that say something of a clip as a whole, the same in all its rows."""

_TEXT = ("clip_id", "frame_label", "label_source", "image", *CLIP_TEXT)
NAMED = ("frame_number", "timestamp_ms", "fps", *_TEXT)
"""All columns that have a meaning, but those of the keypoints."""

_NO_NUMBER: tuple[str, ...] = (
    *("", "NA", "N/A", "#N/A", "#NA", "<NA>", "na", "n/a", "NaN", "nan", "NAN", "-nan", "-NaN", "NULL", "Null", "null"),
    *("None", "none", "NONE", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "#N/A N/A"),
)
"""What stands for a number that is missing; in a column of names all of these but the empty cell are names."""

_WORTH_A_NOTE = ("clip_id", "subject_id", "recording_id", "label", "frame_label")
_ENOUGH = 10_000
"""Rows by which the form of numbers is recognised."""

_BEYOND = "beyond the header"


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
        Only the columns that are known, or may say who or what a row is of; those of names hold text, as it was written.
    rejected : list of ReaderMessage
        Rows that were left out.
    notes : list of ReaderMessage
        What was repaired or ignored.
    """

    name: str
    digest: str
    columns: tuple[str, ...]
    rows: pd.DataFrame
    rejected: list[ReaderMessage] = field(default_factory=list)
    notes: list[ReaderMessage] = field(default_factory=list)


@dataclass(frozen=True)
class TableFiles:
    """The tables of one format, each as it stands, and messages on files that were rejected or need a word."""

    files: list[TableFile]
    rejected: list[ReaderMessage] = field(default_factory=list)
    notes: list[ReaderMessage] = field(default_factory=list)


def read_tables(
    listing: Listing,
    files: Sequence[StoredFile],
    table: Callable[[str, bytes], TableFile],
    *,
    progress: Progress | None = None,
) -> TableFiles:
    """Read files of a source one by one, each by itself: one that is unreadable is rejected, and the others are read.

    Parameters
    ----------
    table : callable
        Gives the table in a file, by its name in the listing and its bytes, or raises Unreadable.
    """
    found = TableFiles([], rejected=list(listing.rejected), notes=list(listing.notes))
    for done, file in enumerate(files, start=1):
        try:
            found.files.append(table(file.name, read_bytes(listing.source, file.name)))
        except Unreadable as error:
            found.rejected.append(ReaderMessage(shown_path(file.name), error.place, error.reason))
        if progress:
            progress(done, len(files))
    return found


def read_table_file(name: str, data: bytes, *, encoding: str = "auto") -> TableFile:
    """Read one file.

    Parameters
    ----------
    name : str
        Its path below the source as it is shown; its ending gives the format.
    data : bytes
        Its contents.
    encoding : str
        Of CSV that is neither UTF-8 nor has a byte order mark; ``auto`` finds out.

    Raises
    ------
    Unreadable
        It is not a table, or a column holds what no number or name can be read from.
    """
    rejected: list[ReaderMessage] = []
    notes: list[ReaderMessage] = []
    if (found := identify_file(name, data[:HEAD_BYTES])) is not None:
        raise OtherProgramFile(found)
    try:
        if name.lower().endswith(".parquet"):
            rows, columns = _parquet(data)
        else:
            written = csv_text(_unpacked(data) if name.lower().endswith(".gz") else data, encoding)
            notes += [ReaderMessage(name, "", note, count) for note, count in written.notes.items()]
            rows, columns = _csv(written, name=name, rejected=rejected, notes=notes)
    except OtherProgramFile:
        raise
    except Unreadable as error:
        raise Unreadable(error.place, f"not a readable table: {error.reason}") from error
    except (OSError, ValueError, pa.ArrowException, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise Unreadable("", f"not a readable table: {reason}") from error
    return table_file(name, data, rows, columns=columns, rejected=rejected, notes=notes)


def table_file(
    name: str,
    data: bytes,
    rows: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    rejected: Iterable[ReaderMessage] = (),
    notes: Iterable[ReaderMessage] = (),
) -> TableFile:
    """Return a file as a table, whatever program wrote it: names become text, and columns without a meaning are noted.

    Parameters
    ----------
    name, data
        The file's path below the source as it is shown, and its bytes.
    rows : DataFrame
        Its rows, in columns that docs/data-formats.md names.
    columns : sequence of str, optional
        All columns of the file, where ``rows`` has only some of them.
    rejected, notes
        Rows that were left out, and what else is to be said.
    """
    columns, notes = list(rows.columns if columns is None else columns), list(notes)
    rows = rows.assign(**{c: renamed(rows[c]) for c in rows if c in _TEXT and not _is_text(rows[c])})
    # A column of text in which numbers stand is read as CSV would be.
    as_numbers = [c for c in rows if c in _known(columns) and c not in _TEXT and _is_text(rows[c])]
    rows = rows.assign(**{c: rows[c].mask(rows[c].isin(_NO_NUMBER)) for c in as_numbers})
    notes += [ReaderMessage(name, column, _why_unknown(column, columns)) for column in columns if column not in _known(columns)]
    notes += [ReaderMessage(name, column, note, count) for column, note, count in _names_like_null(rows)]
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return TableFile(name, digest, tuple(columns), rows, list(rejected), notes)


def _why_unknown(column: str, columns: Sequence[str]) -> str:
    """Return the note on a column that means nothing here, with what it may be meant for."""
    plain = column.casefold()
    if plain in NAMED and plain not in columns:
        return f"unknown column: ignored; is it {plain}? Letter case counts"
    if plain.startswith(("x_", "y_")) or plain.endswith(("_x", "_y")):
        return "unknown column: ignored; a keypoint is two columns, NAME_x and NAME_y"
    return "unknown column: ignored"


def _known(columns: Sequence[str]) -> set[str]:
    return {*NAMED, *pose_columns(columns)}


def _unpacked(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        found = file.read(LARGEST_FILE + 1)
    if len(found) > LARGEST_FILE:
        raise ValueError(f"unpacks to more than {LARGEST_FILE:,} bytes: unpack it yourself if you trust it")
    return found


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.StringDtype)


def renamed(column: pd.Series, name_of: Callable[[Any], str | None] = plain_name) -> pd.Series:
    """Return a column as text, each different value under the name that it is given; null where it is given none.

    Names that were written as numbers become text: 1 and 1.0 are one name, in whatever file.
    """
    codes, written = pd.factorize(column)
    names = [name_of(value) for value in written.tolist()]
    places = np.array([*(i if name is not None else -1 for i, name in enumerate(names)), -1], np.int64)[codes]
    return pd.Series(text_by_code([name or "" for name in names], places), index=column.index)


def _names_like_null(rows: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return the names that other programs write where there is none, by column, with the number of rows."""
    found = []
    for column in (c for c in _WORTH_A_NOTE if c in rows):
        likely_null = rows[column][rows[column].isin(_NO_NUMBER[1:])]
        for name, count in likely_null.value_counts().items():
            found.append((column, f"{name} is a name like any other: where there is none, leave the cell empty", int(count)))
    return found


def _parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    file = pq.ParquetFile(pa.BufferReader(data))
    written = [c for c in file.schema_arrow.names if not c.startswith("__index_level_")]
    columns = [normal_name(c) for c in written]
    _refuse_repeated(columns)
    known = _known(columns) | telling_columns(columns)
    table = file.read(columns=[c for c, name in zip(written, columns, strict=True) if name in known])
    # Bytes that are no UTF-8 would fail long after this, wherever a name is looked at first.
    table.validate(full=True)
    arrays = {normal_name(f.name): _plain_column(table[f.name], normal_name(f.name)) for f in table.schema}
    return pa.table(arrays).to_pandas(), columns


def _plain_column(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_nested(column.type) or (pa.types.is_temporal(column.type) and name not in _TEXT):
        raise ValueError(f"column {name} holds {column.type}, not {'names' if name in _TEXT else 'numbers'}")
    return column


def _csv(
    written: CsvText, *, name: str, rejected: list[ReaderMessage], notes: list[ReaderMessage]
) -> tuple[pd.DataFrame, list[str]]:
    if (found := identify_table(written.head)) is not None:
        raise OtherProgramFile(found)
    columns = [normal_name(c) for c in written.header]
    _refuse_repeated([c for c in columns if c])
    known = _known(columns)
    rows, skipped = _parsed(written, columns)
    numbers = [c for c in rows if c in known and c not in _TEXT]
    if any(_holds_a_comma(rows[c]) for c in numbers):
        sample, _ = _parsed(written, columns, dtype="str", nrows=_ENOUGH)
        if has_decimal_commas((sample[c] for c in numbers), separator=written.separator):
            rows, skipped = _parsed(written, columns, decimal=",")
            notes.append(ReaderMessage(name, "", "numbers are written with decimal commas: read as such"))
    if skipped:
        rejected.append(ReaderMessage(name, *_first_skipped(skipped, written)))
    guarded = [c for c in rows if c in _TEXT]
    rows = rows.assign(**{c: unguarded_column(rows[c]) for c in guarded})
    kept = known | telling_columns(columns)
    return rows[[c for c in columns if c in kept]], [c for c in columns if c]


def _parsed(written: CsvText, columns: Sequence[str], **options: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a CSV file, and what is said of those that were left out."""
    names = options.pop("names", [c or f"nameless {i}" for i, c in enumerate(columns)])
    # Of names only the empty cell is missing: None, NA and null may be classes, and are in Parquet.
    numbers = _known(columns) - {*_TEXT}
    as_missing = {c: list(_NO_NUMBER) if c in numbers else [""] for c in names}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        read: Callable[..., pd.DataFrame] = pd.read_csv
        rows = read(
            io.BytesIO(written.text.encode()),  # three times as fast as text
            names=names,
            header=0,
            index_col=False,
            on_bad_lines="warn",
            low_memory=False,
            keep_default_na=False,
            na_values=as_missing,
            **({"sep": written.separator, "dtype": {c: "str" for c in columns if c in _TEXT}} | options),
        )
    skipped = [line for w in caught for line in str(w.message).splitlines() if line]
    if any(line.startswith("Length of header") for line in skipped):
        # A separator at every line's end is no field.
        once = _BEYOND not in names
        if once:
            rows, skipped = _parsed(written, columns, **options, names=[*names, _BEYOND])
        if not once or (rows.pop(_BEYOND).dropna().astype("str") != "").any():
            raise ValueError(f"its first row has more fields than its header, which begins with {written.header[0][:60]!r}")
    return rows, skipped


def _holds_a_comma(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and bool(column.astype("str").str.contains(",", regex=False).any())


def _first_skipped(skipped: Sequence[str], written: CsvText) -> tuple[str, str]:
    """Return the line of the first row that was left out, and why."""
    place, _, reason = skipped[0].removeprefix("Skipping line ").partition(": ")
    line = int(place) + written.first_line - 1
    more = f" (the first of {len(skipped)} such rows)" if len(skipped) > 1 else ""
    return f"line {line}", f"{reason}: the row is left out{more}"


def _refuse_repeated(columns: Sequence[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise ValueError(f"column {column} occurs twice")
        seen.add(column)
