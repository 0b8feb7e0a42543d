"""What was read: figures that agree with each other and with the tables, and the windows that would fit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import Config, load_config
from data_schemas.tables import text
from pipeline.audit.bouts import FrameTimes, find_bouts, labels_of_frames
from pipeline.audit.data_summary import DataSummary, summarise_data
from pipeline.audit.window_fit import fit_to_bouts, fit_to_frames, too_sparse
from pipeline.report.data_text import data_lines, data_sentences, data_warnings, noted_lines
from pipeline.windows.cutting import cut_windows
from pipeline.windows.label_spans import no_stretches, review_windows
from pipeline.windows.sampling import sample_clips

RUNS = st.lists(st.tuples(st.sampled_from(["walk", "rest", "bite", None]), st.integers(1, 40)), min_size=1, max_size=6)


def tables_of(
    clips: list[list[tuple[str | None, int]]], *, fps: float = 30.0, config: Config | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables of clips that are given as runs of one label, with the windows that are cut from them."""
    labels = [[name for name, n in runs for _ in range(n)] for runs in clips]
    ids = [f"clip{i}" for i in range(len(clips))]
    number = np.concatenate([np.arange(len(names)) for names in labels]).astype(np.int32)
    frames = pd.DataFrame(
        {
            "clip_id": text([c for c, names in zip(ids, labels, strict=True) for _ in names]),
            "frame_number": number,
            "timestamp_ms": np.rint(number * 1000 / fps).astype(np.int32),
            **{f"{k}_{a}": (10 * j + number).astype(np.float32) for j, k in enumerate(("nose", "tail")) for a in "xy"},
            "frame_label": text([name for names in labels for name in names]),
        }
    )
    table = pd.DataFrame(
        {
            "clip_id": text(ids),
            "recording_id": text(ids),
            "subject_id": text(ids),
            "species": text(["MOUSE"] * len(ids)),
            "label": text(["walk"] * len(ids)),
            "fps": np.full(len(ids), fps),
            "frame_count": np.array([len(names) for names in labels], np.int32),
        }
    )
    config = config or load_config(None)
    windows = cut_windows(table, frames, sampled=sample_clips(table, frames, config=config), config=config, taxonomy=None)
    nothing = pd.DataFrame({"file": text([]), "place": text([]), "reason": text([])})
    return {
        "clips": table,
        "frames": frames,
        "windows": windows,
        "rejected": nothing,
        "notes": nothing,
        "reviewed": no_stretches(),
    }


def summary_of(clips: list[list[tuple[str | None, int]]], **kwargs) -> DataSummary:
    return summarise_data(tables_of(clips, **kwargs), config=kwargs.get("config") or load_config(None))


def test_every_class_is_told_with_frames_bouts_and_windows() -> None:
    found = summary_of([[("rest", 60), ("bite", 6), ("rest", 60)], [("rest", 30), ("bite", 8), (None, 30)]])
    told = {c.label: c for c in found.classes}
    assert {k: (c.frames, c.bouts, c.clips) for k, c in told.items()} == {"bite": (14, 2, 2), "rest": (150, 3, 2)}
    assert told["bite"].median_bout_frames == 7
    assert told["rest"].median_bout_s == pytest.approx(2.0)
    assert (found.frames, found.labelled_frames) == (194, 164)
    assert found.windows.frames == 24


def test_a_class_of_short_bouts_is_named_with_windows_that_would_fit() -> None:
    clips = [[("rest", 60), ("bite", 7), ("rest", 60), ("bite", 8), ("rest", 40)]] * 3
    found = summary_of(clips)
    bite, rest = found.classes
    assert (bite.windows, bite.outvoted, rest.outvoted) == (0, True, False)
    assert bite.fit is not None
    (line,) = data_warnings(found.as_json())
    assert "bite (45 frames) gets no window" in line
    config = load_config(None, overrides={"windows": {"hz": bite.fit.hz, "steps": bite.fit.steps}})
    again = summary_of(clips, config=config).classes[0]
    assert again.windows - again.mixed >= bite.fit.windows > 0


