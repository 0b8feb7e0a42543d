"""The rows of the queue: the segments of a run, what people decided about each, and the columns that the list draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import streamlit as st

from audit_app.review_events import events
from audit_app.wording import KIND_NAMES, STATE_NAMES
from pipeline.report.found import Found
from pipeline.review.progress import pace_of, segment_states

__all__ = ["list_columns", "queue_rows", "reviewing_pace"]


def queue_rows(found: Found) -> pd.DataFrame:
    """Return the segments to review, most doubtful first, those of the hold-out left out.

    Returns
    -------
    DataFrame
        The columns of the segments table, and ``frames`` (of the source, in the segment), ``state`` (open, decided or unsure),
        ``reviewers`` (tuple of names) and ``words`` (clip and class names, lower case, for the search).
    """
    return _rows(found, str(found.folder.path), _version())


def reviewing_pace() -> float | None:
    """Return the seconds that a frame takes by the work so far, or None where too little was done to tell."""
    return pace_of(events())


def list_columns(found: Found, *, here: str | None) -> bytes:
    """Return the queue as columns in JSON, as the list takes them; ``here`` is the segment that was opened last."""
    return _columns(found, str(found.folder.path), _version(), here)


def _version() -> int:
    # The table is kept by its time in review_events: as long as nothing was stored, it is the same object.
    return id(events())


@st.cache_resource(max_entries=4, show_spinner=False)
def _rows(_found: Found, run: str, version: int) -> pd.DataFrame:
    segments = _found["segments"]
    queue = segments[segments["split"] != "holdout"].reset_index(drop=True)
    states = segment_states(queue, events())
    titles = [_title(_found, s, n) for s, n in _classes(queue)]
    words = dict(zip(_classes(queue), (" ".join(t[:3]) for t in titles), strict=True))
    species, given, suggested = (queue[c].tolist() for c in ("species", "given_label", "suggested_label"))
    spoken = [
        f"{clip} {words[s, g]} {words[s, n]}".lower()
        for clip, s, g, n in zip(queue["clip_id"], species, given, suggested, strict=True)
    ]
    return queue.assign(
        frames=_frames_of(_found, queue),
        state=states["state"].to_numpy(object),
        reviewers=states["reviewers"].to_numpy(object),
        words=spoken,
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _columns(_found: Found, run: str, version: int, here: str | None) -> bytes:
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
        "probability": rows["suggested_probability"].round(3).tolist(),
        "quality": rows["label_quality"].round(3).tolist(),
        "given_class": [place[key] for key in zip(species, rows["given_label"], strict=True)],
        "suggested_class": [place[key] for key in zip(species, rows["suggested_label"], strict=True)],
        "reviewer": [[codes["reviewer"][n] for n in names] for names in rows["reviewers"]],
    }
    for name, column in (
        ("species", "species"),
        ("given", "given_label"),
        ("suggested", "suggested_label"),
        ("kind", "kind"),
        ("state", "state"),
    ):
        columns[name] = rows[column].map(codes[name]).tolist()
    return msgspec.json.encode(
        {
            "columns": columns,
            "lists": lists,
            "names": [_title(_found, s, n) for s, n in classes],
            "seconds_per_frame": reviewing_pace(),
            "here": here,
        }
    )


def _lists(found: Found, rows: pd.DataFrame, classes: Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return for each filter its values and the words for them."""
    told: dict[str, str] = {}
    for species, name in classes:
        told.setdefault(name, _title(found, species, name)[1])
    by_word = sorted(told.items(), key=lambda item: item[1])
    people = sorted({name for names in rows["reviewers"] for name in names})
    return {
        "species": [(s, s.title()) for s in sorted(rows["species"].unique())],
        "given": by_word,
        "suggested": by_word,
        "kind": list(KIND_NAMES.items()),
        "reviewer": [(name, name) for name in people],
        "state": list(STATE_NAMES.items()),
    }


def _classes(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the classes that occur, each with its species."""
    given = zip(rows["species"], rows["given_label"], strict=True)
    suggested = zip(rows["species"], rows["suggested_label"], strict=True)
    return sorted({*given, *suggested})


def _title(found: Found, species: str, name: str) -> tuple[str, str, str, str]:
    """Return a class's code, English and Korean name, and colour."""
    label = found.taxonomy.label(species, name) if found.taxonomy else None
    en, ko = (label.en, label.ko) if label else (name, "")
    return name, en or name, "" if ko == en else ko, found.colours[name]


def _frames_of(found: Found, rows: pd.DataFrame) -> list[int]:
    """Return about how many frames of the source each segment has: clips number their frames evenly."""
    clips = found["clips"].set_index("clip_id")
    windows = found["windows"].groupby("clip_id").agg(start=("start_frame", "min"), end=("end_frame", "max"))
    span = (windows["end"] - windows["start"] + 1).clip(lower=1)
    density = (clips["frame_count"].reindex(span.index) / span).clip(upper=1.0)
    length = rows["end_frame"] - rows["start_frame"] + 1
    share = rows["clip_id"].map(density).fillna(1.0).to_numpy(np.float64)
    return np.maximum(1, np.rint(length.to_numpy() * share)).astype(int).tolist()
