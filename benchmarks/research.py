"""What was tried to find wrong labels, one row each: the same windows, folds and score, one thing changed.

    python -m benchmarks.research FRAMES.parquet TRUTH.parquet [--groups video001 ... | --first 28] [--seed 0] [--only NAME ...]

Prints Markdown tables. TRUTH (clip_id, frame_number, true_label) is used for scoring alone, but for the row that is named a
ceiling. A window is an error where its given label is not the commonest of its frames. All windows are audited, none is held out;
folds, smoothing, score and suggestion are the project's where a row does not say otherwise. *best F1* is that of the best
threshold, chosen by the truth: no audit can know it. Seconds are those of one core, without reading, windows and summaries.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import describe
from benchmarks.research_cleaning import ABLATIONS, CLEANING
from benchmarks.research_data import COLUMNS, Row, Study, StudyPrediction, assess, audit, figures, load_study, quality_of
from benchmarks.research_learners import LEARNERS, networks
from benchmarks.research_scores import SCORES

SECTIONS: dict[str, Mapping[str, Row]] = {
    "Learners, trained once on all labels, the project's score": LEARNERS,
    "Cleaning by the base learners, the project's score": CLEANING,
    "The whole method, and without each part": ABLATIONS,
}


def line(name: str, row: Row, study: Study, *fixed: StudyPrediction) -> str:
    """Run a row and return its line of the table."""
    started = time.process_time()
    found = row.run(study, *fixed)
    found = assess(found, study) if isinstance(found, StudyPrediction) else found
    seconds = time.process_time() - started
    cells = " | ".join(f"{value:.3f}" for value in figures(found, study))
    return f"| {name}: {row.says} | {cells} | {seconds:.1f} |"


def table(title: str, rows: Mapping[str, Row], study: Study, *fixed: StudyPrediction) -> None:
    """Print the table of some rows."""
    print(f"\n## {title}\n\n| method | {' | '.join(COLUMNS)} | seconds |\n|{'---|' * (len(COLUMNS) + 2)}", flush=True)
    for name, row in rows.items():
        print(line(name, row, study, *fixed), flush=True)


def reliability(study: Study, found: StudyPrediction) -> None:
    """Print how often labels are right whose quality says so, for the project's probabilities."""
    right = study.given == study.true
    quality = quality_of(found, study)
    place = np.minimum((quality.probability * 10).astype(int), 9)
    counts = np.bincount(place, minlength=10)
    means, shares = (np.bincount(place, weights=w, minlength=10) / np.maximum(counts, 1) for w in (quality.probability, right))
    error = float((counts * np.abs(means - shares)).sum() / counts.sum())
    expected, wrong = (1 - quality.probability).mean(), (~right).mean()
    print(f"\n## Label quality as a chance\n\n{expected:.1%} errors expected, {wrong:.1%} by the truth;")
    hit = quality.flagged & ~right
    print(f"flagged {quality.flagged.mean():.1%}, precision {hit.sum() / max(1, quality.flagged.sum()):.3f},", end=" ")
    print(f"recall {hit.sum() / (~right).sum():.3f}; mean distance of quality and share right {error:.3f}.\n")
    print("| quality | windows | mean quality | share right |\n|---|---|---|---|")
    for i in np.flatnonzero(counts):
        print(f"| {i / 10:.1f}-{(i + 1) / 10:.1f} | {counts[i]} | {means[i]:.3f} | {shares[i]:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("truth", type=Path)
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--groups", nargs="+", help="groups to audit; the others are not touched")
    some.add_argument("--first", type=int, help="audit the first so many groups by name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="names of rows, or reliability")
    given = parser.parse_args()
    torch.set_num_threads(1)
    study = load_study(given.frames, given.truth, groups=given.groups, first=given.first, seed=given.seed)
    wrong = (study.given != study.true).mean()
    print(f"{len(study.given)} windows, {len(set(study.labels.clip))} clips, {wrong:.1%} errors, seed {given.seed}; {describe()}")
    _ = study.members

    def wanted(rows: Mapping[str, Row]) -> dict[str, Row]:
        return {name: row for name, row in rows.items() if not given.only or name in given.only}

    tells = not given.only or "reliability" in given.only
    found = audit(study) if tells or wanted(SCORES) else None
    if found and wanted(SCORES):
        table("Scores on the project's probabilities", wanted(SCORES), study, found)
        table("The same scores on three networks trained once on all labels", wanted(SCORES), study, networks(study))
    for title, rows in SECTIONS.items():
        if wanted(rows):
            table(title, wanted(rows), study)
    if found and tells:
        reliability(study, found)


if __name__ == "__main__":
    main()
