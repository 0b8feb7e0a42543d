"""What `audit retrain` says: a comparison where there is one, else what is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report.comparison.comparison_text import retrain_lines


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict:
    return {"value": value, "low": low, "high": high, "groups": 14}


def found(apart: dict, *, curve: bool = False) -> dict:
    measures = dict.fromkeys(("accuracy", "balanced accuracy", "macro F1"), figure(0.612, 0.57, 0.654))
    arm = {"measures": measures, "calibration_error": None, "class_f1": {}, "confusion": []}
    dog = {
        "classes": ["A", "B"],
        "optimizer_steps": 280,
        "training_windows": {"given": 12345, "reviewed": 11000},
        "verified": {
            "windows": 240,
            "groups": 14,
            "needed_windows": 0,
            "needed_groups": 0,
            "held_out_groups": 20,
            "left_out_unsure": 3,
            "left_out_of_taxonomy": 1,
        },
        "arms": {"given": arm, "reviewed": arm},
        "differences": {"reviewed - given": {"balanced accuracy": apart}},
        "curve": [{"share": 0.25, "reviewed_frames": 900, "measures": measures}] if curve else [],
    }
    return {
        "run_id": "",
        "made_at": "",
        "pose_audit": "",
        "seed": 0,
        "groups_are": "subject",
        "decisions": 321,
        "reviewed_frames": 4000,
        "frames": 20000,
        "species": {"DOG": dog},
        "bundles": {"given": "models/given", "reviewed": "models/reviewed"},
    }


def said(told: dict) -> str:
    return "\n".join(retrain_lines(told, run_dir=Path("ws/runs/latest"), workspace=Path("ws")))


POINTS = "points of balanced accuracy"


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (figure(0.061, 0.02, 0.103), f"reviewed beats given by 6.1 {POINTS} (2.0 to 10.3), 14 animals"),
        (figure(-0.061, -0.103, -0.02), f"reviewed is worse than given by 6.1 {POINTS} (2.0 to 10.3), 14 animals"),
        (figure(0.01, -0.02, 0.04), f"cannot tell reviewed from given: +1.0 {POINTS} (-2.0 to +4.0), 14 animals"),
        (figure(0.01), "cannot tell reviewed from given: too few groups, 14 animals"),
    ],
)
def test_a_difference_is_told_in_points_and_only_where_the_interval_allows(apart: dict, words: str) -> None:
    assert words in said(found(apart))


def test_the_table_has_the_training_windows_and_how_good_that_was() -> None:
    lines = said(found(figure(0.061, 0.02, 0.103), curve=True)).splitlines()
    assert lines[0] == "reviewed   4,000 of 20,000 frames (20.0%), 321 events"
    assert "DOG: tested on 240 windows of 14 animals that were held out and labelled blind (4 more show no one class)" in lines
    assert any(line.split()[:2] == ["given", "12,345"] and "61.2 % (57.0 to 65.4)" in line for line in lines)
    assert any(line.split()[:2] == ["25%", "900"] for line in lines)
    assert "--model ws/runs/latest/models/reviewed" in lines[-1]


@pytest.mark.parametrize(
    ("windows", "groups", "needed", "held_out", "words", "way_out"),
    [
        (12, 3, (18, 2), 20, "18 windows and windows of 2 more animals must be labelled blind", "Blind sample"),
        (12, 6, (18, 0), 20, "18 windows must be labelled blind", "Blind sample"),
        (80, 4, (0, 1), 20, "windows of 1 more animal must be labelled blind", "Blind sample"),
        (80, 4, (0, 1), 4, "only 4 animals held out, 5 are needed", "folds.holdout"),
    ],
)
def test_without_enough_it_says_what_is_needed_and_where_to_get_it(
    windows: int, groups: int, needed: tuple[int, int], held_out: int, words: str, way_out: str
) -> None:
    told = found(figure(None))
    dog = told["species"]["DOG"]
    dog["verified"] |= {"windows": windows, "groups": groups, "held_out_groups": held_out}
    dog["verified"] |= {"needed_windows": needed[0], "needed_groups": needed[1]}
    dog["arms"], dog["differences"] = {"given": None, "reviewed": None}, {}
    text = said(told)
    assert "cannot tell which arm is better" in text
    assert words in text
    assert way_out in text
    assert "beats" not in text
