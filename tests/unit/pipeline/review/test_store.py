"""The store: append-only, one writer at a time, and honest when the disk refuses."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing.pool import Pool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from data_schemas.errors import UsageError, WorkspaceError
from pipeline.review import schema
from pipeline.review.events import Span, new_operation
from pipeline.review.store import ConflictError, ReviewStore
from tests.unit.pipeline.review.commits import AT, codes, commit, paint
from tests.unit.pipeline.review.postgres import Server


@pytest.fixture
def anywhere(place: Path | str):
    """Give a store in either database; ``store`` is in SQLite."""
    with ReviewStore.open(place) as opened:
        yield opened


def sample(windows: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample_id": "s",
            "position": np.arange(len(windows), dtype=np.int32),
            "window_id": windows,
            "clip_id": "c",
            "start_frame": np.int32(0),
            "end_frame": np.int32(23),
            "stratum": "holdout",
            "inclusion_probability": 0.125,
            "run_id": "run",
            "drawn_at": AT,
            "seed": np.int64(0),
        }
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE review_events SET label = 'B'",
        "DELETE FROM review_events",
        "UPDATE blind_samples SET stratum = 'flagged'",
        "DELETE FROM blind_samples",
    ],
)
def test_nobody_changes_or_removes_what_is_stored(anywhere: ReviewStore, place: Path | str, statement: str) -> None:
    refuses_to(statement, anywhere, place)


def test_nobody_replaces_what_is_stored_in_sqlite(store: ReviewStore, tmp_path: Path) -> None:
    refuses_to("INSERT OR REPLACE INTO review_events SELECT * FROM review_events", store, tmp_path / "review.db")


@pytest.mark.parametrize("table", ["review_events", "blind_samples"])
def test_nobody_empties_a_table_of_postgresql(postgres: Server, table: str) -> None:
    place = postgres.new_database()
    with ReviewStore.open(place) as store:
        refuses_to(f"TRUNCATE {table}", store, place)


def refuses_to(statement: str, store: ReviewStore, place: Path | str) -> None:
    """Try a statement past the store, as somebody with a client of the database might."""
    store.commit(commit(paint("A")))
    store.save_sample(sample(["w1"]))
    plain = sa.create_engine(f"sqlite:///{place}" if isinstance(place, Path) else place)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), plain.begin() as connection:
        connection.exec_driver_sql(statement)
    plain.dispose()
    assert store.events()["label"].tolist() == ["A"]
    assert store.samples()["stratum"].tolist() == ["holdout"]


def test_events_of_another_store_are_merged_once(anywhere: ReviewStore, tmp_path: Path) -> None:
    anywhere.commit(commit(paint("A")))
    with ReviewStore.open(tmp_path / "other.db") as other:
        other.commit(commit(paint("B"), paint("A", 4, 5)))
        rows = other.events().astype(object).where(lambda table: table.notna(), None).to_dict("records")
    assert anywhere.merge_events(rows) == (2, 0)
    assert anywhere.merge_events(rows) == (0, 2)
    assert anywhere.events()["revision"].tolist() == [1, 2, 3]
    assert codes(anywhere) == [1, 0, 0, 1, 1, 1]


def test_merged_operations_keep_their_revisions_where_these_are_free(store: ReviewStore, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("pipeline.review.store._MANY", 2)
    with ReviewStore.open(tmp_path / "other.db") as other:
        for base in range(5):
            other.commit(commit(new_operation(Span(3, 3, "unsure"), Span(5, 5, "exclude")), base=base))
        rows = other.events().astype(object).where(lambda table: table.notna(), None).to_dict("records")
    apart = [{**row, "revision": 10 * row["revision"]} for row in rows]
    assert store.merge_events(apart[:4]) == (4, 0)
    assert store.merge_events(apart[::-1]) == (6, 4)
    assert [o.revision for o in store.operations("c", reviewer="kim")] == [10, 20, 30, 40, 50]
    ids = [row["event_id"] for row in rows]
    assert set(store.known_events([*ids, "none"])) == set(ids)
    operations = {row["operation_id"]: ("c", "kim", "review") for row in rows}
    assert store.known_operations([*operations, "none"]) == operations
    # What another store wrote meanwhile goes behind the newest.
    later = [{**rows[0], "event_id": "e", "operation_id": "o", "revision": 50}]
    assert store.merge_events(later) == (1, 0)
    assert store.revision("c", reviewer="kim") == 51
    with pytest.raises(UsageError, match="in another stream"):
        store.commit(
            commit(
                *[new_operation(Span(3, 3, "unsure")) for _ in range(4)], other.operations("c", reviewer="kim")[4], clip_id="d"
            )
        )


def test_samples_come_back_as_they_were_and_no_window_twice(anywhere: ReviewStore) -> None:
    anywhere.save_sample(sample(["w1", "w2"]))
    pd.testing.assert_frame_equal(anywhere.samples(), sample(["w1", "w2"]), check_dtype=True)
    with pytest.raises(WorkspaceError):
        anywhere.save_sample(sample(["w2"]))


def test_what_is_acknowledged_is_synced_to_the_disk(store: ReviewStore) -> None:
    with schema.stored(store._engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA recursive_triggers").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_whoever_writes_holds_the_lock_from_the_start_and_whoever_reads_does_not(store: ReviewStore) -> None:
    begun: list[str] = []

    @sa.event.listens_for(store._engine, "before_cursor_execute")
    def _note(connection, cursor, statement: str, *_) -> None:
        if statement.startswith("BEGIN"):
            begun.append(statement)

    store.events()
    assert set(begun) == {"BEGIN"}
    store.commit(commit(paint("A"), reviewer="lee"))
    rows = store.events().astype(object).where(lambda table: table.notna(), None).to_dict("records")
    for write in (
        lambda: store.commit(commit(paint("A"), base=1, reviewer="lee")),
        lambda: store.merge_events(rows),
        lambda: store.save_sample(sample(["w1"])),
    ):
        begun.clear()
        write()
        assert begun[-1] == "BEGIN IMMEDIATE"


@pytest.fixture(scope="module")
def processes() -> Iterator[Pool]:
    """Give processes of their own, which share nothing with this one."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        # All are there before any has work to do.
        pool.map(time.sleep, [0.5] * 4, chunksize=1)
        yield pool


