"""Frames that stand in several rows of a table: kept once where they say the same, else rejected by what tells them apart."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put

CLIP_A = poses().iloc[:4]


def again(**changes) -> pd.DataFrame:
    """Return the two clips, and the first one's frames once more."""
    return pd.concat(
        [poses(**{name: old for name, (old, _) in changes.items()}), CLIP_A.assign(**{n: new for n, (_, new) in changes.items()})]
    )


OTHER_POSE = {"nose_x": (list(range(8)), [400.0, 401.0, 402.0, 403.0])}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (again(frame_label=("rest", ["rest", "rest", "walk", "sit"])), "2 of 4 frames have two labels, as of two raters: keep"),
        (
            again(frame_label=("rest", "walk"), rater=("A", "B")),
            "4 of 4 frames have two labels, as of two raters (column rater: A, B)",
        ),
        (again(label=("rest", "walk")), "4 of 4 frames have two labels"),
        (
            again(
                **{c: (poses()[c].tolist(), None) for c in ("nose_x", "nose_y", "tail_x", "tail_y")},
                frame_label=("rest", ["rest", "walk", "walk", "rest"]),
            ),
            "2 of 4 frames have two labels, as of two raters",
        ),
        (
            again(**OTHER_POSE, individual=("m1", "m2")),
            "4 of 4 frames have two rows, distinguished by column individual (m1, m2)",
        ),
        (again(**OTHER_POSE, trackID=(0, 1)), "distinguished by column trackID (0, 1)"),
        (again(**OTHER_POSE, subject_id=("rex", "tom")), "distinguished by column subject_id (rex, tom)"),
        (again(**OTHER_POSE), "4 of 4 frames are given twice, with different poses, as for several animals: give every animal"),
        (
            again(nose_x=(list(range(8)), [0.0, 1.0, 2.0, 9.0])),
            "frame 3 is given twice, in different ways (nose_x), 1 of 4 frames are",
        ),
        (again(image=("a.jpg", ["a.jpg", "b.jpg", "a.jpg", "a.jpg"])), "frame 1 is given twice, in different ways (image)"),
        (again(nose_confidence=(0.5, 0.25)), "in different ways (nose_confidence)"),
        (again(timestamp_ms=([0, 40, 80, 120] * 2, [0, 41, 80, 120])), "in different ways (timestamp_ms)"),
    ],
)
def test_the_cause_of_two_rows_a_frame_is_told(tmp_path: Path, table: pd.DataFrame, words: str) -> None:
    found = read(put(tmp_path / "t.csv", table))
    assert found.clips["clip_id"].tolist() == ["b"]
    (reason,) = found.rejected["reason"]
    assert words in reason


def test_the_frames_of_all_raters_are_counted_together(tmp_path: Path) -> None:
    both = pd.concat([poses(frame_label="rest"), poses(frame_label=["rest", "walk"] * 4)])
    found = read(put(tmp_path / "t.csv", both))
    assert "4 of 8 frames have several labels, as of several raters: their clips are rejected" in found.notes["reason"].tolist()


def test_raters_who_agree_are_one(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", pd.concat([poses(rater="A"), poses(rater="B")])))
    assert len(found.frames) == 8
    assert found.rejected.empty


def test_clips_of_one_name_are_never_merged_across_folders(tmp_path: Path) -> None:
    put(tmp_path / "day1" / "t.csv", poses())
    put(tmp_path / "day2" / "t.csv", CLIP_A.assign(frame_number=[10, 11, 12, 13], timestamp_ms=[400, 440, 480, 520]))
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == ["b"]
    assert "day1/t.csv and in day2/t.csv" in found.rejected["reason"].iloc[0]


def test_the_same_clip_in_two_folders_is_kept_once(tmp_path: Path) -> None:
    put(tmp_path / "day1" / "t.csv", poses())
    put(tmp_path / "copy" / "t.csv", CLIP_A)
    found = read(tmp_path)
    assert len(found.frames) == 8
    assert any("the same in copy/t.csv and in day1/t.csv: kept once" in reason for reason in found.notes["reason"])


def test_a_table_in_parts_is_read_and_noted_unless_they_contradict(tmp_path: Path) -> None:
    put(tmp_path / "in" / "part0.csv", poses().iloc[:2])
    put(tmp_path / "in" / "part1.csv", poses().iloc[2:])
    found = read(tmp_path / "in")
    assert len(found.frames) == 8
    assert [r for r in found.notes["reason"] if "parts of one table" in r]
    put(tmp_path / "in" / "part2.csv", CLIP_A.assign(nose_x=[400.0, 401.0, 402.0, 403.0]))
    found = read(tmp_path / "in")
    assert found.clips["clip_id"].tolist() == ["b"]
    assert "4 of 4 frames have different rows in part0.csv and in part1.csv and in part2.csv" in found.rejected["reason"].iloc[0]
