"""The tables of an export: frames and windows after review, and what review changed."""

from __future__ import annotations

import pandera.pandas as pa

from data_schemas.tables.columns import (
    ANIMAL,
    BAD_POSE,
    FRAME,
    KEYPOINTS,
    SPAN,
    SPAN_IN_ORDER,
    WINDOW,
    at_least,
    one_of,
    positive_share,
    share,
    string,
)
from data_schemas.tables.vocabulary import LABEL_SOURCES, MARKS, SPLITS

CLEAN_FRAMES = pa.DataFrameSchema(
    {
        "clip_id": string(),
        "subject_id": string(),
        "recording_id": string(),
        "species": string(),
        "label": string(nullable=True),
        **ANIMAL,
        "fps": pa.Column("float64", checks=pa.Check.gt(0)),
        **FRAME,
        "frame_label": string(nullable=True),
        "given_label": string(nullable=True),
        "label_source": one_of(LABEL_SOURCES, nullable=True),
        "event_id": string(nullable=True),
        "mark": one_of(MARKS, nullable=True),
        "image": string(nullable=True, required=False),
        **KEYPOINTS,
    },
    checks=[
        pa.Check(lambda t: t["frame_label"].isna() == t["label_source"].isna(), error="what is no label comes from nowhere"),
        pa.Check(
            lambda t: t["label_source"].isin(LABEL_SOURCES[:-1]) == t["event_id"].notna(),
            error="a label is given, or decided by an event",
        ),
        pa.Check(
            lambda t: (t["label_source"] != "given") | (t["frame_label"] == t["given_label"]), error="a given label was changed"
        ),
        pa.Check(lambda t: t["mark"].isna() | t["event_id"].isna(), error="a decided frame is marked"),
    ],
    name="clean frames",
    strict=True,
)
"""The frames after review, without the excluded ones, each with what is known of its clip: a table that `audit run` reads.
``frame_label`` is the label after review, ``given_label`` the one before; ``label`` is the clip's. All three, and
``label_source``, are null where there is no label."""

CLEAN_WINDOWS = pa.DataFrameSchema(
    {
        **WINDOW,
        **SPAN,
        "label": string(nullable=True),
        "target": string(nullable=True),
        "given_label": string(nullable=True),
        "majority": positive_share(nullable=True),
        "mixed": pa.Column(bool),
        "reviewed": share(),
        "split": one_of(SPLITS),
        **BAD_POSE,
        "visible": share("float32"),
    },
    checks=SPAN_IN_ORDER,
    name="clean windows",
    strict=True,
)
"""The windows after review. ``label`` is that of the share ``majority`` of the window's frames, ``reviewed`` the share whose
label comes from reviewers; ``mixed`` windows hold another label too, but less than the export's margin allows. Windows that
nobody labelled have neither label, target nor majority, and their split is ``unlabelled``."""

CHANGES = pa.DataFrameSchema(
    {
        "clip_id": string(),
        **SPAN,
        "frames": at_least(1, "int64"),
        "species": string(),
        "from": string(nullable=True),
        "to": string(nullable=True),
        "who": string(),
        "when": string(),
        "why": string(nullable=True),
        "label_source": one_of(LABEL_SOURCES[:-1]),
        "event_id": string(),
    },
    checks=[
        SPAN_IN_ORDER,
        pa.Check(lambda t: t["to"].isna() | t["from"].isna() | (t["from"] != t["to"]), error="from and to are the same label"),
    ],
    name="changes",
    strict=True,
)
"""A row for each stretch that review changed: ``from`` is null where nobody had labelled it, ``to`` where its frames were
excluded. ``why`` is the reviewer's note, else the kind of the segment that lies there."""
