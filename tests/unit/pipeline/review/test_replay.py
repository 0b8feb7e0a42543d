"""Replay: the same answers as the page's reducer, for one clip and for a million events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.committing import events_of
from pipeline.review.events import EXCLUDED, NOT_REVIEWED, UNSURE, Commit, Operation, Span, operation_from_json, operation_to_json
from pipeline.review.history import history
from pipeline.review.replay import active_operations, replay_codes, replay_streams

VECTORS = json.loads((Path(__file__).resolve().parents[3] / "vectors" / "replay.json").read_text(encoding="utf-8"))["cases"]
CLASSES = ("A", "B", "C")
FRAMES = np.arange(5, 25)
AT = "2026-11-25T01:00:00.000Z"


def table(operations: list[Operation], *, clip_id: str = "c", reviewer: str = "kim", stream: str = "review") -> pd.DataFrame:
    rows = events_of(Commit("r", reviewer, stream, clip_id, 0, 0, ()), operations, first=0)
    columns = (
        "event_id",
        "operation_id",
        "at",
        "run_id",
        "reviewer",
        "stream",
        "clip_id",
        "revision",
        "start_frame",
        "end_frame",
    )
    made = pd.DataFrame(rows, columns=[*columns, "action", "label", "undoes", "note"])
    return made.astype({"label": "str", "undoes": "str", "note": "str"})


def codes_of(events: pd.DataFrame, frames: np.ndarray, classes: Sequence[str]) -> list[int]:
    """Replay the events of one stream and give the codes of its frames."""
    return in_codes(replay_streams(events, pd.DataFrame({"clip_id": "c", "frame_number": frames})), frames, classes)


def in_codes(said: pd.DataFrame, frames: np.ndarray, classes: Sequence[str]) -> list[int]:
    """Give replayed frames as codes."""
    code = {"unsure": UNSURE, "exclude": EXCLUDED} | {name: i for i, name in enumerate(classes)}
    words = said["label"].fillna(said["action"]).set_axis(said["frame_number"]).reindex(frames)
    return [NOT_REVIEWED if pd.isna(word) else code[word] for word in words]


@st.composite
def histories(draw: st.DrawFn, tag: str = "o") -> list[Operation]:
    """Draw operations of one stream: paintings of one to three spans, and undos of any earlier one."""
    made: list[Operation] = []
    for i in range(draw(st.integers(0, 12))):
        if made and draw(st.booleans()):
            made.append(Operation(f"{tag}{i}", AT, undoes=draw(st.sampled_from(made)).operation_id))
            continue
        spans = []
        for _ in range(draw(st.integers(1, 3))):
            a, b = sorted(draw(st.tuples(st.integers(0, 30), st.integers(0, 30))))
            action = draw(st.sampled_from(("relabel", "unsure", "exclude", "undo", "note")))
            spans.append(Span(a, b, action, draw(st.sampled_from(CLASSES)) if action == "relabel" else None))
        made.append(Operation(f"{tag}{i}", AT, tuple(spans), note="seen"))
    return made


@pytest.mark.parametrize("case", VECTORS, ids=[c["name"] for c in VECTORS])
def test_the_vectors_shared_with_the_page(case: dict) -> None:
    operations = [operation_from_json(o, case["classes"]) for o in case["operations"]]
    frames = np.array(case["frame_numbers"])
    assert replay_codes(operations, frames, case["classes"]).tolist() == case["expected"]
    assert codes_of(table(operations), frames, case["classes"]) == case["expected"]


@given(histories())
def test_the_vectorised_replay_agrees_with_the_plain_one(operations: list[Operation]) -> None:
    assert codes_of(table(operations), FRAMES, CLASSES) == replay_codes(operations, FRAMES, CLASSES).tolist()


@given(histories())
def test_undo_restores_and_redo_brings_back(operations: list[Operation]) -> None:
    before = replay_codes(operations, FRAMES, CLASSES)
    painted = [*operations, Operation("new", AT, (Span(8, 20, "relabel", "B"),))]
    undone = [*painted, Operation("undo", AT, undoes="new")]
    redone = [*undone, Operation("redo", AT, undoes="undo")]
    assert (replay_codes(undone, FRAMES, CLASSES) == before).all()
    assert (replay_codes(redone, FRAMES, CLASSES) == replay_codes(painted, FRAMES, CLASSES)).all()


@given(histories())
def test_undoing_every_painting_in_force_leaves_nothing_reviewed(operations: list[Operation]) -> None:
    undos = [Operation(f"u{i}", AT, undoes=o.operation_id) for i, o in enumerate(active_operations(operations)) if o.spans]
    assert (replay_codes([*operations, *undos], FRAMES, CLASSES) == NOT_REVIEWED).all()


@given(histories("a"), histories("b"), st.randoms(use_true_random=False))
def test_replay_is_by_revision_whatever_the_order_of_rows_and_streams_do_not_mix(first, second, random) -> None:
    events = pd.concat([table(first), table(second, reviewer="lee"), table([], clip_id="d")], ignore_index=True)
    order = list(range(len(events)))
    random.shuffle(order)
    # Rows of one operation keep their order; operations and streams may come in any.
    shuffled = events.iloc[order].sort_values("event_id", kind="stable") if len(events) else events
    frames = pd.DataFrame({"clip_id": "c", "frame_number": FRAMES})
    both = replay_streams(shuffled, frames)
    for name, operations in (("kim", first), ("lee", second)):
        own = both[both["reviewer"] == name]
        assert in_codes(own, FRAMES, CLASSES) == replay_codes(operations, FRAMES, CLASSES).tolist()


@given(histories())
def test_operations_survive_json(operations: list[Operation]) -> None:
    assert [operation_from_json(operation_to_json(o, CLASSES), CLASSES) for o in operations] == operations


def test_events_of_clips_that_are_gone_are_left_out() -> None:
    events = table([Operation("o", AT, (Span(5, 9, "relabel", "A"),))], clip_id="gone")
    assert replay_streams(events, pd.DataFrame({"clip_id": "c", "frame_number": FRAMES})).empty


def test_an_undo_reaches_only_backwards_and_only_within_its_own_stream() -> None:
    painted = Operation("painted", AT, (Span(5, 9, "relabel", "A"),))
    early, other = Operation("early", AT, undoes="painted"), Operation("other", AT, undoes="painted")
    assert active_operations([early, painted]) == [early, painted]
    assert active_operations([painted, other]) == [other]
    frames = pd.DataFrame({"clip_id": "c", "frame_number": FRAMES})
    for events in (table([early, painted]), pd.concat([table([painted]), table([other], reviewer="lee")], ignore_index=True)):
        assert replay_streams(events, frames)["frame_number"].tolist() == [5, 6, 7, 8, 9]
        assert history(events, frames.assign(given="C"))["active"].all()