def _work(place: Path | str, reviewer: str, count: int) -> int:
    """Commit one operation after another, taking over what others wrote at each conflict; return the conflicts."""
    conflicts = 0
    with ReviewStore.open(place) as store:
        base = 0
        for _ in range(count):
            operation = paint("A")
            while True:
                try:
                    base = store.commit(commit(operation, base=base, reviewer=reviewer, stream="adjudication")).revision
                    break
                except ConflictError as conflict:
                    base, conflicts = conflict.revision, conflicts + 1
    return conflicts


def test_two_processes_committing_at_once_lose_nothing(place: Path | str, processes: Pool) -> None:
    count = 40
    processes.starmap(_work, [(place, "kim", count), (place, "lee", count)], chunksize=1)
    with ReviewStore.open(place) as store:
        events = store.events()
    assert sorted(events["revision"]) == list(range(1, 2 * count + 1))
    assert events["reviewer"].value_counts().to_dict() == {"kim": count, "lee": count}


def _open(place: Path | str) -> int:
    with ReviewStore.open(place) as store:
        return len(store.events())


def test_many_processes_may_open_a_new_database_at_once(tmp_path: Path, processes: Pool) -> None:
    for i in range(15):
        assert processes.map(_open, [tmp_path / f"{i}.db"] * 4, chunksize=1) == [0] * 4


def test_many_processes_may_open_a_new_database_of_a_server_at_once(postgres: Server, processes: Pool) -> None:
    for _ in range(5):
        assert processes.map(_open, [postgres.new_database()] * 4, chunksize=1) == [0] * 4


