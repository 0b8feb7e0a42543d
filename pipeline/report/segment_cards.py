"""The worst segments, each as a card: one sentence, a strip of skeletons, a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.colours import css_ground
from pipeline.report.drawing import drawn_edges, hatchings, skeleton_strip, timeline
from pipeline.windows.sampling import clip_bounds

if TYPE_CHECKING:
    from pipeline.report.run_tables import RunTables

__all__ = ["segment_cards", "why"]

_SHOWN = 12
_WHY = {
    "wrong_clip": "nearly the whole clip looks like another action",
    "contaminated": "another action seems to occur within the clip",
    "boundary": "the change between two labels seems to be shifted",
    "ambiguous": "the model cannot tell which of several actions it is",
    "bad_pose": "too few keypoints are visible and plausible to judge the label",
}
_KEY = (
    '<div class="key"><span>bands: given label, then the suggestion (stronger where more probable)</span>'
    "<span>curve: label quality</span><span>shaded: this segment</span>"
    '<span><i class="chip" style="background:#228833"></i>left <i class="chip" style="background:#4477aa"></i>right</span></div>'
)


def why(kind: str) -> str:
    """Return in words what seems to be wrong in a segment of this kind."""
    return _WHY[kind]


def segment_cards(found: RunTables, queue: pd.DataFrame) -> Iterator[str]:
    """Yield a card for each of the most urgent segments."""
    if queue.empty:
        return
    yield _KEY + hatchings()
    clips, frames = found["clips"], found["frames"]
    bounds = clip_bounds(clips)
    place = {name: i for i, name in enumerate(clips["clip_id"])}
    names = [f"{k}_{axis}" for k in found.skeleton.keypoints for axis in ("x", "y")]
    bad_pose = found["windows"][["window_id", "bad_pose"]]
    low, high = found["issues"]["label_quality"].quantile([0.005, 0.995])
    span = (float(low), float(high))
    for segment in queue.head(_SHOWN).to_dict("records"):
        row = place[segment["clip_id"]]
        own = frames.iloc[bounds[row] : bounds[row + 1]]
        xy = own[names].to_numpy(np.float64).reshape(len(own), -1, 2)
        inside = own["frame_number"].between(segment["start_frame"], segment["end_frame"]).to_numpy()
        seconds = own["timestamp_ms"].to_numpy(np.float64)[inside] / 1000
        strip = skeleton_strip(xy[inside], skeleton=found.skeleton, edges=drawn_edges(found.skeleton, xy), seconds=seconds)
        clip = found.opinions(segment["clip_id"]).merge(bad_pose, on="window_id")
        line = timeline(clip, segment, look=found.look, fps=float(clips["fps"].iloc[row]), span=span)
        yield _card(found, segment, seconds=seconds, pictures=f'<div class="side"><div>{strip}</div><div>{line}</div></div>')


def _card(found: RunTables, segment: dict[Any, Any], *, seconds: np.ndarray[Any, Any], pictures: str) -> str:
    species, kind = segment["species"], segment["kind"]
    given, suggested = (_label(found, species, segment[k]) for k in ("given_label", "suggested_label"))
    span = f"{seconds[0]:.1f} to {seconds[-1]:.1f} s" if len(seconds) else "no frame"
    return (
        f'<article class="segment"><header><b>{escape(segment["clip_id"])}</b>'
        f'<span>{given}<span class="arrow">→</span>{suggested}</span>'
        f'<span class="kind">{escape(KIND_NAMES[kind])}</span></header>'
        f"<p>{why(kind).capitalize()}: frames {segment['start_frame']} to {segment['end_frame']} ({span}, "
        f"{segment['windows']} windows), label quality {segment['label_quality']:.2f}, "
        f"suggestion {segment['suggested_probability']:.0%}.</p>{pictures}</article>"
    )


def _label(found: RunTables, species: str, label: str) -> str:
    return f'<i class="chip" style="background:{css_ground(found.look(label))}"></i>{found.title(species, label)}'
