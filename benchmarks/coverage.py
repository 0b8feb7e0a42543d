"""How often the 95 % intervals and bounds of pipeline/proof hold what is true, in SIMULATED datasets.

    python -m benchmarks.coverage [--datasets 200]

Groups differ in how hard they are and in their mix of classes, and an arm is better than the other by a known amount. A nominal
95 % interval should hold the truth in 90 to 98 % of the datasets; the bound on wrong labels in at least 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.machine import describe
from pipeline.proof.intervals import difference, estimate
from pipeline.proof.measures import MEASURES, Tally, tally
from pipeline.proof.residual import residual_error

CLASSES = 4
GROUPS = (6, 12, 25, 60)


def two_arms(rng: np.random.Generator, groups: int) -> tuple[Tally, Tally]:
    """Return the tallies of two classifiers on the same windows of so many groups."""
    group = np.repeat(np.arange(groups), rng.poisson(40, groups) + 5)
    mix = rng.dirichlet(np.full(CLASSES, 2.0), groups).cumsum(axis=1)
    true = (rng.random(len(group))[:, None] > mix[group]).sum(axis=1).clip(0, CLASSES - 1)
    hard = rng.normal(0, 0.9, groups)[group] + np.array([0.5, 0.0, -0.3, -0.6])[true]

    def arm(better: float) -> Tally:
        chance = 1 / (1 + np.exp(-(0.8 + better + hard)))
        right = rng.random(len(true)) < chance
        told = np.where(right, true, (true + rng.integers(1, CLASSES, len(true))) % CLASSES)
        sure = np.clip(chance + rng.normal(0, 0.1, len(true)), 0.3, 0.99)
        probabilities = np.repeat(((1 - sure) / (CLASSES - 1))[:, None], CLASSES, axis=1)
        probabilities[np.arange(len(true)), told] = sure
        return tally(true, probabilities, group, groups=groups)

    return arm(0.0), arm(0.3)


def intervals(datasets: int) -> Iterator[str]:
    """Yield a line of the table for each number of groups."""
    pair = two_arms(np.random.default_rng(9), 6000)
    once = np.ones((1, 6000))
    truth = {n: [float(m(arm.resampled(once))[0]) for arm in pair] for n, m in MEASURES.items()}
    for groups in GROUPS:
        held = {name: np.zeros(2) for name in MEASURES}
        for seed in range(datasets):
            first, second = two_arms(np.random.default_rng(seed), groups)
            for name, measure in MEASURES.items():
                own, apart = estimate(first, measure, seed=seed), difference(first, second, measure, seed=seed)
                real = (truth[name][0], truth[name][1] - truth[name][0])
                held[name] += [e.low <= t <= e.high for e, t in zip((own, apart), real, strict=True)]
        cells = " | ".join(f"{h[0] / datasets:.3f} | {h[1] / datasets:.3f}" for h in held.values())
        yield f"| {groups} | {cells} |"


def bounds(datasets: int) -> Iterator[str]:
    """Yield a line of the table for each size of the blind samples and share of wrong labels."""
    for verified in (40, 120, 400):
        for kept in (1.0, 0.05):
            held, bound, truth = 0, 0.0, 0.0
            for seed in range(datasets):
                whole = labels(np.random.default_rng(seed), kept=kept)
                strata = whole["stratum"].value_counts().to_dict()
                drawn = pd.concat([whole[whole["stratum"] == s].sample(verified, random_state=seed) for s in strata])
                at_most = residual_error(drawn, sizes=strata).at_most or 0.0
                wrong = float(whole["wrong"].mean())
                held, bound, truth = held + (wrong <= at_most), bound + at_most / datasets, truth + wrong / datasets
            yield f"| {verified} | {truth:.4f} | {bound:.4f} | {held / datasets:.3f} |"


def labels(rng: np.random.Generator, *, kept: float) -> pd.DataFrame:
    """Return windows of 300 clips, some of them much worse than others, flagged by a fallible audit."""
    parts = []
    for clip in range(300):
        bad = rng.beta(0.3, 3)
        flagged = rng.random(rng.integers(20, 60)) < 0.1 + 0.6 * bad
        wrong = rng.random(len(flagged)) < kept * np.where(flagged, 0.25 + 0.5 * bad, 0.2 * bad)
        parts.append(pd.DataFrame({"clip_id": clip, "stratum": np.where(flagged, "flagged", "unflagged"), "wrong": wrong}))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=200)
    given = parser.parse_args()
    print(f"SIMULATED, {given.datasets} datasets; {describe()}\n")
    print("| groups | " + " | ".join(f"{name} | its difference" for name in MEASURES) + " |")
    print("|---" * (1 + 2 * len(MEASURES)) + "|")
    for line in intervals(given.datasets):
        print(line, flush=True)
    print("\n| verified in each stratum | wrong labels | mean bound | bound holds |\n|---|---|---|---|")
    for line in bounds(given.datasets):
        print(line, flush=True)


if __name__ == "__main__":
    main()
