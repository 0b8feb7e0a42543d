"""Clips for comparison beside a suspect segment: what the labeller draws as small moving skeletons."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

import pandas as pd
import streamlit as st

from audit_app.components.payload import clip_poses
from audit_app.components.poses import packed
from audit_app.review_events import events, store
from audit_app.similar_windows import Neighbour, Neighbourhood, confirmed_windows
from audit_app.status_cache import StatusCache, frames_of_clips, status_cache
from pipeline.readers.taxonomy import other_names
from pipeline.report.run_tables import RunTables
from pipeline.review.frame_labels import labels_after_review

_FEW_CLIPS = 3
_LOCK = Lock()


def similar_clips(found: RunTables, segment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the clips that look most like a segment, as the labeller takes them; none where nothing can be compared."""
    run, species = str(found.folder.path), str(segment["species"])
    neighbours = open_neighbourhood(found, species)
    # Pages and the route that makes the next clip ready ask at the same time.
    with _LOCK:
        _confirmed(run).refresh(found, status_cache(found))
        neighbours.confirm(_confirmed(run).windows)
        near = neighbours.nearest(segment["clip_id"], segment["start_frame"], segment["end_frame"])
    return [_drawn(found, species, neighbour) for neighbour in near]


def ready_similar_clips(found: RunTables, segment: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the same where the species is embedded already; None: whoever wants them asks again and waits for it."""
    ready = (str(found.folder.path), str(segment["species"])) in _embedded()
    return similar_clips(found, segment) if ready else None


def open_neighbourhood(found: RunTables, species: str) -> Neighbourhood:
    """Return the embedded windows of a species of a run; the first to ask waits for some seconds."""
    run = str(found.folder.path)
    neighbours = _neighbourhood(found, run, species)
    _embedded().add((run, species))
    return neighbours


class _ConfirmedWindows:
    """The windows whose label people confirmed, kept clip by clip."""

    def __init__(self) -> None:
        self.windows = pd.DataFrame({"window_id": [], "label": []}, dtype="str")
        self._of_clip: dict[str, tuple[int, pd.DataFrame]] = {}

    def refresh(self, found: RunTables, cache: StatusCache) -> None:
        changed = [str(c) for c, n in cache.counts.items() if self._of_clip.get(str(c), (0,))[0] != n]
        if not changed:
            return
        few = len(changed) <= _FEW_CLIPS
        stored = pd.concat([store().events(clip_id=c) for c in changed]) if few else events()
        after = labels_after_review(stored[stored["clip_id"].isin(changed)], frames_of_clips(found, changed))
        after["label"] = after["label"].where((after["source"] != "given") & ~after["excluded"])
        own = found["windows"][found["windows"]["clip_id"].isin(changed)]
        windows = confirmed_windows(own, after).merge(own[["window_id", "clip_id"]], on="window_id")
        for clip in changed:
            kept = windows.loc[windows["clip_id"] == clip, ["window_id", "label"]]
            self._of_clip[clip] = (int(cache.counts[clip]), kept)
        self.windows = pd.concat([kept for _, kept in self._of_clip.values()], ignore_index=True)


@st.cache_resource(max_entries=2, show_spinner=False)
def _confirmed(run: str) -> _ConfirmedWindows:
    return _ConfirmedWindows()


@st.cache_resource(max_entries=4, show_spinner=False)
def _neighbourhood(_found: RunTables, run: str, species: str) -> Neighbourhood:
    return Neighbourhood(
        {n: _found[n] for n in ("clips", "frames", "windows", "oof", "issues")}, species=species, config=_found.config
    )


@st.cache_resource(show_spinner=False)
def _embedded() -> set[tuple[str, str]]:
    return set()


def _drawn(found: RunTables, species: str, neighbour: Neighbour) -> dict[str, Any]:
    _, frames = found.clip(neighbour.clip_id)
    near = frames[frames["frame_number"].between(neighbour.start_frame, neighbour.end_frame)].reset_index(drop=True)
    return {
        "clip_id": neighbour.clip_id,
        "label": neighbour.label,
        "name": other_names(found.taxonomy, species, neighbour.label)[0],
        "confirmed": neighbour.confirmed,
        "colour": found.look(neighbour.label).colour,
        "distance": round(neighbour.distance, 2),
        "times": packed(near["timestamp_ms"].to_numpy(), "<i4"),
        "poses": clip_poses(found, near),
    }
