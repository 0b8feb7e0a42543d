"""Commits, on both databases: idempotent, refused where they are stale or do not fit, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.errors import PoseAuditError, UsageError
from data_schemas.tables import REVIEW_EVENTS, validate
from pipeline.review.committing import STATE_NOTE
from pipeline.review.events import EXCLUDED, NOT_REVIEWED, UNSURE, Operation, Span, new_operation
from pipeline.review.store import ConflictError, ReviewStore
from tests.unit.pipeline.review.commits import AT, codes, commit, paint


@pytest.fixture
def store(place: Path | str):
    with ReviewStore.open(place) as opened:
        yield opened


def test_a_commit_is_there_when_it_returns_and_reads_back_as_it_was(store: ReviewStore, place: Path | str) -> None:
    operations = (paint("A"), new_operation(Span(4, 5, "unsure"), Span(9, 9, "exclude"), note="꼬리가 안 보임"))
    undo = new_operation(undoes=operations[1].operation_id)
    receipt = store.commit(commit(*operations, undo))
    assert (receipt.revision, receipt.acknowledged) == (3, tuple(o.operation_id for o in (*operations, undo)))
    with ReviewStore.open(place) as other:
        assert other.operations("c", reviewer="kim") == [*operations, undo]
        assert [o.revision for o in other.operations("c", reviewer="kim")] == [1, 2, 3]
    events = store.events()
    assert validate(events, REVIEW_EVENTS, source="test") is not None
    undone = events.iloc[-1]
    assert (undone["action"], undone["start_frame"], undone["end_frame"]) == ("undo", 4, 9)
    assert undone["undoes"] == operations[1].operation_id


def test_the_same_commit_again_gives_the_same_receipt_whatever_came_after(store: ReviewStore) -> None:
    first = commit(paint("A"), state={3: UNSURE})
    receipt = store.commit(first)
    assert receipt.revision == 2
    assert store.commit(first) == receipt
    store.commit(commit(paint("B", 3, 4), base=2))
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
    assert store.commit(commit(base=2, state=state)).revision == 2
    assert len(store.events()) == 5
    assert store.commit(commit(base=2, state={3: 0})).revision == 3
    assert codes(store) == [0, *state.tolist()[1:]]


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


def test_events_are_filtered(store: ReviewStore) -> None:
    store.commit(commit(Operation("old", "2026-01-01T00:00:00Z", (Span(3, 3, "unsure"),)), paint("A")))
    store.commit(commit(paint("B"), clip_id="d", reviewer="lee"))
    assert len(store.events(clip_id="c")) == 2
    assert len(store.events(reviewer="lee")) == 1
    assert len(store.events(stream="adjudication")) == 0
    assert store.events(operation_id="old")["at"].tolist() == ["2026-01-01T00:00:00.000Z"]
