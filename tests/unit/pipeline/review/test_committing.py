"""What a commit means: the rows of its operations, and the operation that the state of a page adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from data_schemas.errors import UsageError
from pipeline.review.committing import STATE_NOTE, check_operations, events_of, state_operation, state_operation_id
from pipeline.review.events import EXCLUDED, NOT_REVIEWED, UNSURE, Operation, Span
from tests.unit.pipeline.review.commits import AT, commit

OLD = Operation("old", AT, (Span(3, 10, "relabel", "A"),), revision=4)
UNDO = Operation("undo", AT, undoes="old")
NEW = Operation("new", AT, (Span(4, 5, "unsure"), Span(9, 9, "exclude")), note="seen")


def spans(rows: Sequence[dict]) -> list[tuple]:
    return [(r["action"], r["start_frame"], r["end_frame"]) for r in rows]


@pytest.mark.parametrize(
    ("given", "span", "expected"),
    [
        ("AABBAB", (6, 7), [("relabel", 6, 7)]),
        ("AABBAB", (5, 7), [("keep", 5, 7)]),
        ("AABBAB", (4, 9), [("relabel", 4, 4), ("keep", 5, 8), ("relabel", 9, 9)]),
        ("AABBBB", (6, 9), [("keep", 6, 9)]),
        ("AABABB", (5, 10), [("keep", 5, 5), ("relabel", 8, 8), ("keep", 9, 10)]),
        (["A", None, "B", None, "B", "B"], (3, 8), [("relabel", 3, 4), ("keep", 5, 5), ("relabel", 8, 8)]),
    ],
)
def test_a_span_is_cut_at_frames_that_there_are_and_its_own_ends_stay(
    given: Sequence[str | None], span: tuple[int, int], expected: list
) -> None:
    painted = Operation("o", AT, (Span(*span, "relabel", "B"),))
    assert spans(events_of(commit(painted, given=list(given)), [painted], first=0)) == expected
    for unknown in ({}, {"given": list(given), "frame_numbers": None}):
        assert spans(events_of(commit(painted, **unknown), [painted], first=0)) == [("relabel", *span)]


def test_rows_go_on_behind_the_newest_revision_one_for_each_span() -> None:
    rows = events_of(commit(NEW, UNDO), [OLD, NEW, UNDO], first=1)
    assert [(r["event_id"], r["revision"]) for r in rows] == [("new-0", 5), ("new-1", 5), ("undo-0", 6)]
    assert spans(rows) == [("unsure", 4, 5), ("exclude", 9, 9), ("undo", 3, 10)]
    assert [(r["undoes"], r["note"], r["at"]) for r in rows[1:]] == [(None, "seen", AT), ("old", None, AT)]
    # The extent of what it takes back is all of its spans'; that of what is not there the first frame.
    again = [NEW, Operation("u", AT, undoes="new"), Operation("v", AT, undoes="gone")]
    rows = events_of(commit(), again, first=0)
    assert spans(rows)[2:] == [("undo", 4, 9), ("undo", 0, 0)]
    assert [r["revision"] for r in rows] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("new", "message", "hint"),
    [
        ([Operation("o", AT, (Span(2, 5, "unsure"),))], "operation o: span 2-5 leaves the clip", "frames 3-10"),
        ([Operation("o", AT, (Span(9, 11, "unsure"),))], "operation o: span 9-11 leaves the clip", "frames 3-10"),
        ([NEW, NEW], "operation new: twice in one commit", "an identifier of its own"),
        ([OLD], "operation old: twice in one commit", "an identifier of its own"),
        ([Operation("u", AT, undoes="new"), NEW], "undoes new, which is not in this stream", "send that one first"),
        ([Operation("o", AT, (Span(3, 4, "keep", "C"),))], "no label 'C'", "known: A, B"),
        ([Operation("o", AT, (Span(3, 4, "keep", "A1"),))], "no label 'A1'", "did you mean 'A'?"),
    ],
)
def test_operations_that_do_not_fit_the_clip_are_refused_with_the_way_out(new: list, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        check_operations(commit(*new), new, before=[OLD])
    assert message in told.value.message
    assert hint in told.value.hint


def test_operations_that_fit_are_taken_whatever_is_not_known_of_the_clip() -> None:
    whole = Operation("o", AT, (Span(3, 10, "keep", "B"), Span(3, 3, "unsure")))
    check_operations(commit(), [whole, UNDO, Operation("redo", AT, undoes="undo")], before=[OLD])
    far = Operation("far", AT, (Span(0, 99, "keep", "Z"),))
    check_operations(commit(classes=(), frame_numbers=None), [far], before=[])


def test_the_state_of_a_page_adds_what_replay_does_not_give() -> None:
    state = np.array([0, 1, 1, UNSURE, NOT_REVIEWED, EXCLUDED])
    found = state_operation(commit(OLD, state=state), [OLD])
    assert found.spans == (
        Span(4, 5, "relabel", "B"),
        Span(8, 8, "unsure"),
        Span(9, 9, "undo"),
        Span(10, 10, "exclude"),
    )
    assert (found.note, found.at) == (STATE_NOTE, AT)
    assert state_operation(commit(OLD, state=np.zeros(6, int)), [OLD]) is None
    assert state_operation(commit(OLD), [OLD]) is None
    some = state_operation(commit(OLD, state={3: 0, 8: 1}), [OLD])
    assert some.spans == (Span(8, 8, "relabel", "B"),)


def test_what_a_state_adds_goes_by_the_last_operation_so_that_another_version_finds_it_again() -> None:
    later = Operation("later", "2026-11-25T02:00:00Z", (Span(3, 3, "unsure"),))
    found = state_operation(commit(OLD, later, state={4: 1}), [OLD, later])
    assert (found.operation_id, found.at) == (state_operation_id("later"), later.at)
    assert state_operation_id("later") == "81b54ffde40a5724928e28e6257292d2"


def test_a_state_without_operations_is_another_act_each_time_something_lies_between() -> None:
    def name(state: dict[int, int], operations: list[Operation], **changes: str) -> str:
        return state_operation(commit(state=state, **changes), operations).operation_id

    first = name({3: 1}, [OLD])
    assert name({3: 1}, [OLD]) == first
    others = [
        name({3: 1}, [OLD, NEW]),
        name({4: 1}, [OLD]),
        name({3: 1}, [OLD], reviewer="lee"),
        name({3: 1}, [OLD], clip_id="d"),
    ]
    assert len({first, *others}) == 5


@pytest.mark.parametrize(
    ("state", "message", "hint"),
    [
        ({3: 2}, "the state has codes that mean nothing", "-1 to -3"),
        ({3: -4}, "the state has codes that mean nothing", "-1 to -3"),
        ({7: 0}, "the state has frames that the clip has not", "source numbers"),
        (np.zeros(5, int), "the state has 5 codes for 6 frames", "one code for each frame"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        state_operation(commit(state=state), [])
    assert message in told.value.message
    assert hint in told.value.hint