def test_bouts_that_no_window_is_short_enough_for_get_no_advice() -> None:
    found = summary_of([[("rest", 60), ("bite", 2), ("rest", 60)]])
    assert found.classes[0].fit is None
    assert "no windows of at least 3 frames are short enough" in data_warnings(found.as_json())[0]


@pytest.mark.parametrize(
    ("fps", "hz", "gap"), [(2.0, 2.0, None), (1.0, 1.0, 2000), (0.1, 0.1, 20000), (4.0, None, None), (200.0, None, None)]
)
def test_frames_further_apart_than_samples_are_told_with_windows_that_fit(fps: float, hz: float | None, gap: int | None) -> None:
    config = load_config(None)
    found = summary_of([[("rest", 40)], [("walk", 40)]], fps=fps, config=config)
    fit = found.windows.fit
    assert (fit and fit.hz, fit and fit.max_gap_ms) == (hz, gap)
    assert any("would fit" in line for line in data_warnings(found.as_json())) == (hz is not None)
    if fit is not None:
        keys = {"hz": fit.hz, "steps": fit.steps} | ({"max_gap_ms": gap} if gap else {})
        config = load_config(None, overrides={"windows": keys})
        assert tables_of([[("rest", 40)]], fps=fps, config=config)["windows"]["visible"].min() == 1


def test_classes_that_get_no_window_although_windows_are_short_enough_are_named() -> None:
    data = summary_of([[("rest", 40), ("walk", 40)]]).as_json()
    for told in data["classes"]:
        told["windows"] = 0
    assert data_warnings(data) == ["rest, walk get no window, so they cannot be audited."]
    data["classes"][0]["windows"] = 4
    assert data_warnings(data) == ["walk gets no window, so it cannot be audited."]


def test_what_was_read_stays_what_the_source_says_in_a_later_round() -> None:
    tables = tables_of([[("rest", 60), ("walk", 60)], [("walk", 60), ("rest", 60)]])
    first = summarise_data(tables, config=load_config(None))
    told = {"clip_id": text(["clip0"]), "start_frame": [0], "end_frame": [119], "label": text(["bite"])}
    tables["reviewed"] = pd.DataFrame(told | {"label_source": text(["review"])}).astype(
        {"start_frame": "int32", "end_frame": "int32"}
    )
    shared = {"config": load_config(None), "taxonomy": None}
    tables["windows"] = review_windows(tables["windows"], tables["clips"], tables["frames"], tables["reviewed"], **shared)
    assert "bite" in set(tables["windows"]["label"])
    assert summarise_data(tables, config=load_config(None)) == first


def test_gaps_end_bouts_and_are_counted() -> None:
    tables = tables_of([[("rest", 60)]])
    late = tables["frames"]["timestamp_ms"] + np.where(np.arange(60) >= 30, 3000, 0)
    tables["frames"] = tables["frames"].assign(timestamp_ms=late.astype(np.int32))
    found = summarise_data(tables, config=load_config(None))
    assert (found.gaps, found.classes[0].bouts) == (1, 2)
    assert found.classes[0].median_bout_s == pytest.approx(1.0, abs=0.01)


def test_the_range_of_frame_rates_is_told_and_what_is_noted() -> None:
    tables = tables_of([[("rest", 60)], [("walk", 60)]])
    tables["clips"] = tables["clips"].assign(fps=[25.0, 30.0])
    reasons = ["an odd thing (3 times)", "an odd thing", "ignored", "ignored"]
    places = ["", "", "bbox_x", "bbox_y"]
    tables["notes"] = pd.DataFrame({"file": text(["a", "b", "c", "c"]), "place": text(places), "reason": text(reasons)})
    data = summarise_data(tables, config=load_config(None)).as_json()
    assert "(25 to 30)" in data_sentences(data)[1]
    assert noted_lines(data) == ["an odd thing (4 times)", "bbox_x, bbox_y: ignored"]


