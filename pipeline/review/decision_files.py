"""Files of decisions, read row by row and checked against the clips of a run.

What cannot be read, or does not fit, keeps its line and the reason.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import SourceError, TableError, UsageError
from data_schemas.labels import nearest, normal_name
from data_schemas.tables import REVIEW_ACTIONS
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.encodings import decode_text
from pipeline.readers.files.other_programs import HEAD_BYTES, OtherProgram, identify_file, identify_table
from pipeline.readers.names import clip_id_of, plain_name, without_ending
from pipeline.readers.spreadsheets import unguarded
from pipeline.readers.tables.csv_text import CsvText, csv_text
from pipeline.review.access import KnownLabels
from pipeline.review.events import Commit, Operation, Span
from pipeline.windows.frame_index import runs

NEEDED = ("clip_id", "start_frame", "end_frame", "label", "reviewer")
"""Columns that an import must have; the others are filled in."""

_LARGEST = 2**31 - 1
_DECIDES = ("relabel", "keep", "unsure", "exclude")


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
        hint = f"save it as text in UTF-8, one row a line, with {', '.join(NEEDED)}"
        raise SourceError(f"{path}: {reason}", hint=hint) from error


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


def _refuse_missing(path: Path, named: Iterable[str], other_program: OtherProgram | None = None) -> None:
    there = [name for name in named if name]
    missing = [c for c in NEEDED if c not in there]
    if not missing:
        return
    meant = [f"{close!r} for {c}" for c in missing if (close := _meant_by(c, there)) is not None]
    if other_program is not None and not meant and len(missing) > len(NEEDED) // 2:
        hint = f"write one row a stretch with {', '.join(NEEDED)}: frames are numbers of the clip's frames, not seconds"
        raise TableError(f"{path}: {other_program.what}, not decisions: no column {', '.join(missing)}", hint=hint)
    hint = f"did you write {', '.join(meant)}?" if meant else f"needed: {', '.join(NEEDED)}"
    raise TableError(f"{path}: no column {', '.join(missing)}", hint=hint)


def _meant_by(column: str, there: Sequence[str]) -> str | None:
    """Return the name that was probably meant for a column: one that begins alike or differs by a letter or two."""
    free = [name for name in there if name not in NEEDED]
    start = next((n for n in free if len(n) > 2 and column.startswith(n.lower().replace(" ", "_"))), None)
    return start or nearest(column, free, cutoff=0.7)


class RowError(Exception):
    """Why a row of a file does not fit; the importer lists it."""


class Clips:
    """The clips of a run, by name, with their frames, given labels and species."""

    def __init__(self, frames: pd.DataFrame, species: Mapping[str, str], labels: KnownLabels) -> None:
        ordered = frames.sort_values(["clip_id", "frame_number"], kind="stable")
        clip = ordered["clip_id"].to_numpy(object)
        first, last = runs(clip)
        self._bounds = dict(zip(clip[first], zip(first, last + 1, strict=True), strict=True))
        self._numbers = ordered["frame_number"].to_numpy(np.int64)
        self._given = ordered["given"].fillna("").to_numpy(object)
        self._species = species
        self._labels = labels

    def frames(self, clip_id: str) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Return the frame numbers of a clip and the given label of each, empty where there is none."""
        if clip_id not in self._bounds:
            close = self._close(clip_id)
            raise RowError(f"no clip {clip_id!r} in this run" + (f"; did you mean {close!r}?" if close else ""))
        first, last = self._bounds[clip_id]
        return self._numbers[first:last], self._given[first:last]

    def _close(self, clip_id: str) -> str | None:
        """Return the clip that a name probably means: that of its video or file, else the one that looks most alike."""
        stem = clip_id_of(clip_id.replace("\\", "/"))
        bare = normal_name(without_ending(stem) or stem).casefold()
        named = next((name for name in self._bounds if bare in (name.casefold(), clip_id_of(name).casefold())), None)
        return named or nearest(clip_id, self._bounds)

    def label(self, clip_id: str, phrase: str) -> str:
        """Return the label that a name means for this clip's species."""
        species = self._species[clip_id]
        label = self._labels.resolve(species, phrase)
        if label is None:
            close = self._labels.nearest(species, phrase)
            raise RowError(f"no label {phrase!r} for {species}" + (f"; did you mean {close!r}?" if close else ""))
        return normal_name(label)


