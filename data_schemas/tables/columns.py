"""Columns that several tables have, each defined once."""

from __future__ import annotations

from collections.abc import Sequence

import pandera.pandas as pa

from data_schemas.tables.vocabulary import POSE_FAULTS


def string(*, nullable: bool = False, unique: bool = False, required: bool = True) -> pa.Column:
    """Return a column of text; only where it may be null, it may be empty too."""
    checks = [] if nullable else [pa.Check.str_length(min_value=1)]
    return pa.Column(str, checks=checks, nullable=nullable, unique=unique, required=required)


def one_of(known: Sequence[str], *, nullable: bool = False, required: bool = True) -> pa.Column:
    """Return a column of text that holds nothing but known words."""
    return pa.Column(str, checks=pa.Check.isin(known), nullable=nullable, required=required)


def at_least(least: int, dtype: str, *, unique: bool = False) -> pa.Column:
    """Return a column of numbers that are not below the least."""
    return pa.Column(dtype, checks=pa.Check.ge(least), unique=unique)


def share(dtype: str = "float64", *, nullable: bool = False) -> pa.Column:
    """Return a column of numbers from 0 to 1."""
    return pa.Column(dtype, checks=pa.Check.in_range(0.0, 1.0), nullable=nullable)


def positive_share(*, nullable: bool = False) -> pa.Column:
    """Return a column of numbers above 0 and up to 1."""
    return pa.Column("float64", checks=[pa.Check.gt(0.0), pa.Check.le(1.0)], nullable=nullable)


SPAN = {"start_frame": at_least(0, "int32"), "end_frame": at_least(0, "int32")}
SPAN_IN_ORDER = pa.Check(lambda t: t["start_frame"] <= t["end_frame"], error="start_frame after end_frame")

WINDOW = {"window_id": string(unique=True), "clip_id": string(), "subject_id": string(), "species": string()}

BAD_POSE = {"bad_pose": pa.Column(bool), "pose_fault": one_of(POSE_FAULTS, nullable=True)}

SUGGESTION = {
    "given_label": string(),
    "suggested_label": string(),
    "suggested_probability": share("float32"),
    "label_quality": share("float32"),
}

FRAME = {"frame_number": at_least(0, "int32"), "timestamp_ms": at_least(0, "int32")}

KEYPOINTS = {
    r"^.+_x$": pa.Column("float32", nullable=True, regex=True),
    r"^.+_y$": pa.Column("float32", nullable=True, regex=True),
    r"^.+_confidence$": pa.Column("float32", nullable=True, regex=True, required=False),
}

ANIMAL = {
    "other_label": string(nullable=True),
    "breed": string(nullable=True),
    "gender": string(nullable=True),
    "age": pa.Column("float64", nullable=True),
    "date": string(nullable=True),
}
"""What else is known of a clip: the inspector's label, the animal, the day."""
