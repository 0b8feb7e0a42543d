"""The rounds of a workspace in the report: what was reviewed before each, and what the audit expected of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.report.colours import FLAGGED, QUIET
from pipeline.report.figures import styled
from pipeline.report.shell import html_table
from pipeline.report.text import ROUND_HEADS, round_cells

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["rounds_figure", "rounds_table"]

_LINES: tuple[tuple[str, str, Callable[[Mapping[str, Any]], float | None]], ...] = (
    ("expected wrong, of all windows", FLAGGED, lambda r: r["expected_wrong"] / max(r["windows"], 1)),
    ("expected wrong, of those not reviewed", "#4477AA", lambda r: r["share_wrong"]),
    ("flagged, of all windows", QUIET, lambda r: r["flagged"] / max(r["windows"], 1)),
)


def rounds_table(rounds: Sequence[Mapping[str, Any]]) -> str:
    """Return a row for each round as HTML."""
    return html_table(ROUND_HEADS, [round_cells(told) for told in rounds])


def rounds_figure(rounds: Sequence[Mapping[str, Any]]) -> Figure:
    """Return how the audit's own estimates went from round to round, with the frames that were reviewed before each."""
    from plotly.graph_objects import Figure, Scatter

    names = [f"round {told['number']}<br>{told['reviewed_frames']:,} frames reviewed" for told in rounds]
    figure = Figure()
    for name, colour, share in _LINES:
        figure.add_trace(
            Scatter(
                x=names,
                y=[share(told) for told in rounds],
                name=name,
                mode="lines+markers",
                line={"color": colour},
                marker={"size": 9},
                hovertemplate="%{x}<br>%{y:.1%} " + name + "<extra></extra>",
            )
        )
    figure.update_layout(yaxis_title="share of windows", xaxis_type="category")
    figure.update_yaxes(rangemode="tozero", tickformat=".0%")
    return styled(figure, rows=8)
