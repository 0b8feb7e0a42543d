"""Decisions as files: an export comes back exactly; what does not fit is listed, the rest imported."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.errors import SourceError, StageError, TableError, UsageError
from data_schemas.labels import load_taxonomy
from pipeline.review.access import KnownLabels
from pipeline.review.events import Operation, Span
from pipeline.review.exchange import ImportResult, Problem, export_events, import_events, import_into
from pipeline.review.store import Commit, ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.generated_run import RUN, write_generated_run

LABELS = KnownLabels({"DOG": ("SIT", "WALKRUN", "가", "other")}, load_taxonomy("aihub59"))
FRAMES = pd.concat(
    [pd.DataFrame({"clip_id": name, "frame_number": np.arange(2, 12), "given": "SIT"}) for name in ("c", "d")], ignore_index=True
)
HEAD = "clip_id,start_frame,end_frame,label,reviewer"


def take(path: Path, store: ReviewStore) -> ImportResult:
    return import_events(path, store, frames=FRAMES, species={"c": "DOG", "d": "DOG"}, labels=LABELS, run_id="run")


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


ACTS = st.lists(
    st.tuples(
        st.sampled_from("cd"),
        st.sampled_from(("kim", "이 검수")),
        st.sampled_from(("review", "adjudication", "blind:s1")),
        st.sampled_from(("SIT", "가", "unsure", "exclude", "note", "undo", "take back")),
        st.integers(2, 11),
        st.integers(2, 11),
        st.text(min_size=1, max_size=20),
    ),
    max_size=10,
)


@given(ACTS, st.sampled_from((".csv", ".tsv", ".jsonl")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=20)
def test_an_export_comes_back_exactly_and_again_adds_nothing(tmp_path_factory, acts, ending: str) -> None:
    folder = tmp_path_factory.mktemp("x")
    with ReviewStore.open(folder / "a.db") as store, ReviewStore.open(folder / "b.db") as other:
        for i, (clip_id, reviewer, stream, what, a, b, note) in enumerate(acts):
            before = store.operations(clip_id, reviewer=reviewer, stream=stream)
            told = note if note.replace("\0", "") else "-"
            if what == "take back" and before:
                operation = Operation(f"o{i}", "2026-11-25T01:00:00Z", undoes=before[-1].operation_id, note=told)
            else:
                label = what if what in ("SIT", "가") else None
                action = "relabel" if label else "undo" if what == "take back" else what
                span = Span(min(a, b), max(a, b), action, label)
                operation = Operation(f"o{i}", "2026-11-25T01:00:00Z", (span,), note=told)
            given = ["SIT"] * 5 + ["WALKRUN"] * 5
            commit = Commit("r", reviewer, stream, clip_id, len(before), 0, (operation,), None, (), np.arange(2, 12), given)
            store.commit(commit)
        events = store.events()
        assert export_events(events, folder / f"d{ending}") == len(events)
        assert take(folder / f"d{ending}", other) == ImportResult(len(events), 0, ())
        pd.testing.assert_frame_equal(other.events(), events)
        assert take(folder / f"d{ending}", other) == ImportResult(0, len(events), ())
        assert take(folder / f"d{ending}", store) == ImportResult(0, len(events), ())


def test_five_columns_are_enough_and_the_same_file_again_adds_nothing(store, tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.csv", HEAD, "c,2,5,WALKRUN,kim", "c,2,11,SIT,kim", "c,2,5,WALKRUN,kim", "d,3,4,걷거나 뛰는 동작,lee"
    )
    done = take(path, store)
    assert done.added == 4 - len(done.problems)
    events = store.events()
    assert events["action"].tolist()[:3] == ["relabel", "keep", "relabel"]
    assert events["revision"].tolist()[:3] == [1, 2, 3]
    assert set(events["stream"]) == {"review"}
    # They follow from the row alone, in this version and in any other.
    assert events["event_id"].tolist()[::2] == ["7dedc3fa476e00e807cbb04dea46669f-0", "d083b031d8b6fa57d4dc80da80099fd7-0"]
    assert set(events["run_id"]) == {"run"}
    assert take(path, store).added == 0
    # What a label means to the run may change; the file still says the same.
    changed = FRAMES.assign(given="WALKRUN")
    again = import_events(path, store, frames=changed, species={"c": "DOG", "d": "DOG"}, labels=LABELS, run_id="later")
    assert again.added == 0
    assert len(again.problems) == len(done.problems)


def test_every_row_that_does_not_fit_is_listed_with_its_line_and_the_others_are_imported(store, tmp_path: Path) -> None:
    rows = {
        "e,2,5,SIT,kim,,": "no clip 'e'",
        "c,1,5,SIT,kim,,": "span 1-5 is not in clip c",
        "c,2,12,SIT,kim,,": "span 2-12 is not in clip c",
        "c,5,2,SIT,kim,,": "span 5-2",
        "c,2,5,STI,kim,,": "did you mean 'SIT'",
        "c,2,5,,kim,,": "neither label nor action",
        "c,2,5,SIT,kim,relable,": "did you mean 'relabel'",
        "c,2,5,SIT,kim,unsure,": "only relabel and keep",
        "c,2,5,,kim,keep,": "keep with label None",
        "c,2,5,SIT,,,": "reviewer",
        "c,two,5,SIT,kim,,": "start_frame is 'two'",
        "c,2,5,SIT,kim,,secret": "stream 'secret'",
        "c,2,5,SIT": "more or fewer cells",
        ",2,5,SIT,kim,,": "clip_id is empty",
    }
    good = ["c,2,5,SIT,kim,,", '"c",6.0,6.0,,kim,unsure,adjudication']
    path = write(tmp_path / "d.csv", HEAD + ",action,stream", good[0], *rows, good[1])
    done = take(path, store)
    assert done.added == 2
    assert [p.line for p in done.problems] == list(range(3, 3 + len(rows)))
    for problem, reason in zip(done.problems, rows.values(), strict=True):
        assert reason in problem.reason
    assert store.events()["action"].tolist() == ["keep", "unsure"]


def test_lines_count_from_where_a_row_starts_even_after_notes_of_several_lines(store, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerows(
            [[*HEAD.split(","), "note"], ["c", 2, 3, "SIT", "kim", "one\ntwo\r\nthree"], ["e", 2, 3, "SIT", "kim", ""]]
        )
    done = take(path, store)
    assert (done.added, done.problems[0].line) == (1, 5)
    assert store.events()["note"].tolist() == ["one\ntwo\r\nthree"]


def test_broken_lines_of_json_are_listed(store, tmp_path: Path) -> None:
    row = {"clip_id": "c", "start_frame": 2, "end_frame": 3, "label": "SIT", "reviewer": "kim"}
    lines = [json.dumps(row), "{", "[1]", json.dumps({**row, "start_frame": True}), json.dumps({**row, "label": ["SIT"]}), ""]
    done = take(write(tmp_path / "d.jsonl", *lines), store)
    assert done.added == 1
    assert [p.line for p in done.problems] == [2, 3, 4, 5]


def test_what_contradicts_the_store_is_listed(store, tmp_path: Path) -> None:
    operation = Operation("op", "2026-11-25T01:00:00Z", (Span(2, 3, "relabel", "SIT"),))
    store.commit(Commit("r", "kim", "review", "c", 0, 0, (operation,)))
    head = HEAD + ",event_id,operation_id,action,undoes"
    rows = {
        "c,2,3,WALKRUN,kim,op-0,op,relabel,": "another label; events never change",
        "c,4,5,SIT,kim,op-1,op,relabel,": "stored without this row",
        "c,2,3,,kim,u-0,u,undo,nothing": "undoes nothing",
        "d,2,3,SIT,kim,x-1,x2,relabel,": None,
        "c,2,3,SIT,kim,x-2,x2,relabel,": "another clip",
        "d,4,4,SIT,kim,x-1,x2,relabel,": "twice",
        "c,2,3,,kim,v-0,v,undo,op": None,
    }
    done = take(write(tmp_path / "d.csv", head, *rows), store)
    assert done.added == 2
    for problem, reason in zip(done.problems, [r for r in rows.values() if r], strict=True):
        assert reason in problem.reason


def test_events_of_another_database_go_on_behind_what_is_there(store, tmp_path: Path) -> None:
    for i in range(3):
        one = Operation(f"m{i}", "2026-11-25T01:00:00Z", (Span(2, 3, "relabel", "SIT"),))
        store.commit(Commit("r", "kim", "review", "c", i, 0, (one,)))
    with ReviewStore.open(tmp_path / "other.db") as other:
        for i in range(2):
            one = Operation(f"o{i}", "2026-11-25T01:00:00Z", (Span(2, 3, "relabel", "가"),))
            other.commit(Commit("r", "kim", "review", "c", i, 0, (one,)))
        export_events(other.events(), tmp_path / "d.jsonl")
    assert take(tmp_path / "d.jsonl", store).added == 2
    assert [o.revision for o in store.operations("c", reviewer="kim")] == [1, 2, 3, 4, 5]


def test_files_that_are_no_decisions_are_refused(store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a format"):
        take(write(tmp_path / "d.txt", HEAD), store)
    with pytest.raises(UsageError, match="not a format"):
        export_events(store.events(), tmp_path / "d.parquet")
    with pytest.raises(SourceError):
        take(tmp_path / "none.csv", store)
    with pytest.raises(TableError, match="reviewer") as caught:
        take(write(tmp_path / "d.csv", "clip_id,start_frame,end_frame,label,reviever"), store)
    assert "'reviever' for reviewer" in caught.value.hint
    (tmp_path / "e.csv").write_bytes("clip_id,歩く".encode("shift_jis"))
    with pytest.raises(SourceError, match="UTF-8"):
        take(tmp_path / "e.csv", store)
    assert take(write(tmp_path / "f.csv", HEAD), store) == ImportResult(0, 0, ())


@pytest.mark.parametrize(
    ("separator", "encoding", "first"),
    [(";", "utf-8", ""), ("\t", "utf-16", ""), (";", "cp949", "sep=;\n"), (",", "utf-8-sig", "\n")],
)
def test_csv_is_read_as_the_tables_of_a_source_are(store, tmp_path: Path, separator: str, encoding: str, first: str) -> None:
    lines = [HEAD, "c,2,5,SIT,이 검수", "e,2,5,SIT,kim", "c,2.0,5.0,=가,kim"]
    path = tmp_path / "d.csv"
    path.write_bytes((first + "\n".join(lines).replace(",", separator).replace("=가", "가")).encode(encoding))
    done = take(path, store)
    assert done.added == 2
    assert [p.line for p in done.problems] == [3 + first.count("\n")]
    assert store.events()["reviewer"].tolist() == ["이 검수", "kim"]


def test_frames_that_one_reviewer_gives_two_labels_in_one_file_are_told(store, tmp_path: Path) -> None:
    rows = ["c,2,8,WALKRUN,kim", "d,2,8,SIT,kim", "c,6,11,가,kim", "c,2,3,SIT,lee", "c,7,7,WALKRUN,kim", "c,9,9,가,kim"]
    done = take(write(tmp_path / "d.csv", HEAD, *rows), store)
    assert (done.added, done.problems) == (6, ())
    assert [(d.line, d.reason.partition(":")[0]) for d in done.contradicted] == [
        (4, "frames 6-8 of c have two labels of kim"),
        (6, "frames 7-7 of c have two labels of kim"),
    ]
    # What the store wrote tells when each was decided: it is clear which counts.
    export_events(store.events(), tmp_path / "all.csv")
    with ReviewStore.open(tmp_path / "other.db") as other:
        assert take(tmp_path / "all.csv", other).contradicted == ()


def test_a_clip_is_known_by_its_videos_name_and_other_columns_are_not_guessed(store, tmp_path: Path) -> None:
    rows = ["C.mp4,2,5,SIT,kim", "videos\\d.avi,2,5,SIT,kim", "x/y/c.json,2,5,SIT,kim"]
    done = take(write(tmp_path / "d.csv", HEAD, *rows), store)
    assert [p.reason.rpartition("; ")[2] for p in done.problems] == [f"did you mean '{c}'?" for c in "cdc"]
    with pytest.raises(TableError, match="a BORIS export of events, not decisions: no column clip_id, start_frame") as caught:
        take(write(tmp_path / "b.csv", "Observation id,Media file name,Behavior,Time", "o,c.mp4,SIT,1.0"), store)
    assert "did you" not in caught.value.hint
    with pytest.raises(TableError) as caught:
        take(write(tmp_path / "e.csv", "Clip ID,start,end,behaviour,reviewer", "c,2,3,SIT,kim"), store)
    assert caught.value.hint == "did you write 'Clip ID' for clip_id, 'start' for start_frame, 'end' for end_frame?"


def test_a_note_that_looks_like_a_formula_is_written_so_that_no_spreadsheet_runs_it(store, tmp_path: Path) -> None:
    take(write(tmp_path / "d.csv", HEAD + ",note", "c,2,5,SIT,kim,'=1+1", "c,6,7,SIT,kim,-5", "c,8,9,SIT,kim,'it is'"), store)
    assert store.events()["note"].tolist() == ["=1+1", "-5", "'it is'"]
    export_events(store.events(), tmp_path / "e.csv")
    notes = pd.read_csv(tmp_path / "e.csv", dtype="str")["note"].tolist()
    assert notes == ["'=1+1", "-5", "'it is'"]
    export_events(store.events(), tmp_path / "e.tsv")
    export_events(store.events(), tmp_path / "new" / "folder" / "e.csv")
    assert (tmp_path / "new" / "folder" / "e.csv").read_bytes() == (tmp_path / "e.csv").read_bytes()
    assert (tmp_path / "e.tsv").read_text(encoding="utf-8").startswith("event_id\toperation_id\t")
    export_events(store.events(), tmp_path / "e.jsonl")
    assert json.loads((tmp_path / "e.jsonl").read_text().splitlines()[0])["note"] == "=1+1"


def test_a_file_is_checked_against_the_newest_run_of_a_workspace(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", HEAD, "dog-sit-000000,100,110,sit,김", "dog-sit-000000,100,110,SITT,김", "c,2,5,SIT,김")
    (tmp_path / "none").mkdir()
    with pytest.raises(StageError, match="none: no run yet") as told:
        import_into(Workspace(tmp_path / "none"), path)
    assert told.value.hint == f"audit run YOUR_CLIPS -w {tmp_path / 'none'}"
    place = Workspace(write_generated_run(tmp_path / "work", clips=1, frames=30))
    place.config_path.write_text('[source]\nencoding = "cp949"\n', encoding="utf-8")
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp949"))
    unread = [Problem(3, "no label 'SITT' for DOG; did you mean 'SIT'?"), Problem(4, "no clip 'c' in this run")]
    assert import_into(place, path) == ImportResult(1, 0, tuple(unread))
    (place.runs / "latest").unlink()
    assert import_into(place, path) == ImportResult(0, 1, tuple(unread))
    with ReviewStore.open(place.review_db) as store:
        assert store.events()[["run_id", "reviewer", "label", "action"]].to_numpy().tolist() == [[RUN, "김", "SIT", "keep"]]
