"""The templates of the pages, and what all of them are drawn with: pages work offline, in light and dark.

A template holds the words of a page and where its figures stand; modules beside this package make the figures. Everything that a
template inserts is escaped, so names from files are harmless; only what this module and other templates make is HTML already.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from pipeline.report.chart_text import chart_text
from pipeline.report.colours import FLAGGED

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_HERE = Path(__file__).parent
_PLOTLY = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}


def render(template: str, **values: Any) -> Markup:
    """Return a template filled with values; a value that the template names and nobody gives is an error."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - the template has escaped the values


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(("html", "svg")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"plot": _plot, "plotly_script": _plotly_script, "flagged": FLAGGED}
    made.filters |= {
        "cell": lambda value: str(value).replace("|", "\\|").replace("\n", " "),
        "percent": "{:.0%}".format,
        "prose": _prose,
        "px": "{:.1f}".format,
        "tenths": lambda share: "" if share is None else f"{share:.1%}",
        "thousands": "{:,}".format,
    }
    return made


def _plotly_script() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())  # noqa: S704 - the library's own


def _plot(figure: Figure, name: str) -> Markup:
    """Return a figure as HTML, with what it shows in words; ``name`` is its own on the page."""
    drawn = Markup(figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=_PLOTLY))  # noqa: S704
    # A figure, no image: what can be pressed in it would be hidden from those who do not see it.
    return Markup('<figure tabindex="0" aria-label="{}">{}</figure>').format(chart_text(figure), drawn)


def _prose(sentence: str) -> Markup:
    """Return a sentence as HTML; what stands in backticks is to be typed."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 - escaped above
