"""Blind samples: exact chances, spread over clips, no window twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import TooFewDataError, UsageError
from pipeline.review.blind import _systematic, draw_sample, strata_of


def issues(*, clips: int = 10, each: int = 12) -> pd.DataFrame:
    count = clips * each
    clip = np.repeat(np.arange(clips), each)
    return pd.DataFrame(
        {
            "window_id": [f"w{i}" for i in range(count)],
            "clip_id": [f"c{c}" for c in clip],
            "split": np.where(clip < 2, "holdout", "audit"),
            "start_frame": np.tile(np.arange(each) * 5, clips).astype(np.int32),
            "end_frame": np.tile(np.arange(each) * 5 + 24, clips).astype(np.int32),
            "is_issue": np.arange(count) % 3 == 0,
        }
    )


TABLE = issues()
SIZES = {"holdout": 6, "flagged": 8, "unflagged": 8}


def test_a_sample_holds_what_was_asked_for_with_its_chances_in_a_seeded_order() -> None:
    sample = draw_sample(TABLE, sizes=SIZES, seed=1, run_id="r")
    assert sample["stratum"].value_counts().to_dict() == SIZES
    assert sample["position"].tolist() == list(range(sum(SIZES.values())))
    assert len(draw_sample(TABLE, sizes={"flagged": 2, "holdout": 0}, seed=1, run_id="r")) == 2
    there = strata_of(TABLE).value_counts()
    expected = sample["stratum"].map({s: SIZES[s] / there[s] for s in SIZES})
    assert np.allclose(sample["inclusion_probability"], expected)
    assert (sample["stratum"].to_numpy() != np.sort(sample["stratum"].to_numpy())).any()
    again = draw_sample(TABLE, sizes=SIZES, seed=1, run_id="r")
    pd.testing.assert_frame_equal(sample.drop(columns="drawn_at"), again.drop(columns="drawn_at"))
    assert draw_sample(TABLE, sizes=SIZES, seed=2, run_id="r")["window_id"].tolist() != sample["window_id"].tolist()


def test_every_window_of_a_stratum_has_the_chance_that_is_written_down() -> None:
    draws = 100
    counts = pd.Series(0, index=TABLE["window_id"])
    for seed in range(draws):
        counts[draw_sample(TABLE, sizes={"flagged": 7}, seed=seed, run_id="r")["window_id"]] += 1
    flagged = counts[TABLE.loc[strata_of(TABLE) == "flagged", "window_id"]]
    chance = 7 / len(flagged)
    # Six standard errors of a share over so many draws.
    assert (np.abs(flagged / draws - chance) < 6 * np.sqrt(chance * (1 - chance) / draws)).all()
    assert flagged.sum() == 7 * draws


@given(st.integers(1, 60), st.data())
def test_systematic_places_are_distinct_and_every_place_is_as_likely(count: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, count))
    rng = np.random.default_rng(0)
    draws = np.array([_systematic(count, size, rng) for _ in range(500)])
    assert (np.diff(draws, axis=1) > 0).all()
    assert 0 <= draws.min() <= draws.max() < count
    shares = np.bincount(draws.ravel(), minlength=count) / 500
    assert np.abs(shares - size / count).max() < 6 * np.sqrt(0.25 / 500)


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=15)
def test_a_sample_is_spread_over_the_clips(seed: int, size: int) -> None:
    sample = draw_sample(TABLE, sizes={"unflagged": size}, seed=seed, run_id="r")
    assert sample["clip_id"].nunique() == size


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_no_window_is_drawn_twice_until_none_is_left(seed: int) -> None:
    drawn = draw_sample(TABLE, sizes={"holdout": 10}, seed=seed, run_id="r")
    more = draw_sample(TABLE, sizes={"holdout": 14}, seed=seed, run_id="r", drawn=drawn)
    assert not set(drawn["window_id"]) & set(more["window_id"])
    assert (more["inclusion_probability"] == 1.0).all()
    assert drawn["sample_id"].iloc[0] != more["sample_id"].iloc[0]
    with pytest.raises(TooFewDataError, match=r"holdout: 1 asked for, 0 left of 24 \(24 drawn before\)"):
        draw_sample(TABLE, sizes={"holdout": 1}, seed=seed, run_id="r", drawn=pd.concat([drawn, more]))


def test_too_few_windows_are_told_for_every_stratum() -> None:
    with pytest.raises(TooFewDataError) as caught:
        draw_sample(TABLE, sizes={"holdout": 25, "flagged": 3, "unflagged": 500}, seed=0, run_id="r")
    assert "holdout: 25 asked for, 24 left of 24" in caught.value.message
    assert "unflagged: 500" in caught.value.message
    assert caught.value.hint == "ask for at most: holdout 24, unflagged 64"


@pytest.mark.parametrize("sizes", [{}, {"flagged": 0}, {"flagged": -1, "holdout": 3}, {"all": 3}])
def test_sizes_that_are_no_sample_are_refused(sizes) -> None:
    with pytest.raises(UsageError):
        draw_sample(TABLE, sizes=sizes, seed=0, run_id="r")
