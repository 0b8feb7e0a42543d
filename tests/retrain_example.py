"""A retrain.json by the form that `audit retrain` writes, with figures made up."""

from __future__ import annotations

from typing import Any

ARMS = {"given": 0.58, "pruned": 0.66, "reviewed": 0.74}
CLASSES = ["SIT", "WALKRUN", "LYING"]


def interval(value: float | None, *, reach: float | None = 0.05, groups: int = 12) -> dict[str, Any]:
    known = value is not None and reach is not None
    return {"value": value, "low": value - reach if known else None, "high": value + reach if known else None, "groups": groups}


def measures(value: float, *, reach: float | None = 0.05) -> dict[str, Any]:
    return {
        "accuracy": interval(value + 0.02, reach=reach),
        "balanced accuracy": interval(value, reach=reach),
        "macro F1": interval(value - 0.01, reach=reach),
        "overconfidence": interval(0.1, reach=0.04),
    }


def arm(value: float) -> dict[str, Any]:
    return {
        "measures": measures(value),
        "calibration_error": 0.08,
        "class_f1": {
            "SIT": interval(value),
            "WALKRUN": interval(value + 0.1, reach=None, groups=3),
            "LYING": interval(None, groups=0),
        },
        "confusion": [[30, 8, 2], [5, 25, 0], [0, 0, 0]],
    }


def species(
    *, known: bool = True, windows: int = 80, held_out: int = 14, apart: float = 0.16, reach: float = 0.07
) -> dict[str, Any]:
    pairs = {"pruned - given": apart / 2, "reviewed - given": apart, "reviewed - pruned": apart / 2}
    return {
        "classes": CLASSES,
        "optimizer_steps": 140,
        "training_windows": {"given": 832, "pruned": 624, "reviewed": 820},
        "verified": {
            "windows": windows,
            "groups": 12 if windows else 0,
            "needed_windows": 0 if known else max(0, 30 - windows),
            "needed_groups": 0 if known or windows else 5,
            "held_out_groups": held_out,
            "left_out_unsure": 3,
            "left_out_of_taxonomy": 1,
        },
        "arms": {name: arm(value) if known else None for name, value in ARMS.items()},
        "differences": {
            pair: {name: interval(value, reach=reach) for name in ("accuracy", "balanced accuracy", "macro F1", "overconfidence")}
            for pair, value in pairs.items()
        }
        if known
        else {},
        "curve": [
            {"share": share, "reviewed_frames": round(2000 * share), "measures": measures(0.66 + 0.08 * share)}
            for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        ]
        if known
        else [],
    }


def retrain_example(run_id: str, *, of: dict[str, Any] | None = None, decisions: int = 0) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "made_at": "2026-11-25T23:00:00+00:00",
        "made_from": "8174305aead68c191f4c7eeaff54335e",
        "pose_audit": "0.1.0",
        "seed": 0,
        "groups_are": "subject",
        "decisions": decisions,
        "reviewed_frames": 2000,
        "frames": 12000,
        "species": of if of is not None else {"DOG": species()},
        "bundles": {name: f"models/{name}" for name in ARMS},
    }
