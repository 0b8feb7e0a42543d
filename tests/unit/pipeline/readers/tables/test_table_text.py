"""Text in tables: what is missing and what is a name, names that are numbers, letter case, numbers as spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put

NO_NAMES = ["None", "NA", "null", "nan", "n/a", "N/A", "NaN", "NULL", "<NA>", "#N/A", "none", "-nan", "1.#IND"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_word_for_nothing_is_a_name_and_the_empty_cell_none(tmp_path: Path, ending: str) -> None:
    whole = {"clip_id": NO_NAMES, "subject_id": NO_NAMES, "recording_id": NO_NAMES, "frame_label": NO_NAMES}
    table = pd.DataFrame(whole).assign(frame_number=0, timestamp_ms=1000, nose_x=1.0, nose_y=2.0)
    empty = table.assign(frame_number=1, timestamp_ms=1040, frame_label=None)
    found = read(put(tmp_path / f"t.{ending}", pd.concat([table, empty])))
    assert found.clips["clip_id"].tolist() == NO_NAMES
    assert found.clips["subject_id"].tolist() == NO_NAMES
    assert found.clips["recording_id"].tolist() == NO_NAMES
    # None and none, null and NULL differ in letter case only.
    assert found.frames["frame_label"].dropna().str.casefold().tolist() == [name.casefold() for name in NO_NAMES]
    assert found.frames["frame_label"].isna().tolist() == [False, True] * len(NO_NAMES)
    told = found.notes[found.notes["place"] == "frame_label"]["reason"].tolist()
    assert sorted(told) == sorted(f"{n} is a name like any other: where there is none, leave the cell empty" for n in NO_NAMES)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_word_for_nothing_among_numbers_is_missing(tmp_path: Path, ending: str) -> None:
    count = len(NO_NAMES)
    numbers = {"frame_number": range(count + 1), "timestamp_ms": range(0, 40 * count + 1, 40), "nose_x": [*NO_NAMES, "1.5"]}
    table = pd.DataFrame(numbers).assign(clip_id="a", subject_id="s", label="x", nose_y=lambda t: t["nose_x"])
    found = read(put(tmp_path / f"t.{ending}", table))
    assert found.rejected.empty
    assert found.frames["nose_x"].isna().tolist() == [True] * count + [False]


def test_whole_numbers_are_one_name_however_they_were_written(tmp_path: Path) -> None:
    numbers = poses(clip_id=[1] * 4 + [2] * 4, subject_id=7, label=[3] * 4 + [4] * 4, recording_id=20230101123456)
    gaps = numbers.assign(frame_label=[3.0, None, 3.0, 3.0] + [4.0] * 4, recording_id=20230101123456.0, subject_id=[7.0] * 8)
    texts = numbers.astype({"clip_id": "str", "label": "str"}).assign(label=["3.0"] * 4 + ["4.00"] * 4)
    for number, table in enumerate((numbers, gaps, texts)):
        for ending in ("csv", "parquet"):
            folder = tmp_path / f"{number}.{ending}"
            put(folder / f"a.{ending}", table.iloc[:4])
            put(folder / "b.csv", numbers.iloc[4:])
            found = read(folder)
            assert found.clips[["clip_id", "subject_id", "label"]].to_numpy().tolist() == [["1", "7", "3"], ["2", "7", "4"]]
            assert set(found.clips["recording_id"]) == {"20230101123456"}
    found = read(put(tmp_path / "t.csv", poses(clip_id=["007"] * 4 + ["1.10"] * 4, subject_id="1.5")))
    assert found.clips[["clip_id", "subject_id"]].to_numpy().tolist() == [["007", "1.5"], ["1.10", "1.5"]]


def test_integers_beyond_what_a_float_holds_stay_apart_across_files(tmp_path: Path) -> None:
    put(tmp_path / "s" / "a.parquet", poses(clip_id=[2**53 + 1] * 4 + [2**53] * 4))
    put(tmp_path / "s" / "b.parquet", poses(clip_id=[1.0] * 4 + [2.0] * 4))
    assert read(tmp_path / "s").clips["clip_id"].tolist() == [str(2**53 + 1), str(2**53), "1", "2"]


def test_labels_that_differ_in_letter_case_are_one_class_and_told(tmp_path: Path) -> None:
    table = poses(
        label=["Rest"] * 4 + [None] * 4,
        frame_label=["rest", "Rest", "REST", "rest"] + ["walk"] * 3 + ["Walk  "],
        other_label=["rest"] * 4 + [None] * 4,
    )
    found = read(put(tmp_path / "t.csv", table))
    assert found.clips["label"].tolist() == ["rest", "walk"]
    assert found.frames["frame_label"].tolist() == ["rest"] * 4 + ["walk"] * 4
    assert found.clips["other_label"].tolist()[:1] == ["rest"]
    assert found.notes["reason"].tolist() == [
        "labels that differ in letter case only are one class: 'rest' (6 rows), 'Rest' (5 rows), 'REST' (1 rows): all are 'rest'",
        "labels that differ in letter case only are one class: 'walk' (3 rows), 'Walk' (1 rows): all are 'walk'",
    ]


def test_the_reserved_label_is_spelt_as_it_is_reserved(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(label=["Other"] * 4 + ["walk"] * 4)))
    assert found.clips["label"].tolist() == ["other", "walk"]
    assert read(put(tmp_path / "t.csv", poses(label=["other"] * 4 + ["walk"] * 4))).notes.empty


def test_with_a_taxonomy_letter_case_is_its_own_affair(tmp_path: Path) -> None:
    table = poses(species="DOG", label=["sit"] * 4 + ["SIT"] * 4)
    found = read(put(tmp_path / "t.csv", table), labels={"taxonomy": "aihub59"})
    assert found.clips["label"].tolist() == ["SIT"] * 2
    assert found.notes.empty


@pytest.mark.parametrize(
    ("options", "first"),
    [({"sep": ";"}, "sep=;\r\n"), ({"sep": ";"}, '"sep=;"\n'), ({"sep": "\t"}, "sep=\t\n\n"), ({"sep": "|"}, "SEP=|\n")],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_first_line_that_excel_writes_tells_the_separator(tmp_path: Path, options, first: str, encoding: str) -> None:
    text = first + poses(label="Gehör").to_csv(index=False, **options)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    found = read(tmp_path / "t.csv")
    assert found.clips["label"].tolist() == ["Gehör"] * 2
    assert found.frames["nose_y"].tolist() == list(range(0, 16, 2))


def test_a_row_after_the_line_of_excel_is_told_by_its_line(tmp_path: Path) -> None:
    lines = poses().to_csv(index=False, sep=";").splitlines()
    lines[3] += ";1;2"
    (tmp_path / "t.csv").write_text("\n".join(["sep=;", *lines]))
    assert read(tmp_path / "t.csv").rejected["place"].tolist() == ["line 5"]


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_decimal_commas_are_read_and_told(tmp_path: Path, separator: str) -> None:
    table = poses(nose_x=np.arange(8) + 0.348, nose_y=1.5, tail_x=np.nan, tail_y=np.nan, timestamp_ms=[0, 33.3, 66.7, 100] * 2)
    table.to_csv(tmp_path / "t.csv", index=False, sep=separator, decimal=",")
    found = read(tmp_path / "t.csv")
    np.testing.assert_allclose(found.frames["nose_x"], table["nose_x"], rtol=1e-6)
    assert found.frames["timestamp_ms"].tolist() == [0, 33, 67, 100] * 2
    assert found.notes["reason"].tolist() == ["numbers are written with decimal commas: read as such"]


def test_a_comma_may_part_thousands_where_it_parts_cells_too(tmp_path: Path) -> None:
    head = "clip_id,subject_id,label,frame_number,timestamp_ms,nose_x,nose_y\n"
    (tmp_path / "t.csv").write_text(head + 'a,s,x,0,0,"1,234",5\na,s,x,1,40,"1,235",5\n')
    assert "'1,234' is not a number" in read(tmp_path / "t.csv").rejected["reason"].iloc[0]
    (tmp_path / "u.csv").write_text((head + "a,s,x,0,0,1.234,5\na,s,x,1,40,1.235,5\n").replace(",", ";").replace(".", ","))
    np.testing.assert_allclose(read(tmp_path / "u.csv").frames["nose_x"], [1.234, 1.235])


def test_names_of_columns_are_compared_tidied_in_either_format(tmp_path: Path) -> None:
    table = poses().rename(columns={"nose_x": "  nose_x ", "tail_x": "tail_x"})
    pd.testing.assert_frame_equal(read(put(tmp_path / "a.csv", table)).frames, read(put(tmp_path / "a.parquet", table)).frames)
