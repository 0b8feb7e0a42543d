"""The tables of a source: what was read, what was rejected, and the labels that people gave it before."""

from __future__ import annotations

import pandera.pandas as pa

from data_schemas.tables.columns import ANIMAL, FRAME, KEYPOINTS, SPAN, SPAN_IN_ORDER, one_of, string
from data_schemas.tables.vocabulary import LABEL_SOURCES

CLIPS = pa.DataFrameSchema(
    {
        "clip_id": string(unique=True),
        "source": string(),
        "source_hash": string(),
        "recording_id": string(),
        "subject_id": string(),
        "species": string(),
        "skeleton": string(),
        "fps": pa.Column("float64", checks=pa.Check.gt(0)),
        "label": string(nullable=True),
        **ANIMAL,
        "frame_count": pa.Column("int32", checks=pa.Check.gt(0)),
    },
    name="clips",
    strict=True,
)
"""``label`` is null where nobody labelled the clip, nor any frame of it."""

FRAMES = pa.DataFrameSchema(
    {
        "clip_id": string(),
        **FRAME,
        **KEYPOINTS,
        "frame_label": string(nullable=True, required=False),
        "label_source": one_of(LABEL_SOURCES, required=False),
        "image": string(nullable=True, required=False),
    },
    name="frames",
    strict=True,
)
"""Labels as given: where a clip has any ``frame_label``, a null one is a frame that nobody labelled; a clip that has none takes
its clip's label (:func:`pipeline.windows.frame_index.given_labels`). ``label_source`` is in a source that was exported
after review: where each ``frame_label`` came from."""

REVIEWED = pa.DataFrameSchema(
    {
        "clip_id": string(),
        **SPAN,
        "label": string(nullable=True),
        "label_source": one_of(LABEL_SOURCES[:-1]),
    },
    checks=SPAN_IN_ORDER,
    name="reviewed",
    strict=True,
)
"""The stretches whose label people gave, by clip and frame, none over another; a null label takes their frames out."""

READER_MESSAGES = pa.DataFrameSchema(
    {"file": string(), "place": pa.Column(str), "reason": string()},
    name="reader messages",
    strict=True,
)
"""A row for each clip that was rejected (rejected.parquet) or repaired on reading (notes.parquet): where, and why."""
