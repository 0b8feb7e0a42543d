"""Names from the data in paths: whatever a species is called, a run and its models lie where they belong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.progress import Progress
from data_schemas.tables import OOF
from pipeline.audit.prediction import load_models
from pipeline.audit.run import run_audit
from pipeline.report.page import write_report
from pipeline.retraining.retrain import retrain_arms
from pipeline.workspace.file_names import file_name
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

SPECIES = ("../../../X", "A/" + "쥐" * 90)
QUICK = {
    "folds": {"count": 2, "holdout": 0.3},
    "run": {"jobs": 1},
    "model": {"views": ["body"], "optimizer_steps": 5, "cleaning_iterations": 1},
    "retrain": {"conditions": ["given"]},
}


@contextlib.contextmanager
def show(_: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, make_table) -> RunFolder:
    """Return an audited and retrained run deep in a folder of its own; what lies beside the workspace is the source alone."""
    root = tmp_path_factory.mktemp("names") / "deep" / "er" / "still"
    root.mkdir(parents=True)
    poses = pd.concat([make_table(subjects=5, clips_each=1, seconds=3, species=name, seed=k) for k, name in enumerate(SPECIES)])
    poses["subject_id"] = poses["species"] + poses["subject_id"]
    poses["clip_id"] = poses["clip_id"].str.slice(-300)
    poses.to_parquet(root / "poses.parquet", index=False)
    place, config = Workspace(root / "ws"), load_config(None, overrides=QUICK)
    run, _ = run_audit(root / "poses.parquet", config, workspace=place, write_report=write_report, stage_progress=show)
    retrain_arms(place, config, stage_progress=show)
    return run


def test_nothing_is_written_outside_of_the_workspace(audited: RunFolder) -> None:
    outside = audited.path.parents[5]
    assert outside.name.startswith("names")
    inside = audited.path.parents[1]
    found = [p for p in outside.rglob("*") if p.is_file() and inside not in p.parents]
    assert [p.name for p in found] == ["poses.parquet"]


def test_every_species_is_predicted(audited: RunFolder) -> None:
    windows = pd.read_parquet(audited.path / "windows.parquet")
    told = windows[windows["window_id"].isin(audited.read_table("oof", OOF)["window_id"])]
    assert set(told["species"]) == set(SPECIES)


def test_every_species_has_a_bundle_that_is_found_by_its_name(audited: RunFolder) -> None:
    folder = audited.path / "models" / "given"
    assert {p.name for p in folder.iterdir()} == {file_name(name) for name in SPECIES}
    assert set(load_models(folder, device="cpu")) == set(SPECIES)


def test_an_array_is_found_again_by_any_name(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "a" / "b")
    for number, name in enumerate(SPECIES):
        run.write_array(name, np.array([number]))
    assert [int(run.read_array(name)[0]) for name in SPECIES] == list(range(len(SPECIES)))
    assert {p.parent for p in tmp_path.rglob("*.npy")} == {run.checkpoints}
