"""Small inputs as people have them, in which poses or their frames were read for something else than they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.errors import ConfigError
from pipeline.readers.tables.pose_columns import pose_facts
from tests.unit.pipeline.readers.reading import only_reason, read


@pytest.fixture
def cases(shared: Path) -> Path:
    return shared / "cases"


def test_likelihood_is_a_confidence(cases: Path) -> None:
    found = read(cases / "likelihood_name" / "dlc.csv", pose={"min_confidence": 0.6})
    assert found.frames["nose_x"].isna().sum() == (found.frames["nose_confidence"] < 0.6).sum() == 88
    assert found.frames["neck_x"].notna().all()
    with pytest.raises(ConfigError, match="min_confidence"):
        read(cases / "bbox_columns" / "bbox.csv", pose={"min_confidence": 0.6})


def test_boxes_and_velocities_are_no_keypoints(cases: Path) -> None:
    found = read(cases / "bbox_columns" / "bbox.csv")
    facts = pose_facts(found.frames.columns, found.notes)
    assert facts.keypoints == ("nose", "neck", "body", "tail")
    assert facts.left_out == ("bbox", "velocity")


def test_two_annotators_are_told_and_never_halved(cases: Path) -> None:
    found = read(cases / "two_annotators" / "two.csv")
    assert found.clips.empty
    assert (
        found.rejected["reason"]
        .str.contains("60 of 90 frames have two labels, as of two raters (column annotator: A, B)", regex=False)
        .all()
    )
    assert any(reason.startswith("240 of 360 frames have several labels") for reason in found.notes["reason"])


def test_label_files_that_number_keypoints_from_0_are_rejected(cases: Path) -> None:
    place, reason = only_reason(read(cases / "aihub_keys_from_0" / "in"))
    assert place == "$.annotations[0].keypoints.0"
    assert "numbered from 1 to 15" in reason


def test_two_animals_in_a_label_file_are_told(cases: Path) -> None:
    reason = only_reason(read(cases / "aihub_two_animals" / "in"))[1]
    assert "frames are annotated several times, with different poses, as for several animals (owner.animalCount 2)" in reason


def test_noses_at_the_origin_without_confidence_are_missing(cases: Path) -> None:
    found = read(cases / "zeros_missing" / "zeros.csv")
    assert found.frames["nose_x"].isna().sum() == 120
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [
        ["nose", "at exactly (0, 0), as where nothing was seen: missing (120 times)"]
    ]
