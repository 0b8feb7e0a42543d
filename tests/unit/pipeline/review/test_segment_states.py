"""Open, decided or unsure; and how long the rest will take."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.review.access import no_events
from pipeline.review.segment_states import frames_a_minute, segment_states, states_in_queue

SEGMENTS = pd.DataFrame(
    {"segment_id": ["s1", "s2", "s3"], "clip_id": ["c", "c", "d"], "start_frame": [0, 5, 2], "end_frame": [4, 9, 3]}
)


def states(store, frames=None) -> list[str]:
    return segment_states(SEGMENTS, store.events(), frames)["state"].tolist()


def test_a_segment_is_decided_when_all_its_frames_are(store, act) -> None:
    assert states(store) == ["open"] * 3
    act("kim", (0, 3, "B"))
    assert states(store) == ["open"] * 3
    undone = act("lee", (4, 9, "B"))
    found = segment_states(SEGMENTS, store.events())
    assert found["state"].tolist() == ["decided", "decided", "open"]
    assert found["reviewers"].tolist() == ["kim, lee", "lee", ""]
    assert found["decided_frames"].tolist() == [5, 5, 0]
    assert found["at"].tolist()[:2] == ["2026-11-25T01:00:02.000Z"] * 2
    act("lee", undoes=undone.operation_id)
    assert states(store) == ["open"] * 3


def test_unsure_disputed_and_blind(store, act) -> None:
    act("kim", (0, 2, "B"), (3, 4, "unsure"))
    act("kim", (5, 9, "B"))
    act("lee", (5, 9, "C"))
    act("kim", (2, 3, "B"), stream="blind:x", clip_id="d")
    found = segment_states(SEGMENTS, store.events())
    assert found["state"].tolist() == ["unsure", "open", "open"]
    assert found["disputed"].tolist() == [False, True, False]
    act("park", (5, 9, "C"), stream="adjudication")
    assert states(store) == ["unsure", "decided", "open"]


def test_only_frames_that_exist_need_a_decision(store, act, frames) -> None:
    there = frames[frames["frame_number"] != 3]
    act("kim", (0, 2, "B"))
    act("kim", (4, 4, "B"))
    assert states(store) == ["open"] * 3
    assert states(store, there) == ["decided", "open", "open"]


def test_no_segments_and_no_events() -> None:
    assert segment_states(SEGMENTS.head(0), no_events()).empty
    assert frames_a_minute(no_events()) is None


def test_speed_leaves_breaks_out(store, act) -> None:
    for i in range(6):
        act("kim", (0, 4, "B"), second=10 * i)
    for i in range(6):
        act("kim", (0, 4, "B"), second=5000 + 10 * i)
    events = store.events()
    assert frames_a_minute(events) == pytest.approx(30.0)


def test_a_segment_has_the_frames_of_the_video_before_and_after_it_is_decided(store, act) -> None:
    act("kim", (0, 4, "B"))
    annotated = pd.DataFrame({"clip_id": "c", "frame_number": [0, 4, 5, 9]})
    found = segment_states(SEGMENTS, store.events(), annotated)
    assert found["frames"].tolist() == [5, 5, 2]
    assert found["decided_frames"].tolist() == [5, 0, 0]


def test_an_open_segment_on_which_reviewers_differ_waits_as_disputed() -> None:
    states = pd.DataFrame({"state": ["open", "open", "decided", "unsure"], "disputed": [True, False, True, False]})
    assert states_in_queue(states).tolist() == ["disputed", "open", "decided", "unsure"]
