"""The store: append-only, idempotent, one writer at a time, and honest when the disk refuses."""

from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.errors import PoseAuditError, UsageError, WorkspaceError
from data_schemas.tables import REVIEW_EVENTS, validate
from pipeline.review import schema
from pipeline.review.committing import STATE_NOTE
from pipeline.review.events import EXCLUDED, NOT_REVIEWED, UNSURE, Operation, Span, new_operation
from pipeline.review.replay import replay_codes
from pipeline.review.store import Commit, ConflictError, ReviewStore

FRAMES = np.array([3, 4, 5, 8, 9, 10])
CLASSES = ("A", "B")
AT = "2026-11-25T01:00:00.000Z"


@pytest.fixture
def store(tmp_path: Path):
    with ReviewStore.open(tmp_path / "review.db") as opened:
        yield opened


def commit(*operations: Operation, base: int = 0, **changes) -> Commit:
    values = {"reviewer": "kim", "stream": "review", "frame_numbers": FRAMES, "classes": CLASSES, **changes}
    return Commit("run", clip_id=values.pop("clip_id", "c"), base_revision=base, sequence=1, operations=operations, **values)


def paint(label: str, start: int = 3, end: int = 10) -> Operation:
    return new_operation(Span(start, end, "relabel", label))


def codes(store: ReviewStore, reviewer: str = "kim", stream: str = "review") -> list[int]:
    return replay_codes(store.operations("c", reviewer=reviewer, stream=stream), FRAMES, CLASSES).tolist()


