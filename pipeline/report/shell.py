"""What every report is made of: a page that works offline, in light and dark, its sections and plots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report.chart_text import chart_words

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["empty", "html_page", "html_table", "is_simulated", "plot", "prose", "section"]


def html_page(title: str, body: str) -> str:
    """Return a page with its style and the plotting library inside."""
    from plotly.offline import get_plotlyjs

    style = (resources.files("pipeline.report") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{style}</style><script>{get_plotlyjs()}</script></head>\n<body>\n<main>\n{body}\n</main>\n</body></html>\n"
    )


def section(title: str, how: str) -> str:
    """Return the head of a section, with one sentence on how to read it."""
    return f'<h2>{title}</h2><p class="how">{how}</p>'


def plot(figure: Figure, name: str) -> str:
    """Return a figure as HTML, with what it shows in words; ``name`` is its own on the page."""
    settings = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=settings)
    # A figure, no image: what can be pressed in it would be hidden from those who do not see it.
    return f'<figure tabindex="0" aria-label="{escape(chart_words(figure))}">{drawn}</figure>'


def html_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, plain: int = 0, whole: bool = False, numbers: bool = False
) -> str:
    """Return a table, in a box that scrolls unless it is shown whole; the first ``plain`` cells of a row are HTML already.

    ``numbers`` tells that all cells but the first of a row are numbers, which stand to the right.
    """
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell if i < plain else escape(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    kinds = "scroll" + (" whole" if whole else "") + (" numbers" if numbers else "")
    return f'<div class="{kinds}" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'


def prose(words: str) -> str:
    """Return a sentence as HTML; what stands in backticks is to be typed."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(words))


def empty(words: str) -> str:
    """Return, as HTML, that there is nothing to show, and why."""
    return f'<p class="empty">{words}</p>'


def is_simulated(source: Path) -> bool:
    """Tell whether the source is the simulated sample, which says so in a file beside it."""
    return any((folder / "demo.json").is_file() for folder in (source, source.parent))
