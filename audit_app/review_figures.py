"""Figures of the review: given against suggested labels, and how the work goes on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from plotly.graph_objects import Bar, Figure, Scatter

from pipeline.report.colours import FLAGGED, WORK
from pipeline.report.figures import styled
from pipeline.review.segment_states import frames_a_minute

_LARGEST = 34
_LARGEST_OF_MANY = 26
_MANY = 8
_SMALLEST = 9
_FEWEST_WRITTEN = 2
_SMALLEST_WRITTEN = 16
_REVIEWERS = ("#4477AA", "#CCBB44", "#228833", "#AA3377", "#66CCEE", "#EE6677")


def given_by_suggested(segments: pd.DataFrame, *, titles: Mapping[str, str]) -> Figure:
    """Return how many segments there are of each given and suggested label, as discs whose area is their number.

    Every point carries ``[given, suggested]`` as customdata, so that a page can tell which one was clicked.
    """
    counts = segments.groupby(["given_label", "suggested_label"]).agg(n=("segment_id", "size")).reset_index()
    given = segments["given_label"].value_counts().index.tolist()
    suggested = segments["suggested_label"].value_counts().index.tolist()
    largest = _LARGEST if len(suggested) <= _MANY else _LARGEST_OF_MANY
    smallest = np.where(counts["n"] >= _FEWEST_WRITTEN, _SMALLEST_WRITTEN, _SMALLEST)
    size = np.maximum(smallest, largest * np.sqrt(counts["n"] / max(counts["n"].max(), 1)))
    points = Scatter(
        x=counts["suggested_label"].map(titles),
        y=counts["given_label"].map(titles),
        customdata=counts[["given_label", "suggested_label"]].to_numpy(object),
        mode="markers+text",
        text=[str(n) if n >= _FEWEST_WRITTEN else "" for n in counts["n"]],
        hovertext=[f"{n} segments" for n in counts["n"]],
        textfont={"size": 11, "color": "#ffffff"},
        marker={"size": size, "color": FLAGGED, "opacity": 0.85, "line": {"width": 0}},
        unselected={"marker": {"opacity": 0.85}},
        hovertemplate="given %{y}, suggested %{x}: %{hovertext}<extra></extra>",
    )
    figure = Figure(points)
    figure.update_layout(showlegend=False, clickmode="event+select")
    figure.update_xaxes(categoryorder="array", categoryarray=[titles[s] for s in suggested], tickangle=-50, side="top")
    figure.update_yaxes(categoryorder="array", categoryarray=[titles[g] for g in reversed(given)])
    return styled(figure, rows=len(given) + 4, row_height=34)


def decided_over_time(states: pd.DataFrame, *, zone: str = "UTC") -> Figure:
    """Return how many segments were decided by which time, out of all.

    Parameters
    ----------
    states
        As :func:`pipeline.review.segment_states.segment_states` gives them; a segment counts from the newest act in it.
    """
    done = states[(states["state"] != "open") & states["at"].notna()].sort_values("at", kind="stable")
    # Plotly draws every time as UTC: it is given those of the zone as if they were.
    at = pd.to_datetime(done["at"], utc=True, format="ISO8601").dt.tz_convert(zone).dt.tz_localize(None)
    figure = Figure(
        Scatter(
            x=at,
            y=np.arange(1, len(done) + 1),
            mode="lines+markers" if len(done) < 50 else "lines",
            line={"shape": "hv", "color": WORK, "width": 2},
            fill="tozeroy",
            fillcolor="rgba(58,140,168,0.14)",
            hovertemplate="%{x|%d %b %H:%M}: %{y} reviewed<extra></extra>",
        )
    )
    figure.update_layout(yaxis_title=f"segments reviewed, of {len(states):,}", yaxis_title_standoff=14, showlegend=False)
    figure.update_yaxes(rangemode="tozero")
    return styled(figure, rows=7)


def speed_by_day(events: pd.DataFrame) -> Figure:
    """Return the frames that each reviewer decided in a minute of work, day by day; days with too few acts are left out."""
    figure = Figure()
    days = events.assign(day=events["at"].str[:10])
    for place, (name, own) in enumerate(days.groupby("reviewer")):
        speeds = {day: speed for day, part in own.groupby("day") if (speed := frames_a_minute(part)) is not None}
        figure.add_trace(
            Bar(
                x=list(speeds),
                y=list(speeds.values()),
                name=str(name),
                marker_color=_REVIEWERS[place % len(_REVIEWERS)],
                hovertemplate="%{x}: %{y:.0f} frames a minute<extra>" + _plain(str(name)) + "</extra>",
            )
        )
    figure.update_layout(yaxis_title="frames a minute", yaxis_title_standoff=14, barmode="group", showlegend=True)
    # Days in their order, whoever worked first.
    figure.update_xaxes(type="category", categoryorder="category ascending")
    return styled(figure, rows=7)


def _plain(name: str) -> str:
    """Return a name without the signs that plotly reads as markup."""
    return name.replace("<", "‹").replace(">", "›").replace("%{", "% {")
