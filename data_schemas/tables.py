"""The tables that the stages hand to each other, as pandera schemas.

Frame spans are inclusive everywhere. Missing keypoints are nulls, never zeros. A table is validated where it is made and where
it is read from outside; a breach names the file, the column, the first bad row and its value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from data_schemas.errors import TableError

__all__ = [
    "ARM_PREDICTIONS",
    "BLIND_SAMPLES",
    "CHANGES",
    "CLEAN_FRAMES",
    "CLEAN_WINDOWS",
    "CLIPS",
    "FRAMES",
    "ISSUES",
    "KINDS",
    "LABEL_SOURCES",
    "MARKS",
    "OOF",
    "PLANTED_KINDS",
    "POSE_FAULTS",
    "PREDICTIONS",
    "PROBABILITY_PREFIX",
    "REMARKS",
    "REVIEWED",
    "REVIEW_ACTIONS",
    "REVIEW_EVENTS",
    "SEGMENTS",
    "SELFTEST",
    "SPLITS",
    "STRATA",
    "WINDOWS",
    "keypoints_of",
    "probability_columns",
    "text",
    "validate",
]

KINDS = ("wrong_clip", "contaminated", "boundary", "ambiguous", "bad_pose")
"""What is wrong with a window: its whole clip's label, another action inside the clip, a shifted boundary, two actions that
cannot be told apart, or the keypoints rather than the label."""

POSE_FAULTS = ("missing", "jump", "bone_length", "swap", "frozen", "identity_swap")
"""Why a window's pose is bad: too few keypoints, or one that leaps away and back, stretches a bone, is exchanged with its left
or right, stands still while the rest moves, or two animals exchanged."""

PLANTED_KINDS = ("wrong_clip", "contaminated", "boundary", "flips")
"""What `audit selftest` plants: a wrong label for a whole clip, a stretch of another clip's poses, a shifted change between two
frame labels, or another label for about a second."""

SPLITS = ("audit", "holdout", "left_out")
"""``audit`` windows are predicted out of fold, ``holdout`` groups were set apart first, ``left_out`` classes take no part."""

REVIEW_ACTIONS = ("relabel", "keep", "unsure", "exclude", "undo", "note")
"""What a reviewer does to a span: gives it another label, confirms the given one, cannot tell, takes it out of the export, takes
an operation back (or, where none is named, what was painted over the span), or writes a remark."""

STRATA = ("holdout", "flagged", "unflagged")
"""Where blind samples are drawn: the groups that were set apart, and the audited windows that were flagged or not."""

LABEL_SOURCES = ("adjudication", "consensus", "review", "given")
"""Where a label after review comes from: a settled dispute, several reviewers, the one reviewer, or the data."""

MARKS = ("unsure", "disputed")
"""Why a frame that was looked at keeps its given label: nobody could tell, or reviewers differ and nobody settled it."""

PROBABILITY_PREFIX = "p_"


def _text(*, nullable: bool = False, unique: bool = False, **options: object) -> pa.Column:
    checks = [] if nullable else [pa.Check.str_length(min_value=1)]
    return pa.Column(str, checks=checks, nullable=nullable, unique=unique, **options)  # type: ignore[arg-type]


def _share(dtype: str = "float64") -> pa.Column:
    return pa.Column(dtype, checks=pa.Check.in_range(0.0, 1.0))


def _frame() -> pa.Column:
    return pa.Column("int32", checks=pa.Check.ge(0))


_SPAN_IN_ORDER = pa.Check(lambda t: t["start_frame"] <= t["end_frame"], error="start_frame after end_frame")

CLIPS = pa.DataFrameSchema(
    {
        "clip_id": _text(unique=True),
        "source": _text(),
        "source_hash": _text(),
        "recording_id": _text(),
        "subject_id": _text(),
        "species": _text(),
        "skeleton": _text(),
        "fps": pa.Column("float64", checks=pa.Check.gt(0)),
        "label": _text(),
        "other_label": _text(nullable=True),
        "breed": _text(nullable=True),
        "gender": _text(nullable=True),
        "age": pa.Column("float64", nullable=True),
        "date": _text(nullable=True),
        "frame_count": pa.Column("int32", checks=pa.Check.gt(0)),
    },
    name="clips",
    strict=True,
)

FRAMES = pa.DataFrameSchema(
    {
        "clip_id": _text(),
        "frame_number": _frame(),
        "timestamp_ms": pa.Column("int32", checks=pa.Check.ge(0)),
        r"^.+_x$": pa.Column("float32", nullable=True, regex=True),
        r"^.+_y$": pa.Column("float32", nullable=True, regex=True),
        r"^.+_confidence$": pa.Column("float32", nullable=True, regex=True, required=False),
        "frame_label": _text(nullable=True, required=False),
        "label_source": pa.Column(str, checks=pa.Check.isin(LABEL_SOURCES), required=False),
        "image": _text(nullable=True, required=False),
    },
    name="frames",
    strict=True,
)
"""Labels as given. ``label_source`` is told by a source that was exported after review: where each ``frame_label`` came from."""

REVIEWED = pa.DataFrameSchema(
    {
        "clip_id": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "label": _text(nullable=True),
        "label_source": pa.Column(str, checks=pa.Check.isin(LABEL_SOURCES[:-1])),
    },
    checks=_SPAN_IN_ORDER,
    name="reviewed",
    strict=True,
)
"""The stretches whose label people gave, by clip and frame, none over another; a null label takes their frames out."""

REMARKS = pa.DataFrameSchema(
    {"file": _text(), "place": pa.Column(str), "reason": _text()},
    name="remarks",
    strict=True,
)
"""A row for each clip that was set aside (rejected.parquet) or mended on reading (notes.parquet): where, and why."""

WINDOWS = pa.DataFrameSchema(
    {
        "window_id": _text(unique=True),
        "clip_id": _text(),
        "subject_id": _text(),
        "species": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "label": _text(),
        "target": _text(nullable=True),
        "group": _text(),
        "split": pa.Column(str, checks=pa.Check.isin(SPLITS)),
        "mixed": pa.Column(bool),
        "reviewed": pa.Column(bool),
        "bad_pose": pa.Column(bool),
        "pose_fault": pa.Column(str, checks=pa.Check.isin(POSE_FAULTS), nullable=True),
        "visible": _share("float32"),
        "first_sample": pa.Column("int64", checks=pa.Check.ge(0)),
    },
    checks=_SPAN_IN_ORDER,
    name="windows",
    strict=True,
)
"""``label`` is the finest label, ``target`` the class it is trained as (null where the merge leaves it out), ``reviewed`` tells
that every frame has a label that people gave it, ``pose_fault`` the commonest reason for ``bad_pose`` (null where the pose is
good), ``visible`` the share of keypoints seen, not interpolated, and ``first_sample`` the window's place in the matrix of
samples."""

OOF = pa.DataFrameSchema(
    {
        "window_id": _text(unique=True),
        "fold": pa.Column("int16"),
        "taught": pa.Column(bool),
        "network": _share("float32"),
        "voices": pa.Column("float32", checks=pa.Check.in_range(0.0, 1.0), nullable=True),
        r"^p_.+$": pa.Column("float32", checks=pa.Check.in_range(0.0, 1.0 + 1e-5), nullable=True, regex=True),
    },
    checks=pa.Check(
        lambda t: (t.filter(regex=r"^p_").sum(axis=1) - 1.0).abs() < 1e-3,
        error="the probabilities of a window do not sum to 1",
    ),
    name="oof",
    strict=True,
)
"""``fold`` is -1 for the hold-out, which every fold's model predicts. ``taught`` tells whether the window's label was trusted to
teach the networks; ``network`` and ``voices`` are the probabilities of the given label by the networks alone and by the quick
voices of the passes alone (null without passes). Classes of another species are null."""

PREDICTIONS = pa.DataFrameSchema(
    {
        "window_id": _text(unique=True),
        "clip_id": _text(),
        "subject_id": _text(),
        "species": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "visible": _share("float32"),
        "bad_pose": pa.Column(bool),
        "pose_fault": pa.Column(str, checks=pa.Check.isin(POSE_FAULTS), nullable=True),
        "predicted_label": _text(),
        "probability": _share("float32"),
        r"^p_.+$": pa.Column("float32", checks=pa.Check.in_range(0.0, 1.0 + 1e-5), nullable=True, regex=True),
    },
    checks=[
        _SPAN_IN_ORDER,
        pa.Check(
            lambda t: (t.filter(regex=r"^p_").sum(axis=1) - 1.0).abs() < 1e-3,
            error="the probabilities of a window do not sum to 1",
        ),
    ],
    name="predictions",
    strict=True,
)
"""What `audit predict` writes. ``probability`` is that of ``predicted_label``; classes of another species are null. Of windows
with ``bad_pose`` too little was seen, or too much cannot be right, to believe what is predicted."""

ARM_PREDICTIONS = pa.DataFrameSchema(
    {
        "window_id": _text(),
        "arm": _text(),
        r"^p_.+$": pa.Column("float32", checks=pa.Check.in_range(0.0, 1.0 + 1e-5), nullable=True, regex=True),
    },
    checks=pa.Check(
        lambda t: (t.filter(regex=r"^p_").sum(axis=1) - 1.0).abs() < 1e-3,
        error="the probabilities of a window do not sum to 1",
    ),
    name="predictions of the arms",
    strict=True,
    unique=["window_id", "arm"],
)
"""What the model of each arm says of the hold-out (`audit retrain`). Classes of another species are null."""

ISSUES = pa.DataFrameSchema(
    {
        "window_id": _text(unique=True),
        "clip_id": _text(),
        "subject_id": _text(),
        "species": _text(),
        "split": pa.Column(str, checks=pa.Check.isin(SPLITS)),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "given_label": _text(),
        "suggested_label": _text(),
        "suggested_probability": _share("float32"),
        "label_quality": _share("float32"),
        "second_opinion": _share("float32"),
        "wrong_clip": _share("float32"),
        "is_issue": pa.Column(bool),
        "kind": pa.Column(str, checks=pa.Check.isin(KINDS), nullable=True),
        "segment_id": _text(nullable=True),
        "rank": pa.Column("int64", checks=pa.Check.ge(1), unique=True),
    },
    checks=_SPAN_IN_ORDER,
    name="issues",
    strict=True,
)

SEGMENTS = pa.DataFrameSchema(
    {
        "segment_id": _text(unique=True),
        "clip_id": _text(),
        "species": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "given_label": _text(),
        "suggested_label": _text(),
        "suggested_probability": _share("float32"),
        "label_quality": _share("float32"),
        "windows": pa.Column("int32", checks=pa.Check.ge(1)),
        "kind": pa.Column(str, checks=pa.Check.isin(KINDS)),
        "priority": pa.Column("float64"),
        "split": pa.Column(str, checks=pa.Check.isin(SPLITS)),
    },
    checks=_SPAN_IN_ORDER,
    name="segments",
    strict=True,
)

SELFTEST = pa.DataFrameSchema(
    {
        "kind": pa.Column(str, checks=pa.Check.isin(PLANTED_KINDS)),
        "share": _share(),
        "seed": pa.Column("int64", checks=pa.Check.ge(0)),
        **{
            name: pa.Column("int32", checks=pa.Check.ge(0))
            for name in ("stretches", "clips", "windows", "elsewhere", "audited", "flagged", "groups")
        },
        **{
            name: pa.Column("float64", checks=pa.Check.in_range(0.0, 1.0), nullable=True)
            for score in ("recall_10", "recall", "precision")
            for name in (score, f"{score}_low", f"{score}_high")
        },
        **{
            name: pa.Column("float64", checks=pa.Check.in_range(0.0, 1.0), nullable=True)
            for name in ("recall_10_most", "recall_10_before", "recall_before", "right_kind", "right_label")
        },
        "lift": pa.Column("float64", checks=pa.Check.ge(0), nullable=True),
        "note": _text(nullable=True),
    },
    name="selftest",
    strict=True,
    unique=["kind", "share"],
)
"""A row for each kind and share planted. ``stretches``, ``clips`` and ``windows`` count what was planted, ``elsewhere`` the
stretches that came from another group. ``recall_10`` is the share of the planted windows within the first tenth of the ranks,
``recall_10_most`` what a perfect order would reach, ``..._before`` the same windows in the audit of the unplanted data;
``right_kind`` and ``right_label`` are shares of the planted windows that were flagged. ``note`` says why a row has no scores."""


REVIEW_EVENTS = pa.DataFrameSchema(
    {
        "event_id": _text(unique=True),
        "operation_id": _text(),
        "at": _text(),
        "run_id": _text(),
        "reviewer": _text(),
        "stream": pa.Column(str, checks=pa.Check.str_matches(r"^(review|adjudication|blind:.+)$")),
        "clip_id": _text(),
        "revision": pa.Column("int64", checks=pa.Check.ge(1)),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "action": pa.Column(str, checks=pa.Check.isin(REVIEW_ACTIONS)),
        "label": _text(nullable=True),
        "undoes": _text(nullable=True),
        "note": _text(nullable=True),
    },
    checks=[
        _SPAN_IN_ORDER,
        pa.Check(
            lambda t: t["label"].notna() == t["action"].isin(("relabel", "keep")),
            error="relabel and keep carry a label, other actions none",
        ),
    ],
    name="review events",
    strict=True,
)
"""Append-only. The rows of one act share ``operation_id`` and ``revision``; revisions count per clip, reviewer and stream (in the
stream ``adjudication`` per clip, for all adjudicators settle one label). ``at`` is ISO 8601 in UTC with milliseconds. An undo
spans what it takes back and names it in ``undoes``; with ``undoes`` null it clears its span."""

BLIND_SAMPLES = pa.DataFrameSchema(
    {
        "sample_id": _text(),
        "position": pa.Column("int32", checks=pa.Check.ge(0)),
        "window_id": _text(unique=True),
        "clip_id": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "stratum": pa.Column(str, checks=pa.Check.isin(STRATA)),
        "inclusion_probability": pa.Column("float64", checks=[pa.Check.gt(0.0), pa.Check.le(1.0)]),
        "run_id": _text(),
        "drawn_at": _text(),
        "seed": pa.Column("int64", checks=pa.Check.ge(0)),
    },
    checks=_SPAN_IN_ORDER,
    name="blind samples",
    strict=True,
    unique=["sample_id", "position"],
)
"""Windows to be labelled unseen, in the order in which they are shown (``position``). ``inclusion_probability`` is the chance
that this draw took this window; its inverse is the weight of the window in an estimate over its stratum."""

CLEAN_FRAMES = pa.DataFrameSchema(
    {
        "clip_id": _text(),
        "subject_id": _text(),
        "recording_id": _text(),
        "species": _text(),
        "label": _text(),
        "other_label": _text(nullable=True),
        "breed": _text(nullable=True),
        "gender": _text(nullable=True),
        "age": pa.Column("float64", nullable=True),
        "date": _text(nullable=True),
        "fps": pa.Column("float64", checks=pa.Check.gt(0)),
        "frame_number": _frame(),
        "timestamp_ms": pa.Column("int32", checks=pa.Check.ge(0)),
        "frame_label": _text(),
        "given_label": _text(),
        "label_source": pa.Column(str, checks=pa.Check.isin(LABEL_SOURCES)),
        "event_id": _text(nullable=True),
        "mark": pa.Column(str, checks=pa.Check.isin(MARKS), nullable=True),
        "image": _text(nullable=True, required=False),
        r"^.+_x$": pa.Column("float32", nullable=True, regex=True),
        r"^.+_y$": pa.Column("float32", nullable=True, regex=True),
        r"^.+_confidence$": pa.Column("float32", nullable=True, regex=True, required=False),
    },
    checks=[
        pa.Check(
            lambda t: (t["label_source"] == "given") == t["event_id"].isna(), error="a label is given, or decided by an event"
        ),
        pa.Check(
            lambda t: (t["label_source"] != "given") | (t["frame_label"] == t["given_label"]), error="a given label was changed"
        ),
        pa.Check(lambda t: t["mark"].isna() | (t["label_source"] == "given"), error="a decided frame is marked"),
    ],
    name="clean frames",
    strict=True,
)
"""The frames after review, without the excluded ones, each with what is told of its clip: a table that `audit run` reads.
``frame_label`` is the label after review, ``given_label`` the one before; ``label`` is the clip's."""

