"""Open, decided or unsure; and how long the rest will take."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.review.access import no_events
from pipeline.review.segment_states import (
    blind_species,
    expected_residual_error,
    frames_a_minute,
    segment_states,
    states_in_queue,
    unreviewed,
)

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


def test_segments_that_nobody_touched_are_open_whole_and_without_reviewers(store, act) -> None:
    untouched = {"state": "open", "decided_frames": 0, "disputed": False, "reviewers": ""}
    for _ in range(2):
        found = segment_states(SEGMENTS, store.events())
        for i in (1, 2):
            assert found.loc[i, list(untouched)].to_dict() == untouched
            assert pd.isna(found.loc[i, "at"])
        assert found["frames"].tolist() == [5, 5, 2]
        act("kim", (0, 1, "B"))
    assert found.loc[0, ["state", "decided_frames", "reviewers"]].tolist() == ["open", 2, "kim"]
    assert segment_states(SEGMENTS.head(0), store.events()).columns.tolist() == found.columns.tolist()


def test_a_segment_without_a_frame_that_is_there_stays_open(store, act) -> None:
    act("kim", (0, 9, "B"))
    found = segment_states(SEGMENTS, store.events(), pd.DataFrame({"clip_id": "c", "frame_number": [0, 1]}))
    assert found["state"].tolist() == ["decided", "open", "open"]
    assert found["decided_frames"].tolist() == [5, 0, 0]


def test_speed_leaves_breaks_out(store, act) -> None:
    for i in range(6):
        act("kim", (0, 4, "B"), second=10 * i)
    for i in range(6):
        act("kim", (0, 4, "B"), second=5000 + 10 * i)
    events = store.events()
    assert frames_a_minute(events) == pytest.approx(30.0)


def test_speed_is_that_of_five_timed_acts_at_least_and_a_pause_of_two_minutes_still_counts(store, act) -> None:
    for i, second in enumerate((0, 10, 20, 30, 40)):
        act("kim", (0, i, "B"), (9, 9, "unsure"), second=second)
        # A note decides nothing, and takes no time from what does.
        act("kim", (0, 9, "note"), second=second + 5, note="seen")
    assert frames_a_minute(store.events()) is None
    act("kim", (0, 5, "B"), (9, 9, "exclude"), second=160)
    # Of the first act nobody knows how long it took; the others decided 3, 4, 5, 6 and 7 frames.
    assert frames_a_minute(store.events()) == pytest.approx(60 * 25 / 160)
    act("kim", (0, 9, "B"), second=281)
    assert frames_a_minute(store.events()) == pytest.approx(60 * 25 / 160)


def test_the_time_between_acts_of_two_people_is_nobodys(store, act) -> None:
    for i in range(6):
        act("kim", (0, 4, "B"), second=10 * i)
        act("lee", (0, 0, "B"), second=10 * i + 1)
    assert frames_a_minute(store.events()) == pytest.approx(60 * (5 * 5 + 5 * 1) / 100)


def test_acts_of_one_moment_give_no_speed(store, act) -> None:
    for _ in range(6):
        act("kim", (0, 4, "B"), second=0)
    assert frames_a_minute(store.events()) is None


def test_labels_that_people_gave_and_those_of_species_without_a_better_model_are_not_scored() -> None:
    windows = pd.DataFrame({"window_id": list("abcde"), "reviewed": [False, True, False, False, False]})
    issues = windows[["window_id"]].assign(
        split=["audit", "audit", "holdout", "left_out", "audit"], species=["DOG", "DOG", "DOG", "DOG", "CAT"]
    )
    trust = [{"species": "DOG", "better": True}, {"species": "CAT", "better": False}]
    assert unreviewed(issues, windows, trust)["window_id"].tolist() == ["a"]
    assert unreviewed(issues, windows, [])["window_id"].tolist() == ["a", "e"]
    assert blind_species(trust) == {"CAT"}


def test_a_label_that_is_surely_right_leaves_nothing_to_repair() -> None:
    segments = pd.DataFrame({"label_quality": [1.0, 0.5], "suggested_probability": [0.0, 0.2], "priority": [0.3, 0.3]})
    assert expected_residual_error(segments).tolist() == [0.0, 0.3]


def test_a_segment_has_the_frames_of_the_video_before_and_after_it_is_decided(store, act) -> None:
    act("kim", (0, 4, "B"))
    annotated = pd.DataFrame({"clip_id": "c", "frame_number": [0, 4, 5, 9]})
    found = segment_states(SEGMENTS, store.events(), annotated)
    assert found["frames"].tolist() == [5, 5, 2]
    assert found["decided_frames"].tolist() == [5, 0, 0]


def test_an_open_segment_on_which_reviewers_differ_waits_as_disputed() -> None:
    states = pd.DataFrame({"state": ["open", "open", "decided", "unsure"], "disputed": [True, False, True, False]})
    assert states_in_queue(states).tolist() == ["disputed", "open", "decided", "unsure"]
