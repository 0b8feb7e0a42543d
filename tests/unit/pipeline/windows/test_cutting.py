"""The windows table: labels per clip and per frame, bad poses, stable names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.labels import load_taxonomy
from data_schemas.tables import WINDOWS, validate
from pipeline.windows.cutting import cut_windows
from pipeline.windows.sampling import sample_clips


def clips_and_frames(*, clips: int = 2, frames: int = 20, step_ms: int = 200, labels=("SIT", "TURN"), **columns):
    number = np.tile(np.arange(frames), clips)
    names = [f"clip{c}" for c in range(clips)]
    clip_table = pd.DataFrame(
        {
            "clip_id": names,
            "subject_id": ["a", "b", "c", "d"][:clips],
            "species": ["DOG"] * clips,
            "label": [labels[c % len(labels)] for c in range(clips)],
            "frame_count": np.full(clips, frames, np.int32),
        }
    )
    frame_table = pd.DataFrame(
        {
            "clip_id": np.repeat(names, frames),
            "frame_number": (number * 6).astype(np.int32),
            "timestamp_ms": (number * step_ms).astype(np.int32),
            **{f"{k}_{a}": np.float32(i + number) for i, k in enumerate(("nose", "tail")) for a in "xy"},
            **columns,
        }
    )
    return clip_table, frame_table


def windows_of(clips: pd.DataFrame, frames: pd.DataFrame, taxonomy=None, **overrides) -> pd.DataFrame:
    config = load_config(None, overrides=overrides)
    sampled = sample_clips(clips, frames, config=config)
    return validate(cut_windows(clips, frames, sampled=sampled, config=config, taxonomy=taxonomy), WINDOWS, source="windows")


def test_a_clip_of_20_samples_has_16_windows_with_inclusive_spans() -> None:
    windows = windows_of(*clips_and_frames())
    assert len(windows) == 32
    assert windows.loc[0, ["start_frame", "end_frame"]].tolist() == [0, 24]
    assert windows.loc[16, "clip_id"] == "clip1"
    assert windows["label"].unique().tolist() == ["SIT", "TURN"]
    assert not windows["mixed"].any()


def test_names_depend_on_clip_and_span_alone() -> None:
    clips, frames = clips_and_frames()
    whole = windows_of(clips, frames)
    one = windows_of(clips.iloc[1:].reset_index(drop=True), frames.iloc[20:].reset_index(drop=True))
    assert one["window_id"].tolist() == whole["window_id"].tolist()[16:]
    assert whole["window_id"].is_unique
    # Names are kept in stores and exports, so they never change.
    assert whole.loc[0, "window_id"] == "3209c3136d3dfa7c"


def test_with_frame_labels_a_window_takes_its_commonest_and_mixed_ones_are_marked() -> None:
    labels = ["SIT"] * 10 + ["TURN"] * 10
    windows = windows_of(*clips_and_frames(clips=1, frame_label=labels))
    assert windows["label"].tolist() == ["SIT"] * 8 + ["TURN"] * 8
    assert windows["mixed"].tolist() == [False] * 6 + [True] * 4 + [False] * 6


def test_frames_without_a_label_have_none_where_others_of_their_clip_do() -> None:
    windows = windows_of(*clips_and_frames(clips=2, frame_label=[None] * 20 + ["SIT"] * 10 + [None] * 10))
    assert windows["label"].tolist()[:16] == ["SIT"] * 16
    # A window that is labelled in part has the commonest label of those frames that have one, and is not mixed.
    assert windows["label"].tolist()[16:26] == ["SIT"] * 10
    assert windows.loc[26:, ["label", "target"]].isna().all(axis=None)
    assert windows["split"].tolist() == ["audit"] * 26 + ["unlabelled"] * 6
    assert not windows["mixed"].any()


def test_windows_with_too_few_keypoints_are_bad_pose() -> None:
    clips, frames = clips_and_frames(clips=1)
    frames.loc[4:14, ["nose_x", "nose_y", "tail_x", "tail_y"]] = np.nan
    windows = windows_of(clips, frames)
    assert windows["bad_pose"].tolist() == [False] * 4 + [True] * 7 + [False] * 5
    np.testing.assert_allclose(windows["visible"], [0.8, 0.6, 0.4, 0.2] + [0] * 7 + [0.2, 0.4, 0.6, 0.8, 1], atol=1e-6)


def test_a_bad_pose_tells_why_and_a_good_one_does_not() -> None:
    clips, frames = clips_and_frames(clips=1)
    frames.loc[4:8, ["nose_x", "nose_y", "tail_x", "tail_y"]] = np.nan
    windows = windows_of(clips, frames)
    assert (windows["pose_fault"].notna() == windows["bad_pose"]).all()
    assert windows.loc[4, "pose_fault"] == "missing"


def two_rats(*, exchanged_from: int):
    clips, frames = clips_and_frames(clips=1)
    frames = frames.drop(columns=["nose_x", "nose_y", "tail_x", "tail_y"])
    for i, part in enumerate(("top", "body", "end")):
        for who, place in ((1, 0.0), (2, 500.0)):
            other = 500.0 - place
            x = np.where(np.arange(20) < exchanged_from, place, other) + 40 * i
            frames[f"rat{who}_{part}_x"], frames[f"rat{who}_{part}_y"] = x.astype(np.float32), np.float32(10 * (i == 1))
    return clips, frames


def test_windows_across_an_exchange_of_two_animals_are_bad_pose() -> None:
    windows = windows_of(*two_rats(exchanged_from=10))
    assert windows["pose_fault"].dropna().unique().tolist() == ["identity_swap"]
    assert np.flatnonzero(windows["bad_pose"]).tolist() == [6, 7, 8, 9]


def test_looking_for_faults_can_be_turned_off_and_made_milder() -> None:
    assert not windows_of(*two_rats(exchanged_from=10), pose={"find_faults": False})["bad_pose"].any()
    assert not windows_of(*two_rats(exchanged_from=10), pose={"max_implausible": 0.5})["bad_pose"].any()


def test_merging_gives_the_class_to_train_and_keeps_the_label() -> None:
    windows = windows_of(
        *clips_and_frames(labels=("LYING", "TURN")), taxonomy=load_taxonomy("aihub59"), labels={"merge": "classic"}
    )
    assert windows["label"].unique().tolist() == ["LYING", "TURN"]
    assert windows["target"].iloc[0] == "rest"
    assert windows["target"].iloc[-1:].isna().all()


def test_a_source_slower_than_the_time_grid_gives_no_window_twice() -> None:
    clips, frames = clips_and_frames(clips=1, step_ms=400)
    frames["frame_number"] = np.arange(20, dtype=np.int32)
    windows = windows_of(clips, frames)
    assert len(windows)
    assert not windows.duplicated(["start_frame", "end_frame"]).any()


@pytest.mark.parametrize("frames", [1, 4])
def test_a_clip_too_short_for_a_window_gives_none(frames: int) -> None:
    assert windows_of(*clips_and_frames(frames=frames)).empty