CLEAN_WINDOWS = pa.DataFrameSchema(
    {
        "window_id": _text(unique=True),
        "clip_id": _text(),
        "subject_id": _text(),
        "species": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "label": _text(),
        "target": _text(nullable=True),
        "given_label": _text(),
        "majority": pa.Column("float64", checks=[pa.Check.gt(0.0), pa.Check.le(1.0)]),
        "mixed": pa.Column(bool),
        "reviewed": _share("float64"),
        "split": pa.Column(str, checks=pa.Check.isin(SPLITS)),
        "bad_pose": pa.Column(bool),
        "pose_fault": pa.Column(str, checks=pa.Check.isin(POSE_FAULTS), nullable=True),
        "visible": _share("float32"),
    },
    checks=_SPAN_IN_ORDER,
    name="clean windows",
    strict=True,
)
"""The windows after review. ``label`` is that of the share ``majority`` of the window's frames, ``reviewed`` the share whose
label comes from reviewers; ``mixed`` windows hold another label too, but less than the export's margin allows."""

CHANGES = pa.DataFrameSchema(
    {
        "clip_id": _text(),
        "start_frame": _frame(),
        "end_frame": _frame(),
        "frames": pa.Column("int64", checks=pa.Check.ge(1)),
        "species": _text(),
        "from": _text(),
        "to": _text(nullable=True),
        "who": _text(),
        "when": _text(),
        "why": _text(nullable=True),
        "label_source": pa.Column(str, checks=pa.Check.isin(LABEL_SOURCES[:-1])),
        "event_id": _text(),
    },
    checks=[
        _SPAN_IN_ORDER,
        pa.Check(lambda t: t["to"].isna() | (t["from"] != t["to"]), error="from and to are the same label"),
    ],
    name="changes",
    strict=True,
)
"""A row for each stretch that review changed: ``to`` is null where its frames were excluded. ``why`` is the reviewer's note, else
the kind of the segment that lies there."""


