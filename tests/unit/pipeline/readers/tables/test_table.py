"""Tables: Parquet or CSV, one file or many, with their times and rates."""

from __future__ import annotations

import cProfile
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put


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


def test_a_table_may_tell_which_labels_were_reviewed(tmp_path: Path) -> None:
    label = ["rest", "rest", None, "walk", "walk", "walk", "walk", "walk"]
    source = ["review", "given", "review", "consensus", "adjudication", "expert", None, "Given"]
    found = read(put(tmp_path / "t.csv", poses(frame_label=label, label_source=source)))
    assert found.frames["label_source"].tolist() == ["review", "given", "given", "consensus", "adjudication"] + ["given"] * 3
    assert {(r, n) for r, n in found.notes[["reason", "file"]].to_numpy().tolist()} == {
        ("label_source is none of adjudication, consensus, review, given: taken as given (2 times)", "t.csv"),
        ("a label was reviewed, says label_source: it is taken as right (3 times)", "t.csv"),
        ("a frame has no label where others of its clip have one: unlabelled", "t.csv"),
    }
    # Where no frame has a label, there is nothing that it could tell of.
    assert "label_source" not in read(put(tmp_path / "clips.parquet", poses(label_source=source))).frames


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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp949"])
def test_a_csv_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(poses(label="그루밍함").to_csv(index=False).encode(encoding))
    found = read(tmp_path / "t.csv")
    assert found.clips["label"].tolist() == ["그루밍함"] * 2
    assert found.notes.empty == (encoding == "utf-8-sig")


def test_a_parquet_file_with_index_categories_and_bytes_is_read(tmp_path: Path) -> None:
    table = poses(label=pd.Categorical(poses()["label"]), species=b"rat")
    table.set_index(["clip_id", "frame_number"]).to_parquet(tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    assert found.clips[["clip_id", "species", "label"]].to_numpy().tolist() == [["a", "RAT", "rest"], ["b", "RAT", "walk"]]
    assert found.notes.empty


def test_a_missing_time_follows_from_its_frame_number(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(timestamp_ms=[0, None, 80, 120, None, 1040, 1080, None])))
    assert found.frames["timestamp_ms"].tolist() == [0, 40, 80, 120, 1000, 1040, 1080, 1120]
    assert found.notes["reason"].tolist() == ["a time was missing: computed from the frame number (3 times)"]


def test_a_told_frame_rate_fills_the_times_of_a_clip_that_has_none_or_one(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(fps=50, timestamp_ms=[None] * 4 + [1000, None, None, None])))
    assert found.frames["timestamp_ms"].tolist() == [0, 20, 40, 60, 1000, 1020, 1040, 1060]
    assert found.rejected.empty


def test_a_frame_rate_that_is_not_told_follows_from_the_times(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(fps=[None] * 4 + [24.5] * 4)))
    assert found.clips["fps"].tolist() == [25, 24.5]


def test_the_rate_of_one_frame_is_told_by_its_time_or_assumed(tmp_path: Path) -> None:
    table = poses(frame_number=[0, 50, 2, 3] * 2, timestamp_ms=[0, 2000, 80, 120] * 2, clip_id=list("ab") * 4).iloc[:2]
    found = read(put(tmp_path / "t.csv", table.assign(subject_id="s", label="x")))
    assert found.clips["fps"].tolist() == [30, 25]
    assert found.notes["reason"].tolist() == ["one frame cannot tell the frame rate: 30 is assumed"]


def test_the_table_keeps_apart_recordings_that_are_told(tmp_path: Path) -> None:
    table = poses(recording_id=["r1"] * 4 + [None] * 4)
    found = read(put(tmp_path / "t.parquet", table), groups={"by": "recording"})
    assert found.clips["subject_id"].tolist() == ["r1"]
    assert found.rejected["place"].tolist() == ["column recording_id"]


def test_many_clips_are_read_without_looking_at_single_rows(tmp_path: Path) -> None:
    """Rows cost next to nothing: ten times the rows take far less than ten times the calls of Python functions."""

    def calls(frames: int) -> int:
        n = 20 * frames
        columns = {"clip_id": np.repeat(np.arange(20), frames), "frame_number": np.tile(np.arange(frames), 20)}
        table = pd.DataFrame(columns).assign(
            subject_id="s", timestamp_ms=lambda t: t["frame_number"] * 40, label="x", frame_label="y", image="a.jpg", nose_x=1.0,
            nose_y=np.arange(n) * 1.0, species="DOG",
        )  # fmt: skip
        path = put(tmp_path / f"{frames}.parquet", table)
        profile = cProfile.Profile()
        profile.runcall(read, path)
        return sum(entry.callcount for entry in profile.getstats())

    calls(10)
    few, many = calls(100), calls(1000)
    assert many < few * 1.5


def test_a_repeated_frame_that_says_the_same_is_kept_once(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.parquet", pd.concat([poses(), poses().iloc[[1]]])))
    assert len(found.frames) == 8
    assert any("kept once" in r for r in found.notes["reason"])


def test_keypoints_of_low_confidence_are_missing_when_asked(tmp_path: Path) -> None:
    path = put(tmp_path / "t.parquet", poses(nose_confidence=[0.9, 0.1] * 4))
    assert read(path).frames["nose_x"].notna().all()
    assert read(path, pose={"min_confidence": 0.5}).frames["nose_x"].isna().tolist() == [False, True] * 4


def test_without_groups_clips_are_independent_only_when_asked(tmp_path: Path) -> None:
    path = put(tmp_path / "t.csv", poses().drop(columns="subject_id"))
    assert read(path, groups={"by": "clip"}).clips["subject_id"].tolist() == ["a", "b"]
    path = put(tmp_path / "r.csv", poses(recording_id=["r1"] * 4 + ["r2"] * 4).drop(columns="subject_id"))
    assert read(path, groups={"by": "recording"}).clips["subject_id"].tolist() == ["r1", "r2"]


def test_unknown_columns_are_noted_and_images_kept(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.parquet", poses(weather="rain", image=[f"{i}.jpg" for i in range(8)])))
    assert found.notes["place"].tolist() == ["image", "weather"]
    assert found.notes["reason"].iloc[1] == "unknown column: ignored"
    assert found.frames["image"].iloc[3] == "3.jpg"


def test_the_rats_are_read_whole(shared: Path) -> None:
    found = read(shared / "data" / "rats" / "frames.parquet")
    assert (len(found.clips), len(found.frames)) == (931, 558_600)
    assert found.rejected.empty
