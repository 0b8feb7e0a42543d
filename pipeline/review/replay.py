"""From events to labels: replay.

An operation is *active* unless a later active one undoes it. The spans of the active operations are laid over each other in the
order of their revisions; frames that none covers are not reviewed. So undoing an old operation keeps what was painted later.
The page replays by the same rules in JavaScript; ``tests/vectors/replay.json`` holds both to them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.labels import normal_name
from pipeline.review.events import ADJUDICATION, EXCLUDED, NOT_REVIEWED, UNSURE, Operation

__all__ = ["Cells", "active_operations", "codes_of", "in_order", "labels_of_stream", "replay_codes", "replay_streams"]

_CODES = {"undo": NOT_REVIEWED, "unsure": UNSURE, "exclude": EXCLUDED}
_REPLAYED = ("clip_id", "reviewer", "stream", "frame_number", "action", "label", "event_id", "at")
_WIDE = np.int64(2) ** 32


def active_operations(operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations of one stream that are in force, in their order."""
    position = {o.operation_id: i for i, o in enumerate(operations)}
    targets = [position.get(o.undoes, -1) if o.undoes else -1 for o in operations]
    active = _active(np.array(targets, np.int64))
    return [o for o, on in zip(operations, active, strict=True) if on]


def replay_codes(
    operations: Sequence[Operation], frame_numbers: NDArray[np.integer], classes: Sequence[str]
) -> NDArray[np.int16]:
    """Return the code of every frame after the operations of one stream.

    Parameters
    ----------
    operations
        In the order of their revisions.
    frame_numbers : int, shape (n,)
        The clip's frames, ascending.
    classes
        What codes from 0 on mean; a label that is none of them gets the code of a frame not reviewed.
    """
    code = {normal_name(c): i for i, c in enumerate(classes)}
    codes = np.full(len(frame_numbers), NOT_REVIEWED, np.int16)
    for operation in active_operations(operations):
        for span in operation.spans:
            if span.action != "note":
                first = np.searchsorted(frame_numbers, span.start_frame, side="left")
                last = np.searchsorted(frame_numbers, span.end_frame, side="right")
                codes[first:last] = _CODES[span.action] if span.label is None else code.get(span.label, NOT_REVIEWED)
    return codes


def labels_of_stream(
    events: pd.DataFrame, frame_numbers: NDArray[np.integer], given: str | Sequence[str | None] | None = None
) -> pd.DataFrame:
    """Return what the events of one clip, reviewer and stream say about every frame.

    Parameters
    ----------
    events
        Review events of one clip, reviewer and stream.
    frame_numbers : int, shape (n,)
        The clip's frames, ascending.
    given
        The clip's given label, or one a frame (None: none): tells keep from relabel anew, for it may have changed since.

    Returns
    -------
    DataFrame of n rows
        frame_number, action (relabel, keep, unsure, exclude; null: not reviewed), label (null where the action carries none)
        and event_id of the event that decided.
    """
    clip = events["clip_id"].iloc[0] if len(events) else ""
    frames = pd.DataFrame({"clip_id": clip, "frame_number": np.asarray(frame_numbers)})
    said = replay_streams(events, frames).set_index("frame_number")[["action", "label", "event_id"]]
    labels = said.reindex(frames["frame_number"]).reset_index()
    if given is not None:
        painted = labels["label"].notna()
        kept = painted & (labels["label"] == pd.Series([given] * len(labels) if isinstance(given, str) else list(given)))
        labels["action"] = labels["action"].mask(painted, "relabel").mask(kept, "keep")
    return labels


def codes_of(labels: pd.DataFrame, classes: Sequence[str]) -> NDArray[np.int16]:
    """Return the codes of a table with ``action`` and ``label``, such as `labels_of_stream` gives."""
    code = {normal_name(c): i for i, c in enumerate(classes)}
    painted = labels["label"].map(code)
    codes = painted.fillna(labels["action"].map(_CODES)).fillna(NOT_REVIEWED)
    return np.asarray(codes, np.int16)


