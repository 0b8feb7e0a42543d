"""The tables of predictions: a probability of every class, out of fold, by a bundle, or by the arms of a retraining."""

from __future__ import annotations

from collections.abc import Sequence

import pandera.pandas as pa

from data_schemas.tables.columns import BAD_POSE, SPAN, SPAN_IN_ORDER, WINDOW, at_least, share, string

PROBABILITY_PREFIX = "p_"

# Rounding may lift a share a little above 1.
_CLASSES = {r"^p_.+$": pa.Column("float32", checks=pa.Check.in_range(0.0, 1.0 + 1e-5), nullable=True, regex=True)}
_SUM_TO_ONE = pa.Check(
    lambda t: (t.filter(regex=r"^p_").sum(axis=1) - 1.0).abs() < 1e-3,
    error="the probabilities of a window do not sum to 1",
)

OOF = pa.DataFrameSchema(
    {
        "window_id": string(unique=True),
        "fold": pa.Column("int16"),
        "used_for_training": pa.Column(bool),
        "network": share("float32", nullable=True),
        "base_learners": share("float32", nullable=True),
        **_CLASSES,
    },
    checks=_SUM_TO_ONE,
    name="oof",
    strict=True,
)
"""Out-of-fold predictions, a row a window. ``p_CLASS`` is the probability of a class, 0..1; those of a row sum to 1, and
classes of another species are null. ``network`` and ``base_learners`` are the probabilities of the given label by the networks
alone and by the base learners alone (null without cleaning iterations), both null where no label is given.
``used_for_training``: the window's label was used to train the networks. ``fold`` is -1 for the hold-out and for groups without
any label, which every fold's model predicts."""

TRUST = pa.DataFrameSchema(
    {
        "species": string(unique=True),
        **{name: share() for name in ("right", "low", "high", "chance")},
        **{name: at_least(0, "int64") for name in ("windows", "groups")},
        "classes": at_least(1, "int64"),
        "better": pa.Column(bool),
    },
    name="trust",
    strict=True,
)
"""How well models that never saw a group predict the labels of each species (:mod:`pipeline.detection.skill`): the share of the
unreviewed windows that they predict ``right``, every class counting alike, with its 95 % interval, what guessing gets, and
whether they are better."""

PREDICTIONS = pa.DataFrameSchema(
    {
        **WINDOW,
        **SPAN,
        "visible": share("float32"),
        **BAD_POSE,
        "predicted_label": string(),
        "probability": share("float32"),
        **_CLASSES,
    },
    checks=[SPAN_IN_ORDER, _SUM_TO_ONE],
    name="predictions",
    strict=True,
)
"""What `audit predict` writes. ``probability`` is that of ``predicted_label``; classes of another species are null. Of windows
with ``bad_pose`` too little was seen, or too much cannot be right, to believe what is predicted."""

ARM_PREDICTIONS = pa.DataFrameSchema(
    {"window_id": string(), "arm": string(), **_CLASSES},
    checks=_SUM_TO_ONE,
    name="predictions of the arms",
    strict=True,
    unique=["window_id", "arm"],
)
"""What the model of each arm says of the hold-out (`audit retrain`). Classes of another species are null."""


def probability_columns(classes: Sequence[str]) -> list[str]:
    """Return the oof columns of these classes."""
    return [f"{PROBABILITY_PREFIX}{c}" for c in classes]
