"""Scores, quality, flags and segments from probabilities made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import ISSUES, SEGMENTS, text, validate
from pipeline.detection.issues import find_label_issues
from pipeline.detection.segments import change_point_parts, cut_segments
from pipeline.review.segment_states import expected_residual_error


def made_up(*, clips: int = 8, each: int = 40, bad: slice = slice(12, 30), seed: int = 0):
    """Give windows of two classes and probabilities that believe the label, but for a stretch of every second pair of clips."""
    rng = np.random.default_rng(seed)
    rows = clips * each
    clip = np.repeat(np.arange(clips), each)
    place = np.tile(np.arange(each), clips)
    label = np.where(clip % 2, "TURN", "SIT").astype(object)
    wrong = np.isin(place, np.arange(each)[bad]) & (clip % 4 < 2)
    believes = np.clip(np.where(wrong, 0.1, 0.9) + rng.normal(0, 0.05, rows), 0.01, 0.99)
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
            "reviewed": False,
            "bad_pose": False,
            "pose_fault": text([None] * rows),
            "visible": np.float32(1),
            "first_sample": np.arange(rows),
        }
    )
    oof = pd.DataFrame(
        {
            "window_id": windows["window_id"],
            "fold": np.int16(0),
            "used_for_training": ~wrong,
            "network": believes.astype(np.float32),
            "base_learners": believes.astype(np.float32),
            "p_SIT": sit.astype(np.float32),
            "p_TURN": (1 - sit).astype(np.float32),
        }
    )
    return windows, oof, wrong


def clips_of(windows: pd.DataFrame, other: dict[str, str] | None = None) -> pd.DataFrame:
    clips = windows.drop_duplicates("clip_id")[["clip_id", "label"]].reset_index(drop=True)
    return clips.assign(other_label=text([(other or {}).get(c) for c in clips["clip_id"]]))


def scored(windows: pd.DataFrame, oof: pd.DataFrame, other: dict[str, str] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    config = load_config(None)
    issues, segments = cut_segments(
        find_label_issues(windows, oof, clips_of(windows, other), config=config), windows, config=config
    )
    return validate(issues, ISSUES, source="issues"), validate(segments, SEGMENTS, source="segments")


def test_the_suspect_stretch_is_ranked_first_and_flagged() -> None:
    windows, oof, wrong = made_up()
    issues, _ = scored(windows, oof)
    suspect = set(windows.loc[wrong, "window_id"])
    first = set(issues.nsmallest(len(suspect) // 2, "rank")["window_id"])
    assert first <= suspect
    flagged = issues[issues["is_issue"]]
    assert len(set(flagged["window_id"]) & suspect) / len(flagged) > 0.8
    assert (flagged["suggested_label"] != flagged["given_label"]).all()


def test_quality_is_a_chance_as_many_are_flagged_as_are_expected_wrong() -> None:
    windows, oof, wrong = made_up()
    issues, _ = scored(windows, oof)
    assert issues["is_issue"].sum() == pytest.approx((1 - issues["label_quality"]).sum(), abs=1.5)
    assert issues["is_issue"].mean() == pytest.approx(wrong.mean(), abs=0.05)
    sure = issues[issues["label_quality"] > 0.9]
    assert not sure["window_id"].isin(windows.loc[wrong, "window_id"]).any()


def test_rank_follows_quality_and_counts_every_window() -> None:
    issues, _ = scored(*made_up()[:2])
    assert sorted(issues["rank"]) == list(range(1, len(issues) + 1))
    assert issues.sort_values("rank")["label_quality"].is_monotonic_increasing


def test_the_result_does_not_depend_on_the_order_of_rows_and_reviewed_windows_come_last() -> None:
    windows, oof, wrong = made_up()
    windows["reviewed"] = wrong & (windows["clip_id"] == "clip01")
    shuffled = scored(windows.sample(frac=1, random_state=1).reset_index(drop=True), oof.sample(frac=1, random_state=2))
    for one, other in zip(scored(windows, oof), shuffled, strict=True):
        pd.testing.assert_frame_equal(one, other)
    last = shuffled[0].nlargest(windows["reviewed"].sum(), "rank")
    assert set(last["window_id"]) == set(windows.loc[windows["reviewed"], "window_id"])
    assert not last["is_issue"].any()
    # A reviewed label is what networks agree with, and of the others these rank all.
    assert (last["second_opinion"] == 1).all()
    others = shuffled[0][~shuffled[0]["window_id"].isin(last["window_id"])]
    assert others["second_opinion"].between(0, 1).all()
    believed = others.merge(oof, on="window_id")
    assert believed.loc[believed["network"] < 0.3, "second_opinion"].median() < 0.2
    assert believed.loc[believed["network"] > 0.7, "second_opinion"].median() > 0.5


def test_segments_find_the_stretch_and_never_overlap() -> None:
    windows, oof, _ = made_up()
    _, segments = scored(windows, oof)
    assert set(segments["clip_id"]) == {"clip00", "clip01", "clip04", "clip05"}
    for segment in segments.itertuples():
        # Windows 12 to 29 are suspect: the middles of the first and the last lie at frames 84 and 186.
        # The average over neighbours blurs them by half a second, three windows.
        assert abs(segment.start_frame - 84) <= 18
        assert abs(segment.end_frame - 186) <= 18
    for _, own in segments.sort_values("start_frame").groupby("clip_id"):
        assert (own["start_frame"].to_numpy()[1:] > own["end_frame"].to_numpy()[:-1]).all()


def test_windows_carry_the_segment_that_holds_their_middle() -> None:
    windows, oof, _ = made_up()
    issues, segments = scored(windows, oof)
    for segment in segments.itertuples():
        own = issues[issues["segment_id"] == segment.segment_id]
        middle = (own["start_frame"] + own["end_frame"]) // 2
        assert len(own) == segment.windows
        assert middle.between(segment.start_frame, segment.end_frame).all()
        assert set(own["kind"]) == {segment.kind}


def test_nothing_flagged_gives_an_empty_valid_segments_table() -> None:
    windows, oof, _ = made_up(bad=slice(0, 0))
    config = load_config(None)
    issues = find_label_issues(windows, oof, clips_of(windows), config=config).assign(is_issue=False)
    same, segments = cut_segments(issues, windows, config=config)
    assert validate(segments, SEGMENTS, source="segments").empty
    assert same["segment_id"].isna().all()


def test_windows_of_bad_pose_are_shown_as_such_and_have_no_vote() -> None:
    windows, oof, _ = made_up()
    sick = (windows["clip_id"] == "clip02").to_numpy() & (windows["start_frame"] < 90).to_numpy()
    oof.loc[sick, ["p_SIT", "p_TURN"]] = (0.0, 1.0)
    issues, segments = scored(windows.assign(bad_pose=sick), oof)
    own = issues[issues["window_id"].isin(windows.loc[sick, "window_id"])]
    assert not own["is_issue"].any()
    assert set(own["kind"].dropna()) == {"bad_pose"}
    assert segments.loc[segments["kind"] == "bad_pose", "priority"].tolist() == [0.0]
    # Those of the same priority come in the order of their names.
    twice = scored(windows.assign(bad_pose=sick | np.roll(sick, 40) | np.roll(sick, 80)), oof)[1]
    assert twice.loc[twice["priority"] == 0, "segment_id"].is_monotonic_increasing
    assert (twice["priority"] == 0).sum() == 3
    # The healthy windows beside them keep their quality: what bad poses say is not averaged in.
    beside = issues[(issues["clip_id"] == "clip02") & (issues["start_frame"] >= 90)]
    assert beside["label_quality"].min() > 0.8


def test_what_a_sure_suggestion_repairs_leaves_little_to_learn() -> None:
    sure, unsure, given_kept, bad_pose = 0, 1, 2, 3
    segments = pd.DataFrame(
        {
            "label_quality": pd.Series([0.1, 0.1, 0.6, 0.2], dtype="float32"),
            "suggested_probability": pd.Series([0.9, 0.3, 0.3, 0.3], dtype="float32"),
            "priority": [0.45, 0.45, 0.2, 0.0],
        }
    )
    left = expected_residual_error(segments)
    assert left.sort_values(ascending=False).index.tolist() == [unsure, given_kept, sure, bad_pose]
    assert left[given_kept] == pytest.approx(0.2)
    assert left[unsure] == pytest.approx(0.45 * 0.7 / 0.9)
    assert (left <= segments["priority"]).all()


def test_a_boundary_is_a_short_segment_at_a_change_of_label() -> None:
    windows, oof, wrong = made_up(bad=slice(14, 22))
    _, segments = scored(windows.assign(mixed=wrong), oof)
    over_the_change = segments[(segments["start_frame"] <= 120) & (segments["end_frame"] >= 120)]
    assert len(over_the_change) == 4
    assert set(over_the_change["kind"]) == {"boundary"}


def test_a_clip_whose_label_nothing_supports_is_a_wrong_clip_from_end_to_end() -> None:
    windows, oof, _ = made_up(clips=40, bad=slice(0, 0))
    swapped = (windows["clip_id"] == "clip06").to_numpy()
    oof.loc[swapped, ["p_SIT", "p_TURN"]] = oof.loc[swapped, ["p_TURN", "p_SIT"]].to_numpy()
    issues, segments = scored(windows, oof)
    assert segments["clip_id"].tolist() == ["clip06"]
    assert segments["kind"].tolist() == ["wrong_clip"]
    whole = issues.groupby("clip_id")["wrong_clip"].first()
    assert whole["clip06"] > 5 * whole.drop("clip06").max()


def test_a_clip_that_owner_and_inspector_name_differently_is_an_issue_by_itself() -> None:
    windows, oof, _ = made_up(bad=slice(0, 0))
    issues, segments = scored(windows, oof, other={"clip02": "TURN", "clip03": "TURN"})
    own = issues[issues["clip_id"] == "clip02"]
    assert own["is_issue"].all()
    assert own["label_quality"].max() <= 0.5
    assert set(own["suggested_label"]) == {"TURN"}
    assert "clip02" in set(segments["clip_id"])
    assert "clip03" not in set(issues.loc[issues["is_issue"], "clip_id"])


def test_parts_are_cut_where_the_signal_changes_and_cover_it() -> None:
    course = np.repeat([[0.0], [1.0], [0.2]], (30, 12, 40), axis=0) + np.random.default_rng(0).normal(0, 0.05, (82, 1))
    assert change_point_parts(course, penalty=0.3) == [(0, 30), (30, 42), (42, 82)]
    assert change_point_parts(np.zeros((5, 1)), penalty=0.3) == [(0, 5)]
