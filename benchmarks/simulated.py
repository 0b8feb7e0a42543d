"""The audit of SIMULATED clips, where everything is known: detection, its ceiling, the kinds, and what "0.8" means.

    python -m benchmarks.simulated [--clips 2000] [--seeds 0 1 2] [--frame-labels] [--peer PEER.py] [--no-ceiling]

The ceiling is the same method with the true labels to train on, scored against the labels that the clips carry. Truth is read
for scoring and for that row only. True labels let networks train for hours before they predict worse: the length search ends at
2,240 optimizer steps. The peer audits each species by itself, since it knows of one; its scores are of both together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.machine import describe, timed
from data_schemas.config import load_config
from model.windowing import concatenate, resample
from pipeline.audit.stages import STAGES, Context
from pipeline.detection.lstm_jobs import STEP_BUDGETS
from pipeline.readers import recognise
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.simulation import SIMULATOR_VERSION, SimulatedClip, write_demo
from pipeline.windows.frame_index import FrameIndex, given_labels
from pipeline.windows.sampling import SampledClips
from pipeline.workspace.run_folder import RunFolder

Tables = dict[str, pd.DataFrame]


def audited(source: Path, *, folder: Path, truth: pd.DataFrame | None = None, **options: dict[str, Any]) -> Tables:
    """Run all stages; with ``truth`` the models learn from the true labels, and the given ones are scored.

    Parameters
    ----------
    options
        Sections of the configuration.
    """
    config = load_config(None, overrides=options)
    reader = recognise(source)
    context = Context(reader, config, RunFolder(folder), lambda *_: None, taxonomy_of(reader.name, config))
    tables: Tables = {}
    for stage in STAGES:
        needed = tables
        if truth is not None and stage.name == "predict":
            windows = tables["windows"]
            needed = tables | {"windows": windows.assign(target=pd.array(true_labels(windows, truth), dtype="str"), mixed=False)}
        with patch("pipeline.detection.lstm_jobs.STEP_BUDGETS", STEP_BUDGETS[:7]) if truth is not None else nullcontext():
            tables |= stage.run(needed, context)
    return tables


def sampled_clips(clips: Iterable[SimulatedClip]) -> SampledClips:
    """Put simulated clips on a time grid of 5 Hz, without writing and reading them."""
    parts = [
        resample(
            c.timestamp_ms,
            c.keypoints.astype(np.float32),
            frame_number=c.frame_number,
            hz=5,
            max_gap_ms=600,
            max_keypoint_gap_ms=400,
        )
        for c in clips
    ]
    return SampledClips(concatenate(parts), np.repeat(np.arange(len(parts), dtype=np.int32), [len(p) for p in parts]))


def peer_issues(tables: Tables, *, program: Path, folder: Path, adjust: bool) -> tuple[pd.DataFrame, float]:
    """Return the peer's issues of all species, and its seconds."""
    clips = tables["clips"].set_index("clip_id")
    frames = tables["frames"].drop(columns=["image", "frame_label"], errors="ignore")
    frames = frames.assign(**{name: frames["clip_id"].map(clips[name]) for name in ("label", "subject_id", "species")})
    folder.mkdir()
    found, seconds = [], 0.0
    for species, part in frames.groupby("species"):
        source, out = folder / f"{species}.parquet", folder / f"{species}-issues.parquet"
        part.to_parquet(source, index=False)
        command = [sys.executable, str(program), str(source), str(out), *(["--adjust"] if adjust else [])]
        seconds += timed(command, environment={"OMP_NUM_THREADS": "1"})[0]
        found.append(pd.read_parquet(out))
    issues = pd.concat(found, ignore_index=True)
    rank = issues["label_quality"].rank(method="first").astype(int)
    window = issues["clip_id"].astype(str) + issues["start_frame"].astype(str)
    return issues.assign(rank=rank, window_id=window), seconds


def true_labels(windows: pd.DataFrame, truth: pd.DataFrame) -> NDArray[np.object_]:
    """Return the commonest true label of each window's frames; of equally common ones the last by name."""
    names = np.sort(truth["true_label"].unique())[::-1]
    codes = pd.Categorical(truth["true_label"], categories=names).codes
    found = FrameIndex.of(truth).spans_of(windows).commonest(codes)
    return np.append(names.astype(object), np.nan)[found.code]


