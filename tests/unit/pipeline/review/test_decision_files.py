"""Files of decisions: what a row says, why it does not fit, and which rows say two things of the same frames."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.errors import SourceError, TableError
from data_schemas.tables import REVIEW_ACTIONS
from pipeline.review.access import KnownLabels
from pipeline.review.decision_files import Clips, RowError, checked_row, contradictions, rows_of

NUMBERS = [2, 3, 4, 7, 8, 9]
CLIPS = Clips(
    pd.DataFrame({"clip_id": "c", "frame_number": NUMBERS[::-1], "given": [None, "B", "A", "A", "A", "A"]}),
    {"c": "DOG"},
    KnownLabels({"DOG": ("A", "B", "other")}),
)
DEFAULTS = {"stream": "review", "run_id": "run", "at": "2026-11-25T01:00:00Z"}
ROW = {"clip_id": "c", "start_frame": 2, "end_frame": 9, "label": "A", "reviewer": "kim"}
HEAD = ",".join(ROW)


def checked(**values: object) -> dict:
    """Check a row whose other values fit."""
    return checked_row({**ROW, **values}, CLIPS, DEFAULTS)


def rows(path: Path, text: str, **options: str) -> list:
    path.write_text(text, encoding="utf-8")
    return list(rows_of(path, **options))


ROWS = st.lists(
    st.tuples(
        st.sampled_from("cd"), st.sampled_from(["kim", "lee"]), st.integers(0, 6), st.integers(0, 3), st.sampled_from("AB")
    ),
    max_size=7,
)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"clip_id": " "}, "clip_id is empty"),
        ({"clip_id": "videos/xyz"}, "no clip 'videos/xyz' in this run"),
        ({"clip_id": "C.mp4"}, "no clip 'C.mp4' in this run; did you mean 'c'?"),
        ({"start_frame": 1}, "span 1-9 is not in clip c (frames 2-9)"),
        ({"end_frame": 10}, "span 2-10 is not in clip c (frames 2-9)"),
        ({"start_frame": 4, "end_frame": 3}, "span 4-3 is not in clip c (frames 2-9)"),
        ({"start_frame": "2.5"}, "start_frame is '2.5', not a frame number"),
        ({"start_frame": 2.5}, "start_frame is 2.5, not a frame number"),
        ({"start_frame": -1}, "start_frame is -1, not a frame number"),
        ({"start_frame": True}, "start_frame is True, not a frame number"),
        ({"end_frame": None}, "end_frame is None, not a frame number"),
        ({"end_frame": 2**31}, "end_frame is 2147483648, not a frame number"),
        ({"end_frame": "9" * 11}, "end_frame is '99999999999', not a frame number"),
        ({"revision": "one"}, "revision is 'one'"),
        ({"label": "qqq"}, "no label 'qqq' for DOG"),
        ({"label": "othr"}, "no label 'othr' for DOG; did you mean 'other'?"),
        ({"label": True}, "label is True, not a text"),
        ({"label": 1.5}, "label is 1.5, not a text"),
        ({"label": ["A"]}, "label is ['A'], not a text"),
        ({"label": {}}, "label is {}, not a text"),
        ({"label": None}, "neither label nor action"),
        ({"label": None, "note": ""}, "neither label nor action"),
        ({"action": "relable"}, "no action 'relable'; did you mean 'relabel'?"),
        ({"action": "qqq"}, f"no action 'qqq'; {', '.join(REVIEW_ACTIONS)}"),
        ({"undoes": "o"}, "action relabel names an operation in undoes; only undo does"),
        ({"action": "unsure"}, "action unsure with label 'A'; only relabel and keep carry one"),
        ({"event_id": "e f"}, "event_id 'e f' is not an identifier"),
        ({"operation_id": "o" * 129}, f"operation_id '{'o' * 129}' is not an identifier"),
        ({"operation_id": "o" * 65}, f"operation '{'o' * 65}': not an identifier"),
        ({"at": "noon"}, "operation 'row': time 'noon' is not ISO 8601"),
        ({"reviewer": None}, "reviewer '' cannot be stored"),
    ],
)
def test_a_row_that_does_not_fit_says_why(values: dict, reason: str) -> None:
    with pytest.raises(RowError) as told:
        checked(**values)
    assert str(told.value) == reason


def test_what_a_row_leaves_out_is_filled_in() -> None:
    row = {k: checked()[k] for k in ("stream", "run_id", "at", "revision", "event_id", "operation_id", "undoes", "note")}
    assert row == {
        **DEFAULTS,
        "at": "2026-11-25T01:00:00.000Z",
        **dict.fromkeys(("event_id", "operation_id", "undoes", "note")),
        "revision": 0,
    }
    own = {"stream": "blind:s", "run_id": "old", "at": "2026-11-24T10:00:00+09:00", "revision": "3", "note": " seen "}
    own |= {"event_id": "e" * 128, "operation_id": 7, "label": " a ", "reviewer": " kim "}
    made = checked(**own)
    assert made == {
        **ROW,
        **own,
        "at": "2026-11-24T01:00:00.000Z",
        "revision": 3,
        "operation_id": "7",
        "label": "A",
        "reviewer": "kim",
        "action": "relabel",
        "undoes": None,
    }
    assert checked(revision=2**31 - 1)["revision"] == 2**31 - 1
    taken_back = checked(label=None, action="undo", undoes="o")
    assert (taken_back["action"], taken_back["undoes"]) == ("undo", "o")


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({"end_frame": 7}, "keep"),
        ({"end_frame": 8}, "relabel"),
        ({"start_frame": 8, "end_frame": 8, "label": "B"}, "keep"),
        ({"start_frame": 9, "label": "B"}, "relabel"),
        ({"start_frame": 5, "end_frame": 6}, "relabel"),
        ({"end_frame": 7, "action": "relabel"}, "relabel"),
        ({"label": None, "note": "tail hidden"}, "note"),
        ({"label": None, "action": "exclude", "note": "tail hidden"}, "exclude"),
    ],
)
def test_a_row_without_an_action_keeps_what_was_given_or_relabels_it_or_notes_something(values: dict, action: str) -> None:
    assert checked(**values)["action"] == action


@pytest.mark.parametrize("number", [2, 2.0, "2", " 2 ", "2.00", "02"])
def test_numbers_are_read_as_spreadsheets_write_them(number: object) -> None:
    row = checked(start_frame=number, end_frame=number)
    assert (row["start_frame"], row["end_frame"]) == (2, 2)
    assert type(row["start_frame"]) is int


def test_rows_of_csv_keep_their_lines_over_empty_ones_and_to_the_one_that_is_no_csv(tmp_path: Path) -> None:
    many = "c,2,3,A,kim\n" * 40
    found = rows(tmp_path / "d.csv", f"{HEAD}\n\n{many},,,,\nc,2,3,,lee\nc,2\nc,2,3,{'A' * 200_000},kim\nc,2,3,A,kim\n")
    assert [line for line, _ in found] == [*range(3, 43), 44, 45, 46]
    assert found[0][1] == {"clip_id": "c", "start_frame": "2", "end_frame": "3", "label": "A", "reviewer": "kim"}
    assert found[-3][1]["label"] is None
    assert found[-2][1] == "more or fewer cells than the head has"
    assert found[-1][1].startswith("not CSV from here on: field larger")


def test_rows_of_json_keep_their_lines_and_need_their_columns_only_where_there_is_one(tmp_path: Path) -> None:
    found = rows(tmp_path / "d.jsonl", '\n{"clip_id": "c",\n[1]\n')
    assert [line for line, _ in found] == [2, 3]
    assert found[0][1].startswith("not JSON: ")
    assert found[1][1] == "not a JSON object"
    assert rows(tmp_path / "e.ndjson", " \n") == []
    with pytest.raises(TableError, match=r"no column end_frame, label, reviewer"):
        rows(tmp_path / "f.jsonl", '{"clip_id": "c"}\n{"start_frame": 2}\n')


@pytest.mark.parametrize(
    ("head", "hint"),
    [
        ("clip_id,start_frame,end_frame,lab,reviewer", "did you write 'lab' for label?"),
        ("clip_id,start_frame,end_frame,la,reviewer", "needed: clip_id, start_frame, end_frame, label, reviewer"),
        ("clip_id,start_frame,end_frame,laebl,reviewer,", "did you write 'laebl' for label?"),
        ("clip_id,start_frame,end_frame,,reviewer", "needed: clip_id, start_frame, end_frame, label, reviewer"),
    ],
)
def test_a_column_that_is_missing_is_told_with_what_was_probably_meant(tmp_path: Path, head: str, hint: str) -> None:
    with pytest.raises(TableError) as told:
        rows(tmp_path / "d.csv", f"{head}\n")
    assert told.value.message == f"{tmp_path / 'd.csv'}: no column label"
    assert told.value.hint == hint


def test_the_table_of_another_program_is_named_where_most_columns_are_missing(tmp_path: Path) -> None:
    boris = "Observation id,Media file name,Behavior,Time"
    with pytest.raises(TableError, match="BORIS") as told:
        rows(tmp_path / "d.csv", f"{boris},clip_id,reviewer\n")
    assert told.value.hint.startswith("write one row a stretch with clip_id, start_frame")
    with pytest.raises(TableError, match=r"d\.csv: no column start_frame, end_frame$"):
        rows(tmp_path / "d.csv", f"{boris},clip_id,label,reviewer\n")


def test_what_is_no_text_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv: No such file") as told:
        list(rows_of(tmp_path / "none.csv"))
    assert told.value.hint == "name a file that `audit decisions export` wrote"
    for content, reason, hint in (
        (b"PK\x03\x04xl/workbook.xml", "d.csv: an Excel workbook", "save each sheet as CSV"),
        (b"", "d.csv: the file is empty", "save it as text in UTF-8, one row a line, with clip_id, start_frame"),
        (f"{HEAD}\n{'A' * 200_000}".encode(), "d.csv: its first rows are not CSV", "save it as text in UTF-8, one row a line"),
    ):
        (tmp_path / "d.csv").write_bytes(content)
        with pytest.raises(SourceError) as told:
            list(rows_of(tmp_path / "d.csv"))
        assert reason in told.value.message
        assert hint in told.value.hint


def test_only_what_one_reviewer_decides_in_one_stream_can_contradict() -> None:
    said = [
        (2, {"action": "relabel", "label": "A"}),
        (3, {"action": "note", "label": None}),
        (4, {"action": "undo", "label": None}),
        (5, {"action": "relabel", "label": "B", "stream": "blind:s"}),
        (6, {"action": "keep", "label": "A"}),
        (7, {"action": "unsure", "label": None}),
    ]
    place = {"clip_id": "c", "reviewer": "kim", "stream": "review", "start_frame": 3, "end_frame": 3}
    found = list(contradictions([(line, {**place, **row}) for line, row in said]))
    assert found == [
        (7, f"frames 3-3 of c have two labels of kim: A in line {line}, unsure in line 7; the later line counts")
        for line in (2, 6)
    ]


@given(ROWS)
def test_every_pair_that_shares_a_frame_under_two_labels_is_told_with_these_frames(rows: list) -> None:
    events = [
        (
            line,
            {
                "clip_id": c,
                "reviewer": who,
                "stream": "review",
                "action": "relabel",
                "label": x,
                "start_frame": a,
                "end_frame": a + n,
            },
        )
        for line, (c, who, a, n, x) in enumerate(rows, start=2)
    ]
    expected = []
    for (first, one), (last, two) in combinations(events, 2):
        low, high = max(one["start_frame"], two["start_frame"]), min(one["end_frame"], two["end_frame"])
        if low <= high and one["label"] != two["label"] and all(one[k] == two[k] for k in ("clip_id", "reviewer")):
            who = f"frames {low}-{high} of {one['clip_id']} have two labels of {one['reviewer']}"
            lines = f"{one['label']} in line {first}, {two['label']} in line {last}"
            expected.append((last, f"{who}: {lines}; the later line counts"))
    assert sorted(contradictions(events)) == sorted(expected)
