"""The training set of each arm, which arms there are, and what the first decisions are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import TooFewDataError
from data_schemas.tables import text
from pipeline.retraining.training_conditions import after_review, arms_of, first_decisions, training_windows
from pipeline.review.window_labels import clean_windows

INPUTS = SimpleNamespace(folder=SimpleNamespace(path=Path("run")))


def windows_of(labels: str, **columns: list) -> pd.DataFrame:
    """Return five-frame windows of one clip each."""
    n = len(labels)
    names = [f"w{i}" for i in range(n)]
    table = pd.DataFrame(
        {
            "window_id": text(names),
            "clip_id": text([f"c{i}" for i in range(n)]),
            "subject_id": text([f"s{i}" for i in range(n)]),
            "species": text(["DOG"] * n),
            "start_frame": np.zeros(n, np.int32),
            "end_frame": np.full(n, 4, np.int32),
            "label": text(list(labels)),
            "target": text(list(labels)),
            "split": text(["audit"] * n),
            "mixed": False,
            "reviewed": False,
            "bad_pose": False,
            "pose_fault": text([None] * n),
            "visible": np.ones(n, np.float32),
            "first_sample": np.arange(n) * 5,
        }
    )
    return table.assign(**columns)


def clean_of(windows: pd.DataFrame, frames: list[str], *, excluded: tuple[tuple[int, int], ...] = ()) -> pd.DataFrame:
    """Clean windows by the export's own rule: ``frames`` has the labels of each window's frames, lower case where given."""
    rows = [
        {
            "clip_id": f"c{w}",
            "frame_number": f,
            "given": label.upper(),
            "label": label.upper(),
            "label_source": "given" if label.islower() else "review",
            "excluded": (w, f) in excluded,
        }
        for w, labels in enumerate(frames)
        for f, label in enumerate(labels)
    ]
    return clean_windows(windows, pd.DataFrame(rows), margin=0.5).table


def used(arm: str, windows: pd.DataFrame, trusted: str, frames: list[str], **more) -> dict[str, str]:
    told = {"+": windows["target"], "-": pd.Series([None] * len(windows), dtype="str")}
    may = pd.Series([told[t][i] if t in told else t for i, t in enumerate(trusted)], index=windows["window_id"], dtype="str")
    found = training_windows(arm, windows, trusted=may, clean=clean_of(windows, frames, **more))
    assert found["first_sample"].tolist() == [5 * int(w[1:]) for w in found["window_id"]]
    return dict(zip(found["window_id"], found["target"], strict=True))


def test_given_uses_all_labels_and_pruned_those_that_are_trusted() -> None:
    windows, frames = windows_of("ABAB"), ["BBBBB", "bbbbb", "aaaaa", "bbbbb"]
    assert used("given", windows, "-++-", frames) == {"w0": "A", "w1": "B", "w2": "A", "w3": "B"}
    assert used("pruned", windows, "-++-", frames) == {"w1": "B", "w2": "A"}


def test_a_relabelled_window_is_trained_as_the_other_class_unless_somebody_looked() -> None:
    windows, frames = windows_of("AAB"), ["AAAAA", "aaaaa", "bbbbb"]
    assert used("given", windows, "BB+", frames) == {"w0": "A", "w1": "A", "w2": "B"}
    assert used("pruned", windows, "BB+", frames) == {"w0": "B", "w1": "B", "w2": "B"}
    assert used("reviewed", windows, "BB+", frames) == {"w0": "A", "w1": "B", "w2": "B"}


def test_reviewed_windows_keep_their_label_whatever_cleaning_keeps() -> None:
    windows, frames = windows_of("AABB"), ["BBBBB", "AAAAA", "bbbbb", "bbbbb"]
    assert used("reviewed", windows, "+--+", frames) == {"w0": "B", "w1": "A", "w3": "B"}


def test_a_window_that_review_leaves_mixed_or_cut_is_not_used() -> None:
    windows, frames = windows_of("AAAAB"), ["BBaaa", "BBBAA", "BBBBA", "AAAAA", "bbbbb"]
    assert used("reviewed", windows, "+++++", frames, excluded=((3, 0),)) == {"w2": "B", "w4": "B"}


def test_a_few_reviewed_frames_do_not_make_a_reviewed_window() -> None:
    windows, frames = windows_of("AAB"), ["AAaaa", "AAAaa", "bbbbb"]
    assert used("reviewed", windows, "--+", frames) == {"w1": "A", "w2": "B"}


def test_half_of_the_frames_are_not_most_of_a_window() -> None:
    windows = windows_of("AAB")
    clean = windows[["window_id", "split"]].assign(label=text(["B", "B", "B"]), target=text(["B", "B", "B"]))
    left = after_review(windows, clean.assign(reviewed=[0.5, 0.51, 0.0]))
    assert left["reviewed"].tolist() == [False, True, False]
    assert left["target"].tolist() == ["A", "B", "B"]


def test_holdout_bad_pose_and_mixed_windows_are_never_used() -> None:
    windows = windows_of(
        "AABBAB",
        split=text(["holdout", "audit", "left_out", "audit", "audit", "audit"]),
        bad_pose=[False, True, False, False, False, False],
        mixed=[False, False, False, True, False, False],
    )
    for arm in ("given", "pruned", "reviewed"):
        assert used(arm, windows, "++++++", ["BBBBB", "BBBBB", "AAAAA", "bbbaa", "aaaaa", "bbbbb"]) == {
            "w4": "A",
            "w5": "B",
        }


def test_review_settles_a_window_across_a_change_of_label() -> None:
    windows, frames = windows_of("AAB", mixed=[True, False, False]), ["BBBBB", "aaaaa", "bbbbb"]
    assert used("reviewed", windows, "-++", frames) == {"w0": "B", "w1": "A", "w2": "B"}


def test_an_action_that_was_not_audited_is_not_used() -> None:
    windows, frames = windows_of("AAB"), ["XXXXX", "aaaaa", "bbbbb"]
    assert used("reviewed", windows, "+++", frames) == {"w1": "A", "w2": "B"}
    left = after_review(windows, clean_of(windows, frames))
    assert left["target"].tolist() == ["A", "A", "B"]
    assert left["mixed"].tolist() == [True, False, False]


def test_the_windows_after_review_tell_which_were_reviewed() -> None:
    windows, frames = windows_of("AAB"), ["BBBBB", "AAAAA", "bbbbb"]
    left = after_review(windows, clean_of(windows, frames))
    assert left["reviewed"].tolist() == [True, True, False]
    assert left["label"].tolist() == ["B", "A", "B"]


def test_what_the_source_says_was_reviewed_is_used_unless_review_takes_it_back() -> None:
    windows = windows_of("AAAB", reviewed=[True, True, True, False])
    frames = ["aaaaa", "aaaaa", "BBBBB", "bbbbb"]
    left = after_review(windows, clean_of(windows, frames, excluded=((1, 2),)))
    assert left["reviewed"].tolist() == [True, False, True, False]
    assert used("reviewed", windows, "---+", frames, excluded=((1, 2),)) == {"w0": "A", "w2": "B", "w3": "B"}


@pytest.mark.parametrize(
    ("wanted", "frames", "arms"),
    [
        ((), 0, ("given", "pruned")),
        ((), 5, ("given", "pruned", "reviewed")),
        (("reviewed", "given"), 5, ("given", "reviewed")),
        (("pruned",), 0, ("pruned",)),
    ],
)
def test_arms_are_those_that_are_wanted_in_their_order(wanted: tuple, frames: int, arms: tuple) -> None:
    assert arms_of(INPUTS, wanted, reviewed_frames=frames) == arms


def test_the_reviewed_arm_needs_a_review() -> None:
    with pytest.raises(TooFewDataError, match="nothing is reviewed") as caught:
        arms_of(INPUTS, ("given", "reviewed"), reviewed_frames=0)
    assert "audit review" in caught.value.hint


def test_the_first_decisions_are_whole_operations_in_order_of_time() -> None:
    events = pd.DataFrame(
        {
            "event_id": ["a1", "b1", "b2", "c1", "d1"],
            "operation_id": ["a", "b", "b", "c", "d"],
            "at": ["2026-01-03", "2026-01-01", "2026-01-01", "2026-01-04", "2026-01-02"],
        }
    )
    parts = {share: first_decisions(events, share)["event_id"].tolist() for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    assert parts[0.0] == []
    assert parts[0.25] == ["b1", "b2"]
    assert parts[0.5] == ["b1", "b2", "d1"]
    assert parts[0.75] == ["a1", "b1", "b2", "d1"]
    assert parts[1.0] == events["event_id"].tolist()
    assert first_decisions(events.head(0), 0.5).empty
