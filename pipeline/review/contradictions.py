"""Rows of one file in which one reviewer says two things of the same frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["contradictions"]

_DECIDES = ("relabel", "keep", "unsure", "exclude")


def contradictions(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[tuple[int, str]]:
    """Yield the line of each row that says something else of frames than rows before it, and what the file says of them.

    Parameters
    ----------
    rows : sequence of (line, event)
        Without a time of their own: what comes later in the file counts.
    """
    by_voice: defaultdict[tuple[str, str, str], list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for line, row in rows:
        if row["action"] in _DECIDES:
            by_voice[row["clip_id"], row["reviewer"], row["stream"]].append((line, row))
    for (clip_id, reviewer, _), said in by_voice.items():
        # In order of the frames only neighbours can overlap: a row is held against those that have not ended.
        open_rows: list[tuple[int, Mapping[str, Any]]] = []
        for line, row in sorted(said, key=lambda r: r[1]["start_frame"]):
            open_rows = [(n, r) for n, r in open_rows if r["end_frame"] >= row["start_frame"]]
            for other_line, other in open_rows:
                if _told(other) != _told(row):
                    (first, one), (last, two) = sorted([(other_line, other), (line, row)], key=lambda r: r[0])
                    frames = f"frames {row['start_frame']}-{min(one['end_frame'], two['end_frame'])} of {clip_id}"
                    labels = f"{_told(one)} in line {first}, {_told(two)} in line {last}"
                    yield last, f"{frames} have two labels of {reviewer}: {labels}; the later line counts"
            open_rows.append((line, row))


def _told(row: Mapping[str, Any]) -> str:
    return str(row["label"] or row["action"])
