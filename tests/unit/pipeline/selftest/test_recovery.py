"""Scores of a selftest from issues made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.tables import SELFTEST, text
from pipeline.report.selftest_text import selftest_cells, selftest_lines, selftest_part
from pipeline.selftest.injection import InjectedErrors
from pipeline.selftest.recovery import findings, nothing_injected, recovery, selftest_table
from pipeline.windows.folds import FEWEST_GROUPS

TARGET = {("DOG", "SIT"): "SIT", ("DOG", "TURN"): "TURN"}


def made_up(*, injected: int = 40, groups: int = 10, holdout: int = 20):
    """Give 400 audited windows of which the first ones are injected, found and ranked first, behind those of the hold-out."""
    ids = [f"w{i:03d}" for i in range(400 + holdout)]
    split = np.where(np.arange(len(ids)) < 400, "audit", "holdout")
    rank = np.where(split == "audit", np.arange(len(ids)) + holdout + 1, np.arange(len(ids)) - 399)
    windows = pd.DataFrame({"window_id": text(ids), "species": "DOG", "group": text([f"g{i % groups}" for i in range(len(ids))])})
    issues = pd.DataFrame(
        {
            "window_id": text(ids),
            "split": split,
            "rank": rank,
            "is_issue": np.arange(len(ids)) < injected,
            "kind": text(["contaminated" if i < injected else None for i in range(len(ids))]),
            "suggested_label": "TURN",
        }
    )
    spans = pd.DataFrame({"clip_id": ["a", "b"], "kind": "contaminated", "other_donor": [False, True]})
    held = pd.DataFrame({"window_id": text(ids[:injected]), "true_label": text(["TURN"] * injected)})
    return InjectedErrors(pd.DataFrame(), pd.DataFrame(), spans, held), issues, windows


def scored(injected: InjectedErrors, issues: pd.DataFrame, windows: pd.DataFrame, *, before: pd.DataFrame | None = None):
    return recovery(injected, issues, before=issues if before is None else before, windows=windows, target=TARGET)


def test_a_perfect_audit_brings_all_back() -> None:
    row = scored(*made_up())
    for name in ("recall_10", "recall", "precision", "right_kind", "right_label", "recall_10_most"):
        assert row[name] == 1
    assert row["lift"] == pytest.approx(10)
    assert (row["windows"], row["clips"], row["stretches"], row["other_donor"], row["audited"]) == (40, 2, 2, 1, 400)


def test_more_windows_with_errors_than_a_tenth_cannot_all_come_first() -> None:
    row = scored(*made_up(injected=120))
    assert row["recall_10"] == row["recall_10_most"] == pytest.approx(1 / 3)
    assert row["recall"] == 1


def test_what_had_low_quality_before_is_counted() -> None:
    injected, issues, windows = made_up()
    before = issues.assign(is_issue=issues["window_id"].isin([f"w{i:03d}" for i in range(10)]))
    row = scored(injected, issues, windows, before=before)
    assert row["recall_before"] == 0.25


def test_a_wrong_suggestion_and_a_wrong_kind_are_not_counted_as_right() -> None:
    injected, issues, windows = made_up()
    row = scored(injected, issues.assign(suggested_label="SIT", kind=text(["boundary"] * len(issues))), windows)
    assert (row["right_label"], row["right_kind"]) == (0, 0)


def test_intervals_need_as_many_groups_as_all_others() -> None:
    wide = scored(*made_up(groups=FEWEST_GROUPS))
    assert wide["precision_low"] <= wide["precision"] <= wide["precision_high"]
    few = scored(*made_up(groups=FEWEST_GROUPS - 1))
    assert few["recall_low"] is None
    lines = selftest_lines(shown([few]))
    assert any("4 groups are too few (5 are needed)" in line for line in lines)


def test_too_few_windows_with_errors_get_no_score_but_a_reason() -> None:
    row = scored(*made_up(injected=19))
    assert "19 windows" in row["note"]
    assert row["recall"] is None
    assert row["windows"] == 19


def shown(rows: list[dict[str, object]]) -> dict[str, object]:
    from pathlib import Path

    table = selftest_table([{"kind": "contaminated", "share": 0.05 * i, "seed": 0, **r} for i, r in enumerate(rows, start=1)])
    return findings(table, run_dir=Path(), untested=["CAT has 2 groups"])


def test_the_table_reads_the_same_in_the_terminal_and_in_the_report() -> None:
    rows = [scored(*made_up()), nothing_injected("no room <here>")]
    found = shown(rows)
    lines = selftest_lines(found)
    assert lines[1].split()[:2] == ["kind", "share"]
    assert len(lines[1]) == len(lines[2])
    assert any("left out: contaminated 10%: no room" in line for line in lines)
    assert any("CAT has 2 groups" in line for line in lines)
    table = selftest_table([{"kind": "contaminated", "share": 0.05, "seed": 0, **rows[0]}])
    part = selftest_part(table)
    assert part["rows"] == [selftest_cells(found["injected"][0])]
    assert len(part["heads"]) == len(part["rows"][0])
    left_out = selftest_part(selftest_table([{"kind": "flips", "share": 0.1, "seed": 0, **rows[1]}]))
    assert left_out["notes"][-1] == "left out: flips 10%: no room <here>"
    assert set(table.columns) == set(SELFTEST.columns)
