"""Names in another letter case are one person: in the store, in imports, and for what an older version left."""

from __future__ import annotations

from pathlib import Path

from pipeline.review.events import People
from pipeline.review.store import Commit, ReviewStore


def test_a_name_in_another_letter_case_goes_on_in_the_same_stream(store: ReviewStore, act) -> None:
    first = act("Kim", (0, 4, "B"))
    act("kim", (5, 9, "C"))
    assert store.reviewers() == ["Kim"]
    assert store.revision("c", reviewer="KIM") == 2
    assert store.operations("c", reviewer="kim")[0].operation_id == first.operation_id
    assert len(store.events(reviewer="kIM")) == 2
    again = Commit("run", "KIM", "review", "c", 0, 1, (first,))
    assert store.commit(again).acknowledged == (first.operation_id,)


def test_a_name_that_was_only_looked_up_is_spelled_as_it_is_stored_later(tmp_path: Path, store: ReviewStore, act) -> None:
    """Whoever typed a name first has decided nothing yet: another process may store it in another letter case."""
    with ReviewStore.open(tmp_path / "review.db") as other:
        assert other.person("kim") == "kim"
        act("Kim", (0, 4, "B"))
        assert other.person("kim") == "Kim"


def test_names_that_differ_in_more_stay_two(store: ReviewStore, act) -> None:
    for name in ("Kim", "Kim J", "Kím", "김"):
        act(name, (0, 4, "B"))
    assert len(store.reviewers()) == 4


def test_two_spellings_that_an_older_version_stored_keep_their_own_decisions() -> None:
    people = People(["kim", "Kim"])
    assert (people.spelled("kim"), people.spelled("Kim"), people.spelled("KIM")) == ("kim", "Kim", "Kim")
    assert people.met("Straße") == people.met("STRASSE") == "Straße"
