"""`audit run` from clips to list: end to end, again, killed, refused, on a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.tables import CLIPS, FRAMES, ISSUES, OOF, REMARKS, SEGMENTS, WINDOWS, validate

pytestmark = pytest.mark.integration

QUICK = ("--folds", "3", "--jobs", "1")
STAGES = ("read", "cut", "predict", "judge", "report")


def latest(workspace: Path) -> Path:
    return (workspace / "runs" / "latest").resolve()


def test_a_run_leaves_valid_tables_a_report_and_the_next_command(audit, table) -> None:
    done = audit("run", table, "-w", "ws", *QUICK)
    run = latest(audit.folder / "ws")
    schemas = {"clips": CLIPS, "frames": FRAMES, "windows": WINDOWS, "oof": OOF, "issues": ISSUES, "segments": SEGMENTS}
    for name, schema in (schemas | {"rejected": REMARKS, "notes": REMARKS}).items():
        validate(pd.read_parquet(run / f"{name}.parquet"), schema, source=name)
    assert {p.name for p in run.iterdir()} >= {"run.json", "log.jsonl", "report.html"}
    for word in ("clips", "windows", "rejected", "flagged", "segments", "report.html", "next:"):
        assert word in done.stdout
    assert "predict" in done.stderr
    assert not list(run.rglob("*.part"))
    assert (audit.folder / "ws" / "audit.toml").exists()


def test_the_wrong_labels_come_first(audit, make_table) -> None:
    poses = make_table(subjects=8, clips_each=3, seed=2)
    wrong = {"DOG-01-0-SIT", "DOG-04-2-WALKRUN", "DOG-06-1-SIT"}
    swapped = poses["label"].map({"SIT": "WALKRUN", "WALKRUN": "SIT"})
    poses["label"] = poses["label"].where(~poses["clip_id"].isin(wrong), swapped)
    poses.to_parquet(audit.folder / "poses.parquet")
    audit("run", "poses.parquet", "-w", "ws", "--jobs", "1")
    issues = pd.read_parquet(latest(audit.folder / "ws") / "issues.parquet")
    by_clip = issues.groupby("clip_id")["label_quality"].mean().sort_values()
    assert set(by_clip.index[:3]) == wrong


def test_the_same_run_again_has_nothing_to_do_and_another_seed_does(audit, table) -> None:
    audit("run", table, "-w", "ws", *QUICK)
    first = latest(audit.folder / "ws")
    again = audit("run", "-w", "ws", *QUICK)
    assert "nothing to do" in again.stderr
    assert latest(audit.folder / "ws") == first
    audit("run", "-w", "ws", *QUICK, "--seed", "5")
    assert latest(audit.folder / "ws") != first


def test_a_touched_file_is_made_again(audit, table) -> None:
    audit("run", table, "-w", "ws", *QUICK)
    run = latest(audit.folder / "ws")
    before = (run / "issues.parquet").read_bytes()
    (run / "issues.parquet").write_bytes(b"junk")
    done = audit("run", table, "-w", "ws", *QUICK)
    assert "judge" in done.stderr
    assert "predict" not in done.stderr
    assert (run / "issues.parquet").read_bytes() == before


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_killed_in_any_stage_goes_on_to_the_same_result(audit, table, stage: str) -> None:
    audit("run", table, "-w", "whole", *QUICK)
    whole = (latest(audit.folder / "whole") / "issues.parquet").read_bytes()

    process = subprocess.Popen(
        audit.command("run", table, "-w", "ws", *QUICK),
        cwd=audit.folder,
        env=audit.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if any(f'"stage": "{stage}"' in log.read_text() for log in (audit.folder / "ws").glob("runs/*/log.jsonl")):
            break
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"

    audit("run", table, "-w", "ws", *QUICK)
    runs = [p for p in (audit.folder / "ws" / "runs").iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(runs) == 1
    assert (runs[0] / "issues.parquet").read_bytes() == whole


def test_processes_change_nothing(audit, table) -> None:
    audit("run", table, "-w", "one", "--folds", "3", "--jobs", "1")
    audit("run", table, "-w", "two", "--folds", "3", "--jobs", "2")
    one, two = ((latest(audit.folder / w) / "issues.parquet").read_bytes() for w in ("one", "two"))
    assert one == two


def test_two_species_are_judged_apart(audit, make_table) -> None:
    both = pd.concat([make_table(seed=1), make_table(seed=2, species="CAT", labels=("SITDOWN", "ROLL"))])
    both.to_parquet(audit.folder / "both.parquet")
    audit("run", "both.parquet", "-w", "ws", *QUICK)
    issues = pd.read_parquet(latest(audit.folder / "ws") / "issues.parquet")
    for species, labels in (("DOG", {"SIT", "WALKRUN"}), ("CAT", {"SITDOWN", "ROLL"})):
        own = issues[issues["species"] == species]
        assert set(own["given_label"]) | set(own["suggested_label"]) == labels


def test_a_class_of_one_group_is_left_out_named_and_counted(audit, make_table) -> None:
    rare = make_table(subjects=1, clips_each=1, labels=("TURN",)).assign(clip_id="only-one")
    pd.concat([make_table(), rare]).to_parquet(audit.folder / "poses.parquet")
    done = audit("run", "poses.parquet", "-w", "ws", *QUICK)
    assert "DOG TURN (1 clips)" in done.stdout
    windows = pd.read_parquet(latest(audit.folder / "ws") / "windows.parquet")
    assert windows.loc[windows["clip_id"] == "only-one", "split"].unique().tolist() == ["left_out"]


def test_too_few_groups_are_refused_after_listing_what_there_is(audit, make_table) -> None:
    make_table(subjects=1).to_parquet(audit.folder / "poses.parquet")
    done = audit("run", "poses.parquet", "-w", "ws", code=3)
    assert "read 4 clips" in done.stdout
    assert "error: too few data to audit" in done.stderr
    assert "hint: needed: two classes" in done.stderr
    found = json.loads(audit("status", "-w", "ws", "--json").stdout)
    assert [c["clip_id"] for c in found["clips"]] == [f"DOG-00-{c}-{k}" for c in (0, 1) for k in ("SIT", "WALKRUN")]
    assert found["windows"] == sum(c["windows"] for c in found["clips"]) > 0


def test_a_full_disk_is_said_and_nothing_is_lost(audit, table) -> None:
    limited = f"ulimit -f 40; exec {' '.join(audit.command('run', table, '-w', 'ws', *QUICK))}"
    done = subprocess.run(
        ["bash", "-c", limited], cwd=audit.folder, env=audit.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert "error:" in done.stderr
    assert "hint: make room" in done.stderr
    assert not list((audit.folder / "ws").rglob("*.part"))
    audit("run", table, "-w", "ws", *QUICK)


def test_a_second_run_in_the_same_workspace_waits_its_turn(audit, table) -> None:
    import fcntl

    (audit.folder / "ws" / "runs").mkdir(parents=True)
    with (audit.folder / "ws" / "runs" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = audit("run", table, "-w", "ws", *QUICK, code=4)
    assert "another audit is running" in done.stderr


def test_the_source_is_never_written_to(audit, table) -> None:
    before = (table.read_bytes(), table.stat().st_mtime_ns, sorted(p.name for p in table.parent.iterdir()))
    audit("run", table, "-w", audit.folder / "elsewhere" / "ws", *QUICK)
    names = sorted(p.name for p in table.parent.iterdir() if p.name != "elsewhere")
    assert (table.read_bytes(), table.stat().st_mtime_ns, names) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("run", "nowhere", "-w", "ws"), 3, "nowhere"),
        (("run", "-w", "ws"), 2, "no source is named"),
        (("status", "-w", "ws"), 4, "no run yet"),
        (("run", "poses.parquet", "-w", "ws", "--preset", "best"), 2, "model.preset"),
        (("run", "poses.parquet", "-w", "ws", "--device", "cuda"), 2, "not available"),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_a_hint(audit, table, words, code: int, message: str) -> None:
    done = audit(*words, code=code)
    assert message in done.stderr
    assert "hint:" in done.stderr