def test_a_commit_is_there_when_it_returns_and_reads_back_as_it_was(store: ReviewStore, tmp_path: Path) -> None:
    operations = (paint("A"), new_operation(Span(4, 5, "unsure"), Span(9, 9, "exclude"), note="꼬리가 안 보임"))
    undo = new_operation(undoes=operations[1].operation_id)
    receipt = store.commit(commit(*operations, undo))
    assert (receipt.revision, receipt.acknowledged) == (3, tuple(o.operation_id for o in (*operations, undo)))
    with ReviewStore.open(tmp_path / "review.db") as other:
        assert other.operations("c", reviewer="kim") == [*operations, undo]
        assert [o.revision for o in other.operations("c", reviewer="kim")] == [1, 2, 3]
    events = store.events()
    assert validate(events, REVIEW_EVENTS, source="test") is not None
    undone = events.iloc[-1]
    assert (undone["action"], undone["start_frame"], undone["end_frame"]) == ("undo", 4, 9)
    assert undone["undoes"] == operations[1].operation_id


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE review_events SET label = 'B'",
        "DELETE FROM review_events",
        "INSERT OR REPLACE INTO review_events SELECT * FROM review_events",
        "UPDATE blind_samples SET stratum = 'flagged'",
        "DELETE FROM blind_samples",
    ],
)
def test_nobody_changes_or_removes_what_is_stored(store: ReviewStore, tmp_path: Path, statement: str) -> None:
    store.commit(commit(paint("A")))
    store.save_sample(sample(["w1"]))
    plain = sqlite3.connect(tmp_path / "review.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        plain.execute(statement)
    plain.close()
    assert store.events()["label"].tolist() == ["A"]
    assert store.samples()["stratum"].tolist() == ["holdout"]


def test_what_is_acknowledged_is_synced_to_the_disk(store: ReviewStore) -> None:
    with schema.stored(store._engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_same_commit_again_gives_the_same_receipt_whatever_came_after(store: ReviewStore) -> None:
    first = commit(paint("A"), state={3: UNSURE})
    receipt = store.commit(first)
    assert receipt.revision == 2
    assert store.commit(first) == receipt
    store.commit(commit(paint("B", 4, 4), base=2))
    assert store.commit(first) == receipt
    assert len(store.events()) == 3


def test_a_resend_with_more_operations_stores_the_new_ones_only(store: ReviewStore) -> None:
    first, second = paint("A"), paint("B", 8, 9)
    store.commit(commit(first, state={3: UNSURE}))
    receipt = store.commit(commit(first, second, base=0))
    assert receipt.revision == 3
    assert codes(store) == [UNSURE, 0, 0, 1, 1, 0]


def test_a_stale_base_is_refused_with_what_others_wrote(store: ReviewStore) -> None:
    theirs = paint("A")
    store.commit(commit(theirs))
    mine = paint("B")
    with pytest.raises(ConflictError) as caught:
        store.commit(commit(mine))
    assert caught.value.revision == 1
    assert caught.value.operations == (theirs,)
    assert isinstance(caught.value, PoseAuditError)
    assert caught.value.exit_code == 4
    assert len(store.events()) == 1
    store.commit(commit(mine, base=caught.value.revision))
    assert codes(store) == [1] * 6


def test_a_page_that_is_ahead_of_the_database_is_told(store: ReviewStore) -> None:
    with pytest.raises(ConflictError, match="older than the page"):
        store.commit(commit(paint("A"), base=7))


def test_reviewers_have_streams_of_their_own_and_adjudicators_share_one(store: ReviewStore) -> None:
    store.commit(commit(paint("A")))
    store.commit(commit(paint("B"), reviewer="lee"))
    store.commit(commit(paint("B"), stream="blind:s1"))
    assert [codes(store), codes(store, "lee"), codes(store, stream="blind:s1")] == [[0] * 6, [1] * 6, [1] * 6]
    store.commit(commit(paint("A"), stream="adjudication"))
    with pytest.raises(ConflictError, match="kim"):
        store.commit(commit(paint("B"), stream="adjudication", reviewer="lee"))
    store.commit(commit(paint("B", 3, 3), stream="adjudication", reviewer="lee", base=1))
    assert codes(store, "anybody", "adjudication") == [1, 0, 0, 0, 0, 0]
    assert store.revision("c", reviewer="anybody", stream="adjudication") == 2
    assert store.reviewers() == ["kim", "lee"]


def test_the_state_that_a_page_saw_is_kept_where_it_differs(store: ReviewStore) -> None:
    state = np.array([1, 1, 0, EXCLUDED, UNSURE, NOT_REVIEWED], "<i2")
    store.commit(commit(paint("A"), state=state, given=["A", "A", "A", "A", "A", "A"]))
    assert codes(store) == state.tolist()
    assert store.events()["note"].iloc[1:].eq(STATE_NOTE).all()
    store.commit(commit(base=2, state=state))
    assert len(store.events()) == 5


def test_keep_and_relabel_are_told_apart_by_the_given_labels(store: ReviewStore) -> None:
    store.commit(commit(paint("B"), given=["A", "A", "B", "B", "A", "B"]))
    events = store.events()
    assert events["action"].tolist() == ["relabel", "keep", "relabel", "keep"]
    assert events[["start_frame", "end_frame"]].to_numpy().tolist() == [[3, 4], [5, 8], [9, 9], [10, 10]]
    assert events["revision"].tolist() == [1] * 4


def test_names_are_stored_in_one_unicode_form(store: ReviewStore) -> None:
    decomposed = "\u1100\u1161"
    store.commit(commit(paint(decomposed), classes=("가",), reviewer=f" {decomposed} "))
    assert store.events()["label"].tolist() == ["가"]
    assert store.revision("c", reviewer=decomposed) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: commit(paint("A", 2, 5)), "leaves the clip"),
        (lambda: commit(paint("C")), "no label 'C'"),
        (lambda: commit(new_operation(undoes="nothing")), "not in this stream"),
        (lambda: commit(paint("A"), stream="secret"), "stream 'secret'"),
        (lambda: commit(paint("A"), reviewer="  "), "reviewer"),
        (lambda: commit(paint("A"), state=np.zeros(3, np.int16)), "3 codes for 6 frames"),
        (lambda: commit(paint("A"), state={3: 7}), "mean nothing"),
        (lambda: commit(paint("A"), state={7: 0}), "frames that the clip has not"),
        (lambda: commit(Operation("o", "yesterday", (Span(3, 3, "unsure"),))), "ISO 8601"),
        (lambda: commit(Operation("o", AT)), "needs spans"),
        (lambda: commit(paint("A", 5, 3)), "not a span"),
        (lambda: commit(Operation("o", AT, (Span(3, 3, "note"),))), "without text"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(store: ReviewStore, bad, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        store.commit(bad())
    assert store.events().empty


def test_an_operation_belongs_to_one_clip(store: ReviewStore) -> None:
    operation = paint("A")
    store.commit(commit(operation))
    with pytest.raises(UsageError, match="stored for clip c"):
        store.commit(commit(operation, clip_id="d"))
    with pytest.raises(UsageError, match="twice"):
        store.commit(commit(*[paint("A")] * 2, base=1))


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(3, 10), st.integers(3, 10), st.booleans()), max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_commits_sent_once_or_twice_leave_the_same_events(tmp_path_factory, acts) -> None:
    with ReviewStore.open(tmp_path_factory.mktemp("s") / "review.db") as store:
        sent: list[Operation] = []
        for label, a, b, undo in acts:
            operation = new_operation(undoes=sent[-1].operation_id) if undo and sent else paint(label, *sorted((a, b)))
            one = commit(operation, base=len(sent))
            sent.append(operation)
            assert store.commit(one) == store.commit(one)
        assert store.operations("c", reviewer="kim") == sent
        assert store.revision("c", reviewer="kim") == len(sent)


def _work(path: Path, reviewer: str, count: int) -> int:
    """Commit one operation after another, taking over what others wrote at each conflict; return the conflicts."""
    conflicts = 0
    with ReviewStore.open(path) as store:
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


def test_two_processes_committing_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path, count = tmp_path / "review.db", 40
    with context.Pool(2) as pool:
        pool.starmap(_work, [(path, "kim", count), (path, "lee", count)])
    with ReviewStore.open(path) as store:
        events = store.events()
    assert sorted(events["revision"]) == list(range(1, 2 * count + 1))
    assert events["reviewer"].value_counts().to_dict() == {"kim": count, "lee": count}


def _open(path: Path) -> int:
    with ReviewStore.open(path) as store:
        return len(store.events())


def test_many_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for i in range(15):
            assert pool.map(_open, [tmp_path / f"{i}.db"] * 4, chunksize=1) == [0] * 4


def test_threads_share_a_store(store: ReviewStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: [store.commit(commit(paint("A"), base=k, reviewer=f"r{i}")) for k in range(10)], range(4)))
    assert len(store.events()) == 40


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


def test_a_folder_that_is_not_there_or_a_bad_url_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="unable to open"):
        ReviewStore.open(tmp_path / "none" / "review.db")
    with pytest.raises(WorkspaceError, match="review database"):
        ReviewStore.open("no url")


