"""A figure in words, for those who do not see it: what its axes are, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MANY = 24
"""Values of a series that are read out; of longer ones the first, last and largest."""


def chart_text(figure: Figure) -> str:
    """Return a figure in words."""
    axes = [title.text for axis in (figure.layout.xaxis, figure.layout.yaxis) if (title := axis.title).text]
    series = [shown for trace in figure.data if trace.hoverinfo != "skip" and (shown := _series(figure, trace))]
    head = f"Chart of {' by '.join(axes)}" if axes else "Chart"
    return f"{head}: {'; '.join(series)}." if series else f"{head}: nothing to show."


def _series(figure: Figure, trace: Any) -> str:
    if trace.type == "heatmap":
        return "; ".join(_rows(trace))
    values, names, axis = (
        (trace.x, trace.y, figure.layout.xaxis) if _sideways(figure, trace) else (trace.y, trace.x, figure.layout.yaxis)
    )
    if values is None or len(values) == 0 or not trace.hovertemplate:
        return ""
    named = _named(figure, names, sideways=_sideways(figure, trace))
    shown = [(n, v) for n, v in zip(named, values, strict=True) if v is not None]
    pairs = [f"{n} {_number(v, axis.tickformat)}" for n, v in shown]
    if len(pairs) > _MANY:
        most = max(range(len(shown)), key=lambda i: shown[i][1])
        pairs = [pairs[0], f"most at {pairs[most]}", f"to {pairs[-1]}"]
    return f"{f'{trace.name}: ' if trace.name else ''}{', '.join(pairs)}"


def _rows(trace: Any) -> Iterator[str]:
    """Yield for each row of a matrix what it is taken for most often."""
    for name, row in zip(trace.y, trace.z, strict=True):
        most = sorted(range(len(row)), key=lambda i: -row[i])[:2]
        most_often = " and ".join(f"{trace.x[i]} {row[i]:.0%}" for i in most if row[i] >= 0.005)
        yield f"{name} as {most_often}" if most_often else f"{name}: none"


def _sideways(figure: Figure, trace: Any) -> bool:
    """Tell whether the values run to the right and the names from top to bottom."""
    if trace.type == "bar":
        return bool(trace.orientation == "h")
    named = trace.y is not None and len(trace.y) > 0 and isinstance(trace.y[0], str)
    return figure.layout.yaxis.ticktext is not None or named


def _named(figure: Figure, names: Sequence[Any], *, sideways: bool) -> list[str]:
    ticks = figure.layout.yaxis.ticktext if sideways else None
    if ticks is not None:
        return [str(ticks[min(max(round(float(n)), 0), len(ticks) - 1)]) for n in names]
    return [n.replace("<br>", ", ") if isinstance(n, str) else _number(n, None) for n in names]


def _number(value: float, form: str | None) -> str:
    if form and form.endswith("%"):
        return f"{100 * value:.3g} %"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