def scores(issues: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Return how well label quality finds the windows whose label is not their commonest true one."""
    true = true_labels(issues, truth)
    wrong = (true != issues["given_label"].to_numpy(object)).astype(bool)
    score = 1.0 - issues["label_quality"].to_numpy(float)
    first = np.argsort(issues["rank"].to_numpy())[: len(issues) // 10]
    flagged = issues["is_issue"].to_numpy(bool)
    return {
        "wrong": float(wrong.mean()),
        "flagged": float(flagged.mean()),
        "AUROC": float(roc_auc_score(wrong, score)),
        "AP": float(average_precision_score(wrong, score)),
        "recall at 10 %": float(wrong[first].sum() / wrong.sum()),
        "best possible": float(min(len(first), wrong.sum()) / wrong.sum()),
        "F1": float(2 * (flagged & wrong).sum() / (flagged.sum() + wrong.sum())),
        "suggestion": float((issues["suggested_label"].to_numpy(object) == true)[wrong].mean()),
    }


def reliability(issues: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return, by tenths of label quality, its mean, the share of labels that are right, and the number of windows."""
    right = true_labels(issues, truth) == issues["given_label"].to_numpy(object)
    tenth = np.minimum((issues["label_quality"].to_numpy(float) * 10).astype(int), 9)
    table = pd.DataFrame({"quality": issues["label_quality"].to_numpy(float), "right": right, "tenth": tenth})
    return table.groupby("tenth").agg(quality=("quality", "mean"), right=("right", "mean"), windows=("right", "size"))


def kinds(tables: Tables, truth: pd.DataFrame) -> pd.DataFrame:
    """Return segments by their reported kind (rows) and by what the truth says of their frames (columns)."""
    frames = tables["frames"]
    labelled = frames[["clip_id", "frame_number"]].assign(given=given_labels(tables["clips"], frames))
    known = labelled.merge(truth, on=["clip_id", "frame_number"])
    known["wrong"] = known["given"] != known["true_label"]
    whole = known.groupby("clip_id")["wrong"].mean() >= 0.999
    change = known["true_label"].ne(known.groupby("clip_id")["true_label"].shift())
    run = known.groupby(change.cumsum())["frame_number"].transform("size")
    rows = []
    by_clip = dict(tuple(known.assign(run=run).groupby("clip_id")))
    for segment in tables["segments"].itertuples():
        own = by_clip[segment.clip_id]
        own = own[own["frame_number"].between(segment.start_frame, segment.end_frame)]
        share = float(own["wrong"].mean()) if len(own) else 0.0
        by_frame = "frame_label" in frames
        if share < 0.5:
            truly = "label right"
        elif whole[segment.clip_id] and not by_frame:
            truly = "wrong_clip"
        else:
            truly = "boundary or missed bout" if by_frame else "contaminated"
        rows.append((segment.kind, truly))
    table = pd.DataFrame(rows, columns=["reported", "truth"])
    return pd.crosstab(table["reported"], table["truth"])


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    head = (
        "| " + " | ".join([str(table.index.name or ""), *map(str, table.columns)]) + " |\n|" + "---|" * (len(table.columns) + 1)
    )
    cells = [
        [str(i), *(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row)]
        for i, row in zip(table.index, table.to_numpy().tolist(), strict=True)
    ]
    return "\n".join([head, *("| " + " | ".join(c) + " |" for c in cells)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--frame-labels", action="store_true")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--ceiling", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    print(f"SIMULATED, version {SIMULATOR_VERSION}, {given.clips} clips, pictures left out; {describe()}\n")
    with tempfile.TemporaryDirectory() as name:
        made = write_demo(Path(name) / "demo", clips=given.clips, pictures=False, frame_labels=given.frame_labels)
        truth = pd.read_parquet(made.truth)
        rows, last = {}, {}
        for seed in given.seeds:
            started = time.perf_counter()
            last = audited(made.source, folder=Path(name) / f"parts{seed}", folds={"seed": seed})
            rows[f"audit, seed {seed}"] = scores(last["issues"], truth) | {"seconds": time.perf_counter() - started}
            print(f"audit, seed {seed}:", rows[f"audit, seed {seed}"], flush=True)
        table = pd.DataFrame(rows).T
        table.loc["median"] = table.median()
        for adjust in (False, True) if given.peer else ():
            found, seconds = peer_issues(last, program=given.peer, folder=Path(name) / f"peer{adjust}", adjust=adjust)
            table.loc[f"peer{' --adjust' * adjust}"] = pd.Series(scores(found, truth) | {"seconds": seconds})
            print(table.iloc[-1].to_dict(), flush=True)
        if given.ceiling:
            trained = audited(made.source, folder=Path(name) / "truth", truth=truth, folds={"seed": given.seeds[0]})
            table.loc["trained on the truth"] = pd.Series(scores(trained["issues"], truth))
        print(markdown(table.round(4)), "\n\nWhat label quality means:\n")
        print(markdown(reliability(last["issues"], truth)), "\n\nSegments by reported kind and by truth:\n")
        print(markdown(kinds(last, truth)))


if __name__ == "__main__":
    main()
