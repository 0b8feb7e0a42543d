"""The review state of each segment, cached clip by clip: events are only added, so most clips stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
import pandas as pd
import streamlit as st

from audit_app.review_events import database_exists, events, store
from pipeline.report.run_tables import RunTables
from pipeline.review.segment_states import expected_residual_error, segment_states
from pipeline.windows.frame_index import given_labels
from pipeline.windows.sampling import clip_bounds

_RECENT = 8
"""Clips that are looked at again: those of the last seconds of several reviewers."""

_DIGITS = 4
"""Decimals of a label quality in the queue."""


class StatusCache:
    """The segments of a run that are reviewed, highest priority first, and their states.

    Attributes
    ----------
    segments : DataFrame
        The queue: segments without the hold-out, their ``label_quality`` rounded, and ``learning_rank``, 1 for the segment
        that is best for retraining.
    states : DataFrame
        As :func:`pipeline.review.segment_states.segment_states` gives it, a row for each segment.
    counts : Series
        Events that were taken in, by clip.
    version : int
        Counts the changes.
    """

    def __init__(self, found: RunTables) -> None:
        segments = found["segments"]
        self._found = found
        self._lock = Lock()
        self.counts: pd.Series = pd.Series(dtype="int64")
        queue = segments[segments["split"] != "holdout"].reset_index(drop=True)
        rank = expected_residual_error(queue).rank(ascending=False, method="first").astype("int64")
        # The list in the browser and the way onwards sort by the same figures.
        quality = queue["label_quality"].astype("float64").round(_DIGITS)
        self.segments = queue.assign(label_quality=quality, learning_rank=rank)
        self.states = segment_states(self.segments, events().iloc[:0])
        self.version = 0
        self._recent: list[str] = []

    def refresh(self) -> None:
        """Take in what was stored since, in any clip."""
        stored = events()
        counts = stored.groupby("clip_id").size()
        with self._lock:
            fresh = counts[counts != self.counts.reindex(counts.index)].index
            if len(fresh):
                self._take(stored[stored["clip_id"].isin(fresh)], list(fresh))
                self.counts = counts

    def refresh_clip(self, clip_id: str) -> None:
        """Take in what was stored about one clip and those that were shown before it; quick, whatever else there is.

        A page leaves a clip before its last act is stored: only a later look at that clip finds it decided.
        """
        if not database_exists():
            return
        with self._lock:
            self._recent = [clip_id, *(c for c in self._recent if c != clip_id)][:_RECENT]
            recent = list(self._recent)
        for clip, count in store().counts(recent).items():
            if count == self.counts.get(clip, 0):
                continue
            stored = store().events(clip_id=clip)
            with self._lock:
                self._take(stored, [clip])
                self.counts[clip] = len(stored)

    def _take(self, stored: pd.DataFrame, clips: list[str]) -> None:
        touched = self.segments["clip_id"].isin(clips)
        if touched.any():
            fresh = segment_states(self.segments[touched], stored, frames_of_clips(self._found, clips))
            states = self.states.copy()
            states.loc[touched.to_numpy(), :] = fresh.set_axis(states.index[touched])
            self.states = states
        self.version += 1


def status_cache(found: RunTables) -> StatusCache:
    """Return the cache of a run; one serves all sessions."""
    return _cache_of(found, str(found.folder.path))


@st.cache_resource(max_entries=2, show_spinner=False)
def _cache_of(_found: RunTables, run: str) -> StatusCache:
    return StatusCache(_found)


def frames_of_clips(found: RunTables, clips: Sequence[str] | pd.Series) -> pd.DataFrame:
    """Return the frames of some clips, with their given label as ``given``, null for none; the others are not looked at."""
    table, bounds = found["clips"], clip_bounds(found["clips"])
    rows = np.flatnonzero(table["clip_id"].isin(clips)).tolist()
    columns = [c for c in ("clip_id", "frame_number", "frame_label") if c in found["frames"]]
    parts = [found["frames"].iloc[bounds[i] : bounds[i + 1]][columns] for i in rows]
    frames = pd.concat(parts, ignore_index=True) if parts else found["frames"].iloc[:0][columns]
    return frames[["clip_id", "frame_number"]].assign(given=given_labels(table, frames))
