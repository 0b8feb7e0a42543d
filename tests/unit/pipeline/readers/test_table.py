"""Tables: a label per clip or per frame, Parquet or CSV, and every fault with its outcome."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.errors import SourceError
from pipeline.readers import Recordings, recognise


def read(source: Path, **overrides) -> Recordings:
    return recognise(source).read(load_config(None, overrides=overrides))


def poses(**changes) -> pd.DataFrame:
    """Return two clips of four frames."""
    table = pd.DataFrame(
        {
            "clip_id": ["a"] * 4 + ["b"] * 4,
            "subject_id": ["s1"] * 4 + ["s2"] * 4,
            "species": "rat",
            "frame_number": [0, 1, 2, 3] * 2,
            "timestamp_ms": [0, 40, 80, 120] * 2,
            "label": ["rest"] * 4 + ["walk"] * 4,
            "nose_x": np.arange(8.0),
            "nose_y": np.arange(8.0) * 2,
            "tail_x": [1.0, np.nan] * 4,
            "tail_y": [1.0, np.nan] * 4,
        }
    )
    return table.assign(**changes)


def put(path: Path, table: pd.DataFrame) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path


def test_clips_and_frames_of_a_table(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.parquet", poses()))
    assert found.clips[["clip_id", "subject_id", "species", "label", "fps", "frame_count", "skeleton"]].to_numpy().tolist() == [
        ["a", "s1", "RAT", "rest", 25.0, 4, "custom"],
        ["b", "s2", "RAT", "walk", 25.0, 4, "custom"],
    ]
    assert found.frames["nose_x"].tolist() == list(range(8))
    assert found.frames["tail_x"].isna().tolist() == [False, True] * 4
    assert found.rejected.empty
    assert found.notes.empty


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv_gives_the_same_as_parquet(tmp_path: Path, separator: str, packed: bool) -> None:
    table = poses(clip_id=["001"] * 4 + ["2"] * 4)
    one = read(put(tmp_path / "t.parquet", table))
    text = table.to_csv(index=False, sep=separator).encode("utf-8-sig")
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text) if packed else text)
    other = read(path)
    pd.testing.assert_frame_equal(one.frames, other.frames)
    pd.testing.assert_frame_equal(
        one.clips.drop(columns=["source", "source_hash"]), other.clips.drop(columns=["source", "source_hash"])
    )


def test_a_label_per_frame_is_kept_and_the_clip_takes_the_commonest(tmp_path: Path) -> None:
    table = poses(frame_label=["rest", "rest", "walk", None] + ["walk"] * 4).drop(columns="label")
    found = read(put(tmp_path / "t.parquet", table))
    assert found.clips["label"].tolist() == ["rest", "walk"]
    assert found.frames["frame_label"].fillna("?").tolist() == ["rest", "rest", "walk", "?"] + ["walk"] * 4


def test_rows_in_any_order_give_the_same(tmp_path: Path) -> None:
    straight = read(put(tmp_path / "a.parquet", poses()))
    mixed = read(put(tmp_path / "b.parquet", poses().iloc[[2, 0, 5, 3, 7, 1, 4, 6]]))
    pd.testing.assert_frame_equal(straight.frames, mixed.frames)
    assert "sorted" in mixed.notes["reason"].iloc[0]


def test_several_files_are_one_table(tmp_path: Path) -> None:
    put(tmp_path / "src" / "a.parquet", poses().iloc[:4])
    put(tmp_path / "src" / "b.csv", poses().iloc[4:])
    (tmp_path / "src" / "broken.parquet").write_bytes(b"PAR1 no")
    found = read(tmp_path / "src")
    assert found.clips["source"].tolist() == ["a.parquet", "b.csv"]
    assert found.rejected["file"].tolist() == ["broken.parquet"]


def test_time_may_come_from_the_frame_rate(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(fps=50).drop(columns="timestamp_ms")))
    assert found.frames["timestamp_ms"].tolist() == [0, 20, 40, 60] * 2
    assert found.clips["fps"].tolist() == [50, 50]


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"label": ["rest", "rest", "walk", "rest"] + ["walk"] * 4}, "column label", "frame_label"),
        ({"label": [None] * 4 + ["walk"] * 4}, "column label", "no label"),
        ({"subject_id": [None] * 4 + ["s"] * 4}, "column subject_id", "not known"),
        ({"frame_number": [0, 1, 1, 3] * 1 + [0, 1, 2, 3]}, "frame_number", "told twice"),
        ({"frame_number": [0, -1, 2, 3] + [0, 1, 2, 3]}, "frame_number", "not a frame number"),
        ({"frame_number": [0, 1.5, 2, 3] + [0, 1, 2, 3]}, "frame_number", "not a frame number"),
        ({"timestamp_ms": [0, 40, 30, 120] + [0, 40, 80, 120]}, "timestamp_ms", "does not come after"),
        ({"timestamp_ms": [0, np.nan, 80, 120] + [0, 40, 80, 120]}, "timestamp_ms", "not a time"),
    ],
)
def test_a_faulty_clip_is_set_aside_alone(tmp_path: Path, changes, place: str, reason: str) -> None:
    found = read(put(tmp_path / "t.parquet", poses(**changes)))
    assert found.clips["clip_id"].tolist() == ["b"]
    assert len(found.frames) == 4
    assert place in found.rejected["place"].iloc[0]
    assert "clip a" in found.rejected["reason"].iloc[0]
    assert reason in found.rejected["reason"].iloc[0]


def test_a_repeated_frame_that_says_the_same_is_kept_once(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.parquet", pd.concat([poses(), poses().iloc[[1]]])))
    assert len(found.frames) == 8
    assert any("kept once" in r for r in found.notes["reason"])


def test_impossible_coordinates_are_missing_and_noted(tmp_path: Path) -> None:
    table = poses()
    table.loc[0, "nose_x"] = np.inf
    table.loc[2, "nose_y"] = 1e12
    table.loc[4, "tail_y"] = np.nan
    found = read(put(tmp_path / "t.parquet", table))
    assert found.frames["nose_x"].isna().tolist() == [True, False, True] + [False] * 5
    assert np.isnan(found.frames.loc[4, "tail_x"])
    assert len(found.notes) == 3


def test_keypoints_of_low_confidence_are_missing_when_asked(tmp_path: Path) -> None:
    path = put(tmp_path / "t.parquet", poses(nose_confidence=[0.9, 0.1] * 4))
    assert read(path).frames["nose_x"].notna().all()
    assert read(path, pose={"min_confidence": 0.5}).frames["nose_x"].isna().tolist() == [False, True] * 4


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


def test_without_groups_clips_are_independent_only_when_asked(tmp_path: Path) -> None:
    path = put(tmp_path / "t.csv", poses().drop(columns="subject_id"))
    assert read(path, groups={"by": "clip"}).clips["subject_id"].tolist() == ["a", "b"]
    path = put(tmp_path / "r.csv", poses(recording_id=["r1"] * 4 + ["r2"] * 4).drop(columns="subject_id"))
    assert read(path, groups={"by": "recording"}).clips["subject_id"].tolist() == ["r1", "r2"]


def test_unknown_columns_are_noted_and_images_kept(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.parquet", poses(weather="rain", image=[f"{i}.jpg" for i in range(8)])))
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [["weather", "unknown column: ignored"]]
    assert found.frames["image"].iloc[3] == "3.jpg"


def test_a_taxonomy_that_is_asked_for_resolves_labels(tmp_path: Path) -> None:
    table = poses(species="DOG", label=["앉기"] * 4 + ["날기"] * 4)
    found = read(put(tmp_path / "t.parquet", table), labels={"taxonomy": "aihub59"})
    assert found.clips["label"].tolist() == ["SIT"]
    assert "unknown action '날기' of DOG" in found.rejected["reason"].iloc[0]


def test_the_aihub_skeleton_is_recognised_by_its_keypoints(tmp_path: Path) -> None:
    from data_schemas.skeletons import load_skeleton

    columns = dict.fromkeys(load_skeleton("aihub59").columns, 1.0)
    table = poses()[["clip_id", "subject_id", "frame_number", "timestamp_ms", "label"]].assign(**columns)
    clips = read(put(tmp_path / "t.parquet", table)).clips
    assert clips["skeleton"].tolist() == ["aihub59"] * 2
    assert clips["species"].tolist() == ["ANIMAL"] * 2


def test_the_rats_are_read_whole(shared: Path) -> None:
    found = read(shared / "data" / "rats" / "frames.parquet")
    assert (len(found.clips), len(found.frames)) == (931, 558_600)
    assert found.rejected.empty
