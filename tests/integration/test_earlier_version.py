"""What the version before wrote is read: a workspace of two rounds, its review store, a bundle, predictions and an export.

``tests/data/earlier_version.tar.gz`` was written by the commands of commit bab37cf on simulated poses; reports and the models of
other conditions were left out. ``@HERE@`` stands for the folder.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.renamed_keys import RenamedKey
from data_schemas.tables import OOF
from pipeline.readers import recognise
from pipeline.review.store import ReviewStore
from pipeline.workspace.hashes import digest
from pipeline.workspace.run_folder import RunFolder
from tests.conftest import ROOT
from tests.integration.shell import Shell

FIRST, SECOND = "20261128T122855Z-ff8f470e", "20261128T122920Z-f0d18765"


@pytest.fixture
def earlier(tmp_path: Path) -> Shell:
    """Return a shell where the earlier version worked."""
    with tarfile.open(ROOT / "tests" / "data" / "earlier_version.tar.gz") as stored:
        stored.extractall(tmp_path, filter="data")
    for path in [*tmp_path.rglob("*.json"), *tmp_path.rglob("audit.toml")]:
        path.write_text(path.read_text(encoding="utf-8").replace("@HERE@", str(tmp_path)), encoding="utf-8")
    # A run is known by where its source lies, too.
    manifest = recognise(tmp_path / "poses.csv").manifest()
    for run in (FIRST, SECOND):
        path = tmp_path / "ws" / "runs" / run / "run.json"
        record = json.loads(path.read_text())
        facts = {name: record[name] for name in ("source", "format", "config", "named_files")}
        record["round"]["base"] = digest(facts, manifest)
        path.write_text(json.dumps(record))
    return Shell(tmp_path)


def test_its_runs_are_shown_and_its_decisions_counted(earlier: Shell) -> None:
    done = earlier("status", "-w", "ws", "--json")
    (warning,) = [line for line in done.stderr.splitlines() if "earlier version" in line]
    runs = earlier.folder / "ws" / "runs"
    assert warning == (
        f"warning: {runs}: written by an earlier version, with names that the next one refuses; `audit run` makes the run anew"
    )
    told = json.loads(done.stdout)
    assert Path(told["run_dir"]).name == SECOND
    assert (told["segments_decided"], told["segments_open"]) == (0, 1)
    with ReviewStore.open(earlier.folder / "ws" / "review.db") as store:
        events = store.events()
    assert events["reviewer"].tolist() == ["kim", "kim"]
    assert set(events["run_id"]) == {FIRST}
    folder = RunFolder(runs / FIRST)
    assert "run_hash" not in json.loads((folder.path / "run.json").read_text())
    with pytest.warns(RenamedKey, match="earlier version"):
        record, oof = folder.record(), folder.read_table("oof", OOF)
    stored = pd.read_parquet(folder.path / "oof.parquet")
    assert folder.read_columns("oof", OOF, ("window_id", "used_for_training")).equals(oof[["window_id", "used_for_training"]])
    assert (record["run_hash"][:8], record["stages"]["score"]["rows"]["issues"]) == (FIRST[-8:], 360)
    pd.testing.assert_series_equal(oof["used_for_training"], stored["taught"], check_names=False)
    pd.testing.assert_series_equal(oof["base_learners"], stored["voices"], check_names=False)
    assert folder.fingerprint("oof")


@pytest.mark.long
def test_its_rounds_are_gone_on_with_and_its_keys_are_warned_of(earlier: Shell) -> None:
    rows = "clip_id,start_frame,end_frame,label,reviewer,action\nDOG-01-0-SIT,0,24,SIT,kim,relabel\n"
    (earlier.folder / "more.csv").write_text(rows)
    earlier("decisions", "import", "more.csv", "-w", "ws")
    done = earlier("run", "-w", "ws", "--reviewed")
    assert "this is round 3" in done.stdout
    assert "model.hidden is now called model.hidden_size" in done.stderr
    latest = (earlier.folder / "ws" / "runs" / "latest").resolve()
    record = json.loads((latest / "run.json").read_text())["round"]
    assert latest.name not in (FIRST, SECOND)
    assert (record["number"], record["previous"], record["events"]) == (3, SECOND, 3)
    assert record["reviewed_frames"] == 75


def test_its_bundle_predicts_what_it_predicted(earlier: Shell) -> None:
    model = earlier.folder / "ws" / "runs" / SECOND / "models" / "reviewed"
    done = earlier("predict", "poses.csv", "--model", model, "--out", "again.parquet")
    assert done.stderr.count("written by an earlier version") == 1
    before, now = (pd.read_parquet(earlier.folder / name) for name in ("predictions.parquet", "again.parquet"))
    shared = [name for name in before if name in now]
    assert {"window_id", "predicted_label", "p_SIT", "p_WALKRUN"} <= set(shared)
    pd.testing.assert_frame_equal(now[shared], before[shared], rtol=0, atol=1e-5)


def test_its_export_is_read_with_what_people_decided(earlier: Shell) -> None:
    found = recognise(earlier.folder / "export" / "frames.parquet").read(load_config(None))
    assert len(found.frames) == 1000
    assert len(found.rejected) == 0
    assert found.frames["frame_label"].value_counts().to_dict() == {"SIT": 550, "WALKRUN": 450}
