"""Files of decisions, read row by row: what cannot be read keeps its line and the reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from data_schemas.errors import SourceError, TableError, UsageError
from data_schemas.labels import nearest

__all__ = ["NEEDED", "file_format", "rows_of"]

NEEDED = ("clip_id", "start_frame", "end_frame", "label", "reviewer")
"""Columns that an import must have; the others are filled in."""


def file_format(path: Path) -> str:
    """Return csv or jsonl, by the ending of a file's name."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".jsonl", ".ndjson"):
        raise UsageError(f"{path}: not a format of decisions", hint="name a file that ends in .jsonl or .csv")
    return "csv" if ending == ".csv" else "jsonl"


def rows_of(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Give every row with its line, or why it cannot be read."""
    kind = file_format(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="name a file that `audit decisions export` wrote") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: byte {error.start} is not UTF-8", hint="save the file as UTF-8") from error
    if kind == "csv":
        yield from _csv_rows(path, text)
    else:
        yield from _json_rows(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    _refuse_missing(path, reader.fieldnames or ())
    line = reader.line_num + 1
    try:
        for row in reader:
            long, short = None in row, None in row.values()
            yield line, "more or fewer cells than the head has" if long or short else {k: v or None for k, v in row.items()}
            line = reader.line_num + 1
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


def _refuse_missing(path: Path, named: Iterable[str]) -> None:
    there = list(named)
    missing = [c for c in NEEDED if c not in there]
    if missing:
        close = {c: nearest(c, [n for n in there if n]) for c in missing}
        meant = [f"{close[c]!r} for {c}" for c in missing if close[c]]
        hint = f"did you write {', '.join(meant)}?" if meant else f"needed: {', '.join(NEEDED)}"
        raise TableError(f"{path}: no column {', '.join(missing)}", hint=hint)
