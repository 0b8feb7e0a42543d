"""Reviewers who label blind samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.review.events import Commit, Operation, Span, blind_stream
from pipeline.review.store import ReviewStore


@pytest.fixture
def paint(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Give a function that stores one act in a blind stream and returns all events: ``paint("kim", "c0", (0, 4, "B"))``."""
    count = 0
    store = ReviewStore.open(tmp_path / "review.db")

    def do(reviewer: str = "", clip_id: str = "", *spans: tuple, stream: str = blind_stream("s1"), undoes=None) -> pd.DataFrame:
        nonlocal count
        if clip_id:
            count += 1
            at = pd.Timestamp("2026-11-25T01:00:00Z") + pd.Timedelta(seconds=count)
            made = tuple(Span(a, b, x) if x.islower() else Span(a, b, "relabel", x) for a, b, x in spans)
            operation = Operation(f"{count:04d}", at.isoformat(), made, undoes=undoes)
            base = store.revision(clip_id, reviewer=reviewer, stream=stream)
            store.commit(Commit("run", reviewer, stream, clip_id, base, count, (operation,)))
        return store.events()

    yield do
    store.close()
