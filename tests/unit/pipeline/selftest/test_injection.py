"""InjectedErrors errors: known to the frame, hidden at their seams, and nothing else touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import load_config
from data_schemas.tables import INJECTED_KINDS
from pipeline.audit.stages import STAGES, Context
from pipeline.readers import recognise
from pipeline.selftest.injection import InjectedErrors, inject_errors
from pipeline.selftest.source_index import SourceIndex, index_source
from pipeline.selftest.splicing import fit_segment, poses_at
from pipeline.workspace.run_folder import RunFolder

NAMES = [f"{k}_{a}" for k in ("tail", "neck", "nose") for a in "xy"]


def audited(folder: Path, table: pd.DataFrame, *, holdout: float = 0.2) -> tuple[dict[str, pd.DataFrame], SourceIndex]:
    """Read and cut a table as the audit does, and lay the index."""
    table.to_parquet(folder / "poses.parquet")
    config = load_config(None, overrides={"folds": {"holdout": holdout}})
    context = Context(recognise(folder / "poses.parquet"), config, RunFolder(folder / "parts"), lambda done, total: None, None)
    tables: dict[str, pd.DataFrame] = {}
    for stage in STAGES[:2]:
        tables |= stage.run(tables, context)
    return tables, index_source(tables["clips"], tables["frames"], tables["windows"], species=["DOG"], max_gap_ms=600)


def by_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Lay each animal's clips one after the other, as one recording that was coded frame by frame."""
    joined = table.rename(columns={"label": "frame_label"}).assign(clip_id=table["subject_id"] + "-all")
    number = joined.groupby("clip_id").cumcount()
    return joined.assign(frame_number=number, timestamp_ms=number * 100)


@pytest.fixture(params=["a label per clip", "a label per frame"])
def index(request: pytest.FixtureRequest, tmp_path: Path, make_table: Callable) -> SourceIndex:
    table = make_table(subjects=8, clips_each=3, seconds=8)
    return audited(tmp_path, by_frame(table) if request.param == "a label per frame" else table)[1]


def labels(index: SourceIndex, injected: InjectedErrors) -> np.ndarray:
    """Give the label of every frame of the copy, its own or its clip's."""
    of_clip = np.repeat(injected.clips["label"].to_numpy(object), np.diff(index.bounds))
    if "frame_label" not in injected.frames:
        return of_clip
    own = injected.frames["frame_label"].to_numpy(object)
    return np.where(pd.isna(own), of_clip, own)


def inside(index: SourceIndex, injected: InjectedErrors) -> np.ndarray:
    """Tell which frames lie in a injected span, both ends included."""
    mask = np.zeros(len(index.frames), bool)
    clip, number = index.frames["clip_id"], index.frames["frame_number"]
    for span in injected.spans.itertuples():
        mask |= ((clip == span.clip_id) & number.between(span.start_frame, span.end_frame)).to_numpy(bool)
    return mask


@pytest.mark.parametrize("kind", INJECTED_KINDS)
def test_spans_are_inclusive_and_nothing_else_is_touched(index: SourceIndex, kind: str) -> None:
    injected = inject_errors(index, kind, share=0.15, seed=1)
    assert (len(injected.spans) > 0) == (kind != "boundary" or index.per_frame)
    same = ["clip_id", "frame_number", "timestamp_ms"]
    pd.testing.assert_frame_equal(injected.frames[same], index.frames[same])
    now, mask = labels(index, injected), inside(index, injected)
    if kind == "contaminated":
        assert (now == index.label).all()
    else:
        np.testing.assert_array_equal(now != index.label, mask)
        np.testing.assert_array_equal(injected.frames[NAMES].to_numpy(), index.frames[NAMES].to_numpy())
    for span in injected.spans.itertuples():
        assert span.given_label != span.true_label
        assert span.start_frame <= span.end_frame
    assert set(injected.windows["window_id"]) <= set(index.windows["window_id"])


@pytest.mark.parametrize("kind", ["contaminated", "flips"])
def test_the_share_asked_for_is_the_share_of_windows_with_errors(index: SourceIndex, kind: str) -> None:
    for share in (0.05, 0.15, 0.3):
        injected = len(inject_errors(index, kind, share=share, seed=0).windows) / len(index.windows)
        assert share <= injected < share + 0.04


