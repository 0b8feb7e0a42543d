"""The review store of the workspace, and its events as the pages read them: again only when something was stored."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from audit_app.opened_run import workspace
from pipeline.review.access import database_of, no_events
from pipeline.review.store import ReviewStore

_PATIENCE_SECONDS = 5
"""How long events of a database that is not a file may be old."""


def database() -> Path | str:
    """Return where the events lie: review.db of the workspace, or the URL of `[review] database`."""
    return database_of(workspace())


def database_exists() -> bool:
    """Tell whether anything can have been decided yet; a page that only reads makes no database."""
    place = database()
    return place.exists() if isinstance(place, Path) else True


def store() -> ReviewStore:
    """Return the store, made or migrated where needed."""
    return _store(str(database()), isinstance(database(), Path))


def events() -> pd.DataFrame:
    """Return all events, oldest first; empty where there is no database yet."""
    place = database()
    if isinstance(place, Path):
        return _events(str(place), _changed(place)) if place.exists() else no_events()
    return _events(place, (int(time.time() / _PATIENCE_SECONDS),))


def _changed(place: Path) -> tuple[int, ...]:
    """Return what changes with every commit: SQLite writes to the log beside the database first."""
    files = [place, place.with_name(place.name + "-wal")]
    return tuple(value for f in files if f.exists() for value in (f.stat().st_mtime_ns, f.stat().st_size))


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(place: str, is_file: bool) -> ReviewStore:
    return ReviewStore.open(Path(place) if is_file else place)


@st.cache_resource(max_entries=4, show_spinner=False)
def _events(place: str, changed: tuple[int, ...]) -> pd.DataFrame:
    return store().events()
