"""The columns of a table's rows in the order of clips and frames, and the clips that are rejected on looking at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.readers.names import plain_name
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.tables.pose_columns import telling_columns
from pipeline.readers.tables.table_files import NAMED, TableFile

_WHOLE = 2.0**62
"""Numbers beyond are refused for what they are, but must fit into 64 bits until then."""


class Rows:
    """The rows of all files that name a clip, clip by clip in order of appearance and by frame number within each.

    Attributes
    ----------
    names : list of str
        The clips.
    clip : int64, shape (rows,)
        The place of each row's clip in ``names``.
    first : int64, shape (clips,)
        The first row of each clip.
    number : float64, shape (rows,)
        Frame numbers as written.
    file : int64, shape (rows,)
        The file that each row stands in.
    rejected_clips : set of int
        The clips that are rejected, each with its first fault.
    rejected, notes : list of ReaderMessage
        Why; and what was repaired.
    """

    def __init__(self, files: Sequence[TableFile]) -> None:
        """Sort the rows of these files, which all have ``clip_id`` and ``frame_number``."""
        self.rejected_clips: set[int] = set()
        self.rejected: list[ReaderMessage] = []
        self.notes: list[ReaderMessage] = []
        self._files = [file.name for file in files]
        self._digests = [file.digest for file in files]
        self._table = pd.concat([f.rows for f in files], ignore_index=True) if len(files) > 1 else files[0].rows
        lengths = [len(file.rows) for file in files]
        self.file = np.repeat(np.arange(len(files)), lengths)
        self._row = np.concatenate([np.arange(n) for n in lengths])
        self._order: NDArray[np.int64] | None = None

        self.names, clip = self.names_of("clip_id")
        self._without_name(clip < 0)
        number, not_numbers = _numbers(self._table["frame_number"])
        named = np.flatnonzero(clip >= 0)
        order = named[np.lexsort((number[named], clip[named]))]
        if (np.diff(order) < 0).any():
            self.notes.append(ReaderMessage(self._files[0], "", "rows were not in the order of clips and frames: sorted"))
        self.clip, self.number = clip[order], number[order]
        self.first = np.searchsorted(self.clip, np.arange(len(self.names)))
        self.file, self._row = self.file[order], self._row[order]
        self._order = None if np.array_equal(order, np.arange(len(number))) else order
        self._reject_not_numbers("frame_number", not_numbers[order])
        self.reject_rows(np.isnan(self.number), "frame_number", "is missing")
        broken = ~np.isnan(self.number) & ~(np.isfinite(self.number) & (np.rint(self.number) == self.number))
        self.reject_rows(broken, "frame_number", lambda row: f"{self.number[row]:.15g} is no frame number")

    def __len__(self) -> int:
        return len(self.clip)

    def __contains__(self, column: str) -> bool:
        return column in self._table

    @property
    def telling(self) -> tuple[str, ...]:
        """Return the columns that are kept only to distinguish rows of one frame."""
        found = telling_columns(self.columns)
        return tuple(name for name in self.columns if name in found and name not in NAMED)

    def files_of(self, where: NDArray[np.int64]) -> list[str]:
        """Return the different files that some rows stand in."""
        return [self._files[file] for file in np.unique(self.file[where]).tolist()]

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns that mean something."""
        return [str(name) for name in self._table.columns]

    def column(self, name: str) -> pd.Series:
        """Return a column as written."""
        column = self._table[name]
        return column if self._order is None else column.take(self._order)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where missing; clips in which it holds something else are rejected."""
        values, not_numbers = _numbers(self.column(name))
        self._reject_not_numbers(name, not_numbers)
        return values

    def names_of(self, name: str) -> tuple[list[str], NDArray[np.int64]]:
        """Return the different names in a column in order of appearance, and the place of each row's among them, -1 if none."""
        codes, written = pd.factorize(self.column(name))
        places: dict[str, int] = {}
        plain = [plain_name(value) for value in written.tolist()]
        merged = [-1 if name is None else places.setdefault(name, len(places)) for name in plain]
        return list(places), np.array([*merged, -1], np.int64)[codes]

    def paths(self, name: str) -> Any:
        """Return a column as text exactly as written, for paths lead nowhere when they are tidied; blank is null."""
        text = self.column(name).astype("str")
        return text.mask(text.str.strip() == "").array

    def span(self, clip: int) -> slice:
        """Return the rows of one clip."""
        return slice(int(self.first[clip]), int(self.first[clip + 1]) if clip + 1 < len(self.first) else len(self))

    def whole(self, span: slice) -> NDArray[np.int64]:
        """Return the frame numbers of a clip in which all are whole."""
        return np.clip(self.number[span], -_WHOLE, _WHOLE).astype(np.int64)

    def source(self, clip: int) -> tuple[str, str]:
        """Return the file that a clip begins in, and its hash."""
        file = self.file[self.first[clip]]
        return self._files[file], self._digests[file]

    def place(self, row: int, column: str | None = None) -> str:
        """Return where a row, or a value in it, stands in its file; rows are counted from 0."""
        return f"row {self._row[row]}" + (f", column {column}" if column else "")

    def in_rejected_clips(self) -> NDArray[np.bool_]:
        """Return which rows are of clips that are rejected."""
        rejected = np.zeros(len(self.names), bool)
        rejected[list(self.rejected_clips)] = True
        return rejected[self.clip]

    def reject_rows(self, faulty: NDArray[np.bool_], column: str, reason: str | Callable[[int], str]) -> None:
        """Reject the clips of these rows, naming the first row of each."""
        if faulty.any():
            found = np.flatnonzero(faulty)
            for row in found[np.unique(self.clip[found], return_index=True)[1]].tolist():
                why = reason if isinstance(reason, str) else reason(row)
                self.reject_clip(int(self.clip[row]), why, place=self.place(row, column), file=self.file[row])

    def reject_clip(self, clip: int, reason: str, *, place: str, file: int | None = None) -> None:
        """Reject one clip."""
        if clip not in self.rejected_clips:
            self.rejected_clips.add(clip)
            name = self.source(clip)[0] if file is None else self._files[file]
            self.rejected.append(ReaderMessage(name, place, f"clip {self.names[clip]}: {reason}"))

    def note(self, reason: str, rows: NDArray[np.bool_], *, place: str = "") -> None:
        """Note what was repaired in these rows, file by file."""
        counts = np.bincount(self.file[rows], minlength=len(self._files))
        self.notes += [ReaderMessage(self._files[i], place, reason, int(counts[i])) for i in np.flatnonzero(counts).tolist()]

    def note_clip(self, clip: int, repaired: Mapping[str, int]) -> None:
        """Note what was repaired in one clip."""
        self.notes += [ReaderMessage(self.source(clip)[0], "", reason, count) for reason, count in repaired.items()]

    def _reject_not_numbers(self, name: str, not_numbers: NDArray[np.bool_]) -> None:
        if not_numbers.any():
            column = self.column(name)
            way = ": write milliseconds since the start of the clip" if name == "timestamp_ms" else ""
            self.reject_rows(not_numbers, name, lambda row: f"{str(column.iloc[row])[:40]!r} is not a number{way}")

    def _without_name(self, nameless: NDArray[np.bool_]) -> None:
        for file in np.unique(self.file[nameless]).tolist():
            rows = self._row[nameless & (self.file == file)]
            self.rejected.append(
                ReaderMessage(self._files[file], f"row {rows[0]}, column clip_id", f"{len(rows)} rows name no clip")
            )


def _numbers(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column as numbers, NaN where missing, and which of its values are neither a number nor missing."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), np.zeros(len(column), bool)
    try:
        numbers = pd.to_numeric(column, errors="coerce")
    except (TypeError, OverflowError):  # an integer beyond all floats; as text it becomes infinite
        numbers = pd.to_numeric(column.map(str, na_action="ignore"), errors="coerce")
    values = numbers.to_numpy(np.float64, na_value=np.nan)
    not_numbers = np.isnan(values) & column.notna().to_numpy()
    if not_numbers.any():
        not_numbers[not_numbers] = (column[not_numbers].astype("str").str.strip() != "").to_numpy()
    return values, not_numbers
