"""What changed: spans, who, when, and the reason that is nearest to the reviewer's own words."""

from __future__ import annotations

import pandas as pd

from data_schemas.tables import CHANGES, CLIPS, SEGMENTS, validate
from pipeline.export.changes import list_changes
from pipeline.review.access import frames_of, stored_events
from pipeline.review.frame_labels import review_frames

CLIP, OTHER = "DOG-00-0-SIT", "DOG-00-0-WALKRUN"


def changes_of(place) -> pd.DataFrame:
    folder, events = place.latest(), stored_events(place)
    after = review_frames(events, frames_of(folder))
    found = list_changes(after, events, folder.read_table("segments", SEGMENTS), folder.read_table("clips", CLIPS))
    return validate(found, CHANGES, source="test")


def test_nothing_changed_is_an_empty_table(ws, decide) -> None:
    assert changes_of(ws).empty
    decide(ws, "kim", (0, 9, "SIT"), (10, 12, "unsure"), clip=CLIP)
    assert changes_of(ws).empty


def test_spans_end_where_label_event_or_clip_ends(ws, decide) -> None:
    decide(ws, "kim", (50, 59, "WALKRUN"), (10, 19, "WALKRUN"), (30, 31, "exclude"), clip=CLIP)
    decide(ws, "kim", (0, 3, "SIT"), clip=OTHER)
    decide(ws, "lee", (20, 25, "WALKRUN"), clip=CLIP)
    found = changes_of(ws)
    assert found[["clip_id", "start_frame", "end_frame", "frames", "from", "who"]].to_numpy().tolist() == [
        [CLIP, 10, 19, 10, "SIT", "kim"],
        [CLIP, 20, 25, 6, "SIT", "lee"],
        [CLIP, 30, 31, 2, "SIT", "kim"],
        [CLIP, 50, 59, 10, "SIT", "kim"],
        [OTHER, 0, 3, 4, "WALKRUN", "kim"],
    ]
    assert found["to"].fillna("-").tolist() == ["WALKRUN", "WALKRUN", "-", "WALKRUN", "SIT"]
    assert set(found["event_id"]) <= set(stored_events(ws)["event_id"])
    assert found["when"].str.match(r"^\d{4}-\d\d-\d\dT.*Z$").all()


def test_why_is_the_note_else_a_remark_on_the_span_else_the_segments_kind(ws, decide) -> None:
    decide(ws, "kim", (0, 4, "WALKRUN"), clip=CLIP, note="gets up")
    decide(ws, "kim", (10, 14, "WALKRUN"), (40, 44, "WALKRUN"), (50, 54, "WALKRUN"), clip=CLIP)
    decide(ws, "lee", (42, 43, "note"), clip=CLIP, note="tail only")
    taken_back = decide(ws, "lee", (52, 52, "note"), clip=CLIP, note="a mistake")
    decide(ws, "lee", clip=CLIP, undoes=taken_back)
    assert changes_of(ws)["why"].fillna("-").tolist() == ["gets up", "contaminated", "tail only", "-"]


def test_a_consensus_carries_the_newest_of_those_who_agree(ws, decide) -> None:
    decide(ws, "kim", (0, 9, "WALKRUN"), clip=CLIP)
    decide(ws, "lee", (0, 9, "WALKRUN"), clip=CLIP)
    found = changes_of(ws)
    assert found[["label_source", "who"]].to_numpy().tolist() == [["consensus", "lee"]]