def test_an_older_database_is_migrated_once_and_a_newer_one_left_alone(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "review.db"
    with ReviewStore.open(path) as store:
        store.commit(commit(paint("A")))
    ran = []

    def second(connection: sa.Connection) -> None:
        ran.append(1)
        connection.exec_driver_sql("CREATE TABLE more (x INTEGER)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    for _ in range(2):
        with ReviewStore.open(path) as store:
            assert len(store.events()) == 1
    assert ran == [1]
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="newer pose-audit"):
        ReviewStore.open(path)


def test_a_failing_migration_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "review.db"
    ReviewStore.open(path).close()

    def broken(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE more (x INTEGER)")
        connection.exec_driver_sql("no SQL")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(WorkspaceError):
        ReviewStore.open(path)
    monkeypatch.undo()
    ReviewStore.open(path).close()
    plain = sqlite3.connect(path)
    assert plain.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    plain.close()


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


def test_samples_come_back_as_they_were_and_no_window_twice(store: ReviewStore) -> None:
    store.save_sample(sample(["w1", "w2"]))
    pd.testing.assert_frame_equal(store.samples(), sample(["w1", "w2"]), check_dtype=True)
    with pytest.raises(WorkspaceError):
        store.save_sample(sample(["w2"]))


def test_events_are_filtered(store: ReviewStore) -> None:
    store.commit(commit(Operation("old", "2026-01-01T00:00:00Z", (Span(3, 3, "unsure"),)), paint("A")))
    store.commit(commit(paint("B"), clip_id="d", reviewer="lee"))
    assert len(store.events(clip_id="c")) == 2
    assert len(store.events(reviewer="lee")) == 1
    assert len(store.events(stream="adjudication")) == 0
    assert len(store.events(since="2026-06-01")) == 2
    assert store.events(operation_id="old")["at"].tolist() == ["2026-01-01T00:00:00.000Z"]
