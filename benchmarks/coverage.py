"""How often the 95 % intervals and bounds of pipeline/evaluation hold what is true, in SIMULATED datasets.

    python -m benchmarks.coverage [--datasets 200]

Groups differ in how hard they are and in their mix of classes, and one model is better than the other by a known amount. A
nominal 95 % interval should hold the truth in 90 to 98 % of the datasets; the bound on wrong labels in at least 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import t

from benchmarks.machine import describe
from pipeline.evaluation.intervals import Estimate, class_estimates, difference, estimate, share_estimate
from pipeline.evaluation.label_error_rate import estimate_error_rate
from pipeline.evaluation.metrics import MEASURES, GroupStatistics, class_f1, group_statistics
from pipeline.evaluation.verified_windows import inclusion_probabilities
from pipeline.review.blind import draw_sample

CLASSES = 4
GROUPS = (5, 10, 20, 60)
MANY = 6000
MIXES = {"all classes": 2.0, "few classes": 0.3}
"""Whether a group shows all classes, or mostly one or two: parameter of the Dirichlet distribution of its mix."""


def two_models(
    rng: np.random.Generator, groups: int, *, mix: float = 2.0, weighted: bool = False
) -> tuple[GroupStatistics, GroupStatistics]:
    """Return the statistics by group of two classifiers on the same windows of so many groups.

    ``weighted``: only a part of the windows is verified, drawn with chances from 0.2 to 1, and weighed by their inverse.
    """
    group = np.repeat(np.arange(groups), rng.poisson(40, groups) + 5)
    shares = rng.dirichlet(np.full(CLASSES, mix), groups).cumsum(axis=1)
    true = (rng.random(len(group))[:, None] > shares[group]).sum(axis=1).clip(0, CLASSES - 1)
    hard = rng.normal(0, 0.9, groups)[group] + np.array([0.5, 0.0, -0.3, -0.6])[true]
    chance_drawn = np.array([0.2, 0.4, 0.7, 1.0])[rng.integers(0, 4, len(true))] if weighted else np.ones(len(true))
    drawn = rng.random(len(true)) < chance_drawn

    def model(better: float) -> GroupStatistics:
        chance = 1 / (1 + np.exp(-(0.8 + better + hard)))
        right = rng.random(len(true)) < chance
        predicted = np.where(right, true, (true + rng.integers(1, CLASSES, len(true))) % CLASSES)
        sure = np.clip(chance + rng.normal(0, 0.1, len(true)), 0.3, 0.99)
        probabilities = np.repeat(((1 - sure) / (CLASSES - 1))[:, None], CLASSES, axis=1)
        probabilities[np.arange(len(true)), predicted] = sure
        return group_statistics(true[drawn], probabilities[drawn], group[drawn], groups=groups, weight=1 / chance_drawn[drawn])

    return model(0.0), model(0.3)


class Coverage:
    """How often intervals held the truth, of those that were stated."""

    def __init__(self) -> None:
        self.held = self.stated = self.asked = 0

    def add(self, found: Estimate, truth: float) -> None:
        """Count one interval."""
        self.asked += 1
        if found.low is not None and found.high is not None:
            self.stated += 1
            self.held += found.low <= truth <= found.high

    def __str__(self) -> str:
        """Return the share that held, and how many were stated where that is not all."""
        share = f"{self.held / self.stated:.3f}" if self.stated else "none"
        return share if self.stated == self.asked else f"{share} ({self.stated / self.asked:.0%} stated)"


def intervals(datasets: int) -> Iterator[str]:
    """Yield a line of the table for each kind of group, of windows, and number of groups."""
    once = np.ones((1, MANY))
    for kind, mix in MIXES.items():
        whole = [model.summed(once) for model in two_models(np.random.default_rng(9), MANY, mix=mix)]
        truth = {name: [float(measure(model)[0]) for model in whole] for name, measure in MEASURES.items()}
        f1 = class_f1(whole[0])[0]
        for weighted in (False, True):
            for groups in GROUPS:
                held = {name: (Coverage(), Coverage()) for name in MEASURES}
                by_class = [Coverage() for _ in range(CLASSES)]
                for seed in range(datasets):
                    models = two_models(np.random.default_rng(seed), groups, mix=mix, weighted=weighted)
                    for name, measure in MEASURES.items():
                        held[name][0].add(estimate(models[0], measure), truth[name][0])
                        held[name][1].add(difference(*models, measure), truth[name][1] - truth[name][0])
                    for of_class, found, real in zip(by_class, class_estimates(models[0]), f1, strict=True):
                        of_class.add(found, float(real))
                cells = [str(h) for pair in held.values() for h in pair] + [str(h) for h in by_class]
                yield f"| {kind} | {'drawn' if weighted else 'all'} | {groups} | " + " | ".join(cells) + " |"


def shares(datasets: int) -> Iterator[str]:
    """Yield a line of the table for each share over groups and number of groups, and what a bootstrap would hold."""
    for kind, base in (("injected windows found", 2.0), ("injected windows found", 0.0), ("labels expected to be wrong", -2.5)):
        whole = parts_of_groups(np.random.default_rng(9), 100_000, base=base, counted=kind.startswith("injected"))
        truth = float(whole[0].sum() / whole[1].sum())
        for groups in GROUPS:
            held, before, width = Coverage(), Coverage(), 0.0
            for seed in range(datasets):
                rng = np.random.default_rng(seed)
                part, size = parts_of_groups(rng, groups, base=base, counted=kind.startswith("injected"))
                found = share_estimate(part, size)
                held.add(found, truth)
                width += (found.high - found.low) / datasets
                drawn = rng.integers(0, groups, (500, groups))
                low, high = np.quantile(part[drawn].sum(axis=1) / size[drawn].sum(axis=1), [0.025, 0.975])
                before.add(Estimate(found.value, float(low), float(high), groups), truth)
            yield f"| {kind} | {truth:.3f} | {groups} | {held} | {width:.3f} | {before} |"


def parts_of_groups(rng: np.random.Generator, groups: int, *, base: float, counted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return, by unlike groups, how many windows count (or the sum of their chances), and how many there are."""
    size = np.maximum(3, rng.lognormal(3.5, 0.5, groups)).astype(np.int64)
    chance = 1 / (1 + np.exp(-(base + rng.normal(0, 0.9, groups))))
    if counted:
        return rng.binomial(size, chance).astype(np.float64), size.astype(np.float64)
    group = np.repeat(np.arange(groups), size)
    wrong = rng.beta(2 * chance[group], 2 * (1 - chance[group]))
    return np.bincount(group, wrong, minlength=groups), size.astype(np.float64)


