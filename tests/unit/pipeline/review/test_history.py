"""Who changed what, from what to what; and taking it back."""

from __future__ import annotations

import pytest

from data_schemas.errors import UsageError
from pipeline.review.access import no_events
from pipeline.review.consensus import labels_after_review
from pipeline.review.history import history, revert


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
