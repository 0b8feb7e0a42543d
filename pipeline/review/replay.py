"""From events to labels: replay.

An operation is *active* unless a later active one undoes it. The spans of the active operations are laid over each other in the
order of their revisions; frames that none covers are not reviewed. So undoing an old operation keeps what was painted later.
The page replays by the same rules in JavaScript; ``tests/vectors/replay.json`` holds both to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.labels import normal_name
from pipeline.review.events import ADJUDICATION, CODES, NOT_REVIEWED, Operation
from pipeline.windows.frame_index import FrameIndex, FrameSpans, runs

_REPLAYED = ("clip_id", "reviewer", "stream", "frame_number", "action", "label", "event_id", "at")


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
    painted = [span for o in active_operations(operations) for span in o.spans if span.action != "note"]
    ends = np.array([(span.start_frame, span.end_frame) for span in painted], np.int64).reshape(-1, 2)
    one_clip = np.zeros(len(frame_numbers), np.int64), np.zeros(len(painted), np.int64)
    spans = FrameIndex.of_codes(one_clip[0], frame_numbers).spans(one_clip[1], *ends.T)
    # The last code is that of frames that no span covers, whose place is -1.
    said = [CODES[s.action] if s.label is None else code.get(s.label, NOT_REVIEWED) for s in painted]
    return np.array([*said, NOT_REVIEWED], np.int16)[spans.last_over()]


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
    cells = StreamFrames.of(frames, events, stream)
    decided_by = cells.spans.last_over(_paints(events, stream))
    cleared = (events["action"] == "undo").to_numpy(bool)
    at = np.flatnonzero((decided_by >= 0) & ~cleared[decided_by])
    said = events.iloc[decided_by[at]].reset_index(drop=True)
    return said.assign(frame_number=frames["frame_number"].to_numpy(np.int64)[cells.row[at]])[list(_REPLAYED)]


def in_order(events: pd.DataFrame) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return each event's stream as a number, and the events by stream and revision."""
    reviewer = events["reviewer"].mask(events["stream"] == ADJUDICATION, "")
    keys = pd.DataFrame({"clip_id": events["clip_id"], "stream": events["stream"], "reviewer": reviewer})
    stream = np.asarray(keys.groupby(["clip_id", "stream", "reviewer"], sort=True).ngroup(), np.int64)
    order = np.lexsort((events["revision"].to_numpy(), stream))
    return stream[order], events.iloc[order].reset_index(drop=True)


