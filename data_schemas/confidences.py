"""The columns that hold a pose estimator's confidence in each keypoint."""

from __future__ import annotations

from collections.abc import Iterable

CONFIDENCES = ("confidence", "likelihood", "score", "conf", "probability", "prob", "p")
"""Endings of such a column's name, after that of the keypoint; of two the earlier one is taken."""


def confidence_columns(columns: Iterable[str], keypoints: Iterable[str]) -> dict[str, str]:
    """Return the column of each keypoint's confidence, for those that have one."""
    known = set(columns)
    found = {name: next((c for end in CONFIDENCES if (c := f"{name}_{end}") in known), None) for name in keypoints}
    return {name: column for name, column in found.items() if column}
