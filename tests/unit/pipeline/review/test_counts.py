"""How many events clips have: what tells a page that something was decided since it looked."""

from __future__ import annotations

from pathlib import Path

from pipeline.review.events import Commit, Span, new_operation
from pipeline.review.store import ReviewStore


def test_counts_are_of_events_by_clip_whoever_made_them(tmp_path: Path) -> None:
    with ReviewStore.open(tmp_path / "review.db") as store:
        for clip_id, reviewer, spans in (("a", "kim", 2), ("a", "lee", 1), ("b", "kim", 1)):
            operation = new_operation(*(Span(5 * i, 5 * i + 3, "relabel", "SIT") for i in range(spans)))
            store.commit(Commit("run", reviewer, "review", clip_id, 0, 1, (operation,)))
        assert store.counts(["a", "b", "nowhere"]) == {"a": 3, "b": 1}
        assert store.counts(["a"])["a"] == len(store.events(clip_id="a"))
        assert store.counts([]) == {}
