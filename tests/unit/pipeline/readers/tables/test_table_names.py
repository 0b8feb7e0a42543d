"""Names in tables: labels a clip or a frame, taxonomies, and keypoints of a skeleton."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_schemas.errors import ConfigError
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put


def test_a_label_per_frame_is_kept_and_the_clip_takes_the_commonest(tmp_path: Path) -> None:
    table = poses(frame_label=["rest", "rest", "walk", None] + ["walk"] * 4).drop(columns="label")
    found = read(put(tmp_path / "t.parquet", table))
    assert found.clips["label"].tolist() == ["rest", "walk"]
    assert found.frames["frame_label"].fillna("?").tolist() == ["rest", "rest", "walk", "?"] + ["walk"] * 4


def test_names_are_compared_tidied(tmp_path: Path) -> None:
    table = poses(clip_id=["a", " a", "a ", "a"] + ["b"] * 4, label=["rest", "rest ", " rest", "rest"] + ["walk"] * 4)
    found = read(put(tmp_path / "t.parquet", table))
    assert found.clips[["clip_id", "label"]].to_numpy().tolist() == [["a", "rest"], ["b", "walk"]]


def test_a_clip_without_label_takes_the_commonest_of_its_frames(tmp_path: Path) -> None:
    table = poses(label=[None] * 4 + ["walk"] * 4, frame_label=["sit", "rest", "rest", "sit"] + ["rest"] * 4)
    assert read(put(tmp_path / "t.parquet", table)).clips["label"].tolist() == ["rest", "walk"]


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
    assert found.notes["reason"].tolist() == [
        "a frame has no label where others of its clip have one: unlabelled",
        "the inspector's action '날기' is not known: left out",
    ]


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
