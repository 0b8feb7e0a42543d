"""Tables to plotly figures, for the report and for the pages of the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from plotly.graph_objects import Bar, Figure, Heatmap, Scatter

from data_schemas.tables import PROBABILITY_PREFIX
from pipeline.evaluation.intervals import share_estimate
from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.colours import FLAGGED, QUIET

_MOST_WRITTEN = 14
_BINS = 10
_FEWEST_IN_BIN = 20
_DARK_CELL = 0.4
_LEAST_WRITTEN = 0.01

_ROUND_LINES: tuple[tuple[str, str, Callable[[Mapping[str, Any]], float | None]], ...] = (
    ("expected wrong, of all windows", FLAGGED, lambda r: r["expected_wrong"] / max(r["windows"], 1)),
    ("expected wrong, of those not reviewed", "#4477AA", lambda r: r["share_wrong"]),
    ("flagged, of all windows", QUIET, lambda r: r["flagged"] / max(r["windows"], 1)),
)


def class_counts(windows: pd.DataFrame) -> Figure:
    """Return windows per label: audited, hold-out and left out; clips and groups on hovering."""
    counted = windows.groupby(["label", "split"]).agg(windows=("window_id", "size")).reset_index()
    of_label = windows.groupby("label").agg(clips=("clip_id", "nunique"), groups=("group", "nunique"))
    order = windows["label"].value_counts().index.tolist()
    figure = Figure()
    for split, name, colour in (
        ("audit", "audited", "#4477AA"),
        ("holdout", "hold-out", "#88AACC"),
        ("left_out", "left out", QUIET),
    ):
        part = counted[counted["split"] == split].set_index("label").reindex(order)["windows"].fillna(0)
        if part.sum():
            extra = of_label.reindex(order).to_numpy()
            hover = "%{y}: %{x:,} windows " + name + "<br>%{customdata[0]} clips of %{customdata[1]} groups<extra></extra>"
            figure.add_trace(
                Bar(y=order, x=part, name=name, orientation="h", marker_color=colour, customdata=extra, hovertemplate=hover)
            )
    figure.update_layout(barmode="stack", xaxis_title="windows", yaxis_autorange="reversed")
    return styled(figure, rows=len(order))


def given_by_predicted(windows: pd.DataFrame, oof: pd.DataFrame) -> tuple[Figure, list[tuple[str, str, float]]]:
    """Return the confusion of given labels (rows) and out-of-fold predictions, cells as shares of a row, and the worst pairs.

    A pair is (given, predicted, share of the given label's windows).
    """
    table = windows[["window_id", "target"]].merge(oof, on="window_id")
    columns = [c for c in table.columns if c.startswith(PROBABILITY_PREFIX) and table[c].notna().any()]
    names = [c.removeprefix(PROBABILITY_PREFIX) for c in columns]
    predicted = np.array(names, object)[table[columns].to_numpy(np.float64).argmax(axis=1)]
    counts = pd.crosstab(table["target"], predicted).reindex(index=names, columns=names, fill_value=0)
    of = counts.sum(axis=1)
    shares = counts.div(of.clip(lower=1), axis=0)
    hover = "given %{y}, predicted %{x}: %{z:.0%} (%{customdata:,} windows)<extra></extra>"
    figure = Figure(confusion_traces(shares, counts, hover=hover))
    figure.update_layout(xaxis_title="predicted", yaxis_title="given", yaxis_autorange="reversed", yaxis_title_standoff=14)
    figure.update_yaxes(tickvals=names, ticktext=[f"{name} (n = {of[name]:,})" for name in names])
    off = np.where(np.eye(len(names), dtype=bool), -1.0, shares.to_numpy())
    worst = [np.unravel_index(i, off.shape) for i in np.argsort(-off, axis=None, kind="stable")[:3]]
    pairs = [(names[a], names[b], float(off[a, b])) for a, b in worst]
    return styled(figure, rows=len(names) + 3, row_height=30), pairs


def quality_histogram(issues: pd.DataFrame) -> Figure:
    """Return the windows by label quality (0..1, low = likely wrong), flagged ones in the accent colour."""
    edges = np.linspace(0, 1, 51)
    middle = (edges[1:] + edges[:-1]) / 2
    figure = Figure()
    for flagged, name, colour in ((True, "flagged", FLAGGED), (False, "not flagged", QUIET)):
        counts = np.histogram(issues.loc[issues["is_issue"] == flagged, "label_quality"], edges)[0]
        hover = "quality %{x:.2f}: %{y:,} windows " + name + "<extra></extra>"
        figure.add_trace(Bar(x=middle, y=counts, name=name, marker_color=colour, width=0.02, hovertemplate=hover))
    figure.update_layout(
        barmode="stack", xaxis_title="label quality (low: probably wrong)", yaxis_title="windows", xaxis_range=[0, 1]
    )
    return styled(figure, rows=8)


def error_rates(issues: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the expected error rate of each given label, 0..1: the share of its windows whose label should be wrong.

    It is the mean of one minus the label quality, which is a chance. Returned as a figure, and as a table with ``label``,
    ``share``, ``low``, ``high`` (95 % interval over animals or recordings, :mod:`pipeline.evaluation.intervals`; NaN where fewer
    than ``FEWEST_GROUPS`` of them carry the label) and ``groups``; the worst label first.
    """
    rows = [_rate(str(label), part) for label, part in issues.groupby("given_label")]
    table = pd.DataFrame(rows).sort_values("share", ascending=False, ignore_index=True)
    with_interval = {
        "type": "data",
        "symmetric": False,
        "array": (table["high"] - table["share"]).fillna(0),
        "arrayminus": (table["share"] - table["low"]).fillna(0),
        "color": QUIET,
    }
    hover = "%{y}: %{x:.0%} expected to be wrong, %{customdata} groups<extra></extra>"
    points = Scatter(
        x=table["share"],
        y=table["label"],
        error_x=with_interval,
        customdata=table["groups"],
        mode="markers",
        marker={"color": FLAGGED, "size": 9},
        hovertemplate=hover,
    )
    figure = Figure(points)
    figure.update_layout(
        xaxis_title="share of windows expected to be wrong", xaxis_tickformat=".0%", yaxis_autorange="reversed", showlegend=False
    )
    figure.update_xaxes(rangemode="tozero")
    # The app writes what a label means below it: two lines a row.
    return styled(figure, rows=len(table), row_height=34), table


def reliability(windows: pd.DataFrame, oof: pd.DataFrame) -> Figure:
    """Return a reliability diagram: of windows that get a class with some probability, the share whose label it is.

    One line of all windows, one of those whose labels trained the networks; bins with fewer than 20 are left out.
    """
    table = windows[["window_id", "target"]].merge(oof, on="window_id")
    columns = [c for c in table.columns if c.startswith(PROBABILITY_PREFIX) and table[c].notna().any()]
    given = np.array([c.removeprefix(PROBABILITY_PREFIX) for c in columns], object)
    probability = table[columns].to_numpy(np.float64)
    carries = table["target"].to_numpy(object)[:, None] == given
    figure = Figure(Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot", "width": 1}, showlegend=False))
    used = table["used_for_training"].to_numpy(bool)
    for rows, name, colour in ((np.ones(len(table), bool), "all windows", QUIET), (used, "trusted labels", "#4477AA")):
        place = (probability[rows] * _BINS).astype(int).clip(0, _BINS - 1).ravel()
        count = np.bincount(place, minlength=_BINS)
        shown = count >= _FEWEST_IN_BIN
        total = np.maximum(count, 1)
        said = np.bincount(place, weights=probability[rows].ravel(), minlength=_BINS) / total
        seen = np.bincount(place, weights=carries[rows].ravel(), minlength=_BINS) / total
        hover = "probability %{x:.2f}: %{y:.0%} carry the label, " + name + "<extra></extra>"
        line = {"color": colour}
        figure.add_trace(Scatter(x=said[shown], y=seen[shown], name=name, mode="lines+markers", line=line, hovertemplate=hover))
    figure.update_layout(xaxis_title="probability given to a class", yaxis_title="windows that carry it", xaxis_range=[0, 1])
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    return styled(figure, rows=10)


def kinds_of_segments(segments: pd.DataFrame) -> Figure:
    """Return how many segments of each kind there are, by given label."""
    counts = pd.crosstab(segments["given_label"], segments["kind"])
    order = counts.sum(axis=1).sort_values(ascending=False).index
    colours = {"wrong_clip": "#AA3377", "contaminated": FLAGGED, "boundary": "#CCBB44", "ambiguous": QUIET, "bad_pose": "#4477AA"}
    figure = Figure()
    for kind, colour in colours.items():
        if kind in counts:
            name = KIND_NAMES[kind]
            hover = "%{y}: %{x} segments, " + name + "<extra></extra>"
            values = counts.loc[order, kind]
            figure.add_trace(Bar(y=order, x=values, name=name, orientation="h", marker_color=colour, hovertemplate=hover))
    figure.update_layout(barmode="stack", xaxis_title="segments", yaxis_autorange="reversed")
    return styled(figure, rows=len(order))


def rounds_figure(rounds: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the shares of windows (0..1) that are expected to be wrong, and that are flagged, from round to round of review."""
    names = [f"round {of['number']}<br>{of['reviewed_frames']:,} frames reviewed" for of in rounds]
    figure = Figure()
    for name, colour, share in _ROUND_LINES:
        figure.add_trace(
            Scatter(
                x=names,
                y=[share(of) for of in rounds],
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


def confusion_traces(shares: pd.DataFrame, counts: pd.DataFrame, *, hover: str, bar: bool = True) -> list[Heatmap | Scatter]:
    """Return a matrix of true or given classes (rows) and predicted ones: shares of a row, 0..1, as blue, and as text.

    Text, of 1 % and more where there are few classes, is light on dark cells: it can be read on light and dark pages.
    """
    names, values = list(shares.columns), shares.to_numpy(np.float64)
    heat = Heatmap(
        z=values,
        x=names,
        y=names,
        customdata=counts.to_numpy(),
        colorscale=[[0, "rgba(68,119,170,0)"], [1, "rgba(68,119,170,1)"]],
        zmin=0,
        zmax=1,
        showscale=bar,
        hovertemplate=hover,
        colorbar={"title": "share of row", "tickformat": ".0%"},
    )
    cells = [(names[i], names[j], values[i, j]) for i, j in np.argwhere(values >= _LEAST_WRITTEN)]
    text = Scatter(
        x=[column for _, column, _ in cells],
        y=[row for row, _, _ in cells],
        text=[f"{share:.0%}" for _, _, share in cells],
        mode="text",
        textfont={"size": 11, "color": ["#ffffff" if share > _DARK_CELL else QUIET for _, _, share in cells]},
        hoverinfo="skip",
        showlegend=False,
    )
    return [heat, text] if len(names) <= _MOST_WRITTEN else [heat]


def _rate(label: str, part: pd.DataFrame) -> dict[str, object]:
    error = 1.0 - part["label_quality"].astype("float64")
    found = share_estimate(*error.groupby([part["species"], part["subject_id"]]).agg(["sum", "size"]).to_numpy(np.float64).T)
    low, high = (np.nan if limit is None else limit for limit in (found.low, found.high))
    return {"label": label, "share": found.value, "low": low, "high": high, "groups": found.groups}


def styled(figure: Figure, *, rows: int, row_height: int = 26) -> Figure:
    """Give a figure the quiet look that is legible on light and dark pages."""
    figure.update_layout(
        template="none",
        height=110 + row_height * max(rows, 4),
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        font={"family": "system-ui, sans-serif", "size": 13, "color": QUIET},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        bargap=0.25,
    )
    figure.update_xaxes(gridcolor="rgba(138,148,160,0.25)", zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor="rgba(138,148,160,0.15)", zeroline=False, automargin=True)
    return figure
