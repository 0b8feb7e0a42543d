"""One row of a file of decisions, checked against the clips of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import UsageError
from data_schemas.labels import nearest, normal_name
from data_schemas.tables import REVIEW_ACTIONS
from pipeline.readers.names import clip_id_of, plain_name, without_ending
from pipeline.review.access import KnownLabels
from pipeline.review.events import Commit, Operation, Span

__all__ = ["Clips", "RowError", "checked_row"]

_LARGEST = 2**31 - 1


class RowError(Exception):
    """Why a row of a file does not fit; the importer lists it."""


class Clips:
    """The clips of a run, by name, with their frames, given labels and species."""

    def __init__(self, frames: pd.DataFrame, species: Mapping[str, str], labels: KnownLabels) -> None:
        ordered = frames.sort_values(["clip_id", "frame_number"], kind="stable")
        clip = ordered["clip_id"].to_numpy(object)
        bounds = np.flatnonzero(np.append(True, clip[1:] != clip[:-1])) if len(clip) else np.zeros(0, np.int64)
        self._bounds = dict(zip(clip[bounds], zip(bounds, np.append(bounds[1:], len(clip)), strict=True), strict=True))
        self._numbers = ordered["frame_number"].to_numpy(np.int64)
        self._given = ordered["given"].fillna("").to_numpy(object)
        self._species = species
        self._labels = labels

    def frames(self, clip_id: str) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Return the frame numbers of a clip and the given label of each, empty where there is none."""
        if clip_id not in self._bounds:
            close = self._close(clip_id)
            raise RowError(f"no clip {clip_id!r} in this run" + (f"; did you mean {close!r}?" if close else ""))
        first, last = self._bounds[clip_id]
        return self._numbers[first:last], self._given[first:last]

    def _close(self, clip_id: str) -> str | None:
        """Return the clip that a name probably means: that of its video or file, else the one that looks most alike."""
        stem = clip_id_of(clip_id.replace("\\", "/"))
        bare = normal_name(without_ending(stem) or stem).casefold()
        named = next((name for name in self._bounds if bare in (name.casefold(), clip_id_of(name).casefold())), None)
        return named or nearest(clip_id, self._bounds)

    def label(self, clip_id: str, phrase: str) -> str:
        """Return the label that a name means for this clip's species."""
        species = self._species[clip_id]
        label = self._labels.resolve(species, phrase)
        if label is None:
            close = self._labels.nearest(species, phrase)
            raise RowError(f"no label {phrase!r} for {species}" + (f"; did you mean {close!r}?" if close else ""))
        return normal_name(label)


def checked_row(row: Mapping[str, Any], clips: Clips, defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's values as the store keeps them; identifiers and revision may still be missing (null and 0).

    Raises
    ------
    RowError
        It does not fit: an unknown clip, label or action, a span outside the clip, or a value that is none.
    """
    told = {k: _value(row, k) for k in ("clip_id", "reviewer", "label", "action", "stream", "at", "run_id", "undoes", "note")}
    clip_id = plain_name(told["clip_id"])
    told |= {"clip_id": clip_id, "label": plain_name(told["label"])}
    if clip_id is None:
        raise RowError("clip_id is empty")
    start, end = _number(row, "start_frame"), _number(row, "end_frame")
    numbers, given = clips.frames(clip_id)
    if not numbers[0] <= start <= end <= numbers[-1]:
        raise RowError(f"span {start}-{end} is not in clip {clip_id} (frames {numbers[0]}-{numbers[-1]})")
    label = None if told["label"] is None else clips.label(clip_id, told["label"])
    inside = given[(numbers >= start) & (numbers <= end)]
    action = told["action"] or _action(label, inside, told["note"])
    if action not in REVIEW_ACTIONS:
        close = nearest(action, REVIEW_ACTIONS)
        raise RowError(f"no action {action!r}" + (f"; did you mean {close!r}?" if close else f"; {', '.join(REVIEW_ACTIONS)}"))
    if told["undoes"] and action != "undo":
        raise RowError(f"action {action} names an operation in undoes; only undo does")
    if label is not None and action not in ("relabel", "keep"):
        raise RowError(f"action {action} with label {label!r}; only relabel and keep carry one")
    values = {**told, "start_frame": start, "end_frame": end, "action": action, "label": label}
    values |= {k: told[k] or defaults[k] for k in ("stream", "at", "run_id")}
    return _normalised(values, row)


def _normalised(values: dict[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Bring names and time into the form in which they are stored, by the rules for what a page sends."""
    identifiers = {k: _value(row, k) for k in ("event_id", "operation_id")}
    for key, value in identifiers.items():
        if value is not None and not re.fullmatch(r"[0-9A-Za-z_.:-]{1,128}", value):
            raise RowError(f"{key} {value!r} is not an identifier")
    try:
        span = Span(values["start_frame"], values["end_frame"], values["action"], values["label"])
        spans = () if values["undoes"] else (span,)
        operation = Operation(
            identifiers["operation_id"] or "row", values["at"], spans, undoes=values["undoes"], note=values["note"]
        )
        commit = Commit(values["run_id"], values["reviewer"] or "", values["stream"], values["clip_id"], 0, 0, (operation,))
    except UsageError as error:
        raise RowError(error.message) from error
    revision = _number(row, "revision") if _value(row, "revision") is not None else 0
    named = {k: getattr(commit, k) for k in ("run_id", "reviewer", "stream")}
    return {**values, **identifiers, **named, "at": operation.at, "note": operation.note, "revision": revision}


def _action(label: str | None, given: NDArray[np.object_], note: str | None) -> str:
    """Return what a row without an action does: confirm the given label, give another one, or note something."""
    if label is not None:
        return "keep" if len(given) and all(normal_name(g) == label for g in given) else "relabel"
    if note is not None:
        return "note"
    raise RowError("neither label nor action")


def _value(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool | float | list | dict):
        raise RowError(f"{key} is {value!r}, not a text")
    text = str(value)
    return text if key == "note" else text.strip() or None


def _number(row: Mapping[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,10}(\.0*)?\s*", value):
        value = int(float(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise RowError(f"{key} is {row.get(key)!r}, not a frame number" if key != "revision" else f"revision is {value!r}")
    return value
