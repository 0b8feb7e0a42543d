"""Figures of the review say what the tables say."""

from __future__ import annotations

import pandas as pd

from audit_app.review_figures import decided_over_time, given_by_suggested, speed_by_day


def test_every_disc_carries_its_labels_and_its_number():
    segments = pd.DataFrame(
        {
            "segment_id": list("abcd"),
            "given_label": ["SIT", "SIT", "SIT", "TURN"],
            "suggested_label": ["TURN", "TURN", "LYING", "SIT"],
        }
    )
    points = given_by_suggested(segments, titles={"SIT": "sitting", "TURN": "turning", "LYING": "lying"}).data[0]
    told = {tuple(labels): text for labels, text in zip(points.customdata, points.hovertext, strict=True)}
    assert told == {("SIT", "TURN"): "2 segments", ("SIT", "LYING"): "1 segments", ("TURN", "SIT"): "1 segments"}
    assert max(points.marker.size) == points.marker.size[[tuple(c) for c in points.customdata].index(("SIT", "TURN"))]


def test_progress_counts_what_was_reviewed_in_the_order_of_time():
    states = pd.DataFrame(
        {
            "state": ["decided", "open", "unsure", "decided"],
            "at": ["2026-11-25T03:00:00.000Z", None, "2026-11-25T01:00:00.000Z", "2026-11-25T02:00:00.000Z"],
        }
    )
    line = decided_over_time(states).data[0]
    assert list(line.y) == [1, 2, 3]
    assert list(pd.to_datetime(pd.Series(line.x)).dt.hour) == [1, 2, 3]


def test_speed_is_told_for_each_reviewer_and_day_that_has_enough_acts():
    rows = [
        {
            "reviewer": who,
            "operation_id": f"{who}{day}{i}",
            "at": f"2026-11-{day}T01:00:{i * 5:02d}.000Z",
            "start_frame": 0,
            "end_frame": 9,
            "action": "relabel",
        }
        for who, day, count in (("kim", 23, 9), ("kim", 24, 2), ("<b>lee", 24, 9))
        for i in range(count)
    ]
    bars = {bar.name: bar for bar in speed_by_day(pd.DataFrame(rows)).data}
    assert list(bars["kim"].x) == ["2026-11-23"]
    assert list(bars["kim"].y) == [120.0]
    assert "<b>" not in bars["<b>lee"].hovertemplate
