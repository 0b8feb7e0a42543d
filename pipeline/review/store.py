"""The review store: append-only events in a database. The labels of a clip are the replay of its events.

Every commit is one transaction that holds the write lock from its start, so commits come one after the other, whoever sends
them. A commit that was stored before is acknowledged again; one that does not know what others stored since is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import select

from data_schemas.errors import UsageError, WorkspaceError
from data_schemas.labels import normal_name
from data_schemas.tables import BLIND_SAMPLES, REVIEW_EVENTS, validate
from pipeline.review.committing import check_operations, events_of, state_operation, state_operation_id
from pipeline.review.events import ADJUDICATION, REVIEW, Commit, ConflictError, Operation, People, Receipt, Span
from pipeline.review.schema import blind_samples, connect, migrate, review_events, stored

_COLUMNS = [review_events.c[name] for name in REVIEW_EVENTS.columns]
_MANY = 500
_AUTHOR = sa.case((review_events.c.stream == ADJUDICATION, ""), else_=review_events.c.reviewer)


class ReviewStore:
    """Review events and blind samples of one workspace."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._people = People(())

    @classmethod
    def open(cls, place: Path | str) -> ReviewStore:
        """Open a database by its path or SQLAlchemy URL, making or migrating it where needed.

        Raises
        ------
        WorkspaceError
            It cannot be opened, or a newer pose-audit wrote it.
        """
        engine = connect(place)
        try:
            migrate(engine)
        except WorkspaceError:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> ReviewStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def commit(self, commit: Commit) -> Receipt:
        """Store a commit, or find it stored.

        Raises
        ------
        ConflictError
            Others stored operations since the commit's base revision; it carries them and the newest revision.
        UsageError
            A span, label, time or undo does not fit the clip.
        WorkspaceError
            The database refuses; nothing was stored.
        """
        commit = replace(commit, reviewer=self.person(commit.reviewer))
        with stored(self._engine, writing=True) as connection:
            _lock_stream(connection, commit)
            before = _stored_operations(connection, commit.clip_id, reviewer=commit.reviewer, stream=commit.stream)
            known = {o.operation_id: o for o in before}
            new = tuple(o for o in commit.operations if o.operation_id not in known)
            own = {i for o in commit.operations for i in (o.operation_id, state_operation_id(o.operation_id))}
            _refuse_stale(commit, before, own=own, new=new)
            check_operations(commit, new, before=before)
            _refuse_elsewhere(connection, new)
            after = [*before, *new]
            if new or not commit.operations:
                extra = state_operation(commit, after)
                after += [extra] if extra else []
            rows = events_of(commit, after, first=len(before))
            if rows:
                connection.execute(review_events.insert(), rows)
            ids = tuple(o.operation_id for o in commit.operations)
            revision = {o.operation_id: o.revision or 0 for o in before} | {r["operation_id"]: r["revision"] for r in rows}
            return Receipt(_revision_after(commit, revision), commit.sequence, ids)

    def operations(self, clip_id: str, *, reviewer: str, stream: str = REVIEW) -> list[Operation]:
        """Return the operations of one stream in the order of their revisions; in ``adjudication``, everybody's."""
        whose = self.person(reviewer)
        with stored(self._engine) as connection:
            return _stored_operations(connection, clip_id, reviewer=whose, stream=stream)

    def revision(self, clip_id: str, *, reviewer: str, stream: str = REVIEW) -> int:
        """Return the newest revision of one stream, 0 where it has no events."""
        newest = select(sa.func.max(review_events.c.revision)).where(*_of_stream(clip_id, self.person(reviewer), stream))
        with stored(self._engine) as connection:
            return int(connection.scalar(newest) or 0)

    def events(
        self,
        clip_id: str | None = None,
        reviewer: str | None = None,
        stream: str | None = None,
        *,
        operation_id: str | None = None,
    ) -> pd.DataFrame:
        """Return events in the order in which they were stored."""
        whose = None if reviewer is None else self.person(reviewer)
        given = {"clip_id": clip_id, "reviewer": whose, "stream": stream, "operation_id": operation_id}
        wanted = [review_events.c[k] == v for k, v in given.items() if v is not None]
        rows = self._rows(select(*_COLUMNS).where(*wanted).order_by(review_events.c.place))
        return table_of(rows, REVIEW_EVENTS)

    def counts(self, clip_ids: Sequence[str]) -> dict[str, int]:
        """Return how many events some clips have, 0 left out: events are only added, so another number means new ones."""
        column = review_events.c.clip_id
        rows = self._rows(select(column, sa.func.count()).where(column.in_(clip_ids)).group_by(column))
        return {str(name): int(count) for name, count in rows}

    def size(self) -> tuple[int, int]:
        """Return how many events and windows of blind samples there are: both are only added: another number means new ones."""
        tables = (review_events, blind_samples)
        with stored(self._engine) as connection:
            events, windows = (int(connection.scalar(select(sa.func.count()).select_from(t)) or 0) for t in tables)
        return events, windows

    def merge_events(self, rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Add events that were made elsewhere, all or none, and return how many were added and how many were stored already.

        An operation keeps its revision where its stream has not come so far; else it goes on from the stream's newest.

        Raises
        ------
        WorkspaceError
            The database refuses.
        """
        if not rows:
            return 0, 0
        with stored(self._engine, writing=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("LOCK TABLE review_events IN EXCLUSIVE MODE"))
            present = set(_found_by(connection, review_events.c.event_id, {str(r["event_id"]) for r in rows}))
            new = [dict(r) for r in rows if r["event_id"] not in present]
            if new:
                connection.execute(review_events.insert(), _with_revisions(connection, new))
        return len(new), len(rows) - len(new)

    def known_events(self, event_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return those of some events that are stored, by their identifier."""
        with stored(self._engine) as connection:
            return _found_by(connection, review_events.c.event_id, set(event_ids))

    def known_operations(self, operation_ids: Iterable[str]) -> dict[str, tuple[str, str, str]]:
        """Return clip, reviewer and stream of those of some operations that are stored."""
        with stored(self._engine) as connection:
            found = _found_by(connection, review_events.c.operation_id, set(operation_ids))
        return {name: (row["clip_id"], row["reviewer"], row["stream"]) for name, row in found.items()}

    def reviewers(self) -> list[str]:
        """Return the names of all who left events, by name."""
        names = select(review_events.c.reviewer).distinct().order_by(review_events.c.reviewer)
        return [str(name) for (name,) in self._rows(names)]

    def person(self, name: str) -> str:
        """Return how a reviewer's name is spelled here: in another letter case it is the same person's."""
        if not self._people.knows(name):
            self._people = People(self.reviewers())
        return self._people.spelled(name)

    def save_sample(self, sample: pd.DataFrame) -> None:
        """Store a blind sample; a window is drawn only once.

        Raises
        ------
        TableError
            It breaks its schema.
        WorkspaceError
            A window of it was drawn before, or the database refuses.
        """
        valid = validate(sample, BLIND_SAMPLES, source="blind sample")
        values: list[dict[str, Any]] = valid.astype(object).to_dict("records")  # type: ignore[assignment]
        if values:
            with stored(self._engine, writing=True) as connection:
                connection.execute(blind_samples.insert(), values)

    def samples(self) -> pd.DataFrame:
        """Return all blind samples, in the order in which they were drawn and are shown."""
        order = (blind_samples.c.drawn_at, blind_samples.c.sample_id, blind_samples.c.position)
        columns = [blind_samples.c[name] for name in BLIND_SAMPLES.columns]
        return table_of(self._rows(select(*columns).order_by(*order)), BLIND_SAMPLES)

    def _rows(self, statement: sa.Select[Any]) -> list[Any]:
        with stored(self._engine) as connection:
            return list(connection.execute(statement))


def _refuse_stale(commit: Commit, before: Sequence[Operation], *, own: set[str], new: Sequence[Operation]) -> None:
    if commit.operations and not new:
        return
    revision = max((o.revision or 0 for o in before), default=0)
    others = [o for o in before if (o.revision or 0) > commit.base_revision and o.operation_id not in own]
    if others or commit.base_revision > revision:
        who = ", ".join(sorted({o.reviewer or "" for o in others})) or "nobody: the database is older than the page"
        raise ConflictError(
            f"clip {commit.clip_id}, stream {commit.stream}: the page knows revision {commit.base_revision}, the newest is "
            f"{revision}; written since by {who}",
            hint="take theirs, or lay yours over theirs and save again",
            revision=revision,
            operations=others,
        )


def _refuse_elsewhere(connection: sa.Connection, new: Sequence[Operation]) -> None:
    """Refuse operations whose identifier another clip or stream has."""
    ids = [o.operation_id for o in new]
    for start in range(0, len(ids), _MANY):
        taken = select(review_events.c.operation_id, review_events.c.clip_id)
        row = connection.execute(taken.where(review_events.c.operation_id.in_(ids[start : start + _MANY])).limit(1)).first()
        if row is not None:
            raise UsageError(
                f"operation {row.operation_id} is stored for clip {row.clip_id}, in another stream",
                hint="give every operation an identifier of its own",
            )


def _revision_after(commit: Commit, revision: dict[str, int]) -> int:
    """Return the revision that the commit's own operations led to: the same however often it is sent."""
    own = [i for o in commit.operations for i in (o.operation_id, state_operation_id(o.operation_id)) if i in revision]
    return max((revision[i] for i in own), default=max(revision.values(), default=0))


def _lock_stream(connection: sa.Connection, commit: Commit) -> None:
    """Let commits to one clip come one after the other; SQLite's transaction has locked the whole database already."""
    if connection.dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"{commit.clip_id}\n{commit.stream}"))
        connection.execute(select(lock))


