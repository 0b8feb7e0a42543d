"""What the store asks the database, and how rows become operations and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import select

from data_schemas.labels import normal_name
from data_schemas.tables import REVIEW_EVENTS, validate
from pipeline.review.events import ADJUDICATION, Operation, Span
from pipeline.review.schema import review_events

__all__ = ["COLUMNS", "found_by", "of_stream", "operations_of", "stored_operations", "table_of", "with_revisions"]

COLUMNS = [review_events.c[name] for name in REVIEW_EVENTS.columns]
_MANY = 500
_VOICE = sa.case((review_events.c.stream == ADJUDICATION, ""), else_=review_events.c.reviewer)


def of_stream(clip_id: str, reviewer: str, stream: str) -> list[sa.ColumnElement[bool]]:
    """Return what picks a stream's events; adjudicators share theirs."""
    wanted = [review_events.c.clip_id == clip_id, review_events.c.stream == normal_name(stream)]
    return wanted if stream == ADJUDICATION else [*wanted, review_events.c.reviewer == normal_name(reviewer)]


def stored_operations(connection: sa.Connection, clip_id: str, *, reviewer: str, stream: str) -> list[Operation]:
    """Return the operations of one stream in the order of their revisions."""
    order = (review_events.c.revision, review_events.c.place)
    rows = connection.execute(select(*COLUMNS).where(*of_stream(clip_id, reviewer, stream)).order_by(*order))
    return _grouped(rows)


def operations_of(events: pd.DataFrame) -> list[Operation]:
    """Return the operations that events of one stream make, in the order of the rows."""
    nulls = events.astype(object).where(events.notna(), None)
    return _grouped(nulls.itertuples(index=False))


def _grouped(rows: Iterable[Any]) -> list[Operation]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.operation_id, []).append(row)
    return [
        Operation(
            operation_id=name,
            at=parts[0].at,
            spans=() if parts[0].undoes else tuple(Span(p.start_frame, p.end_frame, p.action, p.label) for p in parts),
            undoes=parts[0].undoes,
            note=parts[0].note,
            revision=parts[0].revision,
            reviewer=parts[0].reviewer,
        )
        for name, parts in grouped.items()
    ]


def found_by(connection: sa.Connection, column: sa.Column[Any], names: set[str]) -> dict[str, dict[str, Any]]:
    """Return a stored row for each name that the column has."""
    found: dict[str, dict[str, Any]] = {}
    ordered = sorted(names)
    for start in range(0, len(ordered), _MANY):
        rows = connection.execute(select(*COLUMNS).where(column.in_(ordered[start : start + _MANY])))
        found |= {str(row[column.name]): dict(row) for row in rows.mappings()}
    return found


def with_revisions(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every operation a revision above those before it in its stream, its own one where that is free."""
    keys = [review_events.c.clip_id, review_events.c.stream, _VOICE]
    newest = connection.execute(select(*keys, sa.func.max(review_events.c.revision)).group_by(*keys))
    last = {(row[0], row[1], row[2]): int(row[3]) for row in newest}
    given: dict[str, int] = {}
    # Rows without a revision (0) come in the order of the file, each behind those before it.
    numbered = all(r["revision"] for r in rows)
    for row in sorted(rows, key=lambda r: r["revision"]) if numbered else rows:
        stream = (row["clip_id"], row["stream"], "" if row["stream"] == ADJUDICATION else row["reviewer"])
        if row["operation_id"] not in given:
            last[stream] = max(row["revision"], last.get(stream, 0) + 1)
            given[row["operation_id"]] = last[stream]
        row["revision"] = given[row["operation_id"]]
    return rows


def table_of(rows: Sequence[Any], schema: Any) -> pd.DataFrame:
    """Return rows, whose values are in the order of the schema's columns, as a valid table."""
    kinds = {name: "str" if "str" in str(column.dtype) else str(column.dtype) for name, column in schema.columns.items()}
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    table = pd.DataFrame({name: pd.Series(list(c), dtype=kinds[name]) for name, c in zip(kinds, columns, strict=True)})
    return validate(table, schema, source="review database")
