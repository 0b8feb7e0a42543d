"""Operations, spans and commits: what cannot be stored is refused with the way out, and all else gets its one form."""

from __future__ import annotations

import numpy as np
import pytest

from data_schemas.errors import UsageError
from pipeline.review.events import Commit, Operation, Span, new_operation, operation_from_json, operation_to_json
from tests.unit.pipeline.review.commits import AT, FRAMES, commit, paint

UNSURE = (Span(3, 3, "unsure"),)
JSON = {"operation_id": "o", "at": AT, "spans": [[3, 4, 0]]}


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (lambda: Span(3, 4, "relable", "A"), "span 3-4: no action 'relable'", "known: relabel, keep, unsure"),
        (lambda: Span(-1, 4, "unsure"), "span -1-4: not a span of frames", "both ends belong to it"),
        (lambda: Span(5, 4, "unsure"), "span 5-4: not a span of frames", "the first is not after the last"),
        (lambda: Span(0, 2**31, "unsure"), "not a span of frames", "both ends belong to it"),
        (lambda: Span(3, 4, "relabel"), "span 3-4: relabel with label None", "relabel and keep carry a label"),
        (lambda: Span(3, 4, "unsure", "A"), "span 3-4: unsure with label 'A'", "relabel and keep carry a label"),
        (lambda: Span(3, 4, "keep", "A\aB"), r"label 'A\x07B' cannot be stored", "none of them control signs"),
        (lambda: Span(3, 4, "keep", "A" * 201), f"label '{'A' * 200}' cannot be stored", "1 to 200 signs"),
        (lambda: Operation("", AT, UNSURE), "operation '': not an identifier", "32 hexadecimal digits"),
        (lambda: Operation("o" * 65, AT, UNSURE), "not an identifier", "32 hexadecimal digits"),
        (lambda: Operation("o p", AT, UNSURE), "operation 'o p': not an identifier", "32 hexadecimal digits"),
        (lambda: Operation("o", AT), "operation 'o': needs spans, or the operation that it undoes", "leave one out"),
        (lambda: Operation("o", AT, UNSURE, undoes="p"), "needs spans, or the operation that it undoes", "leave one out"),
        (lambda: Operation("o", AT, (*UNSURE, Span(3, 3, "note")), note="\0"), "operation 'o': a note without text", "in `note`"),
        (lambda: Operation("o", "12:30", UNSURE), "operation 'o': time '12:30' is not ISO 8601", "2026-11-25T01:02:03.456Z"),
        (lambda: commit(paint("A"), clip_id=""), "a commit without clip_id", "name the clip"),
        (lambda: commit(paint("A"), reviewer=" \t"), "reviewer ' \\t' cannot be stored", "1 to 200 signs"),
        (lambda: commit(paint("A"), stream="blind:"), "stream 'blind:' is not known", "review, adjudication or blind:SAMPLE"),
        (lambda: commit(paint("A"), base=-1), "base revision -1", "0 is the revision of a clip without events"),
        (lambda: commit(paint("A"), state={3: 0}, classes=()), "a state needs classes and frame_numbers", "what its codes mean"),
        (lambda: commit(paint("A"), state={3: 0}, frame_numbers=None), "needs classes and frame_numbers", "what its codes mean"),
        (
            lambda: operation_from_json({**JSON, "at": 5}, "AB"),
            "operation: Expected `str`, got `int`",
            "spans [[start, end, code]",
        ),
        (lambda: operation_from_json({**JSON, "spans": [[3, 4, 2]]}, "AB"), "span 3-4: code 2 means no class", "0 to 1, -1"),
        (lambda: operation_from_json({**JSON, "spans": [[3, 4, -4]]}, "AB"), "span 3-4: code -4 means no class", "0 to 1, -1"),
        (
            lambda: operation_to_json(paint("C"), "AB"),
            "label 'C' is not one of the classes A, B",
            "every label of the clip's events",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_with_the_way_out(make, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        make()
    assert message in told.value.message
    assert hint in told.value.hint


def test_the_first_and_the_longest_that_can_be_stored_are_taken() -> None:
    span = Span(0, 2**31 - 1, "relabel", "A" * 200)
    assert (span.start_frame, span.end_frame, len(span.label)) == (0, 2**31 - 1, 200)
    assert Span(np.int32(7), np.int64(7), "unsure") == Span(7, 7, "unsure")
    assert type(Span(np.int32(7), 7, "unsure").start_frame) is int
    assert Operation("o" * 64, AT, UNSURE).operation_id == "o" * 64
    assert commit(base=0, state=np.zeros(6, np.int16)).base_revision == 0


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-11-25T01:02:03.4567Z", "2026-11-25T01:02:03.456Z"),
        ("2026-11-25T01:02:03", "2026-11-25T01:02:03.000Z"),
        ("2026-11-25T10:02:03+09:00", "2026-11-25T01:02:03.000Z"),
    ],
)
def test_times_are_stored_in_utc_with_milliseconds(written: str, stored: str) -> None:
    assert Operation("o", written, UNSURE).at == stored


def test_notes_and_names_get_their_one_form() -> None:
    assert Operation("o", AT, UNSURE, note="a\0b\ud800").note == "ab?"
    assert Operation("o", AT, UNSURE, note="\0").note is None
    made = Commit("run", " kim ", "review", "c", 0, 1, [paint("A")], classes=["\u1100\u1161"], frame_numbers=FRAMES)
    assert (made.reviewer, made.classes, len(made.operations)) == ("kim", ("가",), 1)


def test_an_operation_is_json_of_spans_with_codes() -> None:
    spans = (Span(3, 4, "keep", "B"), Span(5, 5, "undo"), Span(8, 8, "unsure"), Span(9, 9, "exclude"), Span(10, 10, "note"))
    made = operation_to_json(Operation("o", AT, spans, note="seen", revision=7, reviewer="kim"), "AB")
    assert made == {
        "operation_id": "o",
        "at": AT,
        "spans": [[3, 4, 1], [5, 5, -1], [8, 8, -2], [9, 9, -3], [10, 10, None]],
        "undoes": None,
        "note": "seen",
        "revision": 7,
        "reviewer": "kim",
    }
    back = operation_from_json(made, "AB")
    assert back.spans == (Span(3, 4, "relabel", "B"), *spans[1:])
    assert (back.at, back.note, back.undoes) == (AT, "seen", None)
    taken_back = operation_from_json({"operation_id": "u", "at": AT, "undoes": "o", "note": ""}, "AB")
    assert (taken_back.spans, taken_back.undoes, taken_back.note) == ((), "o", None)


def test_operations_that_are_made_now_are_told_apart() -> None:
    one, two = new_operation(*UNSURE), new_operation(*UNSURE, note="seen")
    assert one.operation_id != two.operation_id
    assert one.at.endswith("Z")
    assert two.note == "seen"
