"""The estimate of wrong labels: what counts as wrong before and after review, and when the review may stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.label_error_estimate import LabelErrorEstimate, estimate_label_errors, wrong_windows
from pipeline.evaluation.verified_windows import sample_states
from pipeline.report.label_error_text import label_sentence, stop_sentence
from pipeline.review.frame_labels import review_frames
from tests.unit.pipeline.evaluation.toy import FRAMES, sample_of, windows_of

FLAGS = {"flagged": 300, "unflagged": 2000}


def full_windows(clips: int) -> pd.DataFrame:
    return windows_of(clips, holdout=0).assign(bad_pose=False, pose_fault=None, visible=np.float32(1))


def frames_of(clips: int) -> pd.DataFrame:
    parts = [pd.DataFrame({"clip_id": f"c{i}", "frame_number": np.arange(FRAMES), "given": "A"}) for i in range(clips)]
    return pd.concat(parts, ignore_index=True)


def test_a_window_is_wrong_by_its_given_label_before_and_by_its_cleaned_label_after(paint) -> None:
    windows, frames = full_windows(4), frames_of(4)
    for clip in ("c0", "c1", "c2", "c3"):
        paint("eve", clip, (0, 9, "B" if clip != "c3" else "A"))
    paint("kim", "c0", (0, 9, "B"), stream="review")
    paint("kim", "c2", (0, 3, "exclude"), stream="review")
    events = paint("kim", "c3", (0, 9, "B"), stream="review")
    states = sample_states(sample_of(windows), events, windows, frames=frames)
    found = wrong_windows(states, windows, review_frames(events, frames), margin=0.5).set_index("window_id")
    assert found["before"].to_dict() == {"w0": True, "w1": True, "w2": True, "w3": False}
    assert found["after"].to_dict() == {"w0": False, "w1": True, "w2": False, "w3": True}
    assert found["kept"].to_dict() == {"w0": True, "w1": True, "w2": False, "w3": True}


def test_before_review_a_window_has_its_commonest_label_whatever_its_lead(paint) -> None:
    windows, frames = full_windows(1), frames_of(1)
    frames.loc[:4, "given"], frames.loc[5:7, "given"] = "B", "C"
    events = paint("eve", "c0", (0, 9, "B"))
    states = sample_states(sample_of(windows), events, windows, frames=frames)
    found = wrong_windows(states, windows, review_frames(events, frames), margin=0.9)
    assert found[["before", "kept"]].to_numpy().tolist() == [[False, False]]


def queue(segments: int, *, each: int = 20, quality: float = 0.2, kind: str = "contaminated") -> pd.DataFrame:
    return pd.DataFrame({"label_quality": np.float32(quality), "windows": np.int32(each), "kind": kind}, index=range(segments))


def estimated(
    *,
    flagged: tuple[int, int] = (60, 30),
    unflagged: tuple[int, int] = (60, 0),
    segments: int = 100,
    target_error_rate: float = 0.02,
    run_id: str = "run",
    kind: str = "contaminated",
) -> LabelErrorEstimate:
    """Estimate the errors of samples of so many verified windows, so many of them wrong."""
    rows = [("flagged", i < flagged[1]) for i in range(flagged[0])] + [
        ("unflagged", i < unflagged[1]) for i in range(unflagged[0])
    ]
    sizes = {"flagged": flagged[0], "unflagged": unflagged[0]}
    drawn = pd.DataFrame(rows, columns=["stratum", "wrong"])
    drawn["window_id"] = [f"w{i}" for i in range(len(drawn))]
    drawn["inclusion_probability"] = drawn["stratum"].map({s: n / FLAGS[s] for s, n in sizes.items()})
    samples = drawn.assign(run_id=run_id, sample_id="s1")
    states = drawn.assign(state="verified")
    wrong = drawn.assign(before=drawn["wrong"] | (drawn.index == 59), after=drawn["wrong"], kept=True)
    return estimate_label_errors(
        samples, states, wrong, flags=FLAGS, queue=queue(segments, kind=kind), target_error_rate=target_error_rate
    )


def test_strata_have_the_sizes_that_the_chances_tell() -> None:
    found = estimated()
    assert found.sizes == FLAGS
    assert found.after.share == pytest.approx(0.5 * 300 / 2300)
    assert found.before.share > found.after.share


def test_a_second_draw_of_the_same_run_makes_no_stratum_larger() -> None:
    first = estimated(flagged=(30, 3), unflagged=(200, 0))
    samples = pd.DataFrame(
        {
            "stratum": ["flagged"] * 60,
            "window_id": [f"w{i}" for i in range(60)],
            "inclusion_probability": [30 / 300] * 30 + [30 / 270] * 30,
            "run_id": "run",
            "sample_id": ["s1"] * 30 + ["s2"] * 30,
        }
    )
    wrong = samples.assign(before=True, after=True, kept=True)
    found = estimate_label_errors(
        samples, samples.assign(state="verified"), wrong, flags=FLAGS, queue=queue(1), target_error_rate=0.05
    )
    assert found.sizes == first.sizes == FLAGS
    assert found.after.needed == {"flagged": 0, "unflagged": 30}


def test_the_run_with_the_most_verified_windows_is_taken_and_runs_are_not_mixed() -> None:
    samples = pd.DataFrame(
        {
            "stratum": ["flagged"] * 5,
            "window_id": list("abcde"),
            "inclusion_probability": 0.1,
            "run_id": ["old", "old", "old", "new", "new"],
            "sample_id": ["s1"] * 3 + ["s2"] * 2,
        }
    )
    states = samples.assign(state=["verified", "open", "open", "verified", "verified"])
    wrong = samples[states["state"] == "verified"].assign(before=True, after=True, kept=True)
    found = estimate_label_errors(samples, states, wrong, flags=FLAGS, queue=queue(1), target_error_rate=0.05)
    assert found.drawn_in == "new"
    assert found.after.verified == {"flagged": 2, "unflagged": 0}


def test_the_verified_windows_of_the_hold_out_are_counted_and_measure_no_labels() -> None:
    samples = pd.DataFrame(
        {"stratum": ["flagged", "holdout", "holdout", "holdout"], "window_id": list("abcd"), "inclusion_probability": 0.5}
    ).assign(run_id="one", sample_id="s1")
    states = samples.assign(state=["verified", "verified", "verified", "open"])
    wrong = samples.head(1).assign(before=True, after=False, kept=True)
    found = estimate_label_errors(samples, states, wrong, flags=FLAGS, queue=queue(1), target_error_rate=0.05)
    assert found.holdout == 2
    assert found.after.verified == {"flagged": 1, "unflagged": 0}


def test_of_runs_with_as_many_verified_windows_the_newest_is_taken() -> None:
    samples = pd.DataFrame({"stratum": ["flagged"] * 2, "window_id": ["a", "b"], "inclusion_probability": 0.1})
    samples = samples.assign(run_id=["old", "new"], sample_id=["s1", "s2"])
    wrong = samples.assign(before=True, after=True, kept=True)
    found = estimate_label_errors(
        samples, samples.assign(state="verified"), wrong, flags=FLAGS, queue=queue(1), target_error_rate=0.05
    )
    assert found.drawn_in == "new"


def test_windows_that_the_cleaned_dataset_leaves_out_make_their_stratum_smaller() -> None:
    """Half of the flagged ones are left out, all of those that were wrong: none is wrong in what is kept."""
    samples = pd.DataFrame({"stratum": ["flagged"] * 60 + ["unflagged"] * 60, "window_id": [f"w{i}" for i in range(120)]})
    samples = samples.assign(inclusion_probability=samples["stratum"].map({"flagged": 0.2, "unflagged": 0.03}), run_id="run")
    samples = samples.assign(sample_id="s1")
    cut = np.arange(120) < 30
    wrong = samples.assign(before=cut, after=cut | (np.arange(120) == 60), kept=~cut)
    found = estimate_label_errors(
        samples, samples.assign(state="verified"), wrong, flags=FLAGS, queue=queue(1), target_error_rate=0.05
    )
    assert found.after.verified == {"flagged": 30, "unflagged": 60}
    assert found.after.share == pytest.approx(2000 / 60 / 2150)
    assert found.before.share == pytest.approx(0.5 * 300 / 2300)


def test_without_samples_it_says_what_is_missing_and_gives_no_estimate() -> None:
    none = pd.DataFrame(columns=["window_id", "stratum", "inclusion_probability", "run_id", "sample_id", "state"])
    wrong = pd.DataFrame(columns=["window_id", "stratum", "before", "after", "kept"]).astype(
        {"before": bool, "after": bool, "kept": bool}
    )
    found = estimate_label_errors(none.drop(columns="state"), none, wrong, flags=FLAGS, queue=queue(3), target_error_rate=0.05)
    assert not found.is_known
    assert found.drawn_in is None
    words = label_sentence(found, workspace=Path("ws"))
    assert "30 flagged and 30 unflagged more have to be labelled blind" in words
    assert "`audit review -w ws`, page Blind sample" in words
    assert stop_sentence(found, workspace=Path("ws")) == ""


def test_the_review_can_stop_only_where_the_bound_keeps_the_target() -> None:
    found = estimated(target_error_rate=0.2)
    assert found.is_reached
    assert "can stop" in stop_sentence(found, workspace=Path())
    assert found.after.share < 0.09 < found.after.at_most
    assert replace(found, target_error_rate=found.after.at_most).is_reached
    close = estimated(target_error_rate=0.09)
    assert not close.is_reached
    assert close.windows_needed > 0
    assert "more windows blind (`audit review`, page Blind sample)" in stop_sentence(close, workspace=Path())


def test_how_many_more_segments_follows_from_what_each_is_expected_to_correct() -> None:
    found = estimated(target_error_rate=0.02)
    to_correct = (found.after.share - 0.02) * 2300
    assert found.segments_needed == int(np.ceil(to_correct / (0.8 * 20)))
    assert f"About {found.segments_needed} more segments of 100 to reach 2.0 %" in stop_sentence(found, workspace=Path())


def test_a_queue_that_cannot_correct_enough_is_told() -> None:
    for found in (estimated(segments=1), estimated(kind="bad_pose"), estimated(segments=10_000, kind="bad_pose")):
        assert found.segments_needed is None
        assert "not expected to reach the target of 2.0 %" in stop_sentence(found, workspace=Path())


def test_without_a_change_nothing_is_told_of_before_and_after() -> None:
    found = estimated()
    same = LabelErrorEstimate(**{**vars(found), "before": found.after})
    assert "after review" in label_sentence(found, workspace=Path())
    assert "review" not in label_sentence(same, workspace=Path())
