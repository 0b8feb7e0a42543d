"""The filters of the queue, and the way through it."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_app.page_text import duration, escaped
from audit_app.queue_filters import QueueFilters
from audit_app.queue_navigation import places_of, segment_after
from audit_app.reviewer import cleaned


def rows(*states: str, clips: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return a queue s0, s1, ... with these states."""
    n = len(states)
    clips = clips or tuple(f"clip{i}" for i in range(n))
    return pd.DataFrame(
        {
            "segment_id": [f"s{i}" for i in range(n)],
            "clip_id": list(clips),
            "species": ["DOG" if i % 2 else "CAT" for i in range(n)],
            "given_label": ["SIT"] * n,
            "suggested_label": ["TURN"] * n,
            "kind": ["contaminated"] * n,
            "start_frame": list(range(n)),
            "end_frame": [10 + i * 5 for i in range(n)],
            "label_quality": [(i * 7 % n) / n for i in range(n)],
            "learning_rank": [(i + 2) % n + 1 for i in range(n)],
            "priority": [1.0 - i / n for i in range(n)],
            "state": list(states),
            "reviewers": ["kim, lee" if s == "decided" else "" for s in states],
            "words": [f"{c} sitting turning".lower() for c in clips],
        }
    )


def test_filters_survive_the_way_through_an_address():
    filters = QueueFilters(species="DOG", text="소파 & <b>", state="open", order="clip")
    assert QueueFilters.from_query({**filters.query(), "segment": "s1"}) == filters


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({}, ["s0", "s1", "s2", "s3"]),
        ({"species": "DOG"}, ["s1", "s3"]),
        ({"state": "open"}, ["s0", "s2", "s3"]),
        ({"reviewer": "lee"}, ["s1"]),
        ({"reviewer": "le"}, []),
        ({"text": " CLIP2 "}, ["s2"]),
        ({"text": "."}, []),
        ({"given": "TURN"}, []),
        ({"order": "length"}, ["s3", "s2", "s1", "s0"]),
        ({"order": "learning"}, ["s2", "s3", "s0", "s1"]),
        ({"order": "quality"}, ["s0", "s3", "s2", "s1"]),
    ],
)
def test_filters_show_what_they_say(filters, shown):
    queue = rows("open", "decided", "open", "open")
    assert QueueFilters(**filters).apply(queue)["segment_id"].tolist() == shown


def test_the_order_clip_by_clip_keeps_a_clip_together():
    queue = rows("open", "open", "open", clips=("b", "a", "b"))
    assert QueueFilters(order="clip").apply(queue)["segment_id"].tolist() == ["s1", "s0", "s2"]


def test_next_is_the_nearest_open_one_behind_then_from_the_top():
    queue = rows("open", "open", "decided", "open")
    assert segment_after(queue, "s1", filters=QueueFilters(), go="next") == "s3"
    assert segment_after(queue, "s3", filters=QueueFilters(), go="next") == "s0"


def test_next_is_none_where_only_this_one_is_open():
    assert segment_after(rows("decided", "open"), "s1", filters=QueueFilters(), go="next") is None
    assert segment_after(rows("decided", "decided"), None, filters=QueueFilters(), go="next") is None


def test_previous_may_be_decided_for_one_may_want_to_correct_it():
    assert segment_after(rows("decided", "open"), "s1", filters=QueueFilters(), go="previous") == "s0"
    assert segment_after(rows("decided", "open"), "s0", filters=QueueFilters(), go="previous") is None


def test_from_a_segment_that_was_decided_a_queue_of_open_ones_goes_on_behind_it():
    queue = rows("open", "decided", "open", "open")
    assert segment_after(queue, "s1", filters=QueueFilters(state="open"), go="next") == "s2"


def test_a_place_is_told_among_what_the_list_of_the_queue_shows():
    queue = rows("open", "decided", "open", "open")
    assert places_of(queue, "clip1", filters=QueueFilters(state="open")) == ({}, 3)
    assert places_of(queue, "clip2", filters=QueueFilters(state="open")) == ({"s2": 2}, 3)
    assert places_of(queue, "clip3", filters=QueueFilters(state="open", species="DOG")) == ({"s3": 1}, 1)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({}, "in the queue"),
        ({"order": "clip"}, "in the queue"),
        ({"state": "open"}, "open"),
        ({"text": "clip"}, "filtered"),
        ({"given": "SIT", "state": "decided"}, "filtered, decided"),
    ],
)
def test_a_place_says_what_it_counts(filters, words):
    assert QueueFilters(**filters).among() == words


def test_the_segments_of_a_clip_have_their_places_within_the_filters():
    queue = rows("open", "open", "open", "open", clips=("a", "b", "a", "a"))
    assert places_of(queue, "a", filters=QueueFilters(order="length")) == ({"s3": 1, "s2": 2, "s0": 4}, 4)
    assert places_of(queue, "a", filters=QueueFilters(species="CAT")) == ({"s0": 1, "s2": 2}, 2)


def test_next_clip_leaves_the_clip():
    queue = rows("open", "open", "open", clips=("a", "a", "b"))
    assert segment_after(queue, "s0", filters=QueueFilters(), go="next_clip") == "s2"
    assert segment_after(queue, "s2", filters=QueueFilters(), go="previous_clip") == "s1"


@given(st.lists(st.sampled_from(("open", "decided", "unsure", "disputed")), min_size=1, max_size=12), st.data())
def test_going_on_and_deciding_visits_every_open_segment_once(states, data):
    queue = rows(*states)
    here = segment_after(queue, None, filters=QueueFilters(), go="next")
    seen = []
    while here is not None:
        seen.append(here)
        queue.loc[queue["segment_id"] == here, "state"] = data.draw(st.sampled_from(("decided", "unsure", "disputed")))
        here = segment_after(queue, here, filters=QueueFilters(), go="next")
    assert seen == [f"s{i}" for i, s in enumerate(states) if s == "open"]


@given(st.text())
def test_a_name_is_stored_without_signs_that_part_names(name):
    told = cleaned(name)
    assert "," not in told
    assert told.isprintable()
    assert cleaned(told) == told
    assert len(told) <= 60


def test_names_from_files_are_no_markup():
    assert escaped("<b>[x](y)*$_") == r"\<b\>\[x\]\(y\)\*\$\_"


def test_lengths_of_time():
    assert [duration(s) for s in (12, 600, 7200)] == ["12 s", "10 min", "2.0 h"]