def test_windows_with_most_frames_wrong_count_as_wrong(index: SourceIndex) -> None:
    injected = inject_errors(index, "flips", share=0.15, seed=2)
    mask = inside(index, injected)
    clip, number = index.frames["clip_id"].to_numpy(object), index.frames["frame_number"].to_numpy()
    held = set(injected.windows["window_id"])
    for window in index.windows.itertuples():
        rows = (clip == window.clip_id) & (number >= window.start_frame) & (number <= window.end_frame)
        assert (mask[rows].mean() > 0.5) == (window.window_id in held)


@pytest.mark.parametrize("kind", INJECTED_KINDS)
def test_the_same_seed_injects_the_same_and_another_does_not(index: SourceIndex, kind: str) -> None:
    if kind == "boundary" and not index.per_frame:
        pytest.skip("no change to move")
    one, two, other = (inject_errors(index, kind, share=0.3, seed=seed) for seed in (3, 3, 4))
    for name in ("clips", "frames", "spans", "windows"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert not one.spans.equals(other.spans)


@pytest.mark.parametrize("kind", INJECTED_KINDS)
def test_the_hold_out_is_left_as_it_is(tmp_path: Path, make_table: Callable, kind: str) -> None:
    tables, index = audited(tmp_path, by_frame(make_table(subjects=10, clips_each=2)))
    windows = tables["windows"]
    apart = set(windows.loc[windows["split"] == "holdout", "clip_id"])
    assert apart
    injected = inject_errors(index, kind, share=0.3, seed=0)
    assert not apart & set(injected.spans["clip_id"])
    rows = tables["frames"]["clip_id"].isin(apart)
    pd.testing.assert_frame_equal(injected.frames[rows], tables["frames"][rows])


def test_a_spliced_segment_continues_centre_and_size_at_both_seams(index: SourceIndex) -> None:
    injected = inject_errors(index, "contaminated", share=0.05, seed=0)
    new, old = (t[NAMES].to_numpy(np.float64).reshape(-1, 3, 2) for t in (injected.frames, index.frames))
    alone = injected.spans.groupby("clip_id").filter(lambda part: len(part) == 1)
    assert len(alone)
    for span in alone.itertuples():
        clip = index.clips.index[index.clips["clip_id"] == span.clip_id][0]
        low, high = index.bounds[clip : clip + 2]
        a, b = low + span.start_frame, low + span.end_frame
        np.testing.assert_array_equal(new[low:a], old[low:a])
        assert (new[a : b + 1] != old[a : b + 1]).any()
        np.testing.assert_allclose(new[a].mean(axis=0), old[a].mean(axis=0), atol=1e-2)
        for row in (a, b):
            np.testing.assert_allclose(_radius(new[row]), _radius(old[row]), rtol=1e-3)
        if b + 1 < high:
            step = new[b + 1].mean(axis=0) - new[b].mean(axis=0)
            np.testing.assert_allclose(step, old[b + 1].mean(axis=0) - old[b].mean(axis=0), atol=1e-2)
            shift = new[b + 1 : high] - old[b + 1 : high]
            np.testing.assert_allclose(shift, np.broadcast_to(shift[0, 0], shift.shape), atol=1e-2)
        assert 900 <= index.time[b] - index.time[a] <= 6000


def _radius(pose: np.ndarray) -> float:
    return float(np.sqrt(((pose - pose.mean(axis=0)) ** 2).sum(axis=1).mean()))


def test_poses_come_from_the_same_animal_where_it_shows_another_class(index: SourceIndex) -> None:
    assert not inject_errors(index, "contaminated", share=0.15, seed=0).spans["other_donor"].any()


def test_poses_of_another_animal_are_marked_where_each_shows_one_class(tmp_path: Path, make_table: Callable) -> None:
    table = make_table(subjects=10, clips_each=2)
    even = table["subject_id"].str[-1].astype(int) % 2 == 0
    _, index = audited(tmp_path, table[even == (table["label"] == "SIT")], holdout=0)
    spans = inject_errors(index, "contaminated", share=0.1, seed=0).spans
    assert len(spans)
    assert spans["other_donor"].all()


def test_boundaries_move_by_a_third_of_a_second_to_one_and_a_half(tmp_path: Path, make_table: Callable) -> None:
    _, index = audited(tmp_path, by_frame(make_table(subjects=8, clips_each=3, seconds=8)))
    spans = inject_errors(index, "boundary", share=0.05, seed=0).spans
    frames = spans["end_frame"] - spans["start_frame"] + 1
    assert frames.between(3, 16).all()
    # Clips of 80 frames lie end to end: each span begins or ends at a change.
    assert ((spans["start_frame"] % 80 == 0) | ((spans["end_frame"] + 1) % 80 == 0)).all()


def test_the_last_two_groups_that_show_a_class_are_kept(tmp_path: Path, make_table: Callable) -> None:
    table = pd.concat(
        [
            make_table(subjects=6),
            make_table(subjects=2, clips_each=1, labels=("TURN",)).assign(subject_id=lambda t: t["subject_id"]),
        ]
    )
    _, index = audited(tmp_path, table, holdout=0)
    for seed in range(20):
        clips = inject_errors(index, "wrong_clip", share=0.5, seed=seed).clips
        groups = clips.groupby("label")["subject_id"].nunique()
        assert (groups >= 2).all()
        assert len(groups) == 3


@given(
    frames=st.integers(2, 12),
    missing=st.sets(st.tuples(st.integers(0, 11), st.integers(0, 3)), max_size=8),
    seed=st.integers(0, 99),
)
def test_poses_at_their_own_times_are_themselves_and_missing_stays_missing(
    frames: int, missing: set[tuple[int, int]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(20, 300, frames))
    xy = rng.normal(0, 50, (frames, 4, 2)).astype(np.float32)
    for row, keypoint in missing:
        xy[row % frames, keypoint] = np.nan
    np.testing.assert_array_equal(poses_at(time, xy, at=time.astype(float)), xy)
    at = rng.uniform(time[0], time[-1], 20)
    got = poses_at(time, xy, at=at)
    after = np.clip(np.searchsorted(time, at), 1, frames - 1)
    lacking = np.isnan(xy[after - 1]) | np.isnan(xy[after])
    between = ~np.isin(at, time)
    np.testing.assert_array_equal(np.isnan(got)[between], lacking[between])


@given(seed=st.integers(0, 999), size=st.floats(0.6, 1.6), missing=st.integers(0, 3))
def test_a_spliced_segment_meets_centre_and_size_over_the_keypoints_both_show(seed: int, size: float, missing: int) -> None:
    rng = np.random.default_rng(seed)
    pose = rng.normal(0, 50, (6, 2))
    donor = np.stack([pose + [3 * i, i] + rng.normal(0, 1, (6, 2)) for i in range(10)]).astype(np.float32)
    start, end = ((size * pose + offset).astype(np.float32) for offset in ([200, 90], [230, 95]))
    start[rng.permutation(6)[:missing]] = np.nan
    segment = fit_segment(donor, start=start, end=end, progress=np.linspace(0, 1, 10))
    if segment is None:  # the two or three keypoints left may differ in size by more than a factor of two
        return
    shared = np.isfinite(start).all(axis=1)
    np.testing.assert_allclose(segment.xy[0, shared].mean(axis=0), start[shared].mean(axis=0), atol=1e-2)
    np.testing.assert_allclose(_radius(segment.xy[0, shared]), _radius(start[shared]), rtol=1e-3)
    np.testing.assert_allclose(segment.xy[-1].mean(axis=0), end.mean(axis=0) + segment.shift, atol=1e-2)
    np.testing.assert_allclose(_radius(segment.xy[-1]), _radius(end), rtol=1e-3)


def test_poses_that_share_too_little_or_differ_too_much_in_size_are_refused() -> None:
    donor = np.random.default_rng(0).normal(0, 1, (5, 4, 2)).astype(np.float32)
    progress = np.linspace(0, 1, 5)
    assert fit_segment(donor, start=10 * donor[0], end=donor[-1], progress=progress) is None
    hidden = donor[0].copy()
    hidden[1:] = np.nan
    assert fit_segment(donor, start=hidden, end=donor[-1], progress=progress) is None
