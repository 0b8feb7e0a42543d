"""Which arms there are, and what the first decisions are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from data_schemas.errors import TooFewDataError
from pipeline.retraining.plan import arms_of, first_decisions

MATERIAL = SimpleNamespace(folder=SimpleNamespace(path=Path("run")))


@pytest.mark.parametrize(
    ("wanted", "frames", "arms"),
    [
        ((), 0, ("given", "pruned")),
        ((), 5, ("given", "pruned", "reviewed")),
        (("reviewed", "given"), 5, ("given", "reviewed")),
        (("pruned",), 0, ("pruned",)),
    ],
)
def test_arms_are_those_that_are_wanted_in_their_order(wanted: tuple, frames: int, arms: tuple) -> None:
    assert arms_of(MATERIAL, wanted, reviewed_frames=frames) == arms


def test_the_reviewed_arm_needs_a_review() -> None:
    with pytest.raises(TooFewDataError, match="nothing is reviewed") as caught:
        arms_of(MATERIAL, ("given", "reviewed"), reviewed_frames=0)
    assert "audit review" in caught.value.hint


def test_the_first_decisions_are_whole_operations_in_order_of_time() -> None:
    events = pd.DataFrame(
        {
            "event_id": ["a1", "b1", "b2", "c1", "d1"],
            "operation_id": ["a", "b", "b", "c", "d"],
            "at": ["2026-01-03", "2026-01-01", "2026-01-01", "2026-01-04", "2026-01-02"],
        }
    )
    parts = {share: first_decisions(events, share)["event_id"].tolist() for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    assert parts[0.0] == []
    assert parts[0.25] == ["b1", "b2"]
    assert parts[0.5] == ["b1", "b2", "d1"]
    assert parts[0.75] == ["a1", "b1", "b2", "d1"]
    assert parts[1.0] == events["event_id"].tolist()
    assert first_decisions(events.head(0), 0.5).empty
