"""Labels that differ in nothing but letter case are one class: two would be learnt as different and never distinguished."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from data_schemas.labels import OTHER
from pipeline.readers.names import plain_name
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.tables.table_files import TableFile, renamed

_LABELS = ("label", "frame_label", "other_label")


def one_spelling(files: Sequence[TableFile], *, source: str) -> tuple[list[TableFile], list[ReaderMessage]]:
    """Return the files with one spelling for every label, the commonest, and a note on each that had several.

    Only for labels that stand for themselves: a taxonomy knows its classes in any letter case.
    """
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        for column in (c for c in _LABELS if c in file.rows):
            for written, count in file.rows[column].value_counts().items():
                if (name := plain_name(written)) is not None:
                    spellings[name.casefold()][name] += int(count)
    taken = {name: _chosen(key, counts) for key, counts in spellings.items() for name in counts}
    if all(name == chosen for name, chosen in taken.items()):
        return list(files), []
    notes = [
        ReaderMessage(source, "", _spellings(key, counts))
        for key, counts in spellings.items()
        if len(counts) > 1 or _chosen(key, counts) not in counts
    ]
    return [replace(file, rows=_respelled(file.rows, taken)) for file in files], notes


def _chosen(key: str, counts: Counter[str]) -> str:
    # A second class beside the reserved one would be offered to reviewers.
    return OTHER if key == OTHER else min(counts, key=lambda name: (-counts[name], name))


def _spellings(key: str, counts: Counter[str]) -> str:
    written = ", ".join(f"{name!r} ({count} rows)" for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0])))
    return f"labels that differ in letter case only are one class: {written}: all are {_chosen(key, counts)!r}"


def _respelled(rows: pd.DataFrame, taken: dict[str, str]) -> pd.DataFrame:
    columns = (column for column in _LABELS if column in rows)
    return rows.assign(**{column: renamed(rows[column], lambda name: taken.get(plain_name(name) or "")) for column in columns})
