"""What reviewing gains: how much of what wrong labels cost a model comes back after looking at a part of the frames.

    python -m benchmarks.gain FRAMES.parquet TRUTH.parquet [--holdout 29-40] [--groups 1-28] [--seconds 60] [--peer PEER.py]
    python -m benchmarks.gain --simulated 2000 [--contamination 0.4] [--peer PEER.py]
                              [--budgets 0.1 0.2 0.4] [--wrong 0.1] [--seeds 0 1 2]

A simulated reviewer (benchmarks/reviewer.py) answers from the truth, in one of two orders of the queue, of the peer's scores,
or at random; the training sets are those of `audit retrain`, made by its own functions. All models are tested on the true labels
of all windows of the held-out groups. *Recovered* is the share of the difference in balanced accuracy (the mean over species)
between training on the given labels, 0, and on the true ones, 1. What nobody reviewed keeps its given label, or the class that
the audit trusts, as in the arm `reviewed`. A budget is a share of the audited frames. Truth is read by the reviewer and for the
test alone. ``--seconds`` joins the clips of one animal, by the number that ends their names, to longer ones under
their commonest label.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import recall_score

from benchmarks.detection import groups_at
from benchmarks.machine import describe
from benchmarks.reviewer import TrueLabels, by_queue, by_windows, reviewed
from benchmarks.simulated import peer_issues, true_labels
from data_schemas.config import load_config
from data_schemas.tables import FRAMES, ISSUES, SEGMENTS, text
from pipeline.audit import stages
from pipeline.audit.run import run_audit
from pipeline.report.page import write_report
from pipeline.retraining.inputs import TrainingInputs, read_inputs
from pipeline.retraining.models import Models
from pipeline.retraining.training_conditions import Arm, TrainingCondition, training_condition
from pipeline.simulation import SIMULATOR_VERSION, write_demo
from pipeline.windows.folds import split_again
from pipeline.workspace.workspace import Workspace

ORDERS = ["queue", "queue for retraining", "random windows", "random clips", "peer"]

Trust = Callable[[pd.DataFrame], pd.Series]


class Score(NamedTuple):
    """Mean over the species of the balanced accuracy and the accuracy on the hold-out."""

    balanced: float
    accuracy: float


@dataclass(frozen=True)
class Case:
    """An audited source with its truth, and how its groups are chosen."""

    source: Path
    truth: Path
    holdout: str = ""


def joined(frames: pd.DataFrame, truth: pd.DataFrame, *, seconds: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return longer clips, each under its commonest true label, and their truth."""
    clips = (
        frames.groupby("clip_id", sort=False).agg(subject_id=("subject_id", "first"), ms=("timestamp_ms", "max")).reset_index()
    )
    clips["number"] = clips["clip_id"].str.extract(r"(\d+)$")[0].astype(int)
    clips = clips.sort_values(["subject_id", "number"], kind="stable")
    many = max(1, round(seconds * 1000 / clips["ms"].median()))
    place = clips.groupby("subject_id").cumcount()
    clips = clips.assign(joined=clips["subject_id"] + "-" + (place // many).map("{:03d}".format), part=place % many)
    table = frames.merge(truth, on=["clip_id", "frame_number"]).merge(clips[["clip_id", "joined", "part"]], on="clip_id")
    table = table.sort_values(["joined", "part", "frame_number"], kind="stable", ignore_index=True)
    step = frames["timestamp_ms"].diff().median()
    number = table.groupby("joined").cumcount()
    commonest = table.groupby("joined")["true_label"].agg(lambda labels: labels.mode().iloc[0])
    table = table.assign(
        clip_id=table["joined"],
        frame_number=number,
        timestamp_ms=(number * step).round().astype("int64"),
        label=table["joined"].map(commonest),
    )
    return table[list(frames.columns)], table[["clip_id", "frame_number", "true_label"]]


@contextmanager
def prepared(given: argparse.Namespace, folder: Path) -> Iterator[Case]:
    """Give the source to audit: a simulated one, or the wanted groups of a table, cut as wanted."""
    if given.simulated:
        made = write_demo(
            folder / "demo", clips=given.simulated, pictures=False, contamination=given.contamination, seed=given.sample_seed
        )
        yield Case(made.source, made.truth)
        return
    frames, truth = pd.read_parquet(given.frames), pd.read_parquet(given.truth)
    if given.groups:
        frames = frames[groups_at(frames["subject_id"], given.groups)]
    if given.seconds:
        frames, truth = joined(frames, truth, seconds=given.seconds)
    frames.to_parquet(folder / "frames.parquet", index=False)
    truth.to_parquet(folder / "truth.parquet", index=False)
    yield Case(folder / "frames.parquet", folder / "truth.parquet", given.holdout)


def held_out(places: str) -> Callable[..., pd.DataFrame]:
    """Return a split that holds out the groups at some places among the sorted ones."""

    def split(windows: pd.DataFrame, **_: object) -> pd.DataFrame:
        return split_again(windows.assign(split=text(np.where(groups_at(windows["group"], places), "holdout", "audit"))))

    return split


def audited(case: Case, *, seed: int, folder: Path) -> TrainingInputs:
    """Audit the source with the default configuration; a quarter of the groups is held out, or those that are named."""
    config = load_config(None, overrides={"folds": {"seed": seed, "holdout": 0.0 if case.holdout else 0.25}})
    place = Workspace(folder)
    chosen = patch.object(stages, "split_windows", held_out(case.holdout)) if case.holdout else nullcontext()
    with chosen:
        run_audit(
            case.source, config, workspace=place, write_report=write_report, stage_progress=lambda _: nullcontext(lambda *_: None)
        )
    return read_inputs(place, config)


class Trial:
    """One audit, and the models that are trained and tested on it."""

    def __init__(self, inputs: TrainingInputs, truth: pd.DataFrame) -> None:
        self.inputs, self.models = inputs, Models(inputs)
        self.issues, self.segments = (
            inputs.folder.read_table(name, schema) for name, schema in (("issues", ISSUES), ("segments", SEGMENTS))
        )
        frames = inputs.frames.merge(truth, on=["clip_id", "frame_number"], how="left")
        self.known = TrueLabels(frames, sorted(truth["true_label"].unique()))
        self.true = true_labels(inputs.windows, truth)
        audited = inputs.windows.loc[inputs.windows["split"] == "audit", "clip_id"].unique()
        self.frames = int(frames["clip_id"].isin(audited).sum())

    def budget(self, share: float) -> int:
        """Return a share of the audited frames."""
        return round(share * self.frames)

    def condition(self, arm: Arm, decisions: pd.DataFrame | None = None, *, trust: Trust | None = None) -> TrainingCondition:
        """Return the training set of an arm after some decisions."""
        known = self.inputs.decisions if decisions is None else decisions
        return training_condition(self.inputs, arm, known, share=1.0, trust=trust or self.models.trust)

    def scores(self, conditions: dict[str, TrainingCondition]) -> dict[str, Score]:
        """Train all models that the training sets need, and test each on the true labels of the hold-out."""
        specs = {name: self.models.specs(own, keep=False) for name, own in conditions.items()}
        stale = self.models.stale([spec for own in specs.values() for spec in own])
        steps = {spec.species: self.models.optimizer_steps(spec.species) for spec in stale}
        self.models.train(stale, optimizer_steps=steps, progress=lambda *_: None)
        found = {}
        for name, own in specs.items():
            each = [self._score(spec.species, self.models.predictions(spec)) for spec in own]
            found[name] = Score(*np.mean(each, axis=0).tolist())
        return found

    def _score(self, species: str, probabilities: NDArray[np.float32]) -> Score:
        rows, classes = self.inputs.rows(species, split="holdout"), np.array(self.inputs.classes[species], object)
        known = np.isin(self.true[rows].astype(str), classes.astype(str))
        true, predicted = self.true[rows][known].astype(str), classes[probabilities.argmax(axis=1)][known].astype(str)
        return Score(float(recall_score(true, predicted, average="macro")), float((true == predicted).mean()))


def as_given(windows: pd.DataFrame) -> pd.Series:
    """Train on every window that nobody reviewed under its given label."""
    return windows.set_index("window_id")["target"]


def peer_order(trial: Trial, *, program: Path, folder: Path) -> pd.DataFrame:
    """Return the spans of the windows with the peer's lowest scores, of the audited clips alone."""
    inputs = trial.inputs
    inside = set(inputs.windows.loc[inputs.windows["split"] == "audit", "clip_id"])
    clips = inputs.clips[inputs.clips["clip_id"].isin(inside)]
    frames = inputs.folder.read_table("frames", FRAMES)
    tables = {"clips": clips, "frames": frames[frames["clip_id"].isin(inside)]}
    found, _ = peer_issues(tables, program=program, folder=folder, adjust=True)
    return by_windows(found.assign(split="audit"), found["label_quality"].to_numpy(float))


def conditions_of(trial: Trial, given: argparse.Namespace, *, seed: int, folder: Path) -> dict[str, TrainingCondition]:
    """Return all training conditions by the name of their row in the table."""
    everything = trial.issues.assign(split="audit")
    all_known = reviewed(
        by_windows(everything, np.arange(len(everything), dtype=float)), trial.known, budgets=[len(trial.known.frames)]
    )[0]
    found = {
        "given": trial.condition("given"),
        "pruned": trial.condition("pruned"),
        "true": trial.condition("reviewed", all_known, trust=as_given),
    }
    rng = np.random.default_rng(seed)
    chance = {clip: rng.random() for clip in sorted(trial.issues["clip_id"].unique())}
    orders = {
        "queue": by_queue(trial.segments, trial.issues),
        "queue for retraining": by_queue(trial.segments, trial.issues, best_for_retraining=True),
        "random windows": by_windows(trial.issues, rng.random(len(trial.issues))),
        "random clips": by_windows(trial.issues, trial.issues["clip_id"].map(chance).to_numpy(float)),
    }
    if given.peer and "peer" in given.orders:
        orders["peer"] = peer_order(trial, program=given.peer, folder=folder / "peer")
    budgets = [trial.budget(share) for share in given.budgets]
    for name, spans in ((name, orders[name]) for name in given.orders if name in orders):
        for wrong in (0.0, given.wrong) if given.wrong else (0.0,):
            by_budget = reviewed(spans, trial.known, budgets=budgets, wrong=wrong, seed=seed)
            for share, decisions in zip(given.budgets, by_budget, strict=True):
                row = f"{name}{f', {wrong:.0%} wrong' if wrong else ''} {share:.0%}"
                found[f"{row} | as given"] = trial.condition("reviewed", decisions, trust=as_given)
                if name.startswith("queue") or given.every:
                    found[f"{row} | as the pipeline trusts"] = trial.condition("reviewed", decisions)
    return found


def recovered(scores: dict[str, Score]) -> dict[str, float]:
    """Return the share of the gap between given and true labels that every training set recovers, in balanced accuracy."""
    low, high = scores["given"].balanced, scores["true"].balanced
    return {name: (score.balanced - low) / (high - low) for name, score in scores.items()}


def table_of(runs: list[dict[str, Score]]) -> Iterator[str]:
    """Yield the lines of the table: every training set by seed, and the medians."""
    yield "| trained on | accuracy, median | balanced, by seed | median | recovered, by seed | median |"
    yield "|---|---|---|---|---|---|"
    shares = [recovered(scores) for scores in runs]
    for row in runs[0]:
        own, share = [r[row].balanced for r in runs], [s[row] for s in shares]
        yield (
            f"| {row.replace(' | ', '; rest ')} | {statistics.median(r[row].accuracy for r in runs):.3f} | "
            f"{' '.join(f'{x:.3f}' for x in own)} | **{statistics.median(own):.3f}** | "
            f"{' '.join(f'{x:.2f}' for x in share)} | **{statistics.median(share):.2f}** |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path, nargs="?")
    parser.add_argument("truth", type=Path, nargs="?")
    parser.add_argument("--simulated", type=int, default=0, metavar="CLIPS")
    parser.add_argument("--contamination", type=float, default=0.25)
    parser.add_argument("--sample-seed", type=int, default=0)
    parser.add_argument("--groups", default="", help="use these groups only, e.g. 1-28")
    parser.add_argument("--holdout", default="", help="groups to hold out, by their place among those used; a quarter by default")
    parser.add_argument("--seconds", type=float, default=0.0, help="join clips up to about this length")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.1, 0.2, 0.4])
    parser.add_argument("--wrong", type=float, default=0.0, help="a reviewer who also errs in this share of the stretches")
    parser.add_argument("--orders", nargs="+", choices=ORDERS, default=ORDERS)
    parser.add_argument("--every", action="store_true", help="let the audit choose what else to train on in all orders")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    if not given.simulated and (given.frames is None or given.truth is None):
        parser.error("name FRAMES and TRUTH, or --simulated CLIPS")
    kind = f"SIMULATED, version {SIMULATOR_VERSION}, " if given.simulated else ""
    print(f"{kind}{describe()}; {' '.join(sys.argv[1:])}\n", flush=True)
    runs: list[dict[str, Score]] = []
    with tempfile.TemporaryDirectory() as name, prepared(given, Path(name)) as case:
        truth = pd.read_parquet(case.truth)
        for seed in given.seeds:
            started = time.perf_counter()
            folder = Path(name) / str(seed)
            trial = Trial(audited(case, seed=seed, folder=folder), truth)
            runs.append(trial.scores(conditions_of(trial, given, seed=seed, folder=folder)))
            print(f"seed {seed}: {time.perf_counter() - started:.0f} s, {runs[-1]}", flush=True)
    print("\n" + "\n".join(table_of(runs)))


if __name__ == "__main__":
    main()
