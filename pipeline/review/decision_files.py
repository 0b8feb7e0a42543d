"""Files of decisions, read row by row: what cannot be read keeps its line and the reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from data_schemas.errors import SourceError, TableError, UsageError
from data_schemas.labels import nearest, normal_name
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.encodings import decode_text
from pipeline.readers.files.other_programs import HEAD_BYTES, OtherProgram, identify_file, identify_table
from pipeline.readers.spreadsheets import unguarded
from pipeline.readers.tables.csv_text import CsvText, csv_text

__all__ = ["NEEDED", "file_format", "rows_of"]

NEEDED = ("clip_id", "start_frame", "end_frame", "label", "reviewer")
"""Columns that an import must have; the others are filled in."""


def file_format(path: Path) -> str:
    """Return csv (tabs are one way to write it) or jsonl, by the ending of a file's name."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        raise UsageError(f"{path}: not a format of decisions", hint="name a file that ends in .jsonl, .csv or .tsv")
    return "jsonl" if ending in (".jsonl", ".ndjson") else "csv"


def rows_of(path: Path, encoding: str = "auto") -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Give every row with its line, or why it cannot be read; CSV is read as the tables of a source are."""
    kind = file_format(path)
    try:
        data = path.read_bytes()
        if (found := identify_file(path.name, data[:HEAD_BYTES])) is not None:
            raise SourceError(f"{path}: {found.what}", hint=found.next_step)
        if kind == "csv":
            yield from _csv_rows(path, csv_text(data, encoding))
        elif data.strip():
            yield from _json_rows(path, decode_text(data, encoding)[0])
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="name a file that `audit decisions export` wrote") from error
    except (Unreadable, ValueError) as error:
        reason = error.reason if isinstance(error, Unreadable) else str(error)
        raise SourceError(f"{path}: {reason}", hint="save the file as UTF-8") from error


def _csv_rows(path: Path, written: CsvText) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    columns = [normal_name(name) for name in written.header]
    _refuse_missing(path, columns, identify_table(written.head))
    reader = csv.reader(io.StringIO(written.text, newline=""), delimiter=written.separator)
    next(reader)
    line = written.first_line + reader.line_num
    try:
        for row in reader:
            if any(row):
                fits = len(row) == len(columns)
                named = {name: unguarded(cell) or None for name, cell in zip(columns, row, strict=False)}
                yield line, named if fits else "more or fewer cells than the head has"
            line = written.first_line + reader.line_num
    except csv.Error as error:
        yield line, f"not CSV from here on: {error}"


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    named: set[str] = set()
    rows: list[tuple[int, Mapping[str, Any] | str]] = []
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError) as error:
            rows.append((line, f"not JSON: {error}"))
            continue
        rows.append((line, row if isinstance(row, dict) else "not a JSON object"))
        named |= set(row) if isinstance(row, dict) else set()
    if any(not isinstance(row, str) for _, row in rows):
        _refuse_missing(path, named)
    yield from rows


def _refuse_missing(path: Path, named: Iterable[str], foreign: OtherProgram | None = None) -> None:
    there = [name for name in named if name]
    missing = [c for c in NEEDED if c not in there]
    if not missing:
        return
    meant = [f"{close!r} for {c}" for c in missing if (close := _meant_by(c, there)) is not None]
    if foreign is not None and not meant and len(missing) > len(NEEDED) // 2:
        hint = f"write one row a stretch with {', '.join(NEEDED)}: frames are numbers of the clip's frames, not seconds"
        raise TableError(f"{path}: {foreign.what}, not decisions: no column {', '.join(missing)}", hint=hint)
    hint = f"did you write {', '.join(meant)}?" if meant else f"needed: {', '.join(NEEDED)}"
    raise TableError(f"{path}: no column {', '.join(missing)}", hint=hint)


def _meant_by(column: str, there: Sequence[str]) -> str | None:
    """Return the name that was probably meant for a column: one that begins alike or differs by a letter or two."""
    free = [name for name in there if name not in NEEDED]
    start = next((n for n in free if len(n) > 2 and column.startswith(n.lower().replace(" ", "_"))), None)
    return start or nearest(column, free, cutoff=0.7)
