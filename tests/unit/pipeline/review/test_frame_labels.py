"""Labels after review: what a clip is called when its frames changed."""

from __future__ import annotations

import pandas as pd

from pipeline.review.access import no_events
from pipeline.review.frame_labels import clip_labels, review_frames


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
