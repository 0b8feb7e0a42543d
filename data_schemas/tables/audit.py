"""The tables of the audit: windows, the quality of their labels, the segments that people review, and the selftest."""

from __future__ import annotations

import pandera.pandas as pa

from data_schemas.tables.columns import (
    BAD_POSE,
    SPAN,
    SPAN_IN_ORDER,
    SUGGESTION,
    WINDOW,
    at_least,
    one_of,
    share,
    string,
)
from data_schemas.tables.vocabulary import INJECTED_KINDS, KINDS, SPLITS

WINDOWS = pa.DataFrameSchema(
    {
        **WINDOW,
        **SPAN,
        "label": string(nullable=True),
        "target": string(nullable=True),
        "group": string(),
        "split": one_of(SPLITS),
        "mixed": pa.Column(bool),
        "reviewed": pa.Column(bool),
        **BAD_POSE,
        "visible": share("float32"),
        "first_sample": at_least(0, "int64"),
    },
    checks=[
        SPAN_IN_ORDER,
        pa.Check(lambda t: t["label"].notna() | t["target"].isna(), error="a class is trained without a label"),
        pa.Check(lambda t: (t["split"] == "unlabelled") == t["label"].isna(), error="unlabelled are the windows without a label"),
    ],
    name="windows",
    strict=True,
)
"""``label`` is the finest label (null where none of the frames has one), ``target`` the class it is trained as (null where the
merge leaves it out, or there is no label), ``reviewed`` tells
that every frame has a label that people gave it, ``pose_fault`` the commonest reason for ``bad_pose`` (null where the pose is
good), ``visible`` the share of keypoints seen, not interpolated, and ``first_sample`` the window's place in the matrix of
samples."""

ISSUES = pa.DataFrameSchema(
    {
        **WINDOW,
        "split": one_of(SPLITS),
        **SPAN,
        **SUGGESTION,
        "second_opinion": share("float32"),
        "wrong_clip": share("float32"),
        "is_issue": pa.Column(bool),
        "kind": one_of(KINDS, nullable=True),
        "segment_id": string(nullable=True),
        "rank": at_least(1, "int64", unique=True),
    },
    checks=SPAN_IN_ORDER,
    name="issues",
    strict=True,
)
"""A row a window that has a label. ``label_quality`` is the probability, 0..1, that the given label is right, 1 where it was
reviewed; ``rank`` orders windows by it, 1 the lowest. ``second_opinion``: the share of the audited windows whose label the
networks alone find worse, 0..1, low = likely wrong, 1 where it was reviewed. ``wrong_clip``: the probability that the label of
the whole clip is wrong. ``is_issue``: flagged for review."""

SEGMENTS = pa.DataFrameSchema(
    {
        "segment_id": string(unique=True),
        "clip_id": string(),
        "species": string(),
        **SPAN,
        **SUGGESTION,
        "windows": at_least(1, "int32"),
        "kind": one_of(KINDS),
        "priority": pa.Column("float64"),
        "split": one_of(SPLITS),
    },
    checks=SPAN_IN_ORDER,
    name="segments",
    strict=True,
)
"""A stretch of one clip whose windows have about the same label quality: what people review at once, by descending ``priority``
(seconds of wrong labels expected in it for each second that its review takes; 0 for bad pose). ``label_quality`` is the mean of
that of its ``windows``."""

SELFTEST = pa.DataFrameSchema(
    {
        "kind": one_of(INJECTED_KINDS),
        "share": share(),
        "seed": at_least(0, "int64"),
        **{
            name: at_least(0, "int32")
            for name in ("stretches", "clips", "windows", "other_donor", "audited", "flagged", "groups")
        },
        **{
            name: share(nullable=True)
            for score in ("recall_10", "recall", "precision")
            for name in (score, f"{score}_low", f"{score}_high")
        },
        **{
            name: share(nullable=True)
            for name in ("recall_10_most", "recall_10_before", "recall_before", "right_kind", "right_label")
        },
        "lift": pa.Column("float64", checks=pa.Check.ge(0), nullable=True),
        "note": string(nullable=True),
    },
    name="selftest",
    strict=True,
    unique=["kind", "share"],
)
"""A row for each kind and share of injected errors. ``stretches``, ``clips`` and ``windows`` count what was injected,
``other_donor`` the stretches that came from another group. ``recall_10`` is the share of the windows with injected errors within
the first tenth of the ranks, ``recall_10_most`` what a perfect order would reach, ``..._before`` the same windows in the audit of
the data as they are; ``right_kind`` and ``right_label`` are shares of the windows with injected errors that were flagged.
``note`` says why a row has no scores."""
