"""Small inputs as people have them, in which poses or their frames were read for something else than they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.errors import ConfigError
from pipeline.readers.pose_columns import pose_facts
from tests.unit.pipeline.readers.reading import read


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
