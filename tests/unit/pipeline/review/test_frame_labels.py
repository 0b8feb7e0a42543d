"""Labels after review: what a clip is called when its frames changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.review.access import no_events
from pipeline.review.frame_labels import changed_frames, clip_labels, review_frames


def frames_of(*clips: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(c, i, x) for c, labels in clips for i, x in enumerate(labels)], columns=["clip_id", "frame_number", "given"]
    )


def after_of(given: str, label: str, *, excluded: tuple[int, ...] = ()) -> pd.DataFrame:
    table = frames_of(("c", given)).assign(label=list(label))
    return table.assign(excluded=[i in excluded for i in range(len(label))])


def test_without_events_every_frame_has_its_given_label() -> None:
    frames = frames_of(("c", "AAB"), ("d", "BB"))
    after = review_frames(no_events(), frames)
    assert after[["clip_id", "frame_number", "given"]].equals(frames.astype(after[["clip_id", "frame_number", "given"]].dtypes))
    assert after["label"].tolist() == frames["given"].tolist()
    assert set(after["label_source"]) == {"given"}
    assert after[["event_id", "mark"]].isna().all(axis=None)
    assert not after["excluded"].any()


def test_every_frame_after_review_says_what_became_of_it_in_the_order_of_the_run(act, store) -> None:
    frames = frames_of(("d", "AA"), ("c", "AAAAA"), ("e", "B"))
    act("kim", (0, 0, "B"), (1, 1, "unsure"), (2, 2, "exclude"), (3, 3, "B"))
    act("lee", (0, 0, "B"), (3, 3, "C"))
    act("park", (1, 1, "C"), clip_id="d", stream="adjudication")
    order = [4, 0, 7, 2, 6, 1, 3, 5]
    after = review_frames(store.events(), frames.iloc[order])
    assert after.index.tolist() == list(range(8))
    told = after.set_axis(order).sort_index()
    assert told["label"].tolist() == ["A", "C", "B", "A", "A", "A", "A", "B"]
    assert told["label_source"].tolist() == ["given", "adjudication", "consensus", "given", "review", "given", "given", "given"]
    assert told["event_id"].fillna("").tolist() == ["", "0003-0", "0002-0", "", "0001-2", "", "", ""]
    assert told["mark"].fillna("").tolist() == ["", "", "", "unsure", "", "disputed", "", ""]
    assert np.flatnonzero(told["excluded"]).tolist() == [4]
    assert np.flatnonzero(changed_frames(told)).tolist() == [1, 2]


def test_only_a_changed_clip_gets_its_commonest_label() -> None:
    def label(given: str, after: str, *, clip: str = "A", excluded: tuple[int, ...] = ()) -> str:
        clips = pd.DataFrame({"clip_id": ["c"], "label": [clip]})
        return clip_labels(clips, after_of(given, after, excluded=excluded)).iloc[0]

    assert label("AAAA", "AAAA") == "A"
    assert label("BBBA", "BBBA") == "A"
    assert label("AAAA", "BBBA") == "B"
    assert label("AAAA", "BBAA") == "A"
    assert label("AAAA", "CCBB") == "B"
    assert label("AAAA", "BBBA", excluded=(0, 1)) == "A"
    assert label("AA", "BB", excluded=(0, 1)) == "A"


def test_a_clip_of_which_no_labelled_frame_is_left_has_no_label() -> None:
    clips = pd.DataFrame({"clip_id": ["c"], "label": ["A"]})
    after = after_of("AABB", "AABB", excluded=(0, 1)).assign(given=["A", "A", None, None], label=["A", "A", None, None])
    assert clip_labels(clips, after).isna().all()
    assert clip_labels(clips, after.assign(label=["A", "A", "B", None])).tolist() == ["B"]
