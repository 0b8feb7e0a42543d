"""Dots with their intervals, one row below the other: how figures show what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.report.comparison.results import Interval

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["add_dots", "interval_told", "name_rows", "with_intervals"]


def add_dots(
    figure: Figure,
    values: Sequence[Interval],
    y: Sequence[float],
    *,
    name: str,
    colour: str,
    told: Sequence[str],
    unit: str = "%",
    legend: bool = True,
    of: str = "groups",
) -> None:
    """Add a dot with its interval for each value; those without an interval are hollow, in a trace of their own."""
    from plotly.graph_objects import Scatter

    shown = "%{x:.1%}" if unit == "%" else "%{x:+.1f}" + unit
    values = [v.as_share() for v in values] if unit == "%" else values
    there = [(v, v.value, place, what) for v, place, what in zip(values, y, told, strict=True) if v.value is not None]
    for known in (True, False):
        rows = [row for row in there if row[0].is_known == known]
        if not rows and not known:
            continue
        reach = {
            "type": "data",
            "symmetric": False,
            "array": [(v.high or 0.0) - value for v, value, _, _ in rows],
            "arrayminus": [value - (v.low or 0.0) for v, value, _, _ in rows],
            "color": colour,
            "thickness": 1.6,
            "width": 4,
        }
        figure.add_trace(
            Scatter(
                x=[value for _, value, _, _ in rows],
                y=[place for _, _, place, _ in rows],
                error_x=reach if known else None,
                customdata=[[what, interval_told(v, unit=unit), v.groups] for v, _, _, what in rows],
                name=name,
                legendgroup=name,
                mode="markers",
                marker={"color": colour, "size": 10, "symbol": "circle" if known else "circle-open"},
                hovertemplate=f"%{{customdata[0]}}, {name}: {shown}<br>%{{customdata[1]}}, "
                f"%{{customdata[2]}} {of}<extra></extra>",
                showlegend=legend and known,
            )
        )


def interval_told(found: Interval, *, unit: str = "%") -> str:
    """Return the interval in words, or that there is none."""
    if found.low is None or found.high is None:
        return "no interval: too few groups"
    if unit == "%":
        return f"95 % interval {100 * found.low:.1f} to {100 * found.high:.1f} %"
    return f"95 % interval {found.low:+.1f} to {found.high:+.1f}{unit}"


def with_intervals(shown: Sequence[Interval]) -> str:
    """Return what the title of an axis says of intervals: nothing where none of the figures has one."""
    known = [v.is_known for v in shown if v.value is not None]
    if not any(known):
        return ""
    return ", with 95 % intervals" if all(known) else ", with 95 % intervals where enough groups tell"


def name_rows(figure: Figure, names: Sequence[str]) -> None:
    """Name the rows of a figure, the first on top."""
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.45, -0.55])
