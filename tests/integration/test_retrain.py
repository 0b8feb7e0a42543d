"""`audit retrain`: from decisions and blind labels to models and figures; again, killed, with too little, and tracked."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.tables import ARM_PREDICTIONS, PREDICTIONS, validate
from model.classifier import BehaviorClassifier
from model.pose_rules import PoseRules
from pipeline.review.blind import draw_sample
from pipeline.review.store import ReviewStore
from tests.integration.shell import Shell

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def reviewed_once(once: Callable, make_table: Callable) -> Path:
    """Return a folder with a workspace whose wrong clips are relabelled, and whose hold-out is labelled blind."""

    def make(folder: Path) -> None:
        shell = Shell(folder)
        table = make_table(subjects=24, clips_each=1, wrong=0.35, seed=3).assign(nose_confidence=1.0)
        table.loc[7::300, "nose_confidence"] = 0.1
        table.loc[[1003, 2005], ["nose_x", "nose_y"]] = 0.0
        table.to_parquet(folder / "poses.parquet", index=False)
        (folder / "ws").mkdir()
        model = ['views = ["body", "distances"]', "optimizer_steps = 60", "cleaning_iterations = 2"]
        (folder / "ws" / "audit.toml").write_text(
            "\n".join(["[pose]", "min_confidence = 0.5", "[folds]", "holdout = 0.3", "count = 3", "[model]", *model])
        )
        shell("run", "poses.parquet", "-w", "ws", "--jobs", "1")
        run = folder / "ws" / "runs" / "latest"
        _relabel(shell, run)
        _label_blind(shell, run, windows=60)

    return once("reviewed", make)


def truth(clip_id: str) -> str:
    return clip_id.rsplit("-", 1)[1]


def _relabel(shell: Shell, run: Path) -> None:
    """Relabel the audited clips whose label is not the one that their name tells, a minute apart."""
    clips, windows = pd.read_parquet(run / "clips.parquet"), pd.read_parquet(run / "windows.parquet")
    audited = set(windows.loc[windows["split"] == "audit", "clip_id"])
    wrong = [c for c, label in zip(clips["clip_id"], clips["label"], strict=True) if truth(c) != label and c in audited]
    rows = [f"{c},0,59,{truth(c)},kim,relabel,2026-11-25T10:{i:02d}:00.000Z" for i, c in enumerate(wrong)]
    _import(shell, "decisions.csv", ["clip_id,start_frame,end_frame,label,reviewer,action,at", *rows])


def _label_blind(shell: Shell, run: Path, *, windows: int) -> None:
    sample = draw_sample(pd.read_parquet(run / "issues.parquet"), sizes={"holdout": windows}, seed=0, run_id=run.resolve().name)
    with ReviewStore.open(shell.folder / "ws" / "review.db") as store:
        store.save_sample(sample)
    stream = f"blind:{sample['sample_id'].iloc[0]}"
    spans = zip(sample["clip_id"], sample["start_frame"], sample["end_frame"], strict=True)
    rows = [f"{c},{a},{b},{truth(c)},lee,relabel,{stream}" for c, a, b in spans]
    _import(shell, "blind.csv", ["clip_id,start_frame,end_frame,label,reviewer,action,stream", *rows])


def _import(shell: Shell, name: str, lines: list[str]) -> None:
    (shell.folder / name).write_text("\n".join(lines))
    shell("decisions", "import", name, "-w", "ws")


@pytest.fixture(scope="session")
def retrained_once(once: Callable, reviewed_once: Path) -> Path:
    """Return a folder with that workspace, its arms trained."""

    def make(folder: Path) -> None:
        shutil.copytree(reviewed_once, folder, symlinks=True, dirs_exist_ok=True)
        Shell(folder)("retrain", "-w", "ws", "--no-curve", "--jobs", "1")

    return once("retrained", make)


@pytest.fixture
def retrained(audit: Shell, retrained_once: Path) -> Shell:
    """Return a shell in a folder with a workspace whose arms are trained."""
    shutil.copytree(retrained_once, audit.folder, symlinks=True, dirs_exist_ok=True)
    return audit


def found_in(shell: Shell) -> dict:
    return json.loads((shell.folder / "ws" / "runs" / "latest" / "retrain" / "retrain.json").read_text())


def test_decisions_and_blind_labels_become_models_and_figures(retrained: Shell) -> None:
    done = retrained("retrain", "-w", "ws", "--jobs", "1")
    run = retrained.folder / "ws" / "runs" / "latest"
    found = found_in(retrained)
    dog = found["species"]["DOG"]
    assert set(dog["arms"]) == set(found["bundles"]) == {"given", "pruned", "reviewed"}
    # What cleaning relabels is trained on as well; what review leaves mixed does not.
    assert dog["training_windows"]["given"] >= dog["training_windows"]["pruned"] >= dog["training_windows"]["reviewed"] > 0
    assert dog["verified"]["windows"] == 60
    assert dog["verified"]["needed_windows"] == dog["verified"]["needed_groups"] == 0
    assert set(dog["differences"]) == {"pruned - given", "reviewed - given", "reviewed - pruned"}
    accuracy = dog["arms"]["reviewed"]["measures"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert accuracy["value"] > 0.9
    assert sum(map(sum, dog["arms"]["given"]["confusion"])) == 60
    assert [p["share"] for p in dog["curve"]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    frames = [p["reviewed_frames"] for p in dog["curve"]]
    assert frames == sorted(frames)
    assert frames[0] == 0
    assert frames[-1] == found["reviewed_frames"] > 0
    assert dog["curve"][0]["measures"] == dog["arms"]["pruned"]["measures"]
    assert dog["curve"][-1]["measures"] == dog["arms"]["reviewed"]["measures"]
    for word in ("trained on", "balanced accuracy", "animals", "reviewed", "learning curve", "next: ", "audit predict"):
        assert word in done.stdout

    predictions = pd.read_parquet(run / "retrain" / "predictions.parquet")
    validate(predictions, ARM_PREDICTIONS, source="predictions")
    windows = pd.read_parquet(run / "windows.parquet")
    assert set(predictions["window_id"]) == set(windows.loc[windows["split"] == "holdout", "window_id"])
    card = (run / "models" / "reviewed" / "DOG" / "MODEL_CARD.md").read_text()
    for word in ("balanced accuracy", "labelled blind", "decisions hash", "reviewed frames", "animals"):
        assert word in card
    bundle = BehaviorClassifier.load(run / "models" / "given" / "DOG", device="cpu")
    assert bundle.recipe.optimizer_steps == dog["optimizer_steps"]
    assert bundle.rules.shown == PoseRules(min_confidence=0.5, unseen=((0.0, 0.0),)).shown
    assert (bundle.rules.edges, bundle.rules.left_right) == ((), ())


def test_a_model_of_an_arm_predicts_as_it_did_in_the_comparison(retrained: Shell) -> None:
    retrained(
        "predict", "poses.parquet", "--model", "ws/runs/latest/models/reviewed", "--out", "all.parquet", "--stride-s", "0.2"
    )
    everything = pd.read_parquet(retrained.folder / "all.parquet")
    validate(everything, PREDICTIONS, source="all.parquet")
    compared = pd.read_parquet(retrained.folder / "ws" / "runs" / "latest" / "retrain" / "predictions.parquet")
    compared = compared[compared["arm"] == "reviewed"]
    both = compared.merge(everything, on="window_id", suffixes=("", "_again"), validate="one_to_one")
    assert len(both) == len(compared) > 0
    assert both["p_SIT"].to_numpy() == pytest.approx(both["p_SIT_again"].to_numpy(), abs=1e-5)


def test_the_same_again_is_nothing_to_do_and_a_decision_more_retrains_only_what_it_changes(retrained: Shell) -> None:
    models = retrained.folder / "ws" / "runs" / "latest" / "models"
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in models.rglob("weights.safetensors")}
    again = retrained("retrain", "-w", "ws", "--no-curve", "--jobs", "1")
    assert "nothing to do" in again.stderr
    assert "train " not in again.stderr
    windows = pd.read_parquet(models.parent / "windows.parquet")
    clip = windows.loc[windows["split"] == "audit", "clip_id"].iloc[0]
    _import(retrained, "more.csv", ["clip_id,start_frame,end_frame,label,reviewer,action", f"{clip},0,59,,kim,exclude"])
    third = retrained("retrain", "-w", "ws", "--no-curve", "--jobs", "1")
    assert "train " in third.stderr
    after = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in models.rglob("weights.safetensors")}
    assert {p.parent.parent.name for p in before if before[p] != after[p]} == {"reviewed"}


def test_a_retraining_that_was_killed_goes_on_to_the_same_models(audit: Shell, reviewed_once: Path, retrained_once: Path) -> None:
    shutil.copytree(reviewed_once / "ws", audit.folder / "ws", symlinks=True)
    models = audit.folder / "ws" / "runs" / "latest" / "models"
    audit.kill_when((models / "given" / "DOG").exists, "retrain", "-w", "ws", "--no-curve", "--jobs", "1")
    first = (models / "given" / "DOG" / "weights.safetensors").stat().st_mtime_ns

    audit("retrain", "-w", "ws", "--no-curve", "--jobs", "1")
    assert (models / "given" / "DOG" / "weights.safetensors").stat().st_mtime_ns == first
    whole = retrained_once / "ws" / "runs" / "latest" / "models"
    weights = {p.relative_to(whole): p.read_bytes() for p in whole.rglob("weights.safetensors")}
    assert {p.relative_to(models): p.read_bytes() for p in models.rglob("weights.safetensors")} == weights
    assert len(weights) == 3
    assert not list(models.rglob(".*"))


def test_a_damaged_bundle_is_made_again(retrained: Shell) -> None:
    weights = retrained.folder / "ws" / "runs" / "latest" / "models" / "pruned" / "DOG" / "weights.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-100])
    retrained("retrain", "-w", "ws", "--on", "given", "pruned", "--no-curve", "--jobs", "1")
    assert weights.read_bytes() == before


def test_without_verified_windows_it_says_what_is_needed_and_gives_no_estimate(audited: Shell) -> None:
    done = audited("retrain", "-w", "ws", "--jobs", "1")
    dog = found_in(audited)["species"]["DOG"]
    assert dog["arms"] == {"given": None, "pruned": None}
    assert dog["differences"] == {}
    assert dog["verified"]["needed_windows"] == 30
    assert "cannot tell which arm is better" in done.stdout
    assert "raise folds.holdout" in done.stdout
    assert "nothing is reviewed yet" in done.stdout
    assert "beats" not in done.stdout


def test_it_refuses_what_it_cannot_do(audited: Shell) -> None:
    assert "nothing is reviewed yet" in audited("retrain", "-w", "ws", "--on", "reviewed", code=3).stderr
    assert "audit run YOUR_CLIPS -w none" in audited("retrain", "-w", "none", code=4).stderr
    assert "retrain.conditions" in audited("retrain", "-w", "ws", "--on", "cleaned", code=2).stderr
    assert "tensorboard:DIR" in audited("retrain", "-w", "ws", "--track", "wandb:x", code=2).stderr


def test_it_waits_for_no_other_process(audited: Shell) -> None:
    import fcntl

    with (audited.folder / "ws" / "runs" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another audit is running" in audited("retrain", "-w", "ws", code=4).stderr


def test_retrain_has_help_with_an_example(audit: Shell) -> None:
    assert "Example: audit retrain" in audit("retrain", "--help").stdout


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is an extra")
def test_losses_and_figures_go_to_tensorboard(retrained: Shell) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    retrained("retrain", "-w", "ws", "--on", "given", "--track", "tensorboard:logs")
    run = (retrained.folder / "ws" / "runs" / "latest").resolve().name
    found = EventAccumulator(str(retrained.folder / "logs" / run / "given-DOG")).Reload()
    dog = found_in(retrained)["species"]["DOG"]
    losses = found.Scalars("loss/body")
    assert [e.step for e in losses] == list(range(1, dog["optimizer_steps"] + 1))
    assert losses[-1].value < losses[0].value
    told = found.Scalars("hold-out/balanced_accuracy")[0].value
    assert told == pytest.approx(dog["arms"]["given"]["measures"]["balanced accuracy"]["value"], abs=1e-6)


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="mlflow is there")
def test_a_missing_extra_is_named_before_any_work(audited: Shell) -> None:
    done = audited("retrain", "-w", "ws", "--track", "mlflow:runs", code=2)
    assert "pip install 'pose-audit[track]'" in done.stderr
    assert "train" not in done.stderr


def test_a_later_round_gives_its_arms_the_same_labels(retrained: Shell, reviewed_once: Path) -> None:
    first = found_in(retrained)
    retrained("run", reviewed_once / "poses.parquet", "-w", "ws", "--reviewed", "--jobs", "1")
    retrained("retrain", "-w", "ws", "--no-curve", "--jobs", "1")
    again = found_in(retrained)
    assert again["run_id"] != first["run_id"]
    assert again["species"]["DOG"]["training_windows"] == first["species"]["DOG"]["training_windows"]
    assert again["species"]["DOG"]["verified"] == first["species"]["DOG"]["verified"]
    assert again["reviewed_frames"] == first["reviewed_frames"]
