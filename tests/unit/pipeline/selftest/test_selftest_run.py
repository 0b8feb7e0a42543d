"""A copy is audited as the data were: with the same hold-out, on the copy's labels and poses, with nothing known of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import text
from pipeline.audit.stages import STAGES, Stage
from pipeline.selftest import selftest_run
from pipeline.selftest.injection import InjectedErrors
from pipeline.selftest.selftest_run import SelftestPlan
from pipeline.workspace.run_folder import RunFolder

SPLIT = ["audit", "audit", "audit", "holdout", "left_out"]


def windows(target: str, split: list[str]) -> pd.DataFrame:
    number = [f"w{i}" for i in range(len(target))]
    groups = [f"g{i}" for i in range(len(target))]
    return pd.DataFrame({"window_id": number, "species": "DOG", "target": list(target), "group": groups, "split": text(split)})


def test_windows_keep_the_split_that_they_had_and_new_ones_are_left_out() -> None:
    cut = windows("AAABBA", ["holdout", "audit", "audit", "audit", "audit", "audit"])
    found = selftest_run._split_as_before(cut, windows("AAABB", SPLIT))
    assert found["split"].tolist() == [*SPLIT, "left_out"]
    assert found["target"].tolist() == list("AAABBA")


def test_a_class_that_errors_leave_to_a_single_group_is_left_out_of_the_audit_alone() -> None:
    before = windows("AABBBB", ["audit"] * 5 + ["holdout"])
    found = selftest_run._split_as_before(windows("ACBACB", ["audit"] * 6), before)
    assert found["split"].tolist() == ["audit", "audit", "left_out", "audit", "audit", "holdout"]


def test_a_copy_is_audited_by_all_stages_after_reading_on_its_own_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was reviewed would cover an error, and windows cut again would have another hold-out."""
    seen: dict[str, dict[str, pd.DataFrame]] = {}

    def stage(real: Stage) -> Stage:
        def run(tables: dict[str, pd.DataFrame], _context: object) -> dict[str, pd.DataFrame]:
            seen[real.name] = tables
            made = windows("AAABB", ["holdout"] * 5) if "windows" in real.makes else pd.DataFrame({"made_by": [real.name]})
            return dict.fromkeys(real.makes, made)

        return Stage(real.name, real.needs, real.makes, run)

    monkeypatch.setattr(selftest_run, "STAGES", tuple(stage(real) for real in STAGES))
    names = {name for real in STAGES for name in real.makes}
    tables = {name: pd.DataFrame({"of": ["the run"]}) for name in names} | {"windows": windows("AAABB", SPLIT)}
    plan = SelftestPlan(
        workspace=None,
        folder=None,
        source=SimpleNamespace(name="table"),
        config=load_config(None),
        tables=tables,
        index=None,
        audits=(),
        left_out={},
        untested=(),
        seed=0,
    )
    copy = InjectedErrors(pd.DataFrame({"of": ["copy"]}), pd.DataFrame({"of": ["copy"]}), pd.DataFrame(), pd.DataFrame())
    issues = selftest_run._audit(plan, copy, RunFolder(tmp_path), progress=lambda *_: None)
    assert list(seen) == [real.name for real in STAGES if "clips" not in real.makes]
    assert "predict" in seen
    for tables_seen in seen.values():
        assert tables_seen["clips"] is copy.clips
        assert tables_seen["frames"] is copy.frames
        assert tables_seen["reviewed"].empty
    assert seen["predict"]["windows"]["split"].tolist() == SPLIT
    assert issues["made_by"].tolist() == [next(real.name for real in STAGES if "issues" in real.makes)]
    assert len(tables["reviewed"]) == 1
