"""Events of a toy review: one clip of ten frames, labelled A by the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.review.events import Operation, Span
from pipeline.review.store import Commit, ReviewStore
from tests.unit.pipeline.review.postgres import Server, running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Give a running PostgreSQL."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Give where a new review database may be: a file, and a database of a server."""
    return tmp_path / "review.db" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()


@pytest.fixture
def store(tmp_path: Path):
    with ReviewStore.open(tmp_path / "review.db") as opened:
        yield opened


@pytest.fixture
def act(store: ReviewStore) -> Callable[..., Operation]:
    """Give a function that stores one operation: ``act("kim", (0, 4, "B"), second=3)``."""
    count = 0

    def do(reviewer: str, *spans: tuple, stream: str = "review", clip_id: str = "c", second: float | None = None, **more):
        nonlocal count
        count += 1
        at = pd.Timestamp("2026-11-25T01:00:00Z") + pd.Timedelta(seconds=count if second is None else second)
        made = [Span(a, b, x, None) if x.islower() else Span(a, b, "relabel", x) for a, b, x in spans]
        operation = Operation(f"{count:04d}", at.isoformat(), tuple(made), **more)
        base = store.revision(clip_id, reviewer=reviewer, stream=stream)
        store.commit(Commit("run", reviewer, stream, clip_id, base, count, (operation,)))
        return operation

    return do


@pytest.fixture
def frames() -> pd.DataFrame:
    numbers = np.arange(10)
    clips = [pd.DataFrame({"clip_id": name, "frame_number": numbers, "given": "A"}) for name in ("c", "d")]
    return pd.concat(clips, ignore_index=True)
