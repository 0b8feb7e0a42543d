"""What the Review page knows of a segment beside its clip, and the clip that comes after it, for pages that ask ahead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit_app.labeller_widget import clip_data
from audit_app.opened_run import run_at
from audit_app.queue_filters import QueueFilters
from audit_app.queue_navigation import places_of, segment_after
from audit_app.queue_rows import queue_rows, seconds_per_frame
from audit_app.similar_clips import ready_similar_clips, similar_clips
from audit_app.status_cache import status_cache
from audit_app.tokens import Permit
from pipeline.report.run_tables import RunTables
from pipeline.review.events import REVIEW


def segment_facts(found: RunTables, rows: pd.DataFrame, segment_id: str, *, filters: QueueFilters) -> dict[str, Any]:
    """Return what the labeller shows of a segment, each made when it is called for."""
    segment = _segment(rows, segment_id)
    return {
        "progress": lambda: _progress(rows, segment, filters=filters, run=str(found.folder.path)),
        "similar": lambda: ready_similar_clips(found, segment),
        # With a filter on another state than open the next segment may lie in the very clip that is left: no clip is made ready.
        "queue_query": lambda: urlencode(filters.query()) if filters.state in ("", "open") else None,
    }


def clip_after(run: Path, permit: Permit, *, segment_id: str, query: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the data of the clip that the page goes to when it leaves this one, or None where the queue ends.

    The clip that the page shows is taken for reviewed: what was painted last in it may still be on its way.

    Parameters
    ----------
    query
        The filters of the queue, as the page's address has them.
    """
    found = run_at(run)
    filters = QueueFilters.from_query(query)
    segments = status_cache(found).segments
    here = segments.loc[segments["segment_id"] == segment_id, "clip_id"]
    if permit.stream != REVIEW or here.empty:
        return None
    rows = queue_rows(found, fresh_clip=str(here.iloc[0]))
    target = segment_after(rows, segment_id, filters=filters, go="next_clip")
    if target is None:
        return None
    facts = segment_facts(found, rows, target, filters=filters)
    clip_id = str(_segment(rows, target)["clip_id"])
    return clip_data(found, clip_id, reviewer=permit.reviewer, segment_id=target, **facts)


def clips_like(run: Path, permit: Permit, *, segment_id: str, **_: Any) -> list[dict[str, Any]]:
    """Return the clips that look like a segment, for a page that got its clip before they were ready."""
    found = run_at(run)
    segments = status_cache(found).segments
    known = permit.stream == REVIEW and segment_id in set(segments["segment_id"])
    return similar_clips(found, _segment(segments, segment_id)) if known else []


# Speed is taken from all events, and hardly changes in a minute: no clip waits for them to be read.
@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def _pace(run: str) -> float | None:
    return seconds_per_frame()


def _segment(rows: pd.DataFrame, segment_id: str) -> dict[str, Any]:
    found: dict[str, Any] = rows[rows["segment_id"] == segment_id].to_dict("records")[0]  # type: ignore[assignment]
    return found


def _progress(rows: pd.DataFrame, segment: Mapping[str, Any], *, filters: QueueFilters, run: str) -> dict[str, Any]:
    """Return the places of the clip's segments in the filtered queue, its length, and the minutes that are left."""
    places, of = places_of(rows, str(segment["clip_id"]), filters=filters)
    progress: dict[str, Any] = {"places": places, "of": of, "among": filters.among()}
    pace = _pace(run)
    if pace is not None:
        shown = filters.apply(rows)
        progress["minutes_left"] = round(float(shown.loc[shown["state"] == "open", "frames"].sum()) * pace / 60, 1)
    return progress
