"""Tables: a label per clip or per frame, Parquet or CSV, and every fault with its outcome."""

from __future__ import annotations

import cProfile
import gzip
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.errors import ConfigError, SourceError
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


def test_a_table_may_tell_which_labels_were_reviewed(tmp_path: Path) -> None:
    label = ["rest", "rest", None, "walk", "walk", "walk", "walk", "walk"]
    source = ["review", "given", "review", "consensus", "adjudication", "expert", None, "Given"]
    found = read(put(tmp_path / "t.csv", poses(frame_label=label, label_source=source)))
    assert found.frames["label_source"].tolist() == ["review", "given", "given", "consensus", "adjudication"] + ["given"] * 3
    assert {(r, n) for r, n in found.notes[["reason", "file"]].to_numpy().tolist()} == {
        ("label_source is none of adjudication, consensus, review, given: taken as given (2 times)", "t.csv"),
        ("a label was reviewed, says label_source: it is taken as right (3 times)", "t.csv"),
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


def test_what_cannot_be_opened_beside_a_table_is_told(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", poses())
    (tmp_path / "broken.zip").write_bytes(b"PK no")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as packed:
        packed.writestr("b.csv", poses().to_csv(index=False))
    found = read(tmp_path)
    assert found.clips["source"].tolist() == ["a.csv", "a.csv"]
    assert found.rejected["file"].tolist() == ["broken.zip", "dangling.csv", "more.zip::b.csv"]


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
        ({"frame_number": [0, 1, 1, 3] + [0, 1, 2, 3]}, "row 2", "frame 1 is told twice, in different ways"),
        ({"frame_number": [0, -1, 2, 3] + [0, 1, 2, 3]}, "row 1", "frame -1 at 40 ms cannot be"),
        ({"frame_number": [0, 1, 2, 3e9] + [0, 1, 2, 3]}, "row 3", "frame 3000000000 at 120 ms cannot be"),
        ({"frame_number": [0, 1.5, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "1.5 is no frame number"),
        ({"frame_number": [0, np.inf, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "inf is no frame number"),
        ({"frame_number": [0, np.nan, 2, 3] + [0, 1, 2, 3]}, "row 1, column frame_number", "is missing"),
        ({"timestamp_ms": [0, 40, 30, 120] + [0, 40, 80, 120]}, "row 2", "frame 2 comes at 30 ms, not after the frame before it"),
        ({"timestamp_ms": [0, 40, 40.4, 120] + [0, 40, 80, 120]}, "row 2", "frame 2 comes at 40 ms, not after"),
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
    assert found.rejected[["place", "reason"]].to_numpy().tolist() == [
        [f"row 2, column {column}", f"clip a: {junk!r} is not a number"]
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


def test_names_are_compared_tidied(tmp_path: Path) -> None:
    table = poses(clip_id=["a", " a", "a ", "a"] + ["b"] * 4, label=["rest", "rest ", " rest", "rest"] + ["walk"] * 4)
    found = read(put(tmp_path / "t.parquet", table))
    assert found.clips[["clip_id", "label"]].to_numpy().tolist() == [["a", "rest"], ["b", "walk"]]


def test_a_clip_without_label_takes_the_commonest_of_its_frames(tmp_path: Path) -> None:
    table = poses(label=[None] * 4 + ["walk"] * 4, frame_label=["sit", "rest", "rest", "sit"] + ["rest"] * 4)
    assert read(put(tmp_path / "t.parquet", table)).clips["label"].tolist() == ["rest", "walk"]


def test_the_table_keeps_apart_recordings_that_are_told(tmp_path: Path) -> None:
    table = poses(recording_id=["r1"] * 4 + [None] * 4)
    found = read(put(tmp_path / "t.parquet", table), groups={"by": "recording"})
    assert found.clips["subject_id"].tolist() == ["r1"]
    assert found.rejected["place"].tolist() == ["column recording_id"]


def skeleton_file(path: Path, names: list[str]) -> str:
    path.write_text(f'name = "mine"\nkeypoints = {json.dumps(names)}\n', encoding="utf-8")
    return str(path)


def test_an_own_skeleton_chooses_keypoints_and_their_order(tmp_path: Path) -> None:
    path = put(tmp_path / "t.parquet", poses(ear_x=1.0, ear_y=2.0))
    found = read(path, pose={"skeleton": skeleton_file(tmp_path / "mine.toml", ["tail", "nose"])})
    assert found.skeleton.name == "mine"
    assert [c for c in found.frames if c.endswith("_x")] == ["tail_x", "nose_x"]
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [["ear", "keypoint not in pose.skeleton: ignored"]]


def test_an_own_skeleton_with_a_keypoint_that_the_table_lacks_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "t.parquet", poses())
    with pytest.raises(ConfigError, match="no columns paw_x and paw_y") as caught:
        read(path, pose={"skeleton": skeleton_file(tmp_path / "mine.toml", ["nose", "paw"])})
    assert "nose, tail" in caught.value.hint


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
    assert "name your file as labels.taxonomy" in found.rejected["reason"].iloc[0]


def test_a_taxonomy_resolves_labels_of_frames_and_of_the_inspector(tmp_path: Path) -> None:
    table = poses(
        species=["dog"] * 4 + ["CAT"] * 4,
        label=["앉기"] * 4 + ["WALKRUN"] * 4,
        frame_label=["앉기", "SIT", None, "LYING"] + ["WALKRUN", "LYING", "배를 보임", "WALKRUN"],
        other_label=["LYING"] * 4 + ["날기"] * 4,
    )
    found = read(put(tmp_path / "t.parquet", table), labels={"taxonomy": "aihub59"})
    assert found.frames["frame_label"].fillna("?").tolist() == [
        "SIT",
        "SIT",
        "?",
        "LYING",
        "WALKRUN",
        "LYING",
        "LYING",
        "WALKRUN",
    ]
    assert found.clips["other_label"].fillna("?").tolist() == ["LYING", "?"]
    assert found.notes["reason"].tolist() == ["the inspector's action '날기' is not known: left out"]


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        (
            {"frame_label": ["SIT", "SIT", "날기", "SIT"] + ["SIT"] * 4},
            "row 2, column frame_label",
            "unknown action '날기' of DOG",
        ),
        ({"species": ["BIRD"] * 4 + ["DOG"] * 4}, "column species", "species 'BIRD' is not in taxonomy aihub59"),
    ],
)
def test_what_a_taxonomy_does_not_know_sets_its_clip_aside(tmp_path: Path, change, place: str, reason: str) -> None:
    path = put(tmp_path / "t.parquet", poses(**({"species": "DOG", "label": "SIT"} | change)))
    found = read(path, labels={"taxonomy": "aihub59"})
    assert found.clips["clip_id"].tolist() == ["b"]
    assert found.rejected["place"].tolist() == [place]
    assert reason in found.rejected["reason"].iloc[0]


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
