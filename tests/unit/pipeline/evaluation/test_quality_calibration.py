"""What label quality turned out to be, where people checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.tables import text
from pipeline.evaluation.quality_calibration import blind_checks, quality_bins, reviewed_checks
from pipeline.report.figures import error_rates
from pipeline.report.label_error_text import quality_tables, share_sentence
from pipeline.windows.folds import FEWEST_GROUPS


def issues_of(quality: list[float], *, groups: int = FEWEST_GROUPS) -> pd.DataFrame:
    number = np.arange(len(quality))
    return pd.DataFrame(
        {
            "window_id": text([f"w{i}" for i in number]),
            "species": "DOG",
            "subject_id": text([f"animal{i % groups}" for i in number]),
            "label_quality": np.array(quality, np.float32),
        }
    )


def checks_of(wrong: list[bool], *, weight: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"window_id": text([f"w{i}" for i in range(len(wrong))]), "wrong": wrong, "weight": weight})


def test_windows_are_told_by_their_quality_with_the_share_that_was_right() -> None:
    issues = issues_of([0.3] * 10 + [0.9] * 20 + [1.0] * 5)
    found = quality_bins(issues, checks_of([i in (0, 5, 1, 6, 2) for i in range(10)] + [False] * 25))
    assert [(f.low, f.high, f.windows, f.right.value) for f in found] == [(0.2, 0.4, 10, 0.5), (0.8, 1.0, 25, 1.0)]
    assert found[0].quality == pytest.approx(0.3)
    assert found[0].right.groups == FEWEST_GROUPS
    assert found[0].right.low < 0.5 < found[0].right.high
    assert found[1].right.low < 1.0
    assert [f.low for f in quality_bins(issues_of([0.6] * 8), checks_of([False] * 8))] == [0.6]


def test_animals_of_one_name_in_two_species_are_two_groups() -> None:
    issues = issues_of([0.75] * 30, groups=3).assign(species=["DOG", "DOG", "DOG", "CAT", "CAT", "CAT"] * 5)
    assert quality_bins(issues, checks_of([False] * 30))[0].right.groups == 6
    assert "(6 groups, 95 % interval" in share_sentence(issues, None, workspace=Path())
    assert error_rates(issues.assign(given_label="SIT"))[1]["groups"].tolist() == [6]


def test_windows_that_nobody_checked_and_too_few_groups_promise_nothing() -> None:
    assert list(quality_bins(issues_of([0.5]), checks_of([]).astype({"wrong": bool}))) == []
    (few,) = quality_bins(issues_of([0.5] * 8, groups=FEWEST_GROUPS - 1), checks_of([False] * 8))
    assert few.right.low is None


def test_blind_windows_weigh_by_their_chance_and_the_hold_out_is_not_among_them() -> None:
    strata = ["flagged", "unflagged", "holdout"]
    samples = pd.DataFrame(
        {
            "sample_id": "s",
            "run_id": "r",
            "stratum": strata,
            "window_id": ["w0", "w1", "w2"],
            "inclusion_probability": [0.5, 0.1, 0.2],
        }
    )
    states = pd.DataFrame({"state": ["verified"] * 3})
    wrong = pd.DataFrame({"window_id": ["w0", "w1", "w2"], "stratum": strata, "before": [True, False, True]})
    found = blind_checks(samples, states, wrong)
    assert found["window_id"].tolist() == ["w0", "w1"]
    assert found["wrong"].tolist() == [True, False]
    assert found["weight"].tolist() == pytest.approx([2.0, 10.0])


def test_windows_of_two_samples_weigh_by_the_chance_to_be_in_any_and_the_mean_quality_does_too() -> None:
    samples = pd.DataFrame({"sample_id": ["s", "t"], "run_id": "r", "stratum": "flagged", "window_id": ["w0", "w1"]})
    samples = samples.assign(inclusion_probability=[0.5, 0.2])
    wrong = pd.DataFrame({"window_id": ["w0", "w1"], "stratum": "flagged", "before": [True, False]})
    found = blind_checks(samples, pd.DataFrame({"state": ["verified"] * 2}), wrong)
    assert found["weight"].tolist() == pytest.approx([1 / 0.6] * 2)
    (uneven,) = quality_bins(issues_of([0.2, 0.3]), checks_of([False, True]).assign(weight=[3.0, 1.0]))
    assert uneven.quality == pytest.approx(0.225)
    assert uneven.right.value == 0.75


def test_only_windows_that_were_reviewed_whole_are_checks() -> None:
    clean = pd.DataFrame(
        {
            "window_id": ["w0", "w1", "w2", "w3"],
            "reviewed": [1.0, 0.6, 1.0, 1.0],
            "split": ["audit", "audit", "holdout", "audit"],
            "label": ["SIT", "SIT", "SIT", "SIT"],
            "given_label": ["TURN", "SIT", "SIT", None],
        }
    )
    found = reviewed_checks(clean)
    assert found[["window_id", "wrong", "weight"]].to_numpy().tolist() == [["w0", True, 1.0]]


def test_without_a_check_the_share_is_called_an_estimate_and_the_table_says_so() -> None:
    words = share_sentence(issues_of([0.75] * 40), None, workspace=Path("ws"))
    assert words.startswith("By the audit's own estimate 25.0 % of the 40 audited windows carry a wrong label (5 groups")
    assert "audit review -w ws" in words
    assert share_sentence(issues_of([]), None, workspace=Path()) == ""
    assert not quality_tables(None, workspace=Path())["blind"]