def validate(table: pd.DataFrame, schema: pa.DataFrameSchema, *, source: str) -> pd.DataFrame:
    """Return ``table`` when it keeps ``schema``.

    Raises
    ------
    TableError
        It does not; the message names ``source``, the column, the first bad row and its value.
    """
    try:
        return schema.validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        raise TableError(
            f"{source}: {schema.name} table: {_breach(cases.iloc[0])}"
            + (f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""),
            hint="mend the table, or delete the file if pose-audit wrote it, and run again",
        ) from error


def _breach(case: pd.Series) -> str:
    if str(case["check"]).startswith("column_in_dataframe"):
        return f"column {case['failure_case']!r} is missing"
    if case["check"] == "column_in_schema":
        return f"column {case['failure_case']!r} is not one of this table"
    where = f"column {case['column']!r}" if case["schema_context"] == "Column" else "row"
    row = "" if pd.isna(case["index"]) else f", row {case['index']}"
    return f"{where}{row}: {case['failure_case']!r} fails {case['check']}"


def text(values: Any) -> Any:
    """Return values as a text column of pandas 3; None is null."""
    return pd.array(values, dtype="str")


def keypoints_of(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the keypoints that have both an ``_x`` and a ``_y`` column, in column order."""
    known = set(columns)
    return tuple(m[1] for c in columns if (m := re.fullmatch(r"(.+)_x", c)) and f"{m[1]}_y" in known)


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Return the oof columns of these classes."""
    return [f"{PROBABILITY_PREFIX}{c}" for c in classes]