def _paints(events: pd.DataFrame, stream: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that change frames: those of active operations, without undos that name one, and notes."""
    operation, _, undoes = _undone(events, stream)
    return np.flatnonzero(_active(undoes)[operation] & _changes_frames(events))


def _changes_frames(events: pd.DataFrame) -> NDArray[np.bool_]:
    return (events["action"] != "note").to_numpy(bool) & events["undoes"].isna().to_numpy(bool)


def _undone(events: pd.DataFrame, stream: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64]]:
    """Return the operation of each event, the names of operations, and the one that each takes back, or -1."""
    operation, names = pd.factorize(events["operation_id"])
    _, first = np.unique(operation, return_index=True)
    target = pd.Index(names).get_indexer(events["undoes"].fillna(""))
    # An undo reaches only backwards, and only within its own stream.
    named = target >= 0
    reaches = named.copy()
    reaches[named] = (stream[first[target[named]]] == stream[named]) & (target[named] < operation[named])
    undoes = np.full(len(names), -1, np.int64)
    undoes[operation[reaches]] = target[reaches]
    return operation, [str(name) for name in names], undoes


def _active(undoes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which operations are in force; ``undoes`` is the place of the earlier one that each takes back, or -1."""
    active = np.ones(len(undoes), bool)
    rows = np.flatnonzero((undoes >= 0) & (undoes < np.arange(len(undoes))))[::-1]
    for row, target in zip(rows.tolist(), undoes[rows].tolist(), strict=True):
        if active[row]:
            active[target] = False
    return active


@dataclass(frozen=True)
class StreamFrames:
    """One cell for each frame of the clip of each stream, stream after stream: so all streams are laid in one array.

    Attributes
    ----------
    stream, row : int64, shape (cells,)
        The stream of each cell, and the row of its frame in the frames table.
    spans : FrameSpans
        The cells that each event spans.
    """

    stream: NDArray[np.int64]
    row: NDArray[np.int64]
    spans: FrameSpans

    @classmethod
    def of(cls, frames: pd.DataFrame, events: pd.DataFrame, stream: NDArray[np.int64]) -> StreamFrames:
        """Give every stream its cells; events come as `in_order` gives them."""
        index = FrameIndex.of(frames)
        _, newest = np.unique(stream, return_index=True)
        whole = index.whole_clips(index.clips.get_indexer(pd.Index(events["clip_id"].iloc[newest])))
        own, row = whole.rows()
        shift = (np.cumsum(whole.length) - whole.length - whole.first)[stream]
        spans = index.spans_of(events)
        return cls(own, row, FrameSpans(spans.first + shift, spans.stop + shift, size=len(row)))


class Layers:
    """Replay step by step: which event each cell has its label from, after the operations laid so far.

    `replay_streams` gives the labels at the end; this also what they were before each operation, in one pass.

    Attributes
    ----------
    operations : list of str
        The operations in the order of their streams and revisions.
    active : bool, shape (operations,)
        Which of those laid so far are in force.
    """

    def __init__(self, events: pd.DataFrame, stream: NDArray[np.int64], spans: FrameSpans) -> None:
        """Take events as `in_order` gives them, and the cells that each of them spans (see `StreamFrames`)."""
        operation, self.operations, self._target = _undone(events, stream)
        self.active = np.zeros(len(self.operations), bool)
        self._first, self._last = spans.first, spans.stop
        self._paints = _changes_frames(events)
        self._live = np.zeros(len(events), bool)
        # The rows of an operation lie side by side, for its revision is its own.
        first, last = runs(operation)
        self._rows = [slice(a, b + 1) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        self._begin = np.searchsorted(stream, stream[first])
        self._undoers = np.zeros(len(self.operations), np.int64)
        self._owner = np.full(spans.size, -1, np.int64)

    def extent(self, operation: int) -> slice:
        """Return the cells from the first to the last that an operation names."""
        rows = self._rows[operation]
        return slice(int(self._first[rows].min()), int(self._last[rows].max()))

    def codes(self, here: slice, of_event: NDArray[np.int64], otherwise: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for some cells the code of the event that they have their label from; ``otherwise`` where none, or it is -1."""
        owner = self._owner[here]
        said = np.where(owner >= 0, of_event[owner], -1)
        return np.where(said >= 0, said, otherwise[here])

    def lay(self, operation: int) -> None:
        """Lay the next operation over those before it."""
        on = True
        while True:
            self.active[operation] = on
            (self._paint if on else self._uncover)(operation)
            target = int(self._target[operation])
            if target < 0:
                return
            self._undoers[target] += 1 if on else -1
            # Something else takes the target back already, or still does.
            if self._undoers[target] != int(on):
                return
            operation, on = target, not on

    def _paint(self, operation: int) -> None:
        """Let an operation show wherever no later one lies over it."""
        rows = self._rows[operation]
        self._live[rows] = self._paints[rows]
        for row in range(rows.start, rows.stop):
            if self._live[row]:
                part = self._owner[self._first[row] : self._last[row]]
                np.maximum(part, row, out=part)

    def _uncover(self, operation: int) -> None:
        """Take an operation away, and show what lies below."""
        rows = self._rows[operation]
        self._live[rows] = False
        here = self.extent(operation)
        part = self._owner[here]
        uncovered = (part >= rows.start) & (part < rows.stop)
        part[uncovered] = -1
        under = slice(self._begin[operation], rows.start)
        meets = (self._first[under] < here.stop) & (self._last[under] > here.start)
        for row in (np.flatnonzero(self._live[under] & meets)[::-1] + under.start).tolist():
            if not uncovered.any():
                return
            over = slice(max(self._first[row], here.start) - here.start, min(self._last[row], here.stop) - here.start)
            part[over][uncovered[over]] = row
            uncovered[over] = False
