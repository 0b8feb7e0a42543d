"""Review events as files: JSON lines or CSV, every column, so that an export comes back exactly.

A file of one's own needs a few columns only. Rows that do not fit are listed with line and reason; the others are imported.
Rows without identifiers get some that follow from what they say, so that importing a file again adds nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from data_schemas.errors import StageError
from data_schemas.files import disk_errors, replaced_file
from data_schemas.tables import CLIPS, REVIEW_EVENTS
from pipeline.readers.spreadsheets import guarded
from pipeline.review.access import KnownLabels, frames_of, known_labels, open_store
from pipeline.review.decision_files import Clips, RowError, checked_row, contradictions, file_format, rows_of
from pipeline.review.events import People, now
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace

_COLUMNS = tuple(REVIEW_EVENTS.columns)
_IN_ONE_PIECE = ("clip_id", "reviewer", "stream")


@dataclass(frozen=True)
class Problem:
    """A row of the file by its line, and what is wrong with it."""

    line: int
    reason: str


@dataclass(frozen=True)
class ImportResult:
    """What an import did: rows added, rows that were stored already, rows that did not fit, and contradictions in others."""

    added: int
    present: int
    problems: tuple[Problem, ...]
    contradicted: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Row:
    """A row that fits the run: its line, its values, and the columns that the file itself filled."""

    line: int
    event: dict[str, Any]
    filled: frozenset[str]


def export_events(events: pd.DataFrame, path: Path) -> int:
    """Write events as JSON lines (``.jsonl``, ``.ndjson``) or CSV (``.csv``, with tabs ``.tsv``) and return how many.

    Raises
    ------
    UsageError
        The file's name ends otherwise.
    WorkspaceError
        The disk refuses.
    """
    values = events[list(_COLUMNS)].astype(object).where(events.notna(), None)
    rows = values.to_dict("records")
    if file_format(path) == "csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _COLUMNS, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({column: guarded(value) for column, value in row.items()} for row in rows)
        data = text.getvalue().encode()
    else:
        data = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    hint = "make room or name another file"
    with disk_errors(path, hint=hint):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path, hint=hint) as part:
        part.write_bytes(data)
    return len(rows)


def import_events(
    path: Path,
    store: ReviewStore,
    *,
    frames: pd.DataFrame,
    species: Mapping[str, str],
    labels: KnownLabels,
    run_id: str,
    encoding: str = "auto",
) -> ImportResult:
    """Add the events of a file to the store.

    Parameters
    ----------
    frames : DataFrame with clip_id, frame_number and given
        The frames of the run: spans outside them do not fit.
    species
        The species of each clip.
    labels
        What labels may be given, by species.
    run_id
        Run that rows without one belong to.
    encoding
        Of a file that is neither UTF-8 nor UTF-16; auto finds out.

    Raises
    ------
    SourceError
        The file is not there or is not text.
    TableError
        Columns that are needed are missing.
    UsageError
        The file's name ends neither in .jsonl, .ndjson, .csv nor .tsv.
    """
    clips, people = Clips(frames, species, labels), People(store.reviewers())
    accepted: list[_Row] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    defaults = {"stream": "review", "run_id": run_id, "at": now()}
    for line, row in rows_of(path, encoding):
        if isinstance(row, str):
            problems.append(Problem(line, row))
            continue
        try:
            filled = frozenset(c for c in _COLUMNS if row.get(c) not in (None, ""))
            checked = checked_row(row, clips, defaults)
            checked["reviewer"] = people.met(checked["reviewer"])
            accepted.append(_Row(line, _identified(checked, filled, seen), filled))
        except RowError as error:
            problems.append(Problem(line, str(error)))
    fitting = _consistent(accepted, store, problems)
    added, present = store.merge_events([row.event for row in fitting])
    contradicted = tuple(
        Problem(line, reason) for line, reason in contradictions([(r.line, r.event) for r in fitting if _is_own(r)])
    )
    return ImportResult(added, present, tuple(sorted(problems, key=lambda p: p.line)), contradicted)


def _is_own(row: _Row) -> bool:
    """Tell whether a row says nothing of when it was decided: then no order tells which of two counts."""
    return not {"operation_id", "at"} & row.filled


def import_into(place: Workspace, path: Path) -> ImportResult:
    """Add the events of a file to a workspace's review, checked against its newest finished run, else its newest.

    Raises
    ------
    StageError
        The workspace has no run that has read its clips.
    """
    folder = place.latest() or place.newest()
    if folder is None:
        raise StageError(f"{place.root.resolve()}: no run yet", hint=f"audit run YOUR_CLIPS -w {place.root}")
    clips = folder.read_table("clips", CLIPS)
    species = dict(zip(clips["clip_id"], clips["species"], strict=True))
    frames, labels = frames_of(folder), known_labels(folder)
    encoding = place.config().source.encoding
    with open_store(place) as store:
        run_id = folder.path.name
        return import_events(path, store, frames=frames, species=species, labels=labels, run_id=run_id, encoding=encoding)


def _identified(checked: dict[str, Any], filled: frozenset[str], seen: dict[str, int]) -> dict[str, Any]:
    """Give a row without identifiers some that follow from what it says, and from how often the file said so before."""
    counted = [c for c in _COLUMNS if c in filled and c not in ("event_id", "operation_id", "run_id", "revision")]
    said = msgspec.json.encode({c: checked[c] for c in counted}).decode()
    seen[said] = seen.get(said, 0) + 1
    made = hashlib.blake2b(f"{said} {seen[said]}".encode(), digest_size=16).hexdigest()
    operation_id = checked["operation_id"] or made
    event_id = checked["event_id"] or f"{operation_id}-{0 if operation_id == made else made}"
    return {**checked, "operation_id": operation_id, "event_id": event_id}


def _consistent(accepted: list[_Row], store: ReviewStore, problems: list[Problem]) -> list[_Row]:
    """Return the rows that fit each other and what is stored; the others become problems."""
    stored = store.known_events({r.event["event_id"] for r in accepted})
    asked = {r.event["operation_id"] for r in accepted} | {r.event["undoes"] for r in accepted if r.event["undoes"]}
    operations = store.known_operations(asked)
    whose: dict[str, tuple[str, ...]] = dict(operations)
    seen: set[str] = set()
    fitting = []
    for row in accepted:
        reason = _misfit(row, stored=stored, operations=operations, whose=whose, seen=seen)
        if reason:
            problems.append(Problem(row.line, reason))
        else:
            seen.add(row.event["event_id"])
            whose[row.event["operation_id"]] = tuple(row.event[c] for c in _IN_ONE_PIECE)
            fitting.append(row)
    return fitting


def _misfit(
    incoming: _Row,
    *,
    stored: Mapping[str, Mapping[str, Any]],
    operations: Mapping[str, tuple[str, ...]],
    whose: Mapping[str, tuple[str, ...]],
    seen: set[str],
) -> str | None:
    row = incoming.event
    event_id, operation_id = row["event_id"], row["operation_id"]
    place = tuple(row[c] for c in _IN_ONE_PIECE)
    if event_id in seen:
        return f"event {event_id} is in the file twice"
    if event_id in stored:
        # The revision is the store's; what the file left out was filled in on the day of the import.
        changed = [c for c in _COLUMNS if c in incoming.filled and c != "revision" and row[c] != stored[event_id][c]]
        return f"event {event_id} is stored with another {', '.join(changed)}; events never change" if changed else None
    if operation_id in operations:
        return f"operation {operation_id} is stored without this row; leave operation_id and event_id empty to add it"
    if whose.get(operation_id, place) != place:
        return f"operation {operation_id} has rows of another clip, reviewer or stream"
    if row["undoes"] and whose.get(row["undoes"]) is None:
        return f"undoes {row['undoes']}, which is neither stored nor before it in the file"
    return None
