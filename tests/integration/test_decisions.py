"""`audit decisions` and the review in `audit status`, as a user's shell would start them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def test_decisions_go_in_and_out_and_status_counts_them(audited, tmp_path: Path) -> None:
    before = json.loads(audited("status", "-w", "ws", "--json").stdout)
    assert before["review"] == {"events": 0, "reviewers": [], "orphans": 0, "orphan_events": []}
    assert not (tmp_path / "ws" / "review.db").exists()
    segment = before["top_segments"][0]
    lines = ["clip_id,start_frame,end_frame,label,reviewer"]
    lines += [f"{segment['clip_id']},{segment['start_frame']},{segment['end_frame']},{segment['suggested_label']},kim"]
    lines += ["nothing,0,1,SIT,kim", f"{segment['clip_id']},0,1,SLEEP,kim"]
    (tmp_path / "own.csv").write_text("\n".join(lines))

    done = audited("decisions", "import", "own.csv", "-w", "ws")
    assert "added 1 events, 0 were there already, 2 did not fit" in done.stdout
    assert "`audit run --reviewed -w ws`" in done.stdout
    assert "own.csv:3: no clip 'nothing'" in done.stderr
    assert "own.csv:4: no label 'SLEEP'" in done.stderr
    assert "added 0 events, 1 were there already" in audited("decisions", "import", "own.csv", "-w", "ws").stdout

    after = json.loads(audited("status", "-w", "ws", "--json").stdout)
    assert after["segments_decided"] == 1
    assert after["segments_open"] == before["segments_open"] - 1
    assert after["review"]["reviewers"] == ["kim"]
    assert "1 decided" in audited("status", "-w", "ws").stdout

    for name in ("d.csv", "d.jsonl"):
        assert "wrote 1 events" in audited("decisions", "export", name, "-w", "ws").stdout
        shutil.copytree(tmp_path / "ws", tmp_path / f"other-{name}", symlinks=True, ignore=shutil.ignore_patterns("review.db*"))
        assert "added 1 events" in audited("decisions", "import", name, "-w", f"other-{name}").stdout
        audited("decisions", "export", f"again-{name}", "-w", f"other-{name}")
        assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()

    (tmp_path / "bad.csv").write_text("clip_id,start_frame,end_frame,label,reviewer\nnothing,0,1,SIT,kim\n")
    audited("decisions", "import", "bad.csv", "-w", "ws", code=3)


def test_decisions_over_clips_that_the_run_lost_are_kept_and_told(audited, tmp_path: Path, make_table) -> None:
    found = json.loads(audited("status", "-w", "ws", "--json").stdout)
    clip = found["clips"][0]["clip_id"]
    (tmp_path / "own.csv").write_text(
        f"clip_id,start_frame,end_frame,label,reviewer\n{clip},0,9,SIT,kim\n{found['clips'][1]['clip_id']},40,59,SIT,kim\n"
    )
    audited("decisions", "import", "own.csv", "-w", "ws")
    shorter = make_table(subjects=6, clips_each=2, wrong=0.2, seed=1)
    lost, cut = found["clips"][0]["clip_id"], found["clips"][1]["clip_id"]
    kept = shorter[(shorter["clip_id"] != lost) & ((shorter["clip_id"] != cut) | (shorter["frame_number"] < 50))]
    kept.to_parquet(tmp_path / "shorter.parquet", index=False)
    audited("run", "shorter.parquet", "-w", "ws", "--folds", "3", "--jobs", "1")
    review = json.loads(audited("status", "-w", "ws", "--json").stdout)["review"]
    assert review["orphans"] == 2
    assert {o["clip_id"]: o["reason"] for o in review["orphan_events"]} == {
        lost: "the run has no such clip",
        cut: "frames outside the clip",
    }
    assert f"{lost} frames 0-9, kim: the run has no such clip" in audited("status", "-w", "ws").stdout


def test_decisions_without_a_run_or_a_file_say_what_to_do(audit, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("clip_id,start_frame,end_frame,label,reviewer\n")
    assert "audit run" in audit("decisions", "import", "own.csv", "-w", "ws", code=4).stderr
    assert "wrote 0 events" in audit("decisions", "export", "d.csv", "-w", "ws").stdout
    assert ".jsonl, .csv or .tsv" in audit("decisions", "export", "d.xlsx", "-w", "ws", code=2).stderr


@pytest.mark.parametrize("command", ["export", "import"])
def test_every_command_of_decisions_has_help_with_an_example(audit, command: str) -> None:
    assert f"Example: audit decisions {command}" in audit("decisions", command, "--help").stdout