def checked_row(row: Mapping[str, Any], clips: Clips, defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's values as the store keeps them; identifiers and revision may still be missing (null and 0).

    Raises
    ------
    RowError
        It does not fit: an unknown clip, label or action, a span outside the clip, or a value that is none.
    """
    values = {k: _value(row, k) for k in ("clip_id", "reviewer", "label", "action", "stream", "at", "run_id", "undoes", "note")}
    clip_id = plain_name(values["clip_id"])
    values |= {"clip_id": clip_id, "label": plain_name(values["label"])}
    if clip_id is None:
        raise RowError("clip_id is empty")
    start, end = _number(row, "start_frame"), _number(row, "end_frame")
    numbers, given = clips.frames(clip_id)
    if not numbers[0] <= start <= end <= numbers[-1]:
        raise RowError(f"span {start}-{end} is not in clip {clip_id} (frames {numbers[0]}-{numbers[-1]})")
    label = None if values["label"] is None else clips.label(clip_id, values["label"])
    inside = given[(numbers >= start) & (numbers <= end)]
    action = values["action"] or _action(label, inside, values["note"])
    if action not in REVIEW_ACTIONS:
        close = nearest(action, REVIEW_ACTIONS)
        raise RowError(f"no action {action!r}" + (f"; did you mean {close!r}?" if close else f"; {', '.join(REVIEW_ACTIONS)}"))
    if values["undoes"] and action != "undo":
        raise RowError(f"action {action} names an operation in undoes; only undo does")
    if label is not None and action not in ("relabel", "keep"):
        raise RowError(f"action {action} with label {label!r}; only relabel and keep carry one")
    checked: dict[str, Any] = {**values, "start_frame": start, "end_frame": end, "action": action, "label": label}
    checked |= {k: values[k] or defaults[k] for k in ("stream", "at", "run_id")}
    return _normalised(checked, row)


def _normalised(values: dict[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Bring names and time into the form in which they are stored, by the rules for what a page sends."""
    identifiers = {k: _value(row, k) for k in ("event_id", "operation_id")}
    for key, value in identifiers.items():
        if value is not None and not re.fullmatch(r"[0-9A-Za-z_.:-]{1,128}", value):
            raise RowError(f"{key} {value!r} is not an identifier")
    try:
        span = Span(values["start_frame"], values["end_frame"], values["action"], values["label"])
        spans = () if values["undoes"] else (span,)
        operation = Operation(
            identifiers["operation_id"] or "row", values["at"], spans, undoes=values["undoes"], note=values["note"]
        )
        commit = Commit(values["run_id"], values["reviewer"] or "", values["stream"], values["clip_id"], 0, 0, (operation,))
    except UsageError as error:
        raise RowError(error.message) from error
    revision = _number(row, "revision") if _value(row, "revision") is not None else 0
    named = {k: getattr(commit, k) for k in ("run_id", "reviewer", "stream")}
    return {**values, **identifiers, **named, "at": operation.at, "note": operation.note, "revision": revision}


def _action(label: str | None, given: NDArray[np.object_], note: str | None) -> str:
    """Return what a row without an action does: confirm the given label, give another one, or note something."""
    if label is not None:
        return "keep" if len(given) and all(normal_name(g) == label for g in given) else "relabel"
    if note is not None:
        return "note"
    raise RowError("neither label nor action")


def _value(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool | float | list | dict):
        raise RowError(f"{key} is {value!r}, not a text")
    text = str(value)
    return text if key == "note" else text.strip() or None


def _number(row: Mapping[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,10}(\.0*)?\s*", value):
        value = int(float(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise RowError(f"{key} is {row.get(key)!r}, not a frame number" if key != "revision" else f"revision is {value!r}")
    return value


def contradictions(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[tuple[int, str]]:
    """Yield the line of each row that says something else of frames than rows before it, and what the file says of them.

    Parameters
    ----------
    rows : sequence of (line, event)
        Without a time of their own: what comes later in the file counts.
    """
    by_reviewer: defaultdict[tuple[str, str, str], list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for line, row in rows:
        if row["action"] in _DECIDES:
            by_reviewer[row["clip_id"], row["reviewer"], row["stream"]].append((line, row))
    for (clip_id, reviewer, _), said in by_reviewer.items():
        # In order of the frames only neighbours can overlap: a row is held against those that have not ended.
        open_rows: list[tuple[int, Mapping[str, Any]]] = []
        for line, row in sorted(said, key=lambda r: r[1]["start_frame"]):
            open_rows = [(n, r) for n, r in open_rows if r["end_frame"] >= row["start_frame"]]
            for other_line, other in open_rows:
                if _answer(other) != _answer(row):
                    (first, one), (last, two) = sorted([(other_line, other), (line, row)], key=lambda r: r[0])
                    frames = f"frames {row['start_frame']}-{min(one['end_frame'], two['end_frame'])} of {clip_id}"
                    labels = f"{_answer(one)} in line {first}, {_answer(two)} in line {last}"
                    yield last, f"{frames} have two labels of {reviewer}: {labels}; the later line counts"
            open_rows.append((line, row))


def _answer(row: Mapping[str, Any]) -> str:
    return str(row["label"] or row["action"])
