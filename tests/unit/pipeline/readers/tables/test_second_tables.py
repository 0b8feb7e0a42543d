"""Labels in a table beside that of the poses: joined where it is clear how, rejected with the reason where it is not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_schemas.errors import SourceError
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put

KEYS = ["clip_id", "frame_number"]


def test_labels_a_frame_are_joined_frame_by_frame(tmp_path: Path) -> None:
    labels = poses(label=["rest", "rest", "walk", "walk"] + ["walk"] * 4)[[*KEYS, "label"]]
    put(tmp_path / "poses.parquet", poses().drop(columns="label"))
    # In any order, not of all frames, and of one that has no pose.
    more = pd.DataFrame({"clip_id": ["a"], "frame_number": [99], "label": ["rest"]})
    put(tmp_path / "labels.csv", pd.concat([labels.iloc[[7, 0, 2, 1, 4, 5, 6]], more]))
    found = read(tmp_path)
    assert found.frames["frame_label"].fillna("?").tolist() == ["rest", "rest", "walk", "?"] + ["walk"] * 4
    assert found.rejected.empty
    (note,) = found.notes[found.notes["file"] == "labels.csv"]["reason"]
    assert note.startswith(
        "frame_label: joined to the poses by clip_id and frame_number; it covers 7 of their 8 rows; 1 of the 8 "
    )
    assert note.endswith("frames that it covers have no pose, the first is clip a, frame 99")


def test_what_is_said_of_clips_is_joined_clip_by_clip(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", poses(clip_id=[1] * 4 + [2] * 4).drop(columns=["label", "subject_id", "species"]).iloc[:4])
    put(tmp_path / "b.csv", poses(clip_id=[1] * 4 + [2] * 4).drop(columns=["label", "subject_id", "species"]).iloc[4:])
    put(tmp_path / "clips.parquet", pd.DataFrame({"clip_id": [2.0, 1.0], "subject_id": ["s2", "s1"], "species": "rat"}))
    put(tmp_path / "labels.csv", pd.DataFrame({"clip_id": ["1", "2", "3"], "label": ["rest", "walk", "walk"]}))
    found = read(tmp_path)
    assert found.clips[["clip_id", "subject_id", "species", "label"]].to_numpy().tolist() == [
        ["1", "s1", "RAT", "rest"],
        ["2", "s2", "RAT", "walk"],
    ]
    assert found.clips["source"].tolist() == ["a.csv", "b.csv"]
    told = found.notes[found.notes["file"] == "labels.csv"]["reason"].tolist()
    assert told[0].endswith("8 of their 8 rows; 1 of the 3 clips that it covers have no pose, the first is clip 3")


def test_labels_in_several_files_are_one_table(tmp_path: Path) -> None:
    put(tmp_path / "poses.csv", poses().drop(columns="label"))
    for name, rows in (("a", slice(0, 4)), ("b", slice(4, 8))):
        put(tmp_path / f"labels_{name}.csv", poses()[[*KEYS, "label", "species"]].iloc[rows])
    assert read(tmp_path).frames["frame_label"].tolist() == ["rest"] * 4 + ["walk"] * 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: pd.concat([t, t.assign(label="run")]), "frame 0 of clip a has several rows that differ in frame_label"),
        (lambda t: t.assign(clip_id=t["clip_id"] + ".mp4"), "none of its clips, such as 'a.mp4', 'b.mp4', has poses"),
        (lambda t: t.assign(species="cat"), "says 'cat' where poses.csv, row 0, says 'rat'"),
        (
            lambda t: t.assign(subject_id="s").drop(columns="frame_number").assign(label=["x", "y"] * 4),
            "clip a has several rows that differ in label",
        ),
    ],
)
def test_what_cannot_be_joined_is_set_aside_with_the_reason(tmp_path: Path, change, reason: str) -> None:
    put(tmp_path / "poses.csv", poses())
    put(tmp_path / "labels.csv", change(poses()[[*KEYS, "label"]]))
    found = read(tmp_path)
    assert found.clips["label"].tolist() == ["rest", "walk"]
    assert found.rejected["file"].tolist() == ["labels.csv"]
    assert (
        found.rejected["reason"].iloc[0]
        == f"has no keypoint: poses and labels must stand in one table, in the same rows ({reason})"
    )
    put(tmp_path / "poses.csv", poses().drop(columns="label"))
    with pytest.raises(SourceError, match=r"label or frame_label is missing.*labels\.csv has no keypoint") as told:
        read(tmp_path)
    assert f"({reason})" in told.value.message
