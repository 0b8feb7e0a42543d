"""The selftest in the report: what was planted in copies of the data, and how much of it came back."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

from pipeline.report.selftest_text import SELFTEST_HEADS, selftest_cells, selftest_notes
from pipeline.report.shell import html_table
from pipeline.selftest.recovery import findings

__all__ = ["selftest_section"]


def selftest_section(table: pd.DataFrame) -> str:
    """Return the selftest table and its notes as HTML."""
    rows = findings(table, run_dir=Path(), untested=())["planted"]
    cells = [selftest_cells(row) for row in rows if row["note"] is None]
    notes = "<br>".join(escape(note) for note in selftest_notes(rows))
    return html_table(SELFTEST_HEADS, cells) + f'<p class="how">{notes}</p>'
