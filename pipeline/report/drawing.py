"""Segments as pictures: a strip of skeletons, and the timeline of their clip. Plain SVG, so that a report stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.skeletons import Skeleton
from pipeline.report.colours import FLAGGED, Look, ink_on

__all__ = ["drawn_edges", "hatchings", "skeleton_strip", "timeline"]

_POSES = 7
_CELL, _TALL, _EDGE = 116, 128, 10
_WIDE = 560
_MOST_TICKS = 10
_FADED = 0.6

FloatArray = NDArray[np.float64]


def drawn_edges(skeleton: Skeleton, xy: FloatArray) -> list[tuple[int, int]]:
    """Return the edges to draw: the skeleton's, or, where it has none, the shortest tree over the keypoints of each animal.

    Keypoints of one animal share the part of their name before the first underscore, if several such names occur.

    Parameters
    ----------
    xy : shape (frames, keypoints, 2)
        Coordinates; NaN where missing.
    """
    if skeleton.edges:
        return list(skeleton.edges)
    heads = [k.partition("_")[0] for k in skeleton.keypoints]
    several = {h for h in heads if heads.count(h) > 1}
    families = [[i for i, h in enumerate(heads) if h == name] for name in sorted(several)]
    if len(families) < 2 or sum(map(len, families)) < len(heads):
        families = [list(range(len(heads)))]
    return [edge for family in families for edge in _shortest_tree(family, xy)]


def _shortest_tree(family: Sequence[int], xy: FloatArray) -> list[tuple[int, int]]:
    inside, edges = [family[0]], []
    distance = {}
    for a in family:
        for b in family:
            if a < b:
                gap = np.hypot(*(xy[:, a] - xy[:, b]).T)
                known = gap[np.isfinite(gap)]
                distance[a, b] = distance[b, a] = float(np.median(known)) if len(known) else np.inf
    while len(inside) < len(family):
        a, b = min(((a, b) for a in inside for b in family if b not in inside), key=lambda pair: distance[pair])
        inside.append(b)
        edges.append((a, b))
    return edges


def skeleton_strip(xy: FloatArray, *, skeleton: Skeleton, edges: Sequence[tuple[int, int]], seconds: FloatArray) -> str:
    """Return poses sampled evenly over a segment, in one common box so that motion shows, as SVG.

    Parameters
    ----------
    xy : shape (frames, keypoints, 2)
        The segment's coordinates; NaN where missing.
    seconds : shape (frames,)
        Time of each frame, for the captions.
    """
    rows = np.unique(np.linspace(0, len(xy) - 1, min(_POSES, len(xy))).round().astype(int))
    known = xy[np.isfinite(xy).all(axis=2)]
    if not len(known):
        return '<p class="empty">no keypoint is visible in this stretch</p>'
    low, high = np.quantile(known, 0.005, axis=0), np.quantile(known, 0.995, axis=0)
    scale = float(min((_CELL - 2 * _EDGE) / max(high[0] - low[0], 1e-6), (_TALL - 2 * _EDGE - 14) / max(high[1] - low[1], 1e-6)))
    offset = np.array([_CELL, _TALL - 14]) / 2 - scale * (low + high) / 2
    left = {a for a, _ in skeleton.left_right}
    right = {b for _, b in skeleton.left_right}
    cells = []
    for place, row in enumerate(rows):
        points = xy[row] * scale + offset + np.array([place * _CELL, 0])
        cells.append(f'<rect class="cell" x="{place * _CELL + 2}" y="1" width="{_CELL - 4}" height="{_TALL - 18}" rx="4"/>')
        cells += [_line(points[a], points[b], side=_side(a, b, left, right)) for a, b in edges]
        cells += [
            f'<circle class="{_side(i, i, left, right)}" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>'
            for i, (x, y) in enumerate(points)
            if np.isfinite(x) and np.isfinite(y)
        ]
        cells.append(f'<text x="{place * _CELL + _CELL / 2:.0f}" y="{_TALL - 3}">{seconds[row]:.1f} s</text>')
    width = len(rows) * _CELL
    told = f"the pose at {len(rows)} moments, {seconds[0]:.1f} to {seconds[-1]:.1f} s"
    head = f'<svg class="strip" viewBox="0 0 {width} {_TALL}" style="max-width:{width}px" role="img" aria-label="{told}">'
    return f"{head}{''.join(cells)}</svg>"


def _side(a: int, b: int, left: set[int], right: set[int]) -> str:
    return "left" if a in left or b in left else "right" if a in right or b in right else "middle"


def _line(start: FloatArray, end: FloatArray, *, side: str) -> str:
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return ""
    return f'<line class="{side}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def timeline(
    clip: pd.DataFrame, segment: Mapping[Any, Any], *, look: Callable[[str], Look], fps: float, span: tuple[float, float]
) -> str:
    """Return the clip's given label, suggestions with their probability as opacity, and quality, over time, as SVG.

    Parameters
    ----------
    clip : DataFrame
        What is thought of the clip's windows with ``bad_pose``, in order of time; where there is no label, given label and
        quality are null, and nothing of them is drawn.
    look
        Gives the look of a class: its colour, and the hatching that tells it from another class of that colour.
    span : (low, high)
        The qualities that the curve's height stands for.
    """
    first, last = int(clip["start_frame"].min()), int(clip["end_frame"].max())
    scale = _WIDE / max(last - first, 1)
    middle = (clip["start_frame"].to_numpy(np.float64) + clip["end_frame"].to_numpy(np.float64)) / 2 - first
    edges = np.concatenate([[0.0], (middle[1:] + middle[:-1]) / 2, [float(last - first)]]) * scale
    start, end = (segment["start_frame"] - first) * scale, (segment["end_frame"] - first) * scale
    parts = [f'<rect class="shade" x="{start:.1f}" y="0" width="{max(end - start, 2):.1f}" height="96"/>']
    for label, low, high in _runs(clip["given_label"], edges):
        parts += _band(look(label), low, high, y=4) if pd.notna(label) else []
    suggested = list(zip(clip["suggested_label"], clip["suggested_probability"].round(1), strict=True))
    for (label, probability), low, high in _runs(suggested, edges):
        parts += _band(look(label), low, high, y=26, opacity=probability)
    for bad, low, high in _runs(clip["bad_pose"], edges):
        parts += [f'<rect x="{low:.1f}" width="{high - low:.1f}" y="4" height="38" fill="url(#hatch)"/>'] if bad else []
    height = ((clip["label_quality"].to_numpy(np.float64) - span[0]) / max(span[1] - span[0], 1e-6)).clip(0, 1)
    for known, curve in groupby(zip(middle, height, strict=True), key=lambda point: bool(np.isfinite(point[1]))):
        points = " ".join(f"{x * scale:.1f},{90 - 40 * h:.1f}" for x, h in curve) if known else ""
        parts += [f'<polyline class="quality" points="{points}"/>'] if known else []
    parts += _time_axis((last - first) / fps, scale * fps)
    label = escape(f"given {segment['given_label']}, suggested {segment['suggested_label']}")
    return f'<svg class="timeline" viewBox="-6 0 {_WIDE + 24} 114" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _band(look: Look, low: float, high: float, *, y: int, opacity: float = 1.0) -> Iterator[str]:
    """Yield a band in a class's colour, and over it the hatching of its cue."""
    place = f'x="{low:.1f}" width="{high - low:.1f}" y="{y}" height="16"'
    shown = "" if opacity == 1.0 else f' fill-opacity="{opacity:.1f}"'
    yield f'<rect {place} fill="{look.colour}"{shown}/>'
    if look.cue:
        # Lines stay as they are where the colour fades: they tell the class, not how probable it is.
        ink = ink_on(look.colour)[1:] if opacity > _FADED else "ink"
        yield f'<rect class="cue" {place} fill="url(#cue{look.cue}-{ink})"/>'


