"""Of one file: which rows of one reviewer say two things of the same frames."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.decision_files import contradictions

ROWS = st.lists(
    st.tuples(
        st.sampled_from("cd"), st.sampled_from(["kim", "lee"]), st.integers(0, 6), st.integers(0, 3), st.sampled_from("AB")
    ),
    max_size=7,
)


@given(ROWS)
def test_every_pair_that_shares_a_frame_under_two_labels_is_told_with_these_frames(rows: list) -> None:
    events = [
        (
            line,
            {
                "clip_id": c,
                "reviewer": who,
                "stream": "review",
                "action": "relabel",
                "label": x,
                "start_frame": a,
                "end_frame": a + n,
            },
        )
        for line, (c, who, a, n, x) in enumerate(rows, start=2)
    ]
    expected = []
    for (first, one), (last, two) in combinations(events, 2):
        low, high = max(one["start_frame"], two["start_frame"]), min(one["end_frame"], two["end_frame"])
        if low <= high and one["label"] != two["label"] and all(one[k] == two[k] for k in ("clip_id", "reviewer")):
            who = f"frames {low}-{high} of {one['clip_id']} have two labels of {one['reviewer']}"
            lines = f"{one['label']} in line {first}, {two['label']} in line {last}"
            expected.append((last, f"{who}: {lines}; the later line counts"))
    assert sorted(contradictions(events)) == sorted(expected)
