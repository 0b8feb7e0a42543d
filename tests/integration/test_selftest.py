"""`audit selftest` through the real command line: injected errors come back, killed it goes on, too few data are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.tables import SELFTEST, validate
from tests.integration.shell import Shell

pytestmark = pytest.mark.integration

QUICK = ("--folds", "2", "--jobs", "1")


def latest(workspace: Path) -> Path:
    return (workspace / "runs" / "latest").resolve()


def quick_workspace(audit: Shell, poses: Path, name: str = "ws") -> Path:
    """Audit a table as fast as can be."""
    audit("init", name, "--source", poses)
    config = audit.folder / name / "audit.toml"
    lines = (
        config.read_text()
        .replace("# views = ...", 'views = ["frame"]')
        .replace("# min_optimizer_steps = ...", "min_optimizer_steps = 60")
    )
    config.write_text(lines)
    audit("run", "-w", name, *QUICK)
    return audit.folder / name


@pytest.fixture(scope="session")
def ready_once(once: Callable, make_table: Callable) -> Path:
    """Return a folder with a table of groups enough for a selftest, and its audited workspace `ws`; nobody changes it."""

    def make(folder: Path) -> None:
        make_table(subjects=6, clips_each=3, seed=3).to_parquet(folder / "poses.parquet", index=False)
        quick_workspace(Shell(folder), folder / "poses.parquet")

    return once("ready-for-selftest", make)


@pytest.fixture
def ready(audit: Shell, ready_once: Path) -> Shell:
    """Return a shell in a folder with a copy of the audited workspace."""
    shutil.copytree(ready_once / "ws", audit.folder / "ws", symlinks=True)
    return audit


@pytest.fixture(scope="session")
def tested_once(once: Callable, ready_once: Path) -> Path:
    """Return a folder with a workspace in which a selftest of all kinds was made, and what the command said."""

    def make(folder: Path) -> None:
        shutil.copytree(ready_once / "ws", folder / "ws", symlinks=True)
        done = Shell(folder)("selftest", "-w", "ws", "--shares", "0.15", "0.3", "--jobs", "1")
        (folder / "said.json").write_text(json.dumps([done.stdout, done.stderr]))

    return once("selftested", make)


def test_injected_errors_come_back_and_the_table_is_stored(audit: Shell, ready_once: Path, tested_once: Path) -> None:
    stdout, stderr = json.loads((tested_once / "said.json").read_text())
    assert "6 audits of copies with injected errors" in stderr
    assert "6/6 flips 30%" in stderr
    for word in ("first 10 %", "lift", "LOWER bound", "left out: boundary 15%, 30%", "95 % intervals over groups", "report.html"):
        assert word in stdout
    run = latest(tested_once / "ws")
    table = validate(pd.read_parquet(run / "selftest.parquet"), SELFTEST, source="selftest")
    assert table[["kind", "share"]].apply(tuple, axis=1).tolist() == [
        (k, s) for k in ("wrong_clip", "contaminated", "boundary", "flips") for s in (0.15, 0.3)
    ]
    by_kind = table.set_index(["kind", "share"])
    assert by_kind.loc[("wrong_clip", 0.15), "lift"] > 3
    assert by_kind.loc[("contaminated", 0.15), "recall"] > 0.5
    assert "<h2>Selftest</h2>" in (run / "report.html").read_text(encoding="utf-8")
    assert sorted(p.name for p in ready_once.iterdir()) == [".made", "poses.parquet", "ws"]
    assert not list((tested_once / "ws" / "selftest").rglob("*.npy"))

    shutil.copytree(tested_once / "ws", audit.folder / "ws", symlinks=True)
    again = audit("selftest", "-w", "ws", "--kinds", "wrong_clip", "--shares", "0.15", "--json")
    row = json.loads(again.stdout)["injected"][0]
    assert row["recall_10"] == pytest.approx(by_kind.loc[("wrong_clip", 0.15), "recall_10"], abs=1e-5)
    assert row["note"] is None
    assert "nothing to do" in audit("run", "-w", "ws", *QUICK).stderr


def test_labels_per_frame_have_boundaries_to_shift(audit, make_table) -> None:
    table = make_table(subjects=6, clips_each=4, seconds=3, seed=4)
    clip = table["subject_id"] + "-all"
    number = table.groupby(clip).cumcount()
    coded = table.rename(columns={"label": "frame_label"}).assign(clip_id=clip, frame_number=number, timestamp_ms=number * 100)
    path = audit.folder / "coded.parquet"
    coded.to_parquet(path, index=False)
    quick_workspace(audit, path)
    done = audit("selftest", "-w", "ws", "--kinds", "boundary", "--shares", "0.05", "--json", "--jobs", "1")
    row = json.loads(done.stdout)["injected"][0]
    assert row["windows"] >= 20
    assert 0 <= row["recall"] <= 1


def test_a_killed_selftest_goes_on_to_the_same_table(ready: Shell, tested_once: Path) -> None:
    words = ("--kinds", "wrong_clip", "contaminated", "--shares", "0.3", "--jobs", "1")
    workspace = ready.folder / "ws"
    parts = "selftest/contaminated*/checkpoints/*.npy"
    ready.kill_when(lambda: any(workspace.glob(parts)), "selftest", "-w", "ws", *words)
    assert not (latest(workspace) / "selftest.parquet").exists()
    first = next(workspace.glob("selftest/wrong_clip*/selftest.parquet"))
    written = first.stat().st_mtime_ns
    assert not list(workspace.glob("selftest/contaminated*/selftest.parquet"))

    ready("selftest", "-w", "ws", *words)
    assert first.stat().st_mtime_ns == written
    whole, own = (pd.read_parquet(latest(w) / "selftest.parquet") for w in (tested_once / "ws", workspace))
    same = whole[whole["kind"].isin(["wrong_clip", "contaminated"]) & (whole["share"] == 0.3)].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, same)


def test_a_share_with_too_few_windows_is_skipped_alone(ready: Shell) -> None:
    done = ready("selftest", "-w", "ws", "--kinds", "contaminated", "--shares", "0.01", "0.3", "--jobs", "1")
    assert "left out: contaminated 1%" in done.stdout
    assert "20 are needed" in done.stdout
    alone = ready("selftest", "-w", "ws", "--kinds", "contaminated", "--shares", "0.01", "--jobs", "1", code=3)
    assert "error: too few data for a selftest" in alone.stderr
    assert "20 injected windows" in alone.stderr


def test_too_few_groups_are_refused_with_what_there_is(audit, make_table) -> None:
    path = audit.folder / "few.parquet"
    make_table(subjects=3, clips_each=2).to_parquet(path, index=False)
    quick_workspace(audit, path)
    done = audit("selftest", "-w", "ws", code=3)
    assert "DOG has 3 groups to audit, and 2 classes" in done.stderr
    assert "at least 5 groups" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kinds", "typos"), "not a kind that can be injected"),
        (("--shares", "5"), "not between 0 and 0.5"),
        ((), "no run yet"),
    ],
)
def test_what_cannot_be_injected_is_said_before_anything_is_done(audit, words, message: str) -> None:
    done = audit("selftest", "-w", "ws", *words, code=2)
    assert message in done.stderr
    assert "hint:" in done.stderr
