"""`audit export` as a user's shell would start it, and its frames read by `audit run` again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.integration


def test_decisions_become_a_dataset_that_an_audit_reads_again(audited, tmp_path: Path) -> None:
    found = json.loads(audited("status", "-w", "ws", "--json").stdout)
    clip, other = found["clips"][0], found["clips"][1]
    label = {"SIT": "WALKRUN", "WALKRUN": "SIT"}[clip["label"]]
    lines = ["clip_id,start_frame,end_frame,label,reviewer,action,note"]
    lines += [f"{clip['clip_id']},10,39,{label},kim,,moves", f"{other['clip_id']},0,4,,kim,exclude,"]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    audited("decisions", "import", "own.csv", "-w", "ws")

    done = audited("export", "-w", "ws", "--out", "clean", "--csv")
    assert "30 relabelled, 5 excluded" in done.stdout
    sheet = json.loads((tmp_path / "clean" / "datasheet.json").read_text())
    assert sheet["frames"]["exported"] == sheet["frames"]["run"] - 5
    changes = pd.read_parquet(tmp_path / "clean" / "changes.parquet")
    assert changes["why"].tolist()[0] == "moves"
    before = {p.name: p.read_bytes() for p in (tmp_path / "clean").iterdir()}
    audited("export", "-w", "ws", "--out", "clean", "--csv")
    assert {p.name: p.read_bytes() for p in (tmp_path / "clean").iterdir()} == before

    audited("run", "clean/frames.parquet", "-w", "again", "--folds", "3", "--jobs", "1")
    run = tmp_path / "again" / "runs" / "latest"
    clean, read = pd.read_parquet(tmp_path / "clean" / "frames.parquet"), pd.read_parquet(run / "frames.parquet")
    assert read.equals(clean[list(read.columns)])
    relabelled = read[(read["clip_id"] == clip["clip_id"]) & read["frame_number"].between(10, 39)]
    assert set(relabelled["frame_label"]) == {label}
    # What was reviewed is taken as right, and is not flagged again.
    windows, issues = pd.read_parquet(run / "windows.parquet"), pd.read_parquet(run / "issues.parquet")
    inside = (windows["clip_id"] == clip["clip_id"]) & (windows["start_frame"] >= 10) & (windows["end_frame"] <= 39)
    known = windows[windows["reviewed"]]
    assert known["window_id"].tolist() == windows.loc[inside, "window_id"].tolist()
    assert set(known["label"]) == {label}
    assert not issues.loc[issues["window_id"].isin(known["window_id"]), "is_issue"].any()
    notes = pd.read_parquet(run / "notes.parquet")
    assert notes["reason"].str.startswith("a label was reviewed, says label_source").sum() == 1
    assert json.loads((run / "run.json").read_text())["round"]["reviewed_frames"] == 30
    first, again = (pd.read_parquet(p / "clips.parquet") for p in (tmp_path / "ws" / "runs" / "latest", run))
    same = ["clip_id", "subject_id", "recording_id", "species", "fps"]
    assert again[same].equals(first[same])


def test_export_refuses_what_it_must_not_touch(audited, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine")
    assert "--force" in audited("export", "-w", "ws", "--out", "mine", code=2).stderr
    audited("export", "-w", "ws", "--out", "mine", "--force")
    assert (tmp_path / "mine.before-1" / "work.txt").read_text() == "mine"
    assert "holds the workspace" in audited("export", "-w", "ws", "--out", "ws", "--force", code=2).stderr
    assert "mixed_margin" in audited("export", "-w", "ws", "--out", "x", "--mixed-margin", "2", code=2).stderr
    assert "AI-Hub" in audited("export", "-w", "ws", "--out", "x", "--aihub", code=2).stderr


def test_export_without_a_run_says_what_to_type(audit) -> None:
    assert "audit run YOUR_CLIPS -w ws" in audit("export", "-w", "ws", "--out", "clean", code=4).stderr


def test_export_has_help_with_an_example(audit) -> None:
    assert "Example: audit export" in audit("export", "--help").stdout