def _runs(values: Iterable[Any], edges: FloatArray) -> Iterator[tuple[Any, float, float]]:
    """Yield each run of equal values with its first and last edge."""
    place = 0
    for value, run in groupby(values):
        length = sum(1 for _ in run)
        yield value, float(edges[place]), float(edges[place + length])
        place += length


def _time_axis(seconds: float, scale: float) -> Iterator[str]:
    step = next(s for s in (1, 2, 5, 10, 20, 60, 120, 300, 600, 3600, 36000) if seconds / s <= _MOST_TICKS)
    for tick in np.arange(0, seconds + 1e-9, step):
        x = tick * scale
        yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="92" y2="97"/><text x="{x:.1f}" y="109">{tick:g} s</text>'


def _pattern(name: str, turn: int, lines: str, *, size: int) -> str:
    room = f'width="{size}" height="{size}" patternUnits="userSpaceOnUse" patternTransform="rotate({turn})"'
    return f'<pattern id="{name}" {room}>{lines}</pattern>'


def hatchings() -> str:
    """Return what timelines are hatched with, once for the page: bad poses, and each cue (slanted, crossed) in each ink."""
    return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{"".join(_patterns())}</defs></svg>'


def _patterns() -> Iterator[str]:
    yield _pattern("hatch", 45, f'<line x1="0" y1="0" x2="0" y2="6" stroke="{FLAGGED}" stroke-width="2"/>', size=6)
    for name, ink in (("000000", "#000000"), ("ffffff", "#ffffff"), ("ink", "var(--ink)")):
        drawn = f'style="stroke:{ink};stroke-width:1;stroke-opacity:.7"'
        slanted = f'<line x1="0" y1="0" x2="0" y2="5" {drawn}/>'
        yield _pattern(f"cue1-{name}", 45, slanted, size=5)
        yield _pattern(f"cue2-{name}", 45, slanted + f'<line x1="0" y1="0" x2="5" y2="0" {drawn}/>', size=5)
