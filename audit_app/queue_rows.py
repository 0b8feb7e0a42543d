"""The rows of the queue: the segments of a run, what people decided about each, and the columns that the list draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd
import streamlit as st

from audit_app.page_text import STATE_NAMES
from audit_app.queue_filters import FILTER_COLUMNS, QueueFilters
from audit_app.review_events import events
from audit_app.status_cache import status_cache
from pipeline.readers.taxonomy import KIND_NAMES, class_title, other_names
from pipeline.report.run_tables import RunTables
from pipeline.review.segment_states import frames_a_minute, states_in_queue


def queue_rows(found: RunTables, *, fresh_clip: str | None = None) -> pd.DataFrame:
    """Return the segments to review, highest priority first, those of the hold-out left out.

    Parameters
    ----------
    fresh_clip
        Only look for new decisions in this clip, which is quick; without it, in all.

    Returns
    -------
    DataFrame
        The columns of :attr:`audit_app.status_cache.StatusCache.segments`, and ``frames``, ``state`` (open, decided, unsure or
        disputed), ``reviewers`` (names, by comma) and ``words`` (clip and class names, lower case, for the search).
    """
    cache = status_cache(found)
    if fresh_clip is None:
        cache.refresh()
    else:
        cache.refresh_clip(fresh_clip)
    return _rows(found, str(found.folder.path), cache.version)


def seconds_per_frame() -> float | None:
    """Return the seconds that a frame takes by the work so far, or None where too little was done to tell."""
    speed = frames_a_minute(events())
    return 60.0 / speed if speed else None


def list_columns(found: RunTables, *, here: str | None, filters: QueueFilters, within: bool = False) -> bytes:
    """Return the queue as columns in JSON, as the list takes them.

    Parameters
    ----------
    here
        The segment that was opened last.
    filters
        What the list filters by when it is shown first; from then on it keeps its own.
    within
        These filters come on top of those that the tab kept.
    """
    return _columns(found, str(found.folder.path), status_cache(found).version, here, filters, within)


@st.cache_resource(max_entries=2, show_spinner=False)
def _rows(_found: RunTables, run: str, version: int) -> pd.DataFrame:
    cache = status_cache(_found)
    queue, states = cache.segments, cache.states
    return queue.assign(
        words=_words(_found, run),
        # Where reviewers differ there is no label yet, but the stretch waits on the Agreement page, not here.
        state=states_in_queue(states).to_numpy(),
        frames=states["frames"].to_numpy(),
        reviewers=states["reviewers"].to_numpy(),
    )


# Apart from the rows, which change with every act: these words stay as long as the run does.
@st.cache_resource(max_entries=2, show_spinner=False)
def _words(_found: RunTables, run: str) -> list[str]:
    queue = status_cache(_found).segments
    words = {key: " ".join(_title(_found, *key)[:3]) for key in _classes(queue)}
    return [
        f"{clip} {words[species, given]} {words[species, suggested]}".lower()
        for clip, species, given, suggested in zip(
            queue["clip_id"], queue["species"], queue["given_label"], queue["suggested_label"], strict=True
        )
    ]


@st.cache_resource(max_entries=8, show_spinner=False)
def _columns(_found: RunTables, run: str, version: int, here: str | None, filters: QueueFilters, within: bool) -> bytes:
    rows = queue_rows(_found)
    classes = _classes(rows)
    place = {key: i for i, key in enumerate(classes)}
    lists = _lists(_found, rows, classes)
    codes = {name: {value: i for i, (value, _) in enumerate(choices)} for name, choices in lists.items()}
    species = rows["species"].tolist()
    columns: dict[str, Any] = {
        "id": rows["segment_id"].tolist(),
        "clip": rows["clip_id"].tolist(),
        "start": rows["start_frame"].tolist(),
        "end": rows["end_frame"].tolist(),
        "windows": rows["windows"].tolist(),
        "frames": rows["frames"].tolist(),
        "probability": rows["suggested_probability"].astype("float64").round(2).tolist(),
        "quality": rows["label_quality"].tolist(),
        "learning": rows["learning_rank"].tolist(),
        "given_class": [place[key] for key in zip(species, rows["given_label"], strict=True)],
        "suggested_class": [place[key] for key in zip(species, rows["suggested_label"], strict=True)],
        "reviewer": [[codes["reviewer"][n] for n in _people(names)] for names in rows["reviewers"]],
    }
    for name, column in FILTER_COLUMNS.items():
        columns[name] = rows[column].map(codes[name]).tolist()
    return msgspec.json.encode(
        {
            "columns": columns,
            "lists": lists,
            "names": [_title(_found, s, n) for s, n in classes],
            "seconds_per_frame": seconds_per_frame(),
            "here": here,
            "query": filters.query(),
            "within": within,
        }
    )


def _lists(found: RunTables, rows: pd.DataFrame, classes: Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return for each filter its values and the words for them."""
    titles: dict[str, str] = {}
    for species, name in classes:
        titles.setdefault(name, class_title(found.taxonomy, species, name))
    by_word = sorted(titles.items(), key=lambda item: item[1])
    people = sorted({name for names in rows["reviewers"].unique() for name in _people(names)})
    return {
        "species": [(s, s.title()) for s in sorted(rows["species"].unique())],
        "given": by_word,
        "suggested": by_word,
        "kind": list(KIND_NAMES.items()),
        "reviewer": [(name, name) for name in people],
        "state": list(STATE_NAMES.items()),
    }


def _people(names: str) -> list[str]:
    return names.split(", ") if names else []


def _classes(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the classes that occur, each with its species."""
    given = zip(rows["species"], rows["given_label"], strict=True)
    suggested = zip(rows["species"], rows["suggested_label"], strict=True)
    return sorted({*given, *suggested})


def _title(found: RunTables, species: str, name: str) -> tuple[str, str, str, str, int]:
    """Return a class's code, English and Korean name, colour and second cue."""
    return name, *other_names(found.taxonomy, species, name), *found.look(name)
