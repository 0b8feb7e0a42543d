"""What was read, at the top of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.data_text import CLASS_HEADS, class_rows, data_sentences, data_warnings, noted_lines
from pipeline.report.shell import html_table, prose

__all__ = ["data_section"]


def data_section(data: Mapping[str, Any]) -> str:
    """Return sentences, what these windows cannot audit, and a table of the classes, as HTML."""
    sentences = data_sentences(data)
    noted = noted_lines(data)
    return (
        f'<p class="read">{prose("Read " + " ".join(sentences))}</p>'
        + "".join(f'<p class="warning">{prose(warning)}</p>' for warning in data_warnings(data))
        + html_table(CLASS_HEADS, class_rows(data), numbers=True)
        + (f'<p class="how">Noted on reading: {"; ".join(prose(line) for line in noted)}.</p>' if noted else "")
    )
