"""What retraining gained, as plotly figures: arms, paired differences, classes, confusion, the learning curve, and the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from plotly.graph_objects import Figure, Scatter
from plotly.subplots import make_subplots

from pipeline.evaluation.label_error_rate import LabelErrorRate
from pipeline.report.colours import FLAGGED, QUIET
from pipeline.report.comparison.results import Arm, CurvePoint, Interval, Species
from pipeline.report.figures import confusion_traces, styled

ARM_COLOURS = {"given": QUIET, "pruned": "#4477AA", "reviewed": "#228833"}
"""Labels as they were, as the pipeline trusts them, and as people decided."""

_SHARES = ("balanced accuracy", "accuracy", "macro F1")
_CURVE = ("balanced accuracy", "macro F1")
_GAP = 0.24
_DASHES = ("solid", "dot")


def arms_figure(species: Species) -> Figure:
    """Return each arm's measures with their intervals."""
    figure = Figure()
    names = [n for n in _SHARES if any(n in arm.measures for arm in species.known.values())]
    for place, (arm, figures) in enumerate(species.known.items()):
        y = [i + _GAP * (place - (len(species.known) - 1) / 2) for i in range(len(names))]
        _add_dots(figure, [figures.measures[n] for n in names], y, name=arm, colour=_colour(arm), labels=names)
    _name_rows(figure, names)
    shown = [figures.measures[n] for figures in species.known.values() for n in names if n in figures.measures]
    figure.update_xaxes(tickformat=".0%", title=f"on verified windows{_with_intervals(shown)}")
    return styled(figure, rows=len(names), row_height=24 + 20 * len(species.known))


