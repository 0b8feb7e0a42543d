"""Verified windows: which label follows from blind labels of frames, and which windows are left out, for what reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.verified_windows import STATES, VERIFIED, sample_states
from pipeline.review.access import no_events
from tests.unit.pipeline.evaluation.toy import FRAMES, sample_of, windows_of

WINDOWS = windows_of()
SAMPLE = sample_of(WINDOWS)


def state_of(events: pd.DataFrame, window: str = "w1", **options) -> str:
    return sample_states(SAMPLE, events, WINDOWS, **options).set_index("window_id")["state"][window]


def test_without_labels_every_window_is_open_and_none_is_verified() -> None:
    assert set(sample_states(SAMPLE, no_events(), WINDOWS)["state"]) == {"open"}


def test_a_window_has_the_label_of_more_than_half_of_its_frames(paint) -> None:
    events = paint("kim", "c1", (0, 5, "B"), (6, 9, "A"))
    states = sample_states(SAMPLE, events, WINDOWS)
    found = states[states["state"] == VERIFIED]
    assert found.columns.tolist() == [
        "window_id", "clip_id", "subject_id", "species", "stratum", "inclusion_probability", "verified_label", "state",
    ]  # fmt: skip
    assert found.to_dict("records") == [
        {
            "window_id": "w1",
            "clip_id": "c1",
            "subject_id": "s1",
            "species": "DOG",
            "stratum": "unflagged",
            "inclusion_probability": 0.5,
            "verified_label": "B",
            "state": VERIFIED,
        }
    ]


@pytest.mark.parametrize(
    ("spans", "state"),
    [
        ([(0, 4, "A"), (5, 9, "B")], "mixed"),
        ([(0, 4, "A")], "open"),
        ([(0, 5, "A")], VERIFIED),
        ([(0, 4, "A"), (5, 9, "unsure")], "unsure"),
        ([(0, 5, "A"), (6, 9, "unsure")], VERIFIED),
        ([(0, 8, "A"), (9, 9, "exclude")], "excluded"),
    ],
)
def test_every_other_window_is_left_out_for_a_reason(paint, spans, state) -> None:
    assert state_of(paint("kim", "c1", *spans)) == state


def test_several_reviewers_need_more_than_half_of_the_votes(paint) -> None:
    paint("kim", "c1", (0, 9, "A"))
    assert state_of(paint("lee", "c1", (0, 9, "B"))) == "disputed"
    events = paint("max", "c1", (0, 9, "B"))
    assert sample_states(SAMPLE, events, WINDOWS)["verified_label"].dropna().tolist() == ["B"]


def test_one_disputed_frame_is_enough_where_no_label_has_more_than_half(paint) -> None:
    paint("kim", "c1", (0, 4, "A"), (5, 9, "B"))
    assert state_of(paint("lee", "c1", (0, 4, "A"), (5, 8, "B"), (9, 9, "A"))) == "disputed"


def test_only_blind_labels_count(paint) -> None:
    paint("kim", "c1", (0, 9, "A"), stream="review")
    assert state_of(paint("boss", "c1", (0, 9, "B"), stream="adjudication")) == "open"


def test_a_label_that_was_taken_back_does_not_count(paint) -> None:
    paint("kim", "c1", (0, 9, "A"))
    assert state_of(paint("kim", "c1", undoes="0001")) == "open"


def test_only_frames_that_there_are_count(paint) -> None:
    events = paint("kim", "c1", *[(n, n, "B") for n in range(0, FRAMES, 3)])
    assert state_of(events) == "open"
    frames = pd.DataFrame({"clip_id": "c1", "frame_number": np.arange(0, FRAMES, 3, dtype=np.int32)})
    assert state_of(events, frames=frames) == VERIFIED
    assert state_of(events, frames=frames.head(0)) == "open"


def test_windows_that_changed_sides_or_are_gone_measure_nothing(paint) -> None:
    for clip in ("c0", "c1", "c2"):
        events = paint("kim", clip, (0, 9, "A"))
    now = WINDOWS.assign(split=["audit", "holdout", "left_out", "audit"]).iloc[:3]
    assert sample_states(SAMPLE, events, now)["state"].tolist() == ["moved", "moved", "moved", "gone"]


@given(codes=st.lists(st.sampled_from(["A", "B", "unsure", "exclude", ""]), min_size=FRAMES, max_size=FRAMES))
def test_the_rule_holds_for_any_painting(codes: list[str]) -> None:
    rows = [
        {
            "event_id": f"e{i}",
            "operation_id": "o",
            "at": "2026-11-25T00:00:00.000Z",
            "run_id": "run",
            "reviewer": "kim",
            "stream": "blind:s1",
            "clip_id": "c1",
            "revision": 1,
            "start_frame": i,
            "end_frame": i,
            "action": code if code.islower() else "relabel",
            "label": None if code.islower() else code,
            "undoes": None,
            "note": None,
        }
        for i, code in enumerate(codes)
        if code
    ]
    events = pd.DataFrame(rows, columns=no_events().columns).astype(no_events().dtypes.to_dict())
    found = sample_states(SAMPLE, events, WINDOWS).set_index("window_id").loc["w1"]
    most = max("AB", key=codes.count)
    assert found["state"] in STATES
    assert (found["state"] == VERIFIED) == (2 * codes.count(most) > FRAMES and "exclude" not in codes)
    if found["state"] == VERIFIED:
        assert found["verified_label"] == most
