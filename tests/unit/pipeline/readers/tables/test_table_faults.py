"""Faults of tables, every one with its outcome: a clip, a line or a file rejected, and nothing else lost."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import SourceError
from tests.trees import label_file
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put


def test_what_cannot_be_opened_beside_a_table_is_told(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", poses())
    (tmp_path / "broken.zip").write_bytes(b"PK no")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as packed:
        packed.writestr("b.csv", poses().iloc[:4].assign(clip_id="c").to_csv(index=False))
    found = read(tmp_path)
    assert found.clips["source"].tolist() == ["a.csv", "a.csv", "more.zip::b.csv"]
    assert found.rejected["file"].tolist() == ["broken.zip", "dangling.csv"]


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"label": ["rest", "rest", "walk", "rest"] + ["walk"] * 4}, "column label", "frame_label"),
        ({"label": [None] * 4 + ["walk"] * 4}, "column label", "no label"),
        ({"subject_id": [None] * 4 + ["s"] * 4}, "column subject_id", "not known"),
        ({"frame_number": [0, 1, 1, 3] + [0, 1, 2, 3]}, "row 2", "frame 1 is given twice, in different ways"),
        ({"frame_number": [0, -1, 2, 3] + [0, 1, 2, 3]}, "row 1", "frame -1 at 40 ms cannot be"),
        ({"frame_number": [0, 1, 2, 3e9] + [0, 1, 2, 3]}, "row 3", "frame 3000000000 at 120 ms cannot be"),
        ({"frame_number": [0, 1.5, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "1.5 is no frame number"),
        ({"frame_number": [0, np.inf, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "inf is no frame number"),
        ({"frame_number": [0, np.nan, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "is missing"),
        ({"timestamp_ms": [0, 40, 30, 120] + [0, 40, 80, 120]}, "row 2", "frame 2 comes at 30 ms, not after the frame before it"),
        ({"timestamp_ms": [0, 40, 40.4, 120] + [0, 40, 80, 120]}, "row 2", "frame 2 comes at 40.4 ms, not after"),
        ({"timestamp_ms": [0, np.inf, 80, 120] + [0, 40, 80, 120]}, "row 1", "frame 1 at inf ms cannot be"),
        ({"timestamp_ms": [0] + [np.nan] * 3 + [0, 40, 80, 120]}, "row 1, column timestamp_ms", "too few other frames"),
        ({"timestamp_ms": [0, np.nan] * 2 + [0, 40, 80, 120], "fps": [1e-306] * 4 + [25] * 4}, "row 1", "cannot be"),
        ({"fps": [0] * 4 + [25] * 4}, "row 0, column fps", "0 is no frame rate"),
        ({"fps": [25, 25, 30, 25] + [25] * 4}, "row 2, column fps", "fps changes within the clip"),
        ({"species": ["rat", "mouse", "rat", "rat"] + ["rat"] * 4}, "row 1, column species", "changes within the clip"),
    ],
)
def test_a_faulty_clip_is_set_aside_alone(tmp_path: Path, changes, place: str, reason: str) -> None:
    found = read(put(tmp_path / "t.parquet", poses(**changes)))
    assert found.clips["clip_id"].tolist() == ["b"]
    assert len(found.frames) == 4
    assert place in found.rejected["place"].iloc[0]
    assert "clip a" in found.rejected["reason"].iloc[0]
    assert reason in found.rejected["reason"].iloc[0]


JUNK = ["junk", "1,5", "😀", "0x10", "--", "1_0"]


@pytest.mark.parametrize("column", ["frame_number", "timestamp_ms", "fps", "nose_x", "tail_y", "nose_confidence"])
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_junk_for_a_number_loses_its_clip_and_no_other(tmp_path: Path, column: str, junk: str, ending: str) -> None:
    table = poses(fps=25, nose_confidence=0.5).astype({column: "str"})
    table.loc[2, column] = junk
    found = read(put(tmp_path / f"t.{ending}", table))
    assert found.clips["clip_id"].tolist() == ["b"]
    assert found.clips["fps"].tolist() == [25]
    way = ": write milliseconds since the start of the clip" if column == "timestamp_ms" else ""
    assert found.rejected[["place", "reason"]].to_numpy().tolist() == [
        [f"row 2, column {column}", f"clip a: {junk!r} is not a number{way}"]
    ]
    assert found.frames["nose_x"].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("column", ["clip_id", "label", "subject_id", "species", "age", "date", "image", "frame_label"])
@pytest.mark.parametrize("junk", [None, "", "  ", "\0", "9" * 400, "inf", "x" * 10_000, "\u202e\ufeff"])
def test_junk_for_a_name_never_loses_another_clip(tmp_path: Path, column: str, junk: str | None) -> None:
    table = poses(age="3", date="20210109", image="a.jpg", frame_label="walk").astype({"subject_id": "str"})
    table.loc[:3, column] = junk
    found = read(put(tmp_path / "t.parquet", table))
    assert "b" in found.clips["clip_id"].tolist()
    assert (found.frames["clip_id"] == "b").sum() == 4


@pytest.mark.parametrize("value", [np.nan, 2**62, -(2**62), 1e308, -1e308])
@pytest.mark.parametrize("column", ["frame_number", "timestamp_ms", "fps", "nose_x", "nose_confidence", "age"])
def test_an_extreme_number_never_loses_another_clip(tmp_path: Path, column: str, value: float) -> None:
    table = poses(fps=25.0, nose_confidence=0.5, age=3.0).astype({column: "float64"})
    table.loc[:3, column] = value
    found = read(put(tmp_path / "t.parquet", table))
    assert "b" in found.clips["clip_id"].tolist()
    found = read(put(tmp_path / "u.parquet", table.drop(columns="timestamp_ms")))
    assert "b" in found.clips["clip_id"].tolist()


def test_integers_beyond_all_floats_and_decimals_are_read_for_what_they_are(tmp_path: Path) -> None:
    table = poses(nose_x=[Decimal("1.5")] * 8)
    assert read(put(tmp_path / "d.parquet", table)).frames["nose_x"].tolist() == [1.5] * 8
    (tmp_path / "t.csv").write_text(poses().to_csv(index=False).replace("0.0,0.0,1.0", "9" * 400 + ",0.0,1.0", 1))
    found = read(tmp_path / "t.csv")
    assert np.isnan(found.frames.loc[0, "nose_x"])
    assert "infinite" in found.notes["reason"].iloc[0]


def test_a_table_all_of_whose_clips_are_faulty_gives_tables_without_rows(tmp_path: Path) -> None:
    for name, change in (("a", {"label": None}), ("b", {"clip_id": None}), ("c", {"frame_number": -1})):
        found = read(put(tmp_path / f"{name}.parquet", poses(**({"frame_label": None, "image": None} | change))))
        assert (len(found.clips), len(found.frames)) == (0, 0)
        assert len(found.rejected) > 0


def test_rows_are_counted_within_their_file(tmp_path: Path) -> None:
    put(tmp_path / "src" / "a.csv", poses().iloc[4:])
    put(tmp_path / "src" / "b.csv", poses(nose_x=["?"] * 8).iloc[:4])
    rejected = read(tmp_path / "src").rejected
    assert rejected[["file", "place"]].to_numpy().tolist() == [["b.csv", "row 0, column nose_x"]]


def test_a_line_with_too_many_fields_is_left_out_alone(tmp_path: Path) -> None:
    lines = poses().to_csv(index=False).splitlines()
    lines[3] += ",1,2,3"
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    found = read(tmp_path / "t.csv")
    assert found.frames["frame_number"].tolist() == [0, 1, 3, 0, 1, 2, 3]
    assert found.rejected[["file", "place"]].to_numpy().tolist() == [["t.csv", "line 4"]]
    assert "the row is left out" in found.rejected["reason"].iloc[0]


def test_a_comma_at_every_line_end_does_no_harm(tmp_path: Path) -> None:
    lines = poses().to_csv(index=False).splitlines()
    (tmp_path / "t.csv").write_text("\n".join([lines[0], *(line + "," for line in lines[1:])]))
    (tmp_path / "u.csv").write_text("\n".join(line + ",," for line in lines))
    for name in ("t.csv", "u.csv"):
        found = read(tmp_path / name)
        assert found.clips["clip_id"].tolist() == ["a", "b"]
        assert found.notes.empty


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": [["rest"]] * 8}, "column label holds list"),
        ({"nose_x": [[1.0]] * 8}, "column nose_x holds list"),
        ({"timestamp_ms": pd.Timestamp("2021-01-09")}, "column timestamp_ms holds timestamp"),
        ({"species": b"\xff\xfe"}, "invalid UTF"),
    ],
)
def test_a_column_of_another_kind_rejects_its_file(tmp_path: Path, change, reason: str) -> None:
    put(tmp_path / "a.parquet", poses())
    put(tmp_path / "b.parquet", poses(**change))
    found = read(tmp_path)
    assert len(found.clips) == 2
    assert found.rejected["file"].tolist() == ["b.parquet"]
    assert reason.lower() in found.rejected["reason"].iloc[0].lower()


def test_a_column_told_twice_rejects_its_file(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", poses())
    (tmp_path / "b.csv").write_text("clip_id,label,label\na,x,y\n")
    assert "column label occurs twice" in read(tmp_path).rejected["reason"].iloc[0]


def test_impossible_coordinates_are_missing_and_noted(tmp_path: Path) -> None:
    table = poses()
    table.loc[0, "nose_x"] = np.inf
    table.loc[2, "nose_y"] = 1e12
    table.loc[4, "tail_y"] = np.nan
    found = read(put(tmp_path / "t.parquet", table))
    assert found.frames["nose_x"].isna().tolist() == [True, False, True] + [False] * 5
    assert np.isnan(found.frames.loc[4, "tail_x"])
    assert len(found.notes) == 3


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (lambda t: t.rename(columns={"clip_id": "clipid"}), "clip_id is missing", "'clipid'"),
        (lambda t: t.drop(columns="timestamp_ms"), "timestamp_ms or fps is missing", ""),
        (lambda t: t.drop(columns="label"), "label or frame_label is missing", ""),
        (lambda t: t.drop(columns="subject_id"), "subject_id or recording_id is missing", ""),
        (lambda t: t[[c for c in t if not c.endswith(("_x", "_y"))]], "no keypoint", "NAME_x"),
    ],
)
def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path, change, message: str, hint: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(put(tmp_path / "t.csv", change(poses())))
    assert hint in caught.value.hint


def test_a_file_that_is_no_table_is_refused_with_what_its_first_line_says(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("# made by a tracker\n" + poses().to_csv(index=False))
    with pytest.raises(SourceError, match="more fields than its header, which begins with '# made by a tracker'"):
        read(tmp_path)
    (tmp_path / "t.csv").write_text(poses().to_csv(index=False, sep=" "))
    with pytest.raises(SourceError, match="column clip_id is missing; its columns are 'clip_id subject_id species"):
        read(tmp_path)


def test_columns_that_are_nearly_ours_are_told_with_what_is_meant(tmp_path: Path) -> None:
    """A keypoint or a group that is lost for a letter's case must not pass for any other column."""
    table = poses(recording_id=["a"] * 4 + ["b"] * 4).rename(columns={"subject_id": "Subject_ID", "tail_x": "tail_X"})
    notes = read(put(tmp_path / "t.csv", table)).notes.set_index("place")["reason"]
    assert notes["Subject_ID"] == "unknown column: ignored; is it subject_id? Letter case counts"
    told = "unknown column: ignored; a keypoint is two columns, NAME_x and NAME_y"
    assert (notes["tail_X"], notes["tail_y"]) == (told, told)


