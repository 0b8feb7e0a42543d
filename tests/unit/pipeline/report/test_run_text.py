"""The end of `audit run`: what is flagged, and whether models have anything to do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report.run_text import run_lines

TRUST = {"species": "RAT", "right": 0.5, "low": 0.4, "high": 0.6, "chance": 0.5, "windows": 90, "groups": 6, "classes": 2}


@pytest.mark.parametrize(
    ("flagged", "better", "told"),
    [
        (20, True, "20% of the audited windows carry a label that is probably wrong"),
        (0, False, "   no label is flagged: the models are no better than chance"),
        (20, False, "the source gives them two labels; no other label is flagged: the models are no better than chance"),
    ],
)
def test_flagged_windows_are_told_for_what_they_are(flagged: int, better: bool, told: str) -> None:
    found = {
        "windows_by_split": {"audit": 100, "holdout": 50},
        "run_dir": "ws/runs/one",
        "windows": 150,
        "flagged": flagged,
        "windows_unlabelled": 0,
        "segments": 1,
        "trust": [TRUST | {"better": better}],
        "rounds": [],
        "label_errors": [],
        "top_segments": [],
        "left_out_classes": {},
        "without_holdout": [{"species": "RAT", "groups": 3, "groups_are": "subject", "holdout": 0.1}],
        "rejected": 0,
    }
    lines = run_lines(found, workspace=Path("ws"))
    assert next(line for line in lines if line.startswith("flagged")).endswith(told)
    assert "! RAT: no hold-out: 3 animals are too few to set some apart." in "\n".join(lines)
