"""Several blind samples of one stratum are one larger sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.verified_windows import inclusion_probabilities

WINDOWS = 400


def samples_of(
    *drawn: tuple[str, float, list[int]], run_ids: tuple[str, ...] = ("r",) * 9, stratum: str = "holdout"
) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "sample_id": name,
                "run_id": run_id,
                "stratum": stratum,
                "window_id": [f"w{i}" for i in windows],
                "inclusion_probability": chance,
            }
        )
        for (name, chance, windows), run_id in zip(drawn, run_ids, strict=False)
    ]
    return pd.concat(parts, ignore_index=True)


def became(samples: pd.DataFrame, *, opened: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"state": ["verified"] * (len(samples) - opened) + ["open"] * opened})


def two_draws(rng: np.random.Generator, first: int, second: int) -> pd.DataFrame:
    order = rng.permutation(WINDOWS).tolist()
    later = (WINDOWS - first, order[first : first + second])
    return samples_of(("a", first / WINDOWS, order[:first]), ("b", second / later[0], later[1]))


def estimates(right: np.ndarray, *, draws: int) -> Iterator[tuple[float, float]]:
    """Yield the share of right windows by the chance of the union, and by the chance of each draw."""
    for seed in range(draws):
        samples = two_draws(np.random.default_rng(seed), 100, 12)
        told = right[samples["window_id"].str.slice(1).astype(int)]
        union = inclusion_probabilities(samples, became(samples), stratum="holdout", members={})
        yield tuple(float(np.average(told, weights=1 / chance)) for chance in (union, samples["inclusion_probability"]))


def test_a_second_sample_is_as_good_as_a_larger_first_one() -> None:
    samples = two_draws(np.random.default_rng(0), 100, 40)
    np.testing.assert_allclose(inclusion_probabilities(samples, became(samples), stratum="holdout", members={}), 140 / WINDOWS)


def test_the_pooled_share_is_unbiased_and_varies_less_than_by_the_chance_of_each_draw() -> None:
    right = np.arange(WINDOWS) % 3 > 0
    union, each = np.array(list(estimates(right, draws=200))).T
    error = union.std() / np.sqrt(len(union))
    assert abs(union.mean() - right.mean()) < 3 * error
    assert union.var() < each.var() / 2
    # As good as drawing 112 windows at once.
    assert union.std() == pytest.approx(np.sqrt(2 / 9 / 112 * (1 - 112 / WINDOWS)), rel=0.15)


def test_windows_that_an_earlier_run_did_not_have_are_rarer_and_weigh_more() -> None:
    """Clips came to the source between two samples."""
    samples = samples_of(("a", 0.5, [0, 1]), ("b", 0.2, [2, 100]), run_ids=("old", "new"))
    old, new = {f"w{i}" for i in range(4)}, {f"w{i}" for i in range(200)}
    found = inclusion_probabilities(samples, became(samples), stratum="holdout", members={"old": old, "new": new})
    np.testing.assert_allclose(found, [0.6, 0.6, 0.6, 0.2])


def test_a_sample_counts_as_far_as_it_was_looked_at() -> None:
    samples = samples_of(("a", 0.5, [0, 1]), ("b", 0.4, [2, 3, 4, 5]))
    found = inclusion_probabilities(samples, became(samples, opened=2), stratum="holdout", members={})
    np.testing.assert_allclose(found, 1 - 0.5 * 0.8)
    unseen = inclusion_probabilities(samples, became(samples, opened=4), stratum="holdout", members={})
    np.testing.assert_allclose(unseen, 0.5)


def test_windows_without_a_verdict_were_looked_at_and_those_that_are_gone_or_moved_say_nothing_of_that() -> None:
    samples = samples_of(("a", 0.5, [0, 1, 2, 3]))
    states = pd.DataFrame({"state": ["verified", "open", "gone", "moved"]})
    found = inclusion_probabilities(samples, states, stratum="holdout", members={})
    np.testing.assert_allclose(found, 0.25)
    undecided = pd.DataFrame({"state": ["mixed", "unsure", "disputed", "excluded"]})
    np.testing.assert_allclose(inclusion_probabilities(samples, undecided, stratum="holdout", members={}), 0.5)
    gone = inclusion_probabilities(samples, states.assign(state="gone"), stratum="holdout", members={})
    np.testing.assert_allclose(gone, 0)


def test_other_strata_keep_the_chance_of_their_draw() -> None:
    samples = pd.concat([samples_of(("a", 0.5, [0, 1])), samples_of(("a", 0.1, [2]), stratum="flagged")], ignore_index=True)
    np.testing.assert_allclose(inclusion_probabilities(samples, became(samples), stratum="holdout", members={}), [0.5, 0.5, 0.1])
