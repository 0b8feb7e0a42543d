"""The review database: its tables, the triggers that keep it append-only, its versions, and how it is opened.

SQLite by default, in WAL mode with full syncs: what is acknowledged survives the loss of power. Another database, PostgreSQL say,
is used by its SQLAlchemy URL.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from data_schemas.errors import WorkspaceError
from pipeline.review.events import now

_LOGIN = re.compile(r"(?<=://)[^\s/]*@")
"""Who logs in, and by which password, in an address that may not be well formed: no message repeats it."""

_WAIT_SECONDS = 30
_MADE_LATER = "written by a newer pose-audit"

_metadata = sa.MetaData()

review_events = sa.Table(
    "review_events",
    _metadata,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("operation_id", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("clip_id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("start_frame", sa.Integer, nullable=False),
    sa.Column("end_frame", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("undoes", sa.Text),
    sa.Column("note", sa.Text),
    sa.Index("review_events_stream", "clip_id", "stream", "reviewer", "revision"),
    sqlite_autoincrement=True,
)

blind_samples = sa.Table(
    "blind_samples",
    _metadata,
    sa.Column("window_id", sa.Text, primary_key=True),
    sa.Column("sample_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("clip_id", sa.Text, nullable=False),
    sa.Column("start_frame", sa.Integer, nullable=False),
    sa.Column("end_frame", sa.Integer, nullable=False),
    sa.Column("stratum", sa.Text, nullable=False),
    sa.Column("inclusion_probability", sa.Double, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("drawn_at", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("sample_id", "position"),
)

_versions = sa.Table(
    "review_schema",
    sa.MetaData(),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
)


def _first_version(connection: sa.Connection) -> None:
    _metadata.create_all(connection)
    for table in _metadata.sorted_tables:
        _make_append_only(connection, table.name)


def _make_append_only(connection: sa.Connection, table: str) -> None:
    refused = f"{table} is append-only"
    if connection.dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{refused}'); END"
            )
        # INSERT OR REPLACE deletes without telling the trigger above, unless its connection asks for that.
        key = "event_id" if table == review_events.name else "window_id"
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key} OR rowid = NEW.rowid) "
            f"BEGIN SELECT RAISE(ABORT, '{refused}'); END"
        )
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
        )


MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_first_version,)
"""Step ``i`` brings a database of version ``i`` to version ``i + 1``. Steps that were released are never changed."""


def connect(place: Path | str) -> sa.Engine:
    """Return an engine for a file or an SQLAlchemy URL, its transactions set up for one writer at a time."""
    try:
        url = sa.URL.create("sqlite", database=str(place)) if isinstance(place, Path) else sa.make_url(place)
        connect_args = {"timeout": _WAIT_SECONDS} if url.get_backend_name() == "sqlite" else {}
        engine = sa.create_engine(url, connect_args=connect_args)
    except (SQLAlchemyError, ImportError) as error:
        raise WorkspaceError(
            f"review database {_LOGIN.sub('***@', str(place))}: {error}",
            hint="see review.database in audit.toml; PostgreSQL needs pip install 'pose-audit[postgres]'",
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the newest version; several processes may try at once.

    Raises
    ------
    WorkspaceError
        It is of a version that this pose-audit does not know, or cannot be read or written.
    """
    with stored(engine) as connection:
        if sa.inspect(connection).has_table(_versions.name) and _version(connection) == len(MIGRATIONS):
            return
    with stored(engine, writing=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7264)")
        _versions.create(connection, checkfirst=True)
        for version in range(_version(connection), len(MIGRATIONS)):
            MIGRATIONS[version](connection)
            connection.execute(_versions.insert().values(version=version + 1, at=now()))


@contextmanager
def stored(engine: sa.Engine, *, writing: bool = False) -> Iterator[sa.Connection]:
    """Give a connection in one transaction, committed at the end; a writer has SQLite's lock from the start.

    Raises
    ------
    WorkspaceError
        The database cannot be reached, is damaged, read-only or locked for too long, or the disk is full; nothing of the
        transaction is stored.
    """
    try:
        with engine.connect().execution_options(pose_audit_writing=writing) as connection, connection.begin():
            yield connection
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _explained(error, engine) from error


def _version(connection: sa.Connection) -> int:
    version = connection.scalar(sa.select(sa.func.max(_versions.c.version))) or 0
    if version > len(MIGRATIONS):
        raise WorkspaceError(
            f"review database {connection.engine.url!r}: version {version}, {_MADE_LATER} (this one knows {len(MIGRATIONS)})",
            hint="update pose-audit; the database is left as it is",
        )
    return int(version)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions start too late to lock for writing: _begin_sqlite starts them.
    connection.isolation_level = None
    cursor = connection.cursor()
    _turn_on_wal(cursor)
    for setting in ("synchronous = FULL", "recursive_triggers = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _turn_on_wal(cursor: sqlite3.Cursor) -> None:
    """Set WAL mode. SQLite does not wait for others who open a new database at the same moment, so we do."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("pose_audit_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


_HINTS = (
    (r"disk is full|No space", "make room; nothing was stored, send the same again"),
    (r"readonly|read-only|permission", "give write access to the database and its folder; nothing was stored"),
    (r"database is locked", "another program holds the database: close it and try again; nothing was stored"),
    (r"malformed|not a database|disk I/O", "put it back from a copy; `sqlite3 review.db .recover` reads what is left"),
    (r"unable to open", "the folder must exist and be writable; see review.database in audit.toml"),
)


def _explained(error: Exception, engine: sa.Engine) -> WorkspaceError:
    cause = str(getattr(error, "orig", None) or error)
    hint = next((text for pattern, text in _HINTS if re.search(pattern, cause, re.IGNORECASE)), "nothing was stored; try again")
    place = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string(hide_password=True)
    return WorkspaceError(f"review database {place}: {cause}", hint=hint)
