"""What the first page needs is read while the browser is still starting, so that nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

from audit_app.opened_run import run_at, workspace
from audit_app.queue_filters import QueueFilters
from audit_app.queue_rows import list_columns, queue_rows
from audit_app.similar_clips import open_neighbourhood
from data_schemas.errors import PoseAuditError

_FIRST_PAGE_SECONDS = 4
"""The queue is on the screen by then: what the Review page reads must not compete with it for the processor."""


@asynccontextmanager
async def preloading(_app: Any) -> AsyncIterator[None]:
    """Start to read when the server starts; it serves meanwhile."""
    Thread(target=preload, name="preload", kwargs={"pause": _FIRST_PAGE_SECONDS}, daemon=True).start()
    yield


def preload(*, pause: float = 0.0) -> None:
    """Read the newest run as the Queue and then, after a pause in seconds, the Review page will: each finds it there.

    What cannot be read is left to the pages, which say what is wrong with it.
    """
    latest = workspace().latest()
    if latest is None:
        return
    try:
        found = run_at(latest.path)
        rows = queue_rows(found)
        list_columns(found, here=None, filters=QueueFilters())
        time.sleep(pause)
        for species in sorted(rows["species"].unique()):
            open_neighbourhood(found, str(species))
    except PoseAuditError:
        return
