"""The worst segments, each as a card: one sentence, a strip of skeletons, and the timeline of its clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.skeletons import Skeleton
from pipeline.readers.taxonomy import KIND_NAMES, class_title
from pipeline.report.colours import Look, css_ground, ink_on
from pipeline.report.run_tables import RunTables
from pipeline.report.templates import render

_SHOWN = 12
WHY = {
    "wrong_clip": "nearly the whole clip looks like another action",
    "contaminated": "another action seems to occur within the clip",
    "boundary": "the change between two labels seems to be shifted",
    "ambiguous": "the model cannot tell which of several actions it is",
    "bad_pose": "too few keypoints are visible and plausible to judge the label",
}
"""What seems to be wrong in a segment, by its kind."""

_POSES = 7
_CELL, _TALL, _EDGE = 116, 128, 10
_WIDE = 560
_MOST_TICKS = 10
_FADED = 0.6

FloatArray = NDArray[np.float64]


def segment_cards(run: RunTables, queue: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return what the card of each of the most urgent segments shows, for ``segment_cards`` of parts.html."""
    bad_pose = run["windows"][["window_id", "bad_pose"]]
    low, high = run["issues"]["label_quality"].quantile([0.005, 0.995])
    cards = []
    for segment in queue.head(_SHOWN).to_dict("records"):
        row, own = run.clip(segment["clip_id"])
        xy = own[list(run.skeleton.columns)].to_numpy(np.float64).reshape(len(own), -1, 2)
        inside = own["frame_number"].between(segment["start_frame"], segment["end_frame"]).to_numpy()
        seconds = own["timestamp_ms"].to_numpy(np.float64)[inside] / 1000
        clip = run.opinions(segment["clip_id"]).merge(bad_pose, on="window_id")
        cards.append(
            {
                **segment,
                "given": _class(run, segment["species"], segment["given_label"]),
                "suggested": _class(run, segment["species"], segment["suggested_label"]),
                "kind_name": KIND_NAMES[segment["kind"]],
                "why": WHY[segment["kind"]].capitalize(),
                "time": f"{seconds[0]:.1f} to {seconds[-1]:.1f} s" if len(seconds) else "no frame",
                "strip": skeleton_strip(xy[inside], skeleton=run.skeleton, edges=drawn_edges(run.skeleton, xy), seconds=seconds),
                "timeline": timeline(clip, segment, look=run.look, fps=float(row["fps"]), span=(float(low), float(high))),
            }
        )
    return cards


def _class(run: RunTables, species: str, label: str) -> dict[str, str]:
    return {"ground": css_ground(run.look(label)), "title": class_title(run.taxonomy, species, label)}


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
        return render("strip.svg", poses=[])
    low, high = np.quantile(known, 0.005, axis=0), np.quantile(known, 0.995, axis=0)
    scale = float(min((_CELL - 2 * _EDGE) / max(high[0] - low[0], 1e-6), (_TALL - 2 * _EDGE - 14) / max(high[1] - low[1], 1e-6)))
    offset = np.array([_CELL, _TALL - 14]) / 2 - scale * (low + high) / 2
    side = _sides(skeleton)
    poses = []
    for place, row in enumerate(rows):
        points = xy[row] * scale + offset + np.array([place * _CELL, 0])
        seen = np.isfinite(points).all(axis=1)
        poses.append(
            {
                "left": place * _CELL,
                "seconds": seconds[row],
                "bones": [(side(a, b), points[a], points[b]) for a, b in edges if seen[a] and seen[b]],
                "points": [(side(i), points[i]) for i in np.flatnonzero(seen)],
            }
        )
    size = {"width": len(rows) * _CELL, "height": _TALL, "cell": _CELL}
    return render("strip.svg", poses=poses, first=seconds[0], last=seconds[-1], **size)


def _sides(skeleton: Skeleton) -> Callable[..., str]:
    """Return the side of the body on which some of these keypoints lie."""
    left, right = ({pair[i] for pair in skeleton.left_right} for i in (0, 1))
    return lambda *points: "left" if left & {*points} else "right" if right & {*points} else "middle"


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
    given = [(label, 1.0) if pd.notna(label) else (None, 1.0) for label in clip["given_label"]]
    suggested = zip(clip["suggested_label"], clip["suggested_probability"].round(1), strict=True)
    height = ((clip["label_quality"].to_numpy(np.float64) - span[0]) / max(span[1] - span[0], 1e-6)).clip(0, 1)
    curve = groupby(zip(middle * scale, 90 - 40 * height, strict=True), key=lambda point: bool(np.isfinite(point[1])))
    return render(
        "timeline.svg",
        segment=segment,
        width=_WIDE,
        shade={"x": start, "width": max(end - start, 2)},
        bands=[*_bands(given, edges, y=4, look=look), *_bands(suggested, edges, y=26, look=look)],
        bad_poses=[(low, high - low) for bad, low, high in _runs(clip["bad_pose"], edges) if bad],
        curves=[list(points) for known, points in curve if known],
        ticks=list(_ticks((last - first) / fps, scale * fps)),
    )


def _bands(
    shown: Iterable[tuple[str | None, float]], edges: FloatArray, *, y: int, look: Callable[[str], Look]
) -> Iterator[dict[str, Any]]:
    """Yield a band in each class's colour, with the ink of the hatching over it."""
    for (label, opacity), low, high in _runs(shown, edges):
        if label is not None:
            ink = ink_on(look(label).colour)[1:] if opacity > _FADED else "ink"
            yield {"x": low, "width": high - low, "y": y, "look": look(label), "opacity": opacity, "ink": ink}


def _runs(values: Iterable[Any], edges: FloatArray) -> Iterator[tuple[Any, float, float]]:
    """Yield each run of equal values with its first and last edge."""
    place = 0
    for value, run in groupby(values):
        length = sum(1 for _ in run)
        yield value, float(edges[place]), float(edges[place + length])
        place += length


def _ticks(seconds: float, scale: float) -> Iterator[tuple[float, float]]:
    """Yield the place and the time of each tick of the axis."""
    step = next(s for s in (1, 2, 5, 10, 20, 60, 120, 300, 600, 3600, 36000) if seconds / s <= _MOST_TICKS)
    yield from ((tick * scale, tick) for tick in np.arange(0, seconds + 1e-9, step))
