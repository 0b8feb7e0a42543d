"""Clean windows: the majority that leads by a margin, or none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.labels import load_taxonomy
from data_schemas.tables import CLEAN_WINDOWS, text, validate
from pipeline.review.window_labels import CleanWindows, clean_windows


def after_of(labels: str, *, excluded: tuple[int, ...] = (), reviewed: tuple[int, ...] = (), clip: str = "c") -> pd.DataFrame:
    numbers = np.arange(len(labels)) * 3 + 7
    return pd.DataFrame(
        {
            "clip_id": text([clip] * len(labels)),
            "frame_number": numbers.astype(np.int32),
            "given": text(["A"] * len(labels)),
            "label": text(list(labels)),
            "label_source": text(["review" if i in reviewed else "given" for i in range(len(labels))]),
            "excluded": [i in excluded for i in range(len(labels))],
        }
    )


def windows_of(*spans: tuple[int, int], clip: str = "c", species: str = "DOG", given: str = "A") -> pd.DataFrame:
    """Return windows over frames by their places; frame numbers begin at 7 and go by 3."""
    n = len(spans)
    return pd.DataFrame(
        {
            "window_id": text([f"{clip}{a}-{b}" for a, b in spans]),
            "clip_id": text([clip] * n),
            "subject_id": text(["s"] * n),
            "species": text([species] * n),
            "start_frame": np.array([7 + 3 * a for a, _ in spans], np.int32),
            "end_frame": np.array([7 + 3 * b for _, b in spans], np.int32),
            "label": text([given] * n),
            "split": text(["audit"] * n),
            "bad_pose": [False] * n,
            "pose_fault": text([None] * n),
            "visible": np.ones(n, np.float32),
        }
    )


def cleaned(labels: str, *, margin: float = 0.5, **more: tuple[int, ...]) -> CleanWindows:
    return clean_windows(windows_of((0, len(labels) - 1)), after_of(labels, **more), margin=margin)


def test_the_given_label_is_that_before_any_review_in_a_later_round_as_well() -> None:
    of_the_round = windows_of((0, 4), (5, 9)).assign(label=text(["B", "A"]))
    clean = clean_windows(of_the_round, after_of("BBBBBAAAAA", reviewed=(0, 1, 2, 3, 4)), margin=0.5).table
    assert clean[["given_label", "label"]].to_numpy().tolist() == [["A", "B"], ["A", "A"]]


@pytest.mark.parametrize(
    ("labels", "margin", "label"),
    [
        ("AAAAA", 1.0, "A"),
        ("BBBBB", 0.5, "B"),
        ("AAAAB", 0.5, "A"),
        ("AAAAB", 0.6, "A"),
        ("AAAAB", 0.61, None),
        ("ABBBB", 0.5, "B"),
        ("AAABB", 0.5, None),
        ("AAABB", 0.2, "A"),
        ("AABB", 0.0, None),
        ("AABBC", 0.0, None),
        ("ABBCA", 0.0, None),
        ("AABC", 0.25, "A"),
    ],
)
def test_the_commonest_label_must_lead_by_the_margin(labels: str, margin: float, label: str | None) -> None:
    found = cleaned(labels, margin=margin)
    assert found.table["label"].tolist() == ([] if label is None else [label])
    assert found.left_out_mixed == (label is None)
    assert found.left_out_excluded == 0


def test_a_window_with_an_excluded_frame_is_left_out_and_counted_once() -> None:
    found = cleaned("AABB", excluded=(1,))
    assert (len(found.table), found.left_out_mixed, found.left_out_excluded) == (0, 0, 1)


def test_shares_of_a_window() -> None:
    row = cleaned("AAAAB", reviewed=(0, 4)).table.iloc[0]
    assert (row["majority"], row["reviewed"], bool(row["mixed"]), row["given_label"]) == (0.8, 0.4, True, "A")
    one = cleaned("A", reviewed=(0,)).table.iloc[0]
    assert (one["majority"], one["reviewed"], bool(one["mixed"])) == (1.0, 1.0, False)


def test_a_window_that_nobody_had_labelled_goes_with_its_group_once_it_has_a_label() -> None:
    subjects, species = ["held", "held", "held", "seen", "new", "cat"], ["DOG", "DOG", "CAT", "DOG", "DOG", "CAT"]
    splits = ["holdout", "unlabelled", "unlabelled", "audit", "unlabelled", "left_out"]
    windows = windows_of(*[(i, i) for i in range(6)])
    windows = windows.assign(subject_id=text(subjects), species=text(species), split=text(splits))
    found = clean_windows(windows, after_of("AAAAAA"), margin=0.5).table["split"]
    # Of cats none is audited, and no cat of that name is held out.
    assert found.tolist() == ["holdout", "holdout", "left_out", "audit", "audit", "left_out"]


def test_targets_follow_the_merge() -> None:
    dog = load_taxonomy("aihub59")
    after = after_of("AA").assign(label=text(["LYING"] * 2))
    found = clean_windows(windows_of((0, 1)), after, margin=0.5, merge="classic", taxonomy=dog)
    assert found.table["target"].tolist() == ["rest"]
    dropped = clean_windows(windows_of((0, 1)), after.assign(label=text(["TURN"] * 2)), margin=0.5, merge="classic", taxonomy=dog)
    assert dropped.table["target"].isna().all()
    assert dropped.table["label"].tolist() == ["TURN"]


@pytest.mark.parametrize("merge", ["none", "classic"])
def test_windows_without_a_label_have_no_target_whatever_the_merge(merge: str) -> None:
    after = after_of("AAAA").assign(label=text(["LYING", "LYING", None, None]), given=text(["LYING", "LYING", None, None]))
    windows = windows_of((0, 1), (2, 3)).assign(label=text(["LYING", None]), split=text(["audit", "unlabelled"]))
    found = clean_windows(windows, after, margin=0.5, merge=merge, taxonomy=load_taxonomy("aihub59")).table
    assert found["target"].isna().tolist() == [False, True]
    assert validate(found, CLEAN_WINDOWS, source="clean")["split"].tolist() == ["audit", "unlabelled"]


@given(
    st.lists(
        st.tuples(st.text("ABC", min_size=2, max_size=12), st.lists(st.integers(0, 11), max_size=2)), min_size=1, max_size=3
    ),
    st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]),
    st.randoms(use_true_random=False),
)
def test_counting_all_windows_at_once_is_counting_each(clips, margin, random) -> None:
    after = pd.concat([after_of(x, excluded=tuple(e), clip=f"c{i}") for i, (x, e) in enumerate(clips)])
    after = after.sample(frac=1, random_state=random.randrange(100)).reset_index(drop=True)
    parts = [
        windows_of(*[(a, b) for a in range(len(x)) for b in range(a, len(x))], clip=f"c{i}") for i, (x, _) in enumerate(clips)
    ]
    windows = pd.concat(parts, ignore_index=True)
    found = clean_windows(windows, after, margin=margin)
    validate(found.table, CLEAN_WINDOWS, source="test")
    assert len(found.table) + found.left_out_mixed + found.left_out_excluded == len(windows)
    labels = found.table.set_index("window_id")["label"]
    for row in windows.itertuples():
        inside = after[(after["clip_id"] == row.clip_id) & after["frame_number"].between(row.start_frame, row.end_frame)]
        counts = [*sorted(inside["label"].value_counts(), reverse=True), 0]
        wanted = not inside["excluded"].any() and counts[0] > counts[1] and counts[0] - counts[1] >= margin * len(inside) - 1e-9
        assert (row.window_id in labels.index) == wanted
        if wanted:
            assert labels[row.window_id] == inside["label"].mode()[0]
