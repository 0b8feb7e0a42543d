"""Who changed what, from what to what; and taking it back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from data_schemas.errors import UsageError
from pipeline.review.access import no_events
from pipeline.review.events import Operation
from pipeline.review.frame_labels import labels_after_review
from pipeline.review.history import history, may_take_back, revert
from pipeline.review.replay import active_operations, replay_codes
from tests.unit.pipeline.review.test_replay import CLASSES, FRAMES, histories, table

WORDS = {-1: "given (given)", -2: "unsure", -3: "excluded", **dict(enumerate(CLASSES))}


def test_history_tells_what_every_operation_found_and_left(store, act, frames) -> None:
    first = act("kim", (0, 9, "B"))
    act("kim", (5, 9, "C"), (0, 1, "exclude"), note="저장")
    act("lee", (0, 4, "C"))
    act("kim", undoes=first.operation_id)
    told = history(store.events(), frames)
    assert told["operation_id"].tolist() == ["0004", "0003", "0002", "0001"]
    assert told["before"].tolist() == ["C 5, B 3, excluded 2", "A (given)", "B", "A (given)"]
    assert told["after"].tolist() == ["C 5, A (given) 3, excluded 2", "C", "C 5, B 3, excluded 2", "B"]
    assert told["active"].tolist() == [True, True, True, False]
    assert told["action"].tolist() == ["undo", "relabel", "relabel, exclude", "relabel"]
    assert told["note"].iloc[2] == "저장"
    assert history(store.events(), frames, newest=1)["operation_id"].tolist() == ["0004"]
    assert history(no_events(), frames).empty


def test_of_many_labels_the_commonest_three_are_told_those_of_as_many_frames_by_where_they_start(store, act, frames) -> None:
    act("kim", (0, 0, "E"), (1, 2, "D"), (3, 4, "C"), (5, 5, "F"), (6, 9, "B"))
    told = history(store.events(), frames).iloc[0]
    assert (told["before"], told["after"]) == ("A (given)", "B 4, D 2, C 2, 2 more")


def test_revert_takes_back_and_reverting_that_brings_back(store, act, frames) -> None:
    operation = act("kim", (0, 9, "B"))

    def labels() -> set[str]:
        after = labels_after_review(store.events(), frames)
        return set(after.loc[after["clip_id"] == "c", "label"])

    receipt = revert(store, operation.operation_id, reviewer="kim", run_id="r")
    assert receipt.revision == 2
    assert labels() == {"A"}
    with pytest.raises(UsageError, match="taken back already"):
        revert(store, operation.operation_id, reviewer="kim", run_id="r")
    revert(store, receipt.acknowledged[0], reviewer="kim", run_id="r")
    assert labels() == {"B"}
    assert len(store.events()) == 3


def test_only_ones_own_operations_are_reverted_except_in_adjudication(store, act) -> None:
    operation = act("kim", (0, 9, "B"))
    with pytest.raises(UsageError, match="kim's, not lee's"):
        revert(store, operation.operation_id, reviewer="lee", run_id="r")
    with pytest.raises(UsageError, match="not in the review store"):
        revert(store, "nothing", reviewer="lee", run_id="r")
    settled = act("kim", (0, 9, "B"), stream="adjudication")
    assert revert(store, settled.operation_id, reviewer="lee", run_id="r").revision == 2


@settings(max_examples=60)
@given(histories("o"), histories("p"))
def test_every_operation_tells_what_replay_gives_before_and_after_it(mine: list[Operation], theirs: list[Operation]) -> None:
    events = pd.concat([table(mine, clip_id="c"), table(theirs, clip_id="d"), table(theirs[:1], clip_id="c", reviewer="lee")])
    frames = pd.concat([pd.DataFrame({"clip_id": name, "frame_number": FRAMES, "given": "given"}) for name in ("d", "c")])
    told = history(events[~events.duplicated("event_id")], frames.reset_index(drop=True)).set_index("operation_id")
    assert told.index.tolist()[::-1] == [o.operation_id for o in [*mine, *theirs]]
    for operations in (mine, theirs):
        active = {o.operation_id for o in active_operations(operations)}
        for place, operation in enumerate(operations):
            row = told.loc[operation.operation_id]
            here = (row["start_frame"] <= FRAMES) & (row["end_frame"] >= FRAMES)
            for until, said in ((place, row["before"]), (place + 1, row["after"])):
                codes = replay_codes(operations[:until], FRAMES, CLASSES)[here]
                words, counts = np.unique([WORDS[int(c)] for c in codes], return_counts=True)
                counted = {f"{word} {count}" for word, count in zip(words, counts, strict=True)}
                whole = said in words if len(words) == 1 else {s for s in said.split(", ") if "more" not in s} <= counted
                assert whole if here.any() else said == ""
            assert row["active"] == (operation.operation_id in active)


def test_taking_back_is_offered_where_it_is_allowed(store, act, frames) -> None:
    act("kim", (0, 4, "B"))
    act("lee", (0, 4, "C"))
    act("lee", (0, 4, "C"), stream="adjudication")
    revert(store, act("kim", (5, 6, "C")).operation_id, reviewer="kim", run_id="r")
    told = history(store.events(), frames).set_index("operation_id").drop(index=store.events()["operation_id"].iloc[-1])
    allowed = {name: may_take_back(row, reviewer="kim") for name, row in told.iterrows()}
    assert allowed == {"0001": True, "0002": False, "0003": True, "0004": False}


def test_frames_that_nobody_labelled_are_told_so(store, act, frames) -> None:
    act("kim", (0, 4, "B"))
    told = history(store.events(), frames.assign(given=pd.Series([None] * 3 + ["A"] * 17, dtype="str")))
    assert told["before"].tolist() == ["no label (given) 3, A (given) 2"]