def test_groups_that_differ_in_letter_case_only_are_told(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(subject_id=["Kim"] * 4 + ["kim"] * 4)))
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [
        ["subject_id", "'Kim', 'kim' differ in letter case only: taken for 2; of one, spell them alike"]
    ]
    assert read(put(tmp_path / "t.csv", poses())).notes.empty


def test_a_rate_that_some_rows_leave_out_is_that_of_the_others(tmp_path: Path) -> None:
    table = poses(fps=[np.nan, 25, 25, np.nan] + [np.nan] * 4, timestamp_ms=[np.nan] * 4 + [0, 40, 80, 120])
    found = read(put(tmp_path / "t.csv", table))
    assert found.clips["fps"].tolist() == [25, 25]
    assert found.frames["timestamp_ms"].tolist() == [0, 40, 80, 120] * 2


def test_a_name_gives_a_terminal_no_orders(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(clip_id=["\x1b]0;a\x07"] * 4 + ["b"] * 4, label=["\x9b31m"] * 4 + [None] * 4)))
    assert found.clips[["clip_id", "label"]].to_numpy().tolist() == [["\\x1b]0;a\\x07", "\\x9b31m"]]
    assert len(found.rejected) == 1


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.csv", poses())
    put(tmp_path / "locked" / "b.csv", poses(clip_id="c"))
    scandir = os.scandir

    def locked(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("pipeline.readers.files.listing.os.scandir", locked)
    found = read(tmp_path)
    assert len(found.clips) == 2
    assert found.rejected[["file", "reason"]].to_numpy().tolist() == [["locked", "the folder cannot be read: Permission denied"]]


def test_a_packed_table_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.readers.tables.table_files.LARGEST_FILE", 999)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(SourceError, match="unpacks to more than 999 bytes"):
        read(tmp_path)


def test_tables_beside_label_files_are_told_and_not_read(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", poses())
    (tmp_path / "cat-arch-1.json").write_text(json.dumps(label_file()))
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == ["cat-arch-1"]
    assert found.notes[found.notes["file"] == "a.csv"]["reason"].tolist() == [
        "tables (.parquet, .csv) beside AI-Hub #59 label files (.json): not read (--format table reads them instead)"
    ]
