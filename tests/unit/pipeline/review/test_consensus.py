"""What wins: adjudication, then most of the reviewers, then the one reviewer, then the data."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.access import no_events
from pipeline.review.frame_labels import labels_after_review, votes_of_reviewers
from pipeline.review.segment_states import segment_states


def clip(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["clip_id"] == "c"].reset_index(drop=True)


def test_without_events_every_label_is_the_given_one(frames) -> None:
    after = labels_after_review(no_events(), frames)
    assert after["label"].tolist() == frames["given"].tolist()
    assert set(after["source"]) == {"given"}
    assert after["event_id"].isna().all()
    assert not after[["excluded", "unsure", "disputed"]].to_numpy().any()


def test_one_reviewer_then_two_then_adjudication(store, act, frames) -> None:
    act("kim", (0, 7, "B"))
    act("lee", (4, 9, "B"), (6, 7, "C"))
    after = clip(labels_after_review(store.events(), frames))
    assert after["label"].tolist() == ["B"] * 6 + ["A"] * 2 + ["B"] * 2
    assert after["source"].tolist() == ["review"] * 4 + ["consensus"] * 2 + ["given"] * 2 + ["review"] * 2
    assert after["disputed"].tolist() == [False] * 6 + [True] * 2 + [False] * 2
    assert after["event_id"].tolist()[:6] == ["0001-0"] * 4 + ["0002-0"] * 2
    act("park", (6, 6, "C"), stream="adjudication")
    after = clip(labels_after_review(store.events(), frames))
    assert after["label"][6] == "C"
    assert after["source"][6] == "adjudication"
    assert after["disputed"].tolist() == [False] * 7 + [True] + [False] * 2


def test_more_than_half_of_the_voters_decide_and_unsure_is_no_vote(store, act, frames) -> None:
    act("a", (0, 9, "B"))
    act("b", (0, 9, "B"))
    act("c", (0, 9, "C"))
    act("d", (0, 4, "C"), (5, 9, "unsure"))
    after = clip(labels_after_review(store.events(), frames))
    assert after["label"].tolist() == ["A"] * 5 + ["B"] * 5
    assert after["disputed"].tolist() == [True] * 5 + [False] * 5


def test_excluded_and_unsure_frames(store, act, frames) -> None:
    act("kim", (0, 3, "exclude"), (4, 6, "unsure"))
    act("lee", (0, 1, "B"), (6, 6, "B"))
    after = clip(labels_after_review(store.events(), frames))
    assert after["excluded"].tolist() == [False] * 2 + [True] * 2 + [False] * 6
    assert after["disputed"].tolist() == [True] * 2 + [False] * 8
    assert after["unsure"].tolist() == [False] * 4 + [True] * 2 + [False] * 4
    assert after["label"].tolist() == ["A"] * 6 + ["B"] + ["A"] * 3


def test_an_adjudicator_who_cannot_tell_leaves_the_given_label(store, act, frames) -> None:
    act("kim", (0, 9, "B"))
    act("park", (0, 4, "unsure"), stream="adjudication")
    after = clip(labels_after_review(store.events(), frames))
    assert after["label"].tolist() == ["A"] * 5 + ["B"] * 5
    assert after["unsure"].tolist() == [True] * 5 + [False] * 5
    # Neither can who settles a dispute: it is settled all the same, and its frames are unsure ones.
    act("lee", (3, 7, "C"))
    after = clip(labels_after_review(store.events(), frames))
    assert after["disputed"].tolist() == [False] * 5 + [True] * 3 + [False] * 2
    assert after["unsure"].tolist() == [True] * 5 + [False] * 5
    assert after["label"].tolist() == ["A"] * 8 + ["B"] * 2


def test_adjudicators_share_one_stream_and_the_later_wins(store, act, frames) -> None:
    act("choi", (0, 4, "B"), stream="adjudication")
    act("park", (2, 6, "C"), stream="adjudication")
    after = clip(labels_after_review(store.events(), frames))
    assert after["label"].tolist() == ["B"] * 2 + ["C"] * 5 + ["A"] * 3
    assert after["event_id"].tolist()[:7] == ["0001-0"] * 2 + ["0002-0"] * 5
    # The adjudicator's own review is another vote than what the adjudication says.
    act("choi", (0, 0, "C"))
    assert clip(labels_after_review(store.events(), frames, blind=True))["label"].tolist()[0] == "B"
    assert votes_of_reviewers(store.events(), frames, blind=True)["label"].tolist() == ["C"]


def test_of_several_who_agree_the_newest_event_stands_and_of_blind_labels_the_newest_counts(store, act, frames) -> None:
    act("lee", (0, 3, "B"))
    act("kim", (0, 3, "B"))
    act("kim", (5, 6, "C"), stream="blind:s2")
    act("kim", (6, 7, "B"), stream="blind:s1")
    after = clip(labels_after_review(store.events(), frames, blind=True))
    assert after["event_id"].tolist()[:4] == ["0002-0"] * 4
    assert after["label"].tolist()[5:8] == ["C", "B", "B"]
    # A dispute is settled by the majority, whoever was first or last.
    act("park", (0, 1, "C"))
    after = clip(labels_after_review(store.events(), frames))
    assert after["event_id"].tolist()[:2] == ["0002-0"] * 2
    assert after["source"].tolist()[:2] == ["consensus"] * 2


def test_blind_labels_count_only_when_asked_and_never_against_the_same_reviewers_review(store, act, frames) -> None:
    act("kim", (0, 4, "B"))
    act("kim", (0, 9, "C"), stream="blind:s1")
    act("kim", (8, 9, "B"), stream="blind:s2")
    events = store.events()
    assert clip(labels_after_review(events, frames))["label"].tolist() == ["B"] * 5 + ["A"] * 5
    blind = clip(labels_after_review(events, frames, blind=True))
    assert blind["label"].tolist() == ["B"] * 5 + ["C"] * 3 + ["B"] * 2
    assert set(blind["source"]) == {"review"}


def test_an_adjudication_of_blind_labels_that_nobody_reviewed_changes_no_label(store, act, frames) -> None:
    for who, label in (("kim", "B"), ("lee", "C")):
        act(who, (0, 5, label), stream="blind:s1")
    act("park", (0, 7, "C"), stream="adjudication")
    act("choi", (4, 5, "B"))
    events = store.events()
    after = clip(labels_after_review(events, frames))
    # Where somebody reviewed, and where nobody labelled blind, what the adjudicator says counts as ever.
    assert after["label"].tolist() == ["A"] * 4 + ["C"] * 4 + ["A"] * 2
    assert set(after["source"][:4]) == {"given"}
    assert not after[["unsure", "disputed"]].to_numpy().any()
    # Nor does it decide a segment of the queue.
    segments = pd.DataFrame({"segment_id": ["s"], "clip_id": ["c"], "start_frame": [0], "end_frame": [3]})
    assert segment_states(segments, events, frames)["state"].tolist() == ["open"]
    # Who asks for blind labels as reviews has them settled by it.
    counted = clip(labels_after_review(events, frames, blind=True))
    assert counted["label"].tolist()[:6] == ["C"] * 6


@given(st.permutations(range(20)))
def test_the_order_of_frames_is_kept(order) -> None:
    frames = pd.DataFrame({"clip_id": ["c"] * 10 + ["d"] * 10, "frame_number": [*range(10)] * 2, "given": "A"}).iloc[order]
    after = labels_after_review(no_events(), frames)
    assert after["frame_number"].tolist() == frames["frame_number"].tolist()
    assert after["clip_id"].tolist() == frames["clip_id"].tolist()