def test_clips_of_very_different_rates_are_told_from_the_slowest_to_the_fastest() -> None:
    tables = tables_of([[("rest", 60)], [("walk", 60)], [("rest", 60)]])
    number = tables["frames"]["frame_number"].to_numpy()
    apart = np.repeat([33, 1000, 8000], 60)
    tables["frames"] = tables["frames"].assign(timestamp_ms=(number * apart).astype(np.int32))
    tables["clips"] = tables["clips"].assign(fps=[30.0, 1.0, 30.0])
    data = summarise_data(tables, config=load_config(None)).as_json()
    told = data_sentences(data)[1]
    assert told.startswith("1 to 30 frames a second, from the slowest clip to the fastest, of which all to one in 240 are there;")
    assert "spans 0.8 s, 1 to 24 frames." in told


def test_one_frame_is_one_frame() -> None:
    data = summary_of([[("rest", 60), ("bite", 1), ("rest", 60)]], fps=1.0).as_json()
    assert data_sentences(data)[1].startswith("1 frame a second;")
    warnings = data_warnings(summary_of([[("rest", 60), ("bite", 1), ("rest", 60)]]).as_json())
    assert "(1 frame);" in warnings[0]


@given(clips=st.lists(RUNS, min_size=1, max_size=4), fps=st.sampled_from([3.0, 29.97, 200.0]))
def test_the_figures_agree_with_the_tables(clips: list[list[tuple[str | None, int]]], fps: float) -> None:
    found = summary_of(clips, fps=fps)
    expected = [name for runs in clips for name, n in runs for _ in range(n)]
    assert found.frames == len(expected)
    assert sum(c.frames for c in found.classes) == found.labelled_frames
    for c in found.classes:
        assert c.bouts_in_windows <= c.bouts <= c.frames
        assert c.mixed <= c.windows
        assert c.clips <= min(c.bouts, found.clips)
    assert json.loads(json.dumps(found.as_json()))["windows"]["count"] == found.windows.count
    assert all(len(line) <= 80 for line in data_lines(found.as_json(), width=80))


@given(runs=RUNS, factor=st.sampled_from([2, 10]))
def test_slower_clocks_make_bouts_longer_and_change_nothing_else(runs: list[tuple[str | None, int]], factor: int) -> None:
    tables = tables_of([runs], fps=10.0)
    label = labels_of_frames(tables["clips"], tables["frames"])[1]
    times = FrameTimes.of(tables["clips"], tables["frames"])
    slow = FrameTimes(times.time * factor, times.bounds, times.fps / factor)
    one, other = (find_bouts(label, t, max_gap_ms=10_000) for t in (times, slow))
    assert one.frames.tolist() == other.frames.tolist()
    assert other.seconds == pytest.approx(one.seconds * factor)
    assert one.seconds.sum() <= (times.time[-1] - times.time[0] + times.interval[0]) / 1000 + 1e-9


@given(seconds=st.lists(st.floats(0.02, 30), min_size=1, max_size=20), frame_hz=st.sampled_from([2.0, 30.0, 199.0]))
def test_windows_that_are_advised_fit_half_of_the_bouts(seconds: list[float], frame_hz: float) -> None:
    fit = fit_to_bouts(np.array(seconds), hz=5.0, steps=5, frame_hz=frame_hz)
    if fit is not None:
        assert fit.hz <= max(frame_hz, 5.0)
        assert fit.steps / fit.hz <= np.median(seconds) + 1e-6
        assert fit.windows >= 1


@given(interval=st.floats(1.0, 1e6))
def test_clocks_that_are_advised_are_no_faster_than_frames(interval: float) -> None:
    fit = fit_to_frames(interval, hz=5.0, steps=5, max_gap_ms=600)
    assert fit.hz <= 1000 / interval * 1.000001
    assert (fit.max_gap_ms or 600) > interval
    assert not too_sparse(np.array([interval]), hz=fit.hz, max_gap_ms=fit.max_gap_ms or 600).any()