def differences_figure(differences: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Return how much each arm differs from the others, in points, over the same windows."""
    figure = Figure()
    pairs = list(differences)
    names = [n for n in _SHARES if any(n in of for of in differences.values())]
    for place, name in enumerate(names):
        y = [i + _GAP * (place - (len(names) - 1) / 2) for i in range(len(pairs))]
        values = [_points(differences[pair][name]) for pair in pairs]
        _add_dots(figure, values, y, name=name, colour=("#4477AA", "#AA3377", "#CCBB44")[place], labels=pairs, unit=" points")
    figure.add_vline(x=0, line={"color": QUIET, "width": 1.5, "dash": "dot"})
    _name_rows(figure, [pair.replace(" - ", " less ") for pair in pairs])
    shown = [differences[pair][name] for pair in pairs for name in names]
    figure.update_xaxes(title=f"points{_with_intervals(shown)}; right of 0: the first of the two is better", ticksuffix="")
    return styled(figure, rows=len(pairs), row_height=74)


def f1_figure(before: Arm, after: Arm, *, names: tuple[str, str]) -> Figure:
    """Return the F1 of every class in two arms, the class that gained most first."""

    def gain(label: str) -> float:
        a, b = before.class_f1[label].value, after.class_f1[label].value
        return -np.inf if a is None or b is None else b - a

    labels = sorted((c for c in before.class_f1 if c in after.class_f1), key=lambda c: (-gain(c), c))
    figure = Figure()
    for row, label in enumerate(labels):
        ends = [before.class_f1[label].value, after.class_f1[label].value]
        if None not in ends:
            line = {"color": _colour(names[1]) if gain(label) >= 0 else FLAGGED, "width": 3}
            figure.add_trace(
                Scatter(x=ends, y=[row, row], mode="lines", line=line, opacity=0.45, hoverinfo="skip", showlegend=False)
            )
    for place, (name, arm) in enumerate(zip(names, (before, after), strict=True)):
        y = [row + 0.16 * (2 * place - 1) for row in range(len(labels))]
        _add_dots(figure, [arm.class_f1[c] for c in labels], y, name=name, colour=_colour(name), labels=labels)
    _name_rows(figure, labels)
    shown = [arm.class_f1[c] for arm in (before, after) for c in labels]
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title=f"F1{_with_intervals(shown)}")
    return styled(figure, rows=len(labels), row_height=42)


def confusion_figure(species: Species, arms: Sequence[str]) -> Figure:
    """Return the predictions of some arms for each true class, side by side: shares of its n verified windows."""
    names = species.classes
    figure = make_subplots(
        cols=len(arms), shared_yaxes=True, subplot_titles=[f"trained on {a} labels" for a in arms], horizontal_spacing=0.04
    )
    hover = "%{y} taken for %{x}: %{z:.0%} (%{customdata:,.0f} windows)<extra></extra>"
    for place, name in enumerate(arms):
        counts = pd.DataFrame(species.known[name].confusion, names, names, np.float64)
        of = counts.sum(axis=1)
        shares = counts.div(of.clip(lower=1), axis=0)
        traces = confusion_traces(shares, counts, hover=hover, bar=place == len(arms) - 1)
        figure.add_traces(traces, rows=1, cols=place + 1)
    # The same windows test every arm, so the rows count the same.
    figure.update_yaxes(autorange="reversed", tickvals=names, ticktext=[f"{n} (n = {of[n]:,.0f})" for n in names])
    figure.update_yaxes(title="label given blind", col=1, title_standoff=14)
    figure.update_xaxes(title="predicted")
    made = styled(figure, rows=len(names) + 3, row_height=32)
    made.update_xaxes(showgrid=False)
    made.update_yaxes(showgrid=False)
    made.update_annotations(font={"size": 13, "color": QUIET})
    return made


def curve_figure(curve: Sequence[CurvePoint], given: Arm | None) -> Figure:
    """Return what each part of the decisions brought, against the frames that it reviewed."""
    figure = Figure()
    points = sorted(curve, key=lambda p: p.reviewed_frames)
    x = [p.reviewed_frames for p in points]
    for name, dash in zip(_CURVE, _DASHES, strict=True):
        values = [p.measures.get(name) for p in points]
        known = [(a, v.as_share()) for a, v in zip(x, values, strict=True) if v is not None and v.value is not None]
        colour = ARM_COLOURS["reviewed"] if name == _CURVE[0] else "#AA3377"
        if name == _CURVE[0]:
            _band(figure, [(a, v) for a, v in known if v.is_known], colour="rgba(34,136,51,0.15)")
        hover = "%{x:,} frames reviewed: %{y:.1%} " + name + "<br>%{customdata}<extra></extra>"
        figure.add_trace(
            Scatter(
                x=[a for a, _ in known],
                y=[v.value for _, v in known],
                customdata=[_interval_text(v) for _, v in known],
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"size": 8},
                cliponaxis=False,
                hovertemplate=hover,
            )
        )
    level = given.measures.get(_CURVE[0]) if given is not None else None
    if level is not None and level.value is not None:
        figure.add_hline(
            y=level.value,
            line={"color": QUIET, "dash": "dash", "width": 1.5},
            annotation={"text": f"given labels: {level.value:.1%} {_CURVE[0]}", "font": {"color": QUIET, "size": 12}},
            annotation_position="bottom right",
        )
    figure.update_layout(xaxis_title="frames reviewed", yaxis_title="on verified windows")
    figure.update_yaxes(tickformat=".0%", title_standoff=10)
    # A little room, so that the dots at 0 do not lie on the names of the other axis.
    end = max(1, *x)
    figure.update_xaxes(range=[-0.03 * end, 1.03 * end], tickformat=",")
    return styled(figure, rows=9)


def labels_figure(before: LabelErrorRate, after: LabelErrorRate, *, target_error_rate: float) -> Figure:
    """Return the share of wrong labels before and after review, with intervals, the bound, and the target."""
    rows = (("before review", before, QUIET), ("after review", after, ARM_COLOURS["reviewed"]))
    figure = Figure()
    for row, (name, found, colour) in enumerate(rows):
        value = Interval(found.share, found.low, found.high, sum(found.verified.values()))
        _add_dots(figure, [value], [row], name=name, colour=colour, labels=[name], legend=False, of="verified windows")
    bound = [(found.at_most, row) for row, (_, found, _) in enumerate(rows) if found.at_most is not None]
    figure.add_trace(
        Scatter(
            x=[b for b, _ in bound],
            y=[r for _, r in bound],
            name="at most, with 95 % confidence",
            mode="markers",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 2.5, "color": FLAGGED}, "color": FLAGGED},
            hovertemplate="at most %{x:.2%}, with 95 % confidence<extra></extra>",
        )
    )
    figure.add_vline(
        x=target_error_rate,
        line={"color": QUIET, "dash": "dash", "width": 1.5},
        annotation={"text": f"target: {100 * target_error_rate:.3g} %", "font": {"color": QUIET, "size": 12}},
        annotation_position="top right",
        annotation_xshift=4,
    )
    _name_rows(figure, [name for name, _, _ in rows])
    figure.update_xaxes(tickformat=".1%", title="share of the labels that are wrong", rangemode="tozero")
    return styled(figure, rows=4, row_height=24)


def _add_dots(
    figure: Figure,
    values: Sequence[Interval],
    y: Sequence[float],
    *,
    name: str,
    colour: str,
    labels: Sequence[str],
    unit: str = "%",
    legend: bool = True,
    of: str = "groups",
) -> None:
    """Add a dot with its interval for each value; those without an interval are hollow, in a trace of their own."""
    shown = "%{x:.1%}" if unit == "%" else "%{x:+.1f}" + unit
    values = [v.as_share() for v in values] if unit == "%" else values
    there = [(v, v.value, place, what) for v, place, what in zip(values, y, labels, strict=True) if v.value is not None]
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
                customdata=[[what, _interval_text(v, unit=unit), v.groups] for v, _, _, what in rows],
                name=name,
                legendgroup=name,
                mode="markers",
                marker={"color": colour, "size": 10, "symbol": "circle" if known else "circle-open"},
                hovertemplate=f"%{{customdata[0]}}, {name}: {shown}<br>%{{customdata[1]}}, "
                f"%{{customdata[2]}} {of}<extra></extra>",
                showlegend=legend and known,
            )
        )


def _interval_text(figure: Interval, *, unit: str = "%") -> str:
    """Return the interval, or that there is none."""
    if figure.low is None or figure.high is None:
        return "no interval: too few groups"
    if unit == "%":
        return f"95 % interval {100 * figure.low:.1f} to {100 * figure.high:.1f} %"
    return f"95 % interval {figure.low:+.1f} to {figure.high:+.1f}{unit}"


def _with_intervals(shown: Sequence[Interval]) -> str:
    """Return what the title of an axis says of intervals: nothing where none of the figures has one."""
    known = [v.is_known for v in shown if v.value is not None]
    if not any(known):
        return ""
    return ", with 95 % intervals" if all(known) else ", with 95 % intervals where enough groups tell"


def _name_rows(figure: Figure, names: Sequence[str]) -> None:
    """Name the rows of a figure, the first on top."""
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.45, -0.55])


def _colour(arm: str) -> str:
    return ARM_COLOURS.get(arm, "#AA3377")


def _points(found: Interval) -> Interval:
    """Return a difference of shares in percentage points."""
    value, low, high = (None if x is None else 100 * x for x in (found.value, found.low, found.high))
    return Interval(value, low, high, found.groups)


def _band(figure: Figure, known: Sequence[tuple[int, Interval]], *, colour: str) -> None:
    edge = [(a, v.low) for a, v in known] + [(a, v.high) for a, v in reversed(known)]
    figure.add_trace(
        Scatter(
            x=[a for a, _ in edge],
            y=[b for _, b in edge],
            fill="toself",
            fillcolor=colour,
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            name="95 % interval",
        )
    )
