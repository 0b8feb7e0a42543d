"""The hold-out is judged by what is estimated from the others: its labels and poses change nothing about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import load_config
from data_schemas.tables import text
from model.windowing import Samples
from pipeline.detection.issues import find_label_issues
from pipeline.detection.out_of_fold import predict_out_of_fold
from pipeline.detection.segments import change_point_parts, cut_segments
from pipeline.windows.cutting import contiguous_blocks
from tests.unit.pipeline.detection.small import Nowhere, config
from tests.unit.pipeline.detection.test_issues import clips_of, made_up


def found(windows: pd.DataFrame, samples: Samples) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return oof, issues and segments of the audited windows; the ranks are those among them."""
    told = config(optimizer_steps=4, cleaning_iterations=2)
    oof, _ = predict_out_of_fold(windows, samples, config=told, checkpoints=Nowhere())
    clips = windows.drop_duplicates("clip_id")[["clip_id", "label"]].assign(
        other_label=text([None] * windows["clip_id"].nunique())
    )
    issues, segments = cut_segments(find_label_issues(windows, oof, clips, config=told), windows, config=told)
    audited = windows.loc[windows["split"] == "audit", "window_id"]
    issues = issues[issues["window_id"].isin(audited)].sort_values("window_id", ignore_index=True)
    segments = segments[segments["split"] == "audit"].reset_index(drop=True)
    return oof[oof["window_id"].isin(audited)], issues.assign(rank=issues["rank"].rank()), segments


@pytest.mark.parametrize("what", ["labels", "poses"])
def test_nothing_about_the_audited_windows_moves_with_the_hold_out(standing_or_walking, what: str) -> None:
    windows, samples, _ = standing_or_walking
    frame = samples.frame_number[windows["first_sample"]]
    windows = windows.assign(
        label=windows["target"], subject_id=windows["group"], start_frame=frame, end_frame=frame + 4, visible=np.float32(1)
    )
    held = (windows["split"] == "holdout").to_numpy()
    rng = np.random.default_rng(1)
    other, moved = windows.copy(), samples
    if what == "labels":
        shuffled = text(rng.permutation(windows.loc[held, "target"].to_numpy(object)))
        other.loc[held, ["label", "target"]] = np.stack([shuffled, shuffled], axis=1)
        assert (other["target"] != windows["target"]).any()
    else:
        xy, own = samples.xy.copy(), np.isin(samples.block, samples.block[windows["first_sample"][held]])
        xy[own] = rng.normal(0, 90, xy[own].shape)
        moved = replace(samples, xy=xy)
    for one, two in zip(found(windows, samples), found(other, moved), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_windows_on_either_side_of_a_gap_are_no_neighbours() -> None:
    told = load_config(None)
    windows = pd.DataFrame({"clip_id": ["a"] * 5 + ["b"] * 2, "first_sample": [0, 1, 2, 7, 8, 13, 14]})
    assert contiguous_blocks(windows, config=told).tolist() == [0, 0, 0, 1, 1, 2, 2]
    # Those that share their last sample are, those that follow each other only where no windows overlap.
    windows = pd.DataFrame({"clip_id": ["a"] * 4, "first_sample": [0, 4, 9, 3]})
    assert contiguous_blocks(windows, config=told).tolist() == [0, 0, 1, 2]
    assert contiguous_blocks(windows.head(0), config=told).tolist() == []
    far = load_config(None, overrides={"windows": {"stride": 8}})
    windows = pd.DataFrame({"clip_id": ["a"] * 4, "first_sample": [0, 8, 16, 30]})
    assert contiguous_blocks(windows, config=far).tolist() == [0, 0, 0, 1]


def test_no_segment_spans_a_gap_though_frames_are_numbered_through_it() -> None:
    windows, oof, wrong = made_up(bad=slice(10, 30))
    place = np.tile(np.arange(40), 8)
    # An hour lies between windows 19 and 20, and frames are counted on: the one begins where the other ended.
    windows["first_sample"] += 4 * (place >= 20) + 4 * (np.arange(320) // 40)
    windows["start_frame"] += np.where(place >= 20, 19, 0).astype(np.int32)
    windows["end_frame"] += np.where(place >= 20, 19, 0).astype(np.int32)
    issues = find_label_issues(windows, oof, clips_of(windows), config=load_config(None))
    _, segments = cut_segments(issues, windows, config=load_config(None))
    own = segments[segments["clip_id"] == windows.loc[wrong, "clip_id"].iloc[0]].sort_values("start_frame")
    assert own["end_frame"].tolist()[0] == windows["end_frame"].iloc[19]
    assert own["start_frame"].tolist()[1] == windows["start_frame"].iloc[20]


def test_each_species_has_its_own_threshold_of_quality() -> None:
    """Low label quality among cats is found beside dogs whose label quality is much lower, and both in the same way."""
    windows, oof, _ = made_up()
    alone = cut_segments(
        find_label_issues(windows, oof, clips_of(windows), config=load_config(None)), windows, config=load_config(None)
    )
    cats, cat_oof, _ = made_up(seed=1)
    cats = cats.assign(
        species=text(["CAT"] * len(cats)), **{n: text([f"k{v}" for v in cats[n]]) for n in ("window_id", "clip_id")}
    )
    cat_oof = cat_oof.assign(
        window_id=cats["window_id"], p_SIT=cat_oof["p_SIT"] * 0.3 + 0.35, p_TURN=cat_oof["p_TURN"] * 0.3 + 0.35
    )
    both, both_oof = pd.concat([windows, cats], ignore_index=True), pd.concat([oof, cat_oof], ignore_index=True)
    issues = find_label_issues(both, both_oof, clips_of(both), config=load_config(None))
    _, segments = cut_segments(issues, both, config=load_config(None))
    dogs = segments[segments["species"] == "DOG"].reset_index(drop=True)
    pd.testing.assert_frame_equal(dogs, alone[1])


def slowly_cut(signal: np.ndarray, *, penalty: float) -> float:
    """Return the least cost of all cuts, by trying every start of every last part."""
    best = np.zeros(len(signal) + 1)
    best[0] = -penalty
    for end in range(1, len(signal) + 1):
        errors = [((signal[a:end] - signal[a:end].mean(axis=0)) ** 2).sum() for a in range(end)]
        best[end] = min(b + e + penalty for b, e in zip(best[:end], errors, strict=True))
    return best[-1]


def cost(signal: np.ndarray, parts: list[tuple[int, int]], *, penalty: float) -> float:
    return sum(((signal[a:b] - signal[a:b].mean(axis=0)) ** 2).sum() for a, b in parts) + penalty * (len(parts) - 1)


@given(seed=st.integers(0, 999), length=st.integers(1, 60), channels=st.integers(1, 3), most=st.sampled_from([4, 512]))
def test_parts_cost_least(seed: int, length: int, channels: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    signal = np.repeat(rng.random((length, channels)), rng.integers(1, 4), axis=0)[:length] + rng.normal(
        0, 0.1, (length, channels)
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.detection.segments._MOST_STARTS", most)
        parts = change_point_parts(signal, penalty=0.5)
    assert [a for a, _ in parts] == [0, *(b for _, b in parts[:-1])]
    assert parts[-1][1] == length
    least = slowly_cut(signal, penalty=0.5)
    assert cost(signal, parts, penalty=0.5) == pytest.approx(
        least, rel=0 if most == 512 else 0.1, abs=1e-9 if most == 512 else 0.3
    )