def test_threads_share_a_store(anywhere: ReviewStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: [anywhere.commit(commit(paint("A"), base=k, reviewer=f"r{i}")) for k in range(10)], range(4)))
    assert len(anywhere.events()) == 40


def test_a_full_disk_is_told_and_leaves_what_was_there(store: ReviewStore) -> None:
    store.commit(commit(paint("A")))

    @sa.event.listens_for(store._engine, "checkout")
    def _fill(connection, *_) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    big = new_operation(Span(3, 3, "note"), note="x" * 200_000)
    with pytest.raises(WorkspaceError, match="full") as caught:
        store.commit(commit(big, base=1))
    assert "nothing was stored" in caught.value.hint
    assert len(store.events()) == 1


def test_a_read_only_database_can_be_read_and_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    with ReviewStore.open(tmp_path / "review.db") as store:
        store.commit(commit(paint("A")))
    with ReviewStore.open(f"sqlite:///file:{tmp_path / 'review.db'}?mode=ro&uri=true") as reading:
        assert len(reading.events()) == 1
        with pytest.raises(WorkspaceError, match="readonly") as caught:
            reading.commit(commit(paint("B"), base=1))
    assert "write access" in caught.value.hint


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\1" * 4096])
def test_a_damaged_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "review.db").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"review\.db"):
        ReviewStore.open(tmp_path / "review.db")


@pytest.mark.parametrize(
    ("cause", "hint"),
    [
        ("database or disk is full", "make room; nothing was stored"),
        ("attempt to write a READONLY database", "give write access to the database and its folder"),
        ("permission denied for table review_events", "give write access to the database and its folder"),
        ("database is locked", "another program holds the database: close it"),
        ("database disk image is malformed", "put it back from a copy"),
        ("unable to open database file", "the folder must exist and be writable"),
        ("something else", "nothing was stored; try again"),
    ],
)
def test_why_a_database_refuses_is_told_with_what_helps(store: ReviewStore, tmp_path: Path, cause: str, hint: str) -> None:
    with pytest.raises(WorkspaceError) as told, schema.stored(store._engine):
        raise sqlite3.OperationalError(cause)
    assert told.value.message == f"review database {tmp_path / 'review.db'}: {cause}"
    assert told.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("causes", "seconds", "asked", "refused"),
    [
        ([], 0, 1, None),
        (["database is locked"] * 3, 1, 4, None),
        (["database is locked"] * 3, 16, 2, "locked"),
        (["disk I/O error"], 1, 1, "I/O"),
    ],
)
def test_a_database_that_others_open_just_now_is_waited_for(
    monkeypatch, causes: list[str], seconds: float, asked: int, refused: str | None
) -> None:
    clock, left, statements = iter(np.arange(100) * seconds), list(causes), []
    monkeypatch.setattr(schema, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))

    class Cursor:
        def execute(self, statement: str) -> None:
            statements.append(statement)
            if left:
                raise sqlite3.OperationalError(left.pop())

    with pytest.raises(sqlite3.OperationalError, match=refused) if refused else nullcontext():
        schema._turn_on_wal(Cursor())
    assert statements == ["PRAGMA journal_mode = WAL"] * asked


def test_a_folder_that_is_not_there_or_a_bad_url_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="unable to open"):
        ReviewStore.open(tmp_path / "none" / "review.db")
    with pytest.raises(WorkspaceError, match="review database"):
        ReviewStore.open("no url")
    with pytest.raises(WorkspaceError, match=r"postgres://\*\*\*@host") as told:
        ReviewStore.open("postgres://kim:secret@host/audit")
    assert "secret" not in told.value.message
    with pytest.raises(WorkspaceError, match=r"review database postgresql\+psycopg://kim:\*\*\*@127\.0\.0\.1:1/audit: ") as told:
        ReviewStore.open("postgresql+psycopg://kim:secret@127.0.0.1:1/audit")
    assert "secret" not in told.value.message
