"""The selftest in the report: what was planted in copies of the data, and how much of it came back."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

from pipeline.selftest.recovery import findings
from pipeline.selftest.words import SELFTEST_HEADS, selftest_cells, selftest_notes

__all__ = ["selftest_section"]


def selftest_section(table: pd.DataFrame) -> str:
    """Return the selftest table and its notes as HTML."""
    rows = findings(table, run_dir=Path(), untested=())["planted"]
    heads = "".join(f"<th>{escape(head)}</th>" for head in SELFTEST_HEADS)
    cells = [selftest_cells(row) for row in rows if row["note"] is None]
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in cells)
    notes = "<br>".join(escape(note) for note in selftest_notes(rows))
    return f'<div class="scroll" tabindex="0"><table><tr>{heads}</tr>{body}</table></div><p class="how">{notes}</p>'
