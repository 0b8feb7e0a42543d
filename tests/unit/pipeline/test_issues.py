"""Doubt, flags and segments from probabilities made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import ISSUES, SEGMENTS, text, validate
from pipeline.issues import judge_windows
from pipeline.segments import merge_segments


def made_up(*, clips: int = 8, each: int = 30, bad: slice = slice(10, 20), seed: int = 0):
    """Give windows of two classes and probabilities that believe the label, but for a stretch of every second clip."""
    rng = np.random.default_rng(seed)
    rows = clips * each
    clip = np.repeat(np.arange(clips), each)
    place = np.tile(np.arange(each), clips)
    label = np.where(clip % 2, "TURN", "SIT").astype(object)
    wrong = np.isin(place, np.arange(each)[bad]) & (clip % 4 < 2)
    believes = np.clip(np.where(wrong, 0.15, 0.85) + rng.normal(0, 0.08, rows), 0.01, 0.99)
    sit = np.where((label == "SIT"), believes, 1 - believes)
    windows = pd.DataFrame(
        {
            "window_id": text([f"w{i:04d}" for i in range(rows)]),
            "clip_id": text([f"clip{c:02d}" for c in clip]),
            "subject_id": text([f"s{c}" for c in clip]),
            "species": text(["DOG"] * rows),
            "start_frame": (place * 6).astype(np.int32),
            "end_frame": (place * 6 + 24).astype(np.int32),
            "label": text(label),
            "target": text(label),
            "group": text([f"s{c}" for c in clip]),
            "split": text(np.where(clip == clips - 1, "holdout", "audit").astype(object)),
            "mixed": False,
            "bad_pose": False,
            "visible": np.float32(1),
            "first_sample": np.arange(rows),
        }
    )
    oof = pd.DataFrame(
        {
            "window_id": windows["window_id"],
            "fold": np.int16(0),
            "p_SIT": sit.astype(np.float32),
            "p_TURN": (1 - sit).astype(np.float32),
        }
    )
    return windows, oof, wrong


def judged(windows: pd.DataFrame, oof: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    issues, segments = merge_segments(judge_windows(windows, oof, config=load_config(None)), windows)
    return validate(issues, ISSUES, source="issues"), validate(segments, SEGMENTS, source="segments")


def test_the_doubtful_stretch_is_ranked_first_and_flagged() -> None:
    windows, oof, wrong = made_up()
    issues, _ = judged(windows, oof)
    doubtful = set(windows.loc[wrong, "window_id"])
    first = set(issues.nsmallest(len(doubtful) // 2, "rank")["window_id"])
    assert first <= doubtful
    flagged = issues[issues["is_issue"]]
    assert len(set(flagged["window_id"]) & doubtful) / len(flagged) > 0.8
    assert (flagged["suggested_label"] != flagged["given_label"]).all()


def test_rank_follows_quality_and_counts_every_window() -> None:
    issues, _ = judged(*made_up()[:2])
    assert sorted(issues["rank"]) == list(range(1, len(issues) + 1))
    assert issues.sort_values("rank")["label_quality"].is_monotonic_increasing


def test_the_result_does_not_depend_on_the_order_of_rows() -> None:
    windows, oof, _ = made_up()
    shuffled = judged(windows.sample(frac=1, random_state=1).reset_index(drop=True), oof.sample(frac=1, random_state=2))
    for one, other in zip(judged(windows, oof), shuffled, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_segment_is_a_run_of_flagged_windows_of_one_clip() -> None:
    windows, oof, _ = made_up()
    issues, segments = judged(windows, oof)
    for segment in segments.itertuples():
        own = issues[issues["segment_id"] == segment.segment_id]
        assert own["clip_id"].unique().tolist() == [segment.clip_id]
        assert (own["start_frame"].min(), own["end_frame"].max()) == (segment.start_frame, segment.end_frame)
        assert own["is_issue"].all()
        assert len(own) == segment.windows
    assert issues.loc[issues["is_issue"], "segment_id"].notna().all()
    assert issues.loc[~issues["is_issue"], "segment_id"].isna().all()
    assert set(segments["split"]) <= {"audit", "holdout"}


def test_nothing_flagged_gives_an_empty_valid_segments_table() -> None:
    windows, oof, _ = made_up(bad=slice(0, 0))
    issues = judge_windows(windows, oof, config=load_config(None)).assign(is_issue=False)
    same, segments = merge_segments(issues, windows)
    assert validate(segments, SEGMENTS, source="segments").empty
    assert same["segment_id"].isna().all()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"bad_pose": True}, "bad_pose"),
        ({"mixed": True}, "boundary"),
        ({}, "contaminated"),
    ],
)
def test_kinds_follow_their_stated_rules(change: dict[str, bool], kind: str) -> None:
    windows, oof, _ = made_up()
    _, segments = judged(windows.assign(**change), oof)
    assert segments["kind"].mode()[0] == kind


def test_a_clip_flagged_from_end_to_end_is_a_wrong_clip() -> None:
    windows, oof, _ = made_up()
    issues = judge_windows(windows, oof, config=load_config(None))
    issues["is_issue"] = issues["clip_id"] == "clip00"
    _, segments = merge_segments(issues, windows)
    assert segments["kind"].tolist() == ["wrong_clip"]
    assert segments["windows"].tolist() == [30]
