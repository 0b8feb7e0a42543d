"""`audit run` from clips to list: end to end, again, killed, refused, on a full disk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.tables import CLIPS, FRAMES, ISSUES, OOF, READER_MESSAGES, SEGMENTS, WINDOWS, validate
from tests.integration.conftest import QUICK, Audited, Shell

pytestmark = pytest.mark.integration

STAGES = ("read", "cut", "predict", "score", "report")


def latest(workspace: Path) -> Path:
    return (workspace / "runs" / "latest").resolve()


def test_a_run_leaves_valid_tables_a_report_and_the_next_command(audited_once: Audited) -> None:
    run = audited_once.run
    schemas = {"clips": CLIPS, "frames": FRAMES, "windows": WINDOWS, "oof": OOF, "issues": ISSUES, "segments": SEGMENTS}
    for name, schema in (schemas | {"rejected": READER_MESSAGES, "notes": READER_MESSAGES}).items():
        validate(pd.read_parquet(run / f"{name}.parquet"), schema, source=name)
    assert {p.name for p in run.iterdir()} >= {"run.json", "log.jsonl", "report.html"}
    for word in ("clips", "windows", "rejected", "flagged", "segments", "report.html", "next:"):
        assert word in audited_once.stdout
    assert "predict" in audited_once.stderr
    assert not list(run.rglob("*.part"))
    assert (audited_once.folder / "ws" / "audit.toml").exists()


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


def test_the_same_run_again_has_nothing_to_do_and_another_seed_does(audited: Shell) -> None:
    first = latest(audited.folder / "ws")
    again = audited("run", "-w", "ws", *QUICK)
    assert "nothing to do" in again.stderr
    assert latest(audited.folder / "ws") == first
    audited("run", "-w", "ws", *QUICK, "--seed", "5")
    assert latest(audited.folder / "ws") != first


def test_a_touched_file_is_made_again(audited: Shell) -> None:
    run = latest(audited.folder / "ws")
    before = (run / "issues.parquet").read_bytes()
    (run / "issues.parquet").write_bytes(b"junk")
    done = audited("run", "-w", "ws", *QUICK)
    assert "score" in done.stderr
    assert "predict" not in done.stderr
    assert (run / "issues.parquet").read_bytes() == before


def test_a_run_killed_in_every_stage_goes_on_to_the_same_result(audit: Shell, table: Path, audited_once: Audited) -> None:
    for stage in STAGES:
        kill_in(stage, audit, table)
    audit("run", table, "-w", "ws", *QUICK)
    runs = [p for p in (audit.folder / "ws" / "runs").iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(runs) == 1
    for name in ("oof", "issues", "segments"):
        assert pd.read_parquet(runs[0] / f"{name}.parquet").equals(pd.read_parquet(audited_once.run / f"{name}.parquet"))


def kill_in(stage: str, audit: Shell, table: Path) -> None:
    """Start an audit, or go on with one, and kill it with all its processes as soon as a stage that it never reached begins."""

    def begun() -> bool:
        return any(f'"stage": "{stage}"' in log.read_text() for log in (audit.folder / "ws").glob("runs/*/log.jsonl"))

    assert not begun()
    audit.kill_when(begun, "run", table, "-w", "ws", *QUICK)


def test_processes_change_nothing(audit: Shell, table: Path, audited_once: Audited) -> None:
    audit("run", table, "-w", "two", "--folds", "3", "--jobs", "2")
    for name in ("oof", "issues", "segments"):
        two = pd.read_parquet(latest(audit.folder / "two") / f"{name}.parquet")
        assert two.equals(pd.read_parquet(audited_once.run / f"{name}.parquet"))


def test_two_species_are_audited_apart_and_their_source_is_not_written_to(audit, make_table) -> None:
    both = pd.concat([make_table(seed=1), make_table(seed=2, species="CAT", labels=("SITDOWN", "ROLL"))])
    source = audit.folder / "source" / "both.parquet"
    source.parent.mkdir()
    both.to_parquet(source)
    before = (source.read_bytes(), source.stat().st_mtime_ns)
    audit("run", source, "-w", "ws", *QUICK)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before
    assert [p.name for p in source.parent.iterdir()] == ["both.parquet"]
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
