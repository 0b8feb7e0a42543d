"""Frames in spans, as a slow loop over all of both finds them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.tables import text
from pipeline.windows.frame_index import FrameIndex, FrameSpans, frames_of_spans, given_labels

NAMES = ("c", "a", "b", "nowhere")
"""Not in the order of the alphabet; no frame is of the last."""


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw frames with gaps in their numbers, in any order, and spans that begin and end anywhere; both may be empty."""
    rows = draw(st.lists(st.tuples(st.sampled_from(NAMES[:3]), st.integers(0, 30), st.integers(-1, 3)), max_size=40))
    rows = list({row[:2]: row for row in rows}.values())
    if draw(st.booleans()):
        rows.sort()
    ends = st.tuples(st.integers(0, 32), st.integers(0, 32)).map(sorted)
    spans = [(clip, *end) for clip, end in draw(st.lists(st.tuples(st.sampled_from(NAMES), ends), max_size=12))]
    clip, number, code = zip(*rows, strict=True) if rows else ((), (), ())
    frames = pd.DataFrame(
        {"clip_id": text(list(clip)), "frame_number": np.array(number, np.int32), "code": np.array(code, np.int64)}
    )
    of, start, end = zip(*spans, strict=True) if spans else ((), (), ())
    table = pd.DataFrame(
        {"clip_id": text(list(of)), "start_frame": np.array(start, np.int32), "end_frame": np.array(end, np.int32)}
    )
    return frames, table.assign(name=np.arange(len(table)))


def inside(frames: pd.DataFrame, spans: pd.DataFrame) -> list[list[int]]:
    """Give the rows of the frames in each span, by frame number."""
    held = []
    for clip, start, end in zip(spans["clip_id"], spans["start_frame"], spans["end_frame"], strict=True):
        rows = [r for r, f in enumerate(frames.itertuples()) if f.clip_id == clip and start <= f.frame_number <= end]
        held.append(sorted(rows, key=lambda r: frames["frame_number"].iloc[r]))
    return held


@given(tables())
def test_frames_of_spans_and_spans_of_frames(tables) -> None:
    frames, spans = tables
    held = inside(frames, spans)
    found = FrameIndex.of(frames).spans_of(spans)
    assert found.length.tolist() == [len(rows) for rows in held]
    span, row = found.rows()
    assert list(zip(span.tolist(), row.tolist(), strict=True)) == [(s, r) for s, rows in enumerate(held) for r in rows]
    marked = (frames["code"] > 0).to_numpy(bool)
    assert found.count(marked).tolist() == [sum(marked[rows].tolist()) for rows in held]
    covering = [[s for s, rows in enumerate(held) if r in rows] for r in range(len(frames))]
    assert found.last_over().tolist() == [max(some, default=-1) for some in covering]
    backwards = np.arange(len(spans))[::-2]
    laid = [[s for s in backwards.tolist() if s in some] for some in covering]
    assert found.last_over(backwards).tolist() == [some[-1] if some else -1 for some in laid]
    assert found.take(backwards).length.tolist() == [len(held[s]) for s in backwards.tolist()]
    commonest = found.commonest(frames["code"].to_numpy())
    for place, rows in enumerate(held):
        labels = [code for code in frames["code"].iloc[rows].tolist() if code >= 0]
        counts = sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0]))
        (code, count), (_, runner_up) = [*counts, (-1, 0), (-1, 0)][:2]
        of_span = [values[place] for values in (commonest.code, commonest.count, commonest.runner_up, commonest.labelled)]
        assert of_span == [code, count, runner_up, len(labels)]


@given(tables(), st.booleans())
def test_a_row_for_every_frame_of_every_span_and_of_every_clip(tables, numbered) -> None:
    frames, spans = tables
    found = frames_of_spans(spans, None if numbered else frames, name="name")
    expected = []
    for row, rows in zip(spans.itertuples(), inside(frames, spans), strict=True):
        numbers = range(row.start_frame, row.end_frame + 1) if numbered else frames["frame_number"].iloc[rows]
        expected += [(row.name, row.clip_id, number) for number in numbers]
    assert list(found.itertuples(index=False, name=None)) == expected
    ordered = frames.sort_values(["clip_id", "frame_number"], ignore_index=True)
    clips = ordered.groupby("clip_id", as_index=False).size().rename(columns={"size": "frame_count"})
    index = FrameIndex.of_clips(clips, ordered)
    span, row = index.whole_clips(np.arange(len(clips))).rows()
    assert row.tolist() == list(range(len(ordered)))
    assert clips["clip_id"].to_numpy(object)[span].tolist() == ordered["clip_id"].tolist()
    assert index.whole_clips(np.array([-1, len(clips)])).length.tolist() == [0, 0]


@given(tables())
def test_the_given_label_is_the_frames_own_where_its_clip_has_any_else_the_clips(tables) -> None:
    frames, _ = tables
    names = np.array(["x", "y", "z", "w", None], object)
    frames["frame_label"] = text(names[frames["code"].where(frames["clip_id"] != "a", -1)])
    clips = pd.DataFrame({"clip_id": text(list(NAMES)), "label": text(["C", "A", None, "N"])})
    own = {clip: part["frame_label"].notna().any() for clip, part in frames.groupby("clip_id")}
    of_clip = {"c": "C", "a": "A", "b": None}
    expected = [
        label if own[clip] else of_clip[clip] for clip, label in zip(frames["clip_id"], frames["frame_label"], strict=True)
    ]
    found = given_labels(clips, frames)
    assert [None if pd.isna(x) else x for x in found] == [None if pd.isna(x) else x for x in expected]
    bare = given_labels(clips, frames[["clip_id", "frame_number"]])
    assert [None if pd.isna(x) else x for x in bare] == [of_clip[clip] for clip in frames["clip_id"]]


def test_no_frames_and_no_spans() -> None:
    empty = np.empty(0, np.int64)
    found = FrameSpans(empty, empty, size=0)
    assert len(found.last_over()) == len(found.rows()[0]) == len(found.commonest(empty).code) == 0
