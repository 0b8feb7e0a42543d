"""The tables of the review: what reviewers did, and the windows that they label unseen."""

from __future__ import annotations

import pandera.pandas as pa

from data_schemas.tables.columns import SPAN, SPAN_IN_ORDER, at_least, one_of, positive_share, string
from data_schemas.tables.vocabulary import REVIEW_ACTIONS, STRATA

REVIEW_EVENTS = pa.DataFrameSchema(
    {
        "event_id": string(unique=True),
        "operation_id": string(),
        "at": string(),
        "run_id": string(),
        "reviewer": string(),
        "stream": pa.Column(str, checks=pa.Check.str_matches(r"^(review|adjudication|blind:.+)$")),
        "clip_id": string(),
        "revision": at_least(1, "int64"),
        **SPAN,
        "action": one_of(REVIEW_ACTIONS),
        "label": string(nullable=True),
        "undoes": string(nullable=True),
        "note": string(nullable=True),
    },
    checks=[
        SPAN_IN_ORDER,
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
        "sample_id": string(),
        "position": at_least(0, "int32"),
        "window_id": string(unique=True),
        "clip_id": string(),
        **SPAN,
        "stratum": one_of(STRATA),
        "inclusion_probability": positive_share(),
        "run_id": string(),
        "drawn_at": string(),
        "seed": at_least(0, "int64"),
    },
    checks=SPAN_IN_ORDER,
    name="blind samples",
    strict=True,
    unique=["sample_id", "position"],
)
"""Windows to be labelled unseen, in the order in which they are shown (``position``). ``inclusion_probability`` is the chance
that this draw took this window; its inverse is the weight of the window in an estimate over its stratum."""
