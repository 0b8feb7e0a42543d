"""Replay step by step: operations are laid over their frames one after the other, and undone in place.

:mod:`pipeline.review.replay` gives the labels at the end; this one also what they were before each operation, in one pass.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Layers"]


class Layers:
    """Which event each cell has its label from, after the operations laid so far.

    Attributes
    ----------
    operations : list of str
        The operations in the order of their streams and revisions.
    active : bool, shape (operations,)
        Which of those laid so far are in force.
    """

    def __init__(
        self,
        events: pd.DataFrame,
        stream: NDArray[np.int64],
        cells: int,
        first: NDArray[np.int64],
        last: NDArray[np.int64],
    ) -> None:
        """Take events as `in_order` gives them, and the number of `Cells` with each event's first and the one behind its last."""
        place, names = pd.factorize(events["operation_id"])
        self.operations = [str(name) for name in names]
        self.active = np.zeros(len(names), bool)
        self._first, self._last = first, last
        self._paints = ((events["action"] != "note") & events["undoes"].isna()).to_numpy(bool)
        self._live = np.zeros(len(events), bool)
        # The rows of an operation lie side by side, for its revision is its own.
        starts, stops = _runs(place)
        self._rows = [slice(a, b) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        self._begin = np.searchsorted(stream, stream[starts])
        target = pd.Index(names).get_indexer(events["undoes"].fillna("").iloc[starts])
        # An undo reaches only backwards, and only within its own stream.
        reaches = (target >= 0) & (target < np.arange(len(names))) & (stream[starts][target] == stream[starts])
        self._target = np.where(reaches, target, -1)
        self._undoers = np.zeros(len(names), np.int64)
        self._owner = np.full(cells, -1, np.int64)

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
        holes = (part >= rows.start) & (part < rows.stop)
        part[holes] = -1
        under = slice(self._begin[operation], rows.start)
        meets = (self._first[under] < here.stop) & (self._last[under] > here.start)
        for row in (np.flatnonzero(self._live[under] & meets)[::-1] + under.start).tolist():
            if not holes.any():
                return
            over = slice(max(self._first[row], here.start) - here.start, min(self._last[row], here.stop) - here.start)
            part[over][holes[over]] = row
            holes[over] = False


def _runs(place: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each run of equal numbers starts and ends."""
    edges = np.flatnonzero(np.diff(place, prepend=-1, append=-1)) if len(place) else np.zeros(1, np.intp)
    return edges[:-1], edges[1:]