def pooled(draws: int) -> Iterator[str]:
    """Yield a line of the table for each pair of blind samples of one hold-out: the share right, weighed in two ways."""
    whole = labels(np.random.default_rng(0), kept=1.0).assign(split="holdout").head(4000)
    right = ~whole.set_index("window_id")["wrong"]
    for first, second in ((100, 10), (100, 40), (100, 100)):
        shares = np.empty((draws, 2))
        for seed in range(draws):
            one = draw_sample(whole, sizes={"holdout": first}, seed=seed, run_id="coverage")
            two = draw_sample(whole, sizes={"holdout": second}, seed=10_000 + seed, run_id="coverage", drawn=one)
            both = pd.concat([one, two], ignore_index=True)
            union = inclusion_probabilities(both, both.assign(state="verified"), stratum="holdout", members={})
            chances = (union, both["inclusion_probability"].to_numpy(np.float64))
            shares[seed] = [np.average(right[both["window_id"]], weights=1 / chance) for chance in chances]
        (mean, apart), (spread, wider) = shares.mean(axis=0), shares.std(axis=0)
        yield f"| {first} and {second} | {right.mean():.4f} | {mean:.4f} | {spread:.4f} | {apart:.4f} | {wider:.4f} |"


def bounds(datasets: int) -> Iterator[str]:
    """Yield a line of the table for each size of the blind samples and share of wrong labels."""
    for verified in (40, 120, 400):
        for kept in (1.0, 0.3, 0.05):
            held, within, bound, width, truth = 0, 0, 0.0, 0.0, 0.0
            for seed in range(datasets):
                whole = labels(np.random.default_rng(seed), kept=kept)
                drawn = draw_sample(whole, sizes={"flagged": verified, "unflagged": verified}, seed=seed, run_id="coverage")
                found = estimate_error_rate(
                    drawn[["window_id", "stratum"]].merge(whole[["window_id", "wrong"]], on="window_id"),
                    sizes={"flagged": int(whole["is_issue"].sum()), "unflagged": int((~whole["is_issue"]).sum())},
                )
                wrong = float(whole["wrong"].mean())
                held, within = held + (wrong <= found.at_most), within + (found.low <= wrong <= found.high)
                bound, width = bound + found.at_most / datasets, width + (found.high - found.low) / datasets
                truth += wrong / datasets
            yield f"| {verified} | {truth:.4f} | {bound:.4f} | {held / datasets:.3f} | {width:.4f} | {within / datasets:.3f} |"