def _of_stream(clip_id: str, reviewer: str, stream: str) -> list[sa.ColumnElement[bool]]:
    """Return what picks a stream's events; adjudicators share theirs."""
    wanted = [review_events.c.clip_id == clip_id, review_events.c.stream == normal_name(stream)]
    return wanted if stream == ADJUDICATION else [*wanted, review_events.c.reviewer == normal_name(reviewer)]


def _stored_operations(connection: sa.Connection, clip_id: str, *, reviewer: str, stream: str) -> list[Operation]:
    """Return the operations of one stream in the order of their revisions."""
    order = (review_events.c.revision, review_events.c.place)
    rows = connection.execute(select(*_COLUMNS).where(*_of_stream(clip_id, reviewer, stream)).order_by(*order))
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


def _found_by(connection: sa.Connection, column: sa.Column[Any], names: set[str]) -> dict[str, dict[str, Any]]:
    """Return a stored row for each name that the column has."""
    found: dict[str, dict[str, Any]] = {}
    ordered = sorted(names)
    for start in range(0, len(ordered), _MANY):
        rows = connection.execute(select(*_COLUMNS).where(column.in_(ordered[start : start + _MANY])))
        found |= {str(row[column.name]): dict(row) for row in rows.mappings()}
    return found


def _with_revisions(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every operation a revision above those before it in its stream, its own one where that is free."""
    keys = [review_events.c.clip_id, review_events.c.stream, _AUTHOR]
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
