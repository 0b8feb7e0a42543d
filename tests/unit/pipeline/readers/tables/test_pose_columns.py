"""Which columns of a table are keypoints, and which tell their confidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.confidences import CONFIDENCES
from data_schemas.errors import ConfigError, SourceError
from pipeline.readers.tables.pose_columns import NOT_A_KEYPOINT, likely_keypoints, pose_facts
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put


@pytest.mark.parametrize(
    "name",
    ["bbox", "bbox_min", "track_0_bbox", "velocity", "nose_vel", "speed", "accel", "Heading", "optic_flow", "tail.velocity"],
)
def test_what_is_no_place_is_no_keypoint(name: str) -> None:
    assert likely_keypoints(["nose_x", "nose_y", f"{name}_x", f"{name}_y"]) == ("nose",)


def test_a_box_is_known_by_its_width_and_height() -> None:
    assert likely_keypoints(["crate_x", "crate_y", "crate_w", "crate_h", "bob_x", "bob_y", "bob_w"]) == ("bob",)


def test_left_out_columns_and_animals_are_told_of_a_table(tmp_path: Path) -> None:
    names = {f"fly{i}_{part}_{axis}": 5.0 for i in (1, 2) for part in ("head", "tail") for axis in "xy"}
    table = poses(**names, bbox_x=1.0, bbox_y=2.0).drop(columns=["nose_x", "nose_y", "tail_x", "tail_y"])
    found = read(put(tmp_path / "t.csv", table))
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [["bbox", NOT_A_KEYPOINT]]
    facts = pose_facts(found.frames.columns, found.notes)
    assert facts.keypoints == ("fly1_head", "fly1_tail", "fly2_head", "fly2_tail")
    assert facts.left_out == ("bbox",)
    assert facts.animals == {"fly1": facts.keypoints[:2], "fly2": facts.keypoints[2:]}


def test_who_names_a_keypoint_means_it(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('name = "own"\nkeypoints = ["nose", "bbox"]\n')
    path = put(tmp_path / "t.csv", poses(bbox_x=1.0, bbox_y=2.0))
    assert read(path, pose={"skeleton": str(tmp_path / "own.toml")}).skeleton.keypoints == ("nose", "bbox")


def test_a_table_of_boxes_alone_has_no_keypoint(tmp_path: Path) -> None:
    table = poses(bbox_x=1.0, bbox_y=2.0).drop(columns=["nose_x", "nose_y", "tail_x", "tail_y"])
    with pytest.raises(SourceError, match="no keypoint"):
        read(put(tmp_path / "t.csv", table))


def test_a_centroid_is_taken_for_a_keypoint_and_noted(tmp_path: Path) -> None:
    found = read(put(tmp_path / "t.csv", poses(centroid_x=1.5, centroid_y=2.5)))
    assert found.skeleton.keypoints == ("nose", "tail", "centroid")
    assert found.notes["place"].tolist() == ["centroid"]


@pytest.mark.parametrize("ending", CONFIDENCES)
def test_a_confidence_has_many_names(tmp_path: Path, ending: str) -> None:
    path = put(tmp_path / "t.csv", poses(**{f"nose_{ending}": [0.75, 0.25] * 4}))
    found = read(path, pose={"min_confidence": 0.5})
    assert found.frames["nose_x"].isna().tolist() == [False, True] * 4
    assert found.frames["nose_confidence"].tolist() == [0.75, 0.25] * 4
    told = found.notes["reason"].tolist()
    assert any("no confidence column of tail" in reason for reason in told)
    assert ("read as the confidence of its keypoint" in told) == (ending != "confidence")


def test_an_empty_confidence_is_unknown_not_low(tmp_path: Path) -> None:
    path = put(tmp_path / "t.csv", poses(nose_score=[0.9, None] * 4))
    assert read(path, pose={"min_confidence": 0.5}).frames["nose_x"].notna().all()


def test_confidences_in_percent_are_not_compared_with_a_share(tmp_path: Path) -> None:
    path = put(tmp_path / "t.csv", poses(nose_score=[97.0, 12.0] * 4))
    assert read(path).frames["nose_x"].notna().all()
    with pytest.raises(ConfigError, match="half of column nose_score is above"):
        read(path, pose={"min_confidence": 0.5})


def test_a_least_confidence_without_any_confidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"min_confidence = 0\.6") as caught:
        read(put(tmp_path / "t.csv", poses()), pose={"min_confidence": 0.6})
    assert "nose_confidence" in caught.value.hint
