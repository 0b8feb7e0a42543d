"""What was read, and how far the models can be trusted, at the top of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.data_text import CLASS_HEADS, class_rows, data_sentences, data_warnings, noted_lines
from pipeline.report.shell import html_table, prose
from pipeline.report.trust_text import trust_sentences

__all__ = ["data_section", "trust_section"]


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


def trust_section(trust: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence for each species, as HTML."""
    kinds = ["read" if told["better"] else "warning" for told in trust]
    return "".join(f'<p class="{kind}">{prose(s)}</p>' for kind, s in zip(kinds, trust_sentences(trust), strict=True))
