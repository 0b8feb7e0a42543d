"""What the list of the queue gets: it sorts in the browser, and must do it as the way onwards does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from audit_app.opened_run import run_at
from audit_app.queue_filters import QueueFilters
from audit_app.queue_rows import list_columns, queue_rows
from pipeline.audit.stages import SCHEMAS
from tests.pages_run import run_of, segments_of


@pytest.fixture
def found(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a run whose segments have qualities that differ by less than a page shows, in no order."""
    monkeypatch.setenv("AUDIT_WORKSPACE", str(workspace))
    segments = segments_of(workspace)
    close = 0.345 + np.random.default_rng(0).uniform(0, 2e-4, len(segments))
    table = segments.assign(label_quality=close.astype(np.float32))
    run_of(workspace).write_table("segments", table, schema=SCHEMAS["segments"], fingerprint="generated")
    return run_at(run_of(workspace).path)


def test_the_lowest_quality_is_the_same_in_the_list_and_for_next(found) -> None:
    columns = json.loads(list_columns(found, here=None, filters=QueueFilters()))["columns"]
    listed = sorted(range(len(columns["id"])), key=lambda i: (columns["quality"][i], i))
    onwards = QueueFilters(order="quality").apply(queue_rows(found))["segment_id"].tolist()
    assert [columns["id"][i] for i in listed] == onwards
    assert onwards != columns["id"]