def replay_streams(events: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Return the decided frames of every clip, reviewer and stream.

    Parameters
    ----------
    events
        Any review events.
    frames : DataFrame with clip_id and frame_number
        The frames there are; what events say about others is left out.

    Returns
    -------
    DataFrame
        clip_id, reviewer, stream, frame_number, action, label, event_id, at: a row for each frame that an active event covers,
        by clip, stream, reviewer and frame. Adjudicators share one stream: its rows carry the reviewer who decided.
    """
    events = events[events["clip_id"].isin(frames["clip_id"].unique())]
    stream, events = in_order(events)
    cells = Cells(frames, events["clip_id"], stream)
    decided_by = np.full(cells.count, -1, np.int32)
    paints = _paints(events, stream)
    first, last = cells.spans(events, stream)
    for row, a, b in zip(paints.tolist(), first[paints].tolist(), last[paints].tolist(), strict=True):
        decided_by[a:b] = row
    cleared = (events["action"] == "undo").to_numpy(bool)
    decided_by[(decided_by >= 0) & cleared[decided_by]] = -1
    at = np.flatnonzero(decided_by >= 0)
    said = events.iloc[decided_by[at]].reset_index(drop=True)
    return said.assign(frame_number=cells.frame_numbers(at))[list(_REPLAYED)]


def in_order(events: pd.DataFrame) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return each event's stream as a number, and the events by stream and revision."""
    reviewer = events["reviewer"].mask(events["stream"] == ADJUDICATION, "")
    keys = pd.DataFrame({"clip_id": events["clip_id"], "stream": events["stream"], "reviewer": reviewer})
    stream = np.asarray(keys.groupby(["clip_id", "stream", "reviewer"], sort=True).ngroup(), np.int64)
    order = np.lexsort((events["revision"].to_numpy(), stream))
    return stream[order], events.iloc[order].reset_index(drop=True)


def _paints(events: pd.DataFrame, stream: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that change frames: those of active operations, without undos that name one, and notes."""
    names = events["operation_id"]
    operation, known = pd.factorize(names)
    firsts = np.full(len(known), len(events), np.int64)
    np.minimum.at(firsts, operation, np.arange(len(events)))
    target = pd.Index(known).get_indexer(events["undoes"].fillna(""))
    # An undo reaches only backwards, and only within its own stream.
    named = target >= 0
    reaches = named.copy()
    reaches[named] = (stream[firsts[target[named]]] == stream[named]) & (target[named] < operation[named])
    undoes = np.full(len(known), -1, np.int64)
    undoes[operation[reaches]] = target[reaches]
    active = _active(undoes)[operation]
    changes = (events["action"] != "note").to_numpy(bool) & events["undoes"].isna().to_numpy(bool)
    return np.flatnonzero(active & changes)


def _active(undoes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which operations are in force; ``undoes`` is the place of the earlier one that each takes back, or -1."""
    active = np.ones(len(undoes), bool)
    rows = np.flatnonzero((undoes >= 0) & (undoes < np.arange(len(undoes))))[::-1]
    for row, target in zip(rows.tolist(), undoes[rows].tolist(), strict=True):
        if active[row]:
            active[target] = False
    return active


class Cells:
    """One cell for each frame of each stream, numbered through, so that streams of all clips are laid in one array."""

    def __init__(self, frames: pd.DataFrame, clip_of_event: pd.Series, stream: NDArray[np.int64]) -> None:
        clips, names = pd.factorize(frames["clip_id"])
        keys = clips * _WIDE + frames["frame_number"].to_numpy(np.int64)
        self._row = np.argsort(keys, kind="stable")
        self._keys = keys[self._row]
        _, row = np.unique(stream, return_index=True)
        self._clip = pd.Index(names).get_indexer(clip_of_event.iloc[row]).astype(np.int64)
        starts = np.searchsorted(self._keys, self._clip * _WIDE)
        lengths = np.searchsorted(self._keys, (self._clip + 1) * _WIDE) - starts
        self._offsets = np.concatenate([[0], np.cumsum(lengths)])
        self._shift = self._offsets[:-1] - starts

    @property
    def count(self) -> int:
        """Return how many cells there are."""
        return int(self._offsets[-1])

    def spans(self, events: pd.DataFrame, stream: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the first cell of each event and the one behind its last."""
        clip = self._clip[stream] * _WIDE
        first = np.searchsorted(self._keys, clip + events["start_frame"].to_numpy(np.int64), side="left")
        last = np.searchsorted(self._keys, clip + events["end_frame"].to_numpy(np.int64), side="right")
        return first + self._shift[stream], last + self._shift[stream]

    def of_frames(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for every cell the value of its frame; ``values`` has one for each row of the frames."""
        lengths = np.diff(self._offsets)
        rows: NDArray[np.intp] = self._row[np.arange(self.count) - np.repeat(self._shift, lengths)]
        told: NDArray[np.int64] = values[rows]
        return told

    def of_events(self, values: NDArray[np.bool_], stream: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for every cell what is told of its stream; ``values`` has one for each event, the same for all of a stream."""
        _, row = np.unique(stream, return_index=True)
        told: NDArray[np.bool_] = np.repeat(values[row], np.diff(self._offsets))
        return told

    def frame_numbers(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the source frame number of each cell."""
        stream = np.searchsorted(self._offsets, cells, side="right") - 1
        numbers: NDArray[np.int64] = self._keys[cells - self._shift[stream]] % _WIDE
        return numbers
