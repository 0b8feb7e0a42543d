"""How well and how fast `audit run` finds wrong labels, against a peer, by frame labels that neither sees.

    python -m benchmarks.detection FRAMES.parquet TRUTH.parquet --scorer SCORER.py [--peer PEER.py] [--seeds 0 1 2]
                                   [--groups 1-6] [--score 29-40] [--wrong-clips 0.05] [--config audit.toml]

Prints a Markdown table: the audit for every seed and their median, and the peer as it is and with --adjust, with one and two
threads, run in turn in the same sitting. ``--groups`` audits only some groups, by their place among the sorted ones; ``--score``
audits all and scores these alone. ``--wrong-clips`` gives a share of the clips a random other label, by the seed, and adds the
share of their windows that lie in the first tenth of the ranks, and of these the share with the kind wrong_clip.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.machine import describe, timed

COLUMNS = (
    "windows_share", "auroc", "average_precision", "recall_at_5pct", "recall_at_10pct", "recall_at_20pct", "f1",
    "suggestion_accuracy", "wrong_frames_found_at_10pct_reviewed", "wrong_frames_found_at_20pct_reviewed",
    "injected_in_first_10pct", "of_these_wrong_clip",
)  # fmt: skip


def groups_at(names: pd.Series, places: str) -> pd.Series:
    """Return which groups are at the places among the sorted ones that a range such as 1-6 tells, counted from 1."""
    first, _, last = places.partition("-")
    return names.isin(sorted(names.unique())[int(first) - 1 : int(last or first)])


def restricted(frames: Path, folder: Path, *, groups: str | None, wrong: float, seed: int) -> tuple[Path, set[str]]:
    """Return the frames of some groups, some clips with another label, and the names of these clips."""
    table = pd.read_parquet(frames)
    if groups:
        table = table[groups_at(table["subject_id"], groups)]
    clips = table.groupby("clip_id")["label"].first()
    rng = np.random.default_rng(seed)
    chosen = clips.sample(round(wrong * len(clips)), random_state=seed)
    labels = sorted(clips.unique())
    other = {c: str(rng.choice([n for n in labels if n != label])) for c, label in chosen.items()}
    injected = table["clip_id"].map(other)
    path = folder / "frames.parquet"
    table.assign(label=injected.where(injected.notna(), table["label"])).to_parquet(path, index=False)
    return path, {str(c) for c in other}


def of_groups(table: Path, frames: Path, places: str) -> Path:
    """Return the rows of an issues or segments table that belong to some groups, as a file beside it."""
    subject = pd.read_parquet(frames, columns=["clip_id", "subject_id"]).drop_duplicates("clip_id")
    kept = subject.loc[groups_at(subject["subject_id"], places), "clip_id"]
    part = table.with_name(f"scored-{table.name}")
    rows = pd.read_parquet(table)
    rows[rows["clip_id"].isin(kept)].to_parquet(part, index=False)
    return part


def injected_found(issues: Path, injected: set[str]) -> dict[str, float]:
    """Return the share of the injected clips' windows in the first tenth of the ranks, and of these with kind wrong_clip."""
    table = pd.read_parquet(issues)
    own = table[table["clip_id"].isin(injected)]
    first = own[own["rank"] <= len(table) // 10]
    kind = float((first["kind"] == "wrong_clip").mean()) if "kind" in table and len(first) else 0.0
    return {"injected_in_first_10pct": len(first) / len(own), "of_these_wrong_clip": kind}


def score(scorer: Path, *tables: Path) -> dict[str, Any]:
    """Return what the scorer prints."""
    done = subprocess.run([sys.executable, str(scorer), *map(str, tables)], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def audit(
    frames: Path,
    truth: Path,
    *,
    scorer: Path,
    seed: int,
    options: list[str],
    config: Path | None,
    injected: set[str],
    scored: str | None,
) -> dict[str, Any]:
    """Audit the frames in a workspace of its own and score what it found."""
    with tempfile.TemporaryDirectory() as folder:
        if config:
            shutil.copy(config, Path(folder) / "audit.toml")
        command = [sys.executable, "-m", "pipeline.cli", "run", str(frames), "-w", folder, "--seed", str(seed), *options]
        seconds, memory, _ = timed(command, environment={"OMP_NUM_THREADS": "1"})
        run = Path(folder) / "runs" / "latest"
        tables = [run / "issues.parquet", run / "segments.parquet"]
        found = injected_found(tables[0], injected) if injected else {}
        known = of_frames(truth, frames, Path(folder))
        if scored:
            tables = [of_groups(t, frames, scored) for t in tables]
        return {**score(scorer, tables[0], known, tables[1]), **found, "seconds": seconds, "GiB": memory}


def of_frames(truth: Path, frames: Path, folder: Path) -> Path:
    """Return the truth of the clips that the frames hold."""
    clips = pd.read_parquet(frames, columns=["clip_id"])["clip_id"].unique()
    table = pd.read_parquet(truth)
    path = folder / "known.parquet"
    table[table["clip_id"].isin(clips)].to_parquet(path, index=False)
    return path


def peer(
    frames: Path, truth: Path, *, scorer: Path, program: Path, threads: int, adjust: bool, injected: set[str], scored: str | None
) -> dict[str, Any]:
    """Run the peer and score what it found."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "peer.parquet"
        command = [sys.executable, str(program), str(frames), str(out), *(["--adjust"] if adjust else [])]
        seconds, memory, _ = timed(command, environment={"OMP_NUM_THREADS": str(threads)})
        found = injected_found(out, injected) if injected else {}
        known = of_frames(truth, frames, Path(folder))
        return {
            **score(scorer, of_groups(out, frames, scored) if scored else out, known),
            **found,
            "seconds": seconds,
            "GiB": memory,
        }


def row(name: str, result: dict[str, Any]) -> str:
    """Return one line of the table."""
    cells = [f"{result[c]:.3f}" if c in result else "-" for c in COLUMNS]
    return f"| {name} | " + " | ".join(cells) + f" | {result['seconds']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--option", dest="options", action="append", default=[], help="passed on to audit run, e.g. --option=--repeats=2"
    )
    parser.add_argument("--config", type=Path, help="an audit.toml to audit by")
    parser.add_argument("--groups", help="audit these groups only, e.g. 1-6")
    parser.add_argument("--score", help="score these groups only, e.g. 29-40")
    parser.add_argument("--wrong-clips", type=float, default=0.0)
    given = parser.parse_args()
    print(f"{describe()}; {' '.join(sys.argv[1:])}\n")
    print("| method | " + " | ".join(COLUMNS) + " | seconds |\n|" + "---|" * (len(COLUMNS) + 2))
    results = []
    with tempfile.TemporaryDirectory() as name:
        for seed in given.seeds:
            frames, injected = restricted(given.frames, Path(name), groups=given.groups, wrong=given.wrong_clips, seed=seed)
            how: dict[str, Any] = {"scorer": given.scorer, "injected": injected, "scored": given.score}
            results.append(audit(frames, given.truth, seed=seed, options=given.options, config=given.config, **how))
            print(row(f"audit run, seed {seed}", results[-1]), flush=True)
        median = {k: statistics.median(r[k] for r in results) for k in results[0] if isinstance(results[0][k], int | float)}
        print(row("**audit run, median**", median), flush=True)
        for adjust, threads in ((False, 1), (False, 2), (True, 1), (True, 2)) if given.peer else ():
            found = peer(frames, given.truth, program=given.peer, threads=threads, adjust=adjust, **how)
            print(row(f"peer{' --adjust' if adjust else ''}, {threads} thread{'s' * (threads > 1)}", found), flush=True)


if __name__ == "__main__":
    main()
