"""`audit run --reviewed`: what was decided is known, the rest is ranked anew, and each round is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.report.page import write_report
from pipeline.selftest.selftest_run import prepare_selftest
from pipeline.workspace.progress import stage_progress
from pipeline.workspace.workspace import Workspace

pytestmark = pytest.mark.integration

RUN = ("--folds", "3", "--jobs", "1", "-w", "ws")


def latest(tmp_path: Path, name: str, workspace: str = "ws") -> pd.DataFrame:
    return pd.read_parquet(tmp_path / workspace / "runs" / "latest" / f"{name}.parquet")


def record(tmp_path: Path, workspace: str = "ws") -> dict[str, Any]:
    return json.loads((tmp_path / workspace / "runs" / "latest" / "run.json").read_text())


def status(audited) -> dict[str, Any]:
    return json.loads(audited("status", "-w", "ws", "--json").stdout)


def shown(tmp_path: Path) -> Path:
    return (tmp_path / "ws" / "runs" / "latest").resolve()


def decide(audited, tmp_path: Path, *rows: str) -> None:
    head = "clip_id,start_frame,end_frame,label,reviewer,action"
    (tmp_path / "own.csv").write_text("\n".join([head, *rows]) + "\n")
    audited("decisions", "import", "own.csv", "-w", "ws")


def holdout(windows: pd.DataFrame) -> set[str]:
    return set(windows.loc[windows["split"] == "holdout", "group"])


def test_the_next_round_knows_what_was_decided_and_ranks_the_rest(audited, tmp_path: Path) -> None:
    first, before = status(audited), latest(tmp_path, "windows")
    queue = latest(tmp_path, "segments").query("split == 'audit'")
    wrong, kept = queue.iloc[0], queue.iloc[1]
    quiet = sorted(set(before.loc[before["split"] == "audit", "clip_id"]) - set(queue["clip_id"]))
    excluded, unsure = quiet[0], quiet[-1]
    held = before.loc[before["split"] == "holdout"].iloc[0]
    other = {"SIT": "WALKRUN", "WALKRUN": "SIT"}
    decide(
        audited,
        tmp_path,
        f"{wrong['clip_id']},{wrong['start_frame']},{wrong['end_frame']},{other[wrong['given_label']]},kim,relabel",
        f"{kept['clip_id']},0,59,{kept['given_label']},kim,keep",
        f"{excluded},20,24,,kim,exclude",
        f"{unsure},0,59,,kim,unsure",
        f"{held['clip_id']},0,59,{other[held['label']]},kim,relabel",
    )
    assert status(audited)["segments_decided"] >= 2

    done = audited("run", "--reviewed", *RUN)
    assert "this is round 2" in done.stdout
    windows, issues = latest(tmp_path, "windows"), latest(tmp_path, "issues").set_index("window_id")
    assert holdout(windows) == holdout(before)
    known = windows[windows["reviewed"]].set_index("window_id")
    inside = (known["clip_id"] == wrong["clip_id"]) & (known["start_frame"] >= wrong["start_frame"])
    assert set(known.loc[inside, "label"]) == {other[wrong["given_label"]]}
    assert set(known.loc[known["clip_id"] == kept["clip_id"], "label"]) == {kept["given_label"]}
    assert set(known.loc[known["clip_id"] == held["clip_id"], "split"]) == {"holdout"}
    # A reviewed window is not flagged again, and comes after all others.
    own = issues.loc[[w for w in known.index if w in issues.index]]
    assert not own["is_issue"].any()
    assert own["segment_id"].isna().all()
    assert own["rank"].min() > issues.drop(own.index)["rank"].max()
    assert issues.drop(own.index)["label_quality"].nunique() > len(issues) / 2
    # One that holds a frame that was taken out is gone; nobody could tell of another clip, so it is as it was.
    gone = before[(before["clip_id"] == excluded) & (before["start_frame"] <= 24) & (before["end_frame"] >= 20)]
    assert not set(gone["window_id"]) & set(windows["window_id"])
    assert set(before["window_id"]) - set(windows["window_id"]) == set(gone["window_id"])
    assert not (windows["reviewed"] & (windows["clip_id"] == unsure)).any()
    # It was trained on under the label after review; no network was trained on the hold-out.
    used = latest(tmp_path, "oof").set_index("window_id")["used_for_training"]
    trained_on = known[(known["split"] == "audit") & ~known["mixed"] & ~known["bad_pose"]]
    assert len(trained_on) > 0
    assert used.loc[trained_on.index].all()
    assert not used.loc[known.index[known["split"] == "holdout"]].any()
    # No segment starts or ends with a frame that was decided.
    spans = latest(tmp_path, "segments")
    for clip, a, b in ((wrong["clip_id"], wrong["start_frame"], wrong["end_frame"]), (kept["clip_id"], 0, 59)):
        own_spans = spans[spans["clip_id"] == clip]
        assert not ((own_spans["start_frame"] <= b) & (own_spans["end_frame"] >= a)).any()

    told = record(tmp_path)["round"]
    assert (told["number"], told["events"], told["excluded_frames"]) == (2, 4, 5)
    assert told["reviewed_frames"] == wrong["end_frame"] - wrong["start_frame"] + 1 + 60 + 5 + 60
    assert told["previous"] == Path(first["run_dir"]).name
    # The figures of a round are those of the audited windows, as everywhere.
    audited_ones = issues[issues["split"] == "audit"]
    assert told["reviewed_windows"] == audited_ones.index.isin(own.index).sum()
    rest = audited_ones[~audited_ones.index.isin(own.index)]
    assert told["expected_wrong"] == pytest.approx((1 - rest["label_quality"]).sum(), abs=0.1)
    assert {(c["species"], c["label"]) for c in told["classes"]} == {("DOG", "SIT"), ("DOG", "WALKRUN")}
    _goes_on_where_it_was_killed(audited, tmp_path)


def _goes_on_where_it_was_killed(audited, tmp_path: Path) -> None:
    folder = shown(tmp_path)
    issues = (folder / "issues.parquet").read_bytes()
    for name in ("issues", "segments"):
        (folder / f"{name}.parquet").unlink()
    told = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**told, "finished": False}))
    assert "predict" not in audited("run", "--reviewed", *RUN).stderr
    assert (folder / "issues.parquet").read_bytes() == issues
    assert record(tmp_path)["finished"]
    assert np.isfinite(record(tmp_path)["round"]["share_wrong"])


def test_the_same_decisions_are_no_new_round_and_others_are(audited, tmp_path: Path) -> None:
    plain = shown(tmp_path)
    told = audited("run", "--reviewed", *RUN).stderr
    assert "no decision counts yet" in told
    assert "nothing to do" in told
    assert shown(tmp_path) == plain
    queue = latest(tmp_path, "segments").query("split == 'audit'")
    first, second = queue.iloc[0], queue.iloc[1]
    decide(audited, tmp_path, f"{first['clip_id']},0,29,{first['suggested_label']},kim,relabel")
    audited("run", "--reviewed", *RUN)
    two = shown(tmp_path)
    assert "nothing to do" in audited("run", "--reviewed", *RUN).stderr
    assert shown(tmp_path) == two != plain
    # What the labels were given as is what the export goes on from.
    audited("export", "-w", "ws", "--out", "clean")
    changes = pd.read_parquet(tmp_path / "clean" / "changes.parquet")
    assert changes[["from", "to"]].to_numpy().tolist() == [[first["given_label"], first["suggested_label"]]]
    assert changes["why"].tolist() == [first["kind"]]

    decide(audited, tmp_path, f"{second['clip_id']},0,29,{second['given_label']},kim,keep")
    audited("run", "--reviewed", *RUN)
    three = shown(tmp_path)
    found = status(audited)
    assert found["review"]["orphans"] == 0
    assert [r["number"] for r in found["rounds"]] == [1, 2, 3]
    assert [r["previous"] for r in found["rounds"]] == [None, plain.name, two.name]
    assert [r["reviewed_frames"] for r in found["rounds"]] == [0, 30, 60]
    table = audited("status", "-w", "ws").stdout
    assert "expected wrong of the rest" in table
    assert "this is round 3" in table
    assert '<div id="rounds"' in (three / "report.html").read_text()
    assert '<div id="rounds"' not in (plain / "report.html").read_text()

    # A selftest injects into the labels as given, and leaves the round that people look at.
    place = Workspace(tmp_path / "ws")
    wanted = {"kinds": ["flips"], "shares": [0.3], "seed": 0, "options": {"run": {"jobs": 1}}}
    test = prepare_selftest(place, **wanted, write_report=write_report, stage_progress=stage_progress)
    assert test.folder.path == plain
    assert place.newest().path == shown(tmp_path) == three

    # The plain audit is still there, and so is the round when it is asked for again.
    assert "nothing to do" in audited("run", *RUN).stderr
    assert shown(tmp_path) == plain
    assert "nothing to do" in audited("run", "--reviewed", *RUN).stderr
    assert shown(tmp_path) == three


def test_reviewed_without_an_audit_says_what_to_type(audit, table) -> None:
    refused = audit("run", table.name, "--reviewed", "-w", "ws", code=4)
    assert "no finished audit" in refused.stderr
    assert "audit run" in refused.stderr
    assert not list((table.parent / "ws" / "runs").glob("2*"))
