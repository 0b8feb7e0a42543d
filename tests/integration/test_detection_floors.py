"""Simulated wrong labels are found as well as they were: floors a little under what four seeds of the folds give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.simulated import scores
from data_schemas.config import load_config
from pipeline.audit.stages import STAGES, Context
from pipeline.readers import recognise
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.simulation import write_demo
from tests.unit.pipeline.detection.small import Nowhere

pytestmark = pytest.mark.long

QUICK = {
    "model": {"views": ["body"], "optimizer_steps": 70, "cleaning_iterations": 2},
    "windows": {"stride": 2},
    "folds": {"count": 3, "holdout": 0.0},
    "run": {"jobs": 1},
}


@pytest.mark.parametrize(
    ("coded", "clips", "precision", "f1", "suggestion"), [(False, 80, 0.64, 0.59, 0.62), (True, 60, 0.70, 0.54, 0.64)]
)
def test_wrong_labels_are_found(tmp_path: Path, coded: bool, clips: int, precision: float, f1: float, suggestion: float) -> None:
    """Clips of one label with another action inside, and recordings coded frame by frame with shifted and missed bouts."""
    sample = write_demo(tmp_path / "sample", clips=clips, pictures=False, frame_labels=coded, jobs=1)
    config, reader = load_config(None, overrides=QUICK), recognise(sample.source)
    context = Context(reader, config, Nowhere(), lambda *_: None, taxonomy_of(reader.name, config))
    tables: dict[str, pd.DataFrame] = {}
    for stage in STAGES:
        tables |= stage.run(tables, context)
    found = scores(tables["issues"], pd.read_parquet(sample.truth))
    assert found["AP"] > precision
    assert found["F1"] > f1
    assert found["suggestion"] > suggestion
