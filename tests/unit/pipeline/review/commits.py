"""Commits of a toy review: one clip of six frames, two classes."""

from __future__ import annotations

import numpy as np

from pipeline.review.events import Operation, Span, new_operation
from pipeline.review.replay import replay_codes
from pipeline.review.store import Commit, ReviewStore

FRAMES = np.array([3, 4, 5, 8, 9, 10])
CLASSES = ("A", "B")
AT = "2026-11-25T01:00:00.000Z"


def commit(*operations: Operation, base: int = 0, **changes) -> Commit:
    values = {"reviewer": "kim", "stream": "review", "frame_numbers": FRAMES, "classes": CLASSES, **changes}
    return Commit("run", clip_id=values.pop("clip_id", "c"), base_revision=base, sequence=1, operations=operations, **values)


def paint(label: str, start: int = 3, end: int = 10) -> Operation:
    return new_operation(Span(start, end, "relabel", label))


def codes(store: ReviewStore, reviewer: str = "kim", stream: str = "review") -> list[int]:
    return replay_codes(store.operations("c", reviewer=reviewer, stream=stream), FRAMES, CLASSES).tolist()