def bounds_over_groups(datasets: int) -> Iterator[str]:
    """Yield a line of the table: how often the bound holds by windows, and by leaving out animals as other intervals do."""
    for animals in (8, 20, 60):
        for verified, kept in ((40, 1.0), (120, 1.0), (120, 0.3), (400, 0.3)):
            held, bound = np.zeros(2), np.zeros(2)
            for seed in range(datasets):
                whole = labels(np.random.default_rng(seed), kept=kept, animals=animals)
                sizes = {"flagged": int(whole["is_issue"].sum()), "unflagged": int((~whole["is_issue"]).sum())}
                drawn = draw_sample(whole, sizes=dict.fromkeys(sizes, verified), seed=seed, run_id="coverage")
                found = drawn[["window_id", "stratum"]].merge(whole[["window_id", "wrong", "animal"]], on="window_id")
                bounds = np.array([estimate_error_rate(found, sizes=sizes).at_most, bound_over_groups(found, sizes)])
                bound, held = bound + bounds / datasets, held + (whole["wrong"].mean() <= bounds)
            cells = " | ".join(f"{b:.3f} | {h / datasets:.2f}" for b, h in zip(bound, held, strict=True))
            yield f"| {animals} | {verified} | {kept} | {cells} |"


def bound_over_groups(found: pd.DataFrame, sizes: dict[str, int]) -> float:
    """Return the 95 % bound of the same share by the delete-one-group jackknife, made of its log-odds."""
    size = np.array([sizes[name] for name in sizes], np.float64) / sum(sizes.values())
    table = found.pivot_table(index="animal", columns="stratum", values="wrong", aggfunc=["sum", "size"], fill_value=0)
    wrong, count = (table[how][list(sizes)].to_numpy(np.float64) for how in ("sum", "size"))
    share = float((size * wrong.sum(axis=0) / count.sum(axis=0)).sum())
    each = (size * (wrong.sum(axis=0) - wrong) / (count.sum(axis=0) - count)).sum(axis=1)
    if share in (0.0, 1.0):
        return max(share, 1 - 0.05 ** (1 / len(each)))
    spread = np.sqrt((len(each) - 1) / len(each) * ((each - each.mean()) ** 2).sum()) / (share * (1 - share))
    return float((1 + np.tanh((np.log(share / (1 - share)) + t.ppf(0.95, len(each) - 1) * spread) / 2)) / 2)


def labels(rng: np.random.Generator, *, kept: float, animals: int = 0) -> pd.DataFrame:
    """Return windows of 300 clips, some of them much worse than others, flagged by a fallible audit.

    ``animals``: how many these are of, some of which are worse than others, too; each clip its own where left out.
    """
    clip = np.repeat(np.arange(300), rng.integers(20, 60, 300))
    bad = rng.beta(0.3, 3, 300)[clip]
    animal = rng.integers(0, animals, 300)[clip] if animals else clip
    if animals:
        bad = (bad + rng.beta(0.6, 3, animals)[animal]) / 2
    flagged = rng.random(len(clip)) < 0.1 + 0.6 * bad
    wrong = rng.random(len(clip)) < kept * np.where(flagged, 0.25 + 0.5 * bad, 0.2 * bad)
    place = np.arange(len(clip))
    return pd.DataFrame(
        {
            "window_id": [f"w{i}" for i in place],
            "clip_id": [f"c{c}" for c in clip],
            "animal": animal,
            "start_frame": (5 * place).astype(np.int32),
            "end_frame": (5 * place + 24).astype(np.int32),
            "split": "audit",
            "is_issue": flagged,
            "wrong": wrong,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=200)
    given = parser.parse_args()
    print(f"SIMULATED, {given.datasets} datasets; {describe()}\n")
    names = [cell for name in MEASURES for cell in (name, "its difference")] + [f"F1 of class {c + 1}" for c in range(CLASSES)]
    print("| groups show | windows | groups | " + " | ".join(names) + " |")
    print("|---" * (3 + len(names)) + "|")
    for line in intervals(given.datasets):
        print(line, flush=True)
    print("\n| share | true | groups | interval holds | mean width | percentiles of a bootstrap hold |")
    print("|---" * 6 + "|")
    for line in shares(5 * given.datasets):
        print(line, flush=True)
    print("\n| samples | true | chance of the union: mean | spread | chance of each draw: mean | spread |")
    print("|---" * 6 + "|")
    for line in pooled(given.datasets):
        print(line, flush=True)
    print("\n| verified in each stratum | wrong labels | mean bound | bound holds | mean width | interval holds |")
    print("|---" * 6 + "|")
    for line in bounds(given.datasets):
        print(line, flush=True)
    print("\n| animals | verified in each stratum | wrong labels kept | bound by windows | holds | bound by animals | holds |")
    print("|---" * 7 + "|")
    for line in bounds_over_groups(given.datasets // 2):
        print(line, flush=True)


if __name__ == "__main__":
    main()
