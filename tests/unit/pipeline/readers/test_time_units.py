"""Times that are no milliseconds: told by what they make, refused where no frame comes after the other, never converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import load_config
from pipeline.readers import recognise
from pipeline.readers.checks import frame_rate
from pipeline.readers.pauses import mismatch_notes, skipped_numbers, uncounted_pauses
from pipeline.readers.time_units import frame_rate_note, frame_rates_agree, likely_unit


def put_times(path: Path, time: object, *, number: object = None, frames: int = 60, **columns: object) -> None:
    number = np.arange(frames) if number is None else number
    table = {"clip_id": path.stem, "subject_id": "s", "frame_number": number, "label": "a", "nose_x": 1.0, "nose_y": 2.0}
    told = {} if time is None else {"timestamp_ms": time}
    pd.DataFrame(table | told | columns).to_csv(path, index=False)


def read_times(folder: Path, time: object, **kwargs: object):
    put_times(folder / "t.csv", time, **kwargs)
    return recognise(folder / "t.csv").read(load_config(None))


def read_each(folder: Path, cases: list[dict[str, object]]):
    """Read a file for each case, all at once: a read costs more than a file."""
    for place, case in enumerate(cases):
        put_times(folder / f"{place:02d}.csv", **case)
    return recognise(folder).read(load_config(None))


def reasons(messages: pd.DataFrame) -> dict[str, str]:
    """Return what is told of each file, of which nothing is given twice."""
    assert not messages["file"].duplicated().any()
    return dict(zip(messages["file"], messages["reason"], strict=True))


FRAME = np.arange(60)


def test_times_that_make_no_likely_rate_are_noted_with_the_guess(tmp_path: Path) -> None:
    cases = [
        (FRAME * 2, FRAME * 60, "may be in seconds, 30 frames a second"),
        (FRAME * 1e6, FRAME, "may be in microseconds, 1 frame a second"),
        (FRAME * 1e6 / 30, FRAME, "may be in microseconds, 30 frames a second"),
        (FRAME, FRAME, "1,000 frames a second: these may be numbers of frames"),
        (FRAME, FRAME * 6, "6,000 frames a second: these may be numbers of frames"),
        (FRAME * 20000, FRAME, "0.05 frames a second"),
    ]
    found = read_each(tmp_path, [{"time": time, "number": number} for time, number, _ in cases])
    assert len(found.clips) == len(cases)
    told = reasons(found.notes)
    for place, (*_, guess) in enumerate(cases):
        assert guess in told[f"{place:02d}.csv"]


TOLD_OTHERWISE = [
    (FRAME / 30, "may be in seconds, 30 frames a second: then multiply by 1,000"),
    (np.round(FRAME / 30, 2), "may be in seconds"),
    (3e9 + FRAME * 1e9 / 30, "may be in nanoseconds, 30 frames a second: then divide by 1,000,000"),
    (1.7e12 + FRAME * 33, "may be since 1970: subtract the first of each clip"),
    (1.7e9 + FRAME / 25, "may be in seconds, 25 frames a second"),
    (1.7e15 + FRAME * 4e4, "may be in microseconds, 25 frames a second"),
]

WRITTEN_OTHERWISE = [
    ([f"00:00:{i:02d}" for i in range(60)], "'00:00:00' is not a number: write milliseconds"),
    ([f"2026-11-28 08:00:{i:02d}" for i in range(60)], "is not a number: write milliseconds"),
]


@pytest.mark.parametrize("cases", [TOLD_OTHERWISE, WRITTEN_OTHERWISE], ids=["numbers", "text"])
def test_times_that_cannot_be_are_refused_with_the_guess(tmp_path: Path, cases: list[tuple[object, str]]) -> None:
    found = read_each(tmp_path, [{"time": time} for time, _ in cases])
    assert found.clips.empty
    told = reasons(found.rejected)
    for place, (_, guess) in enumerate(cases):
        assert guess in told[f"{place:02d}.csv"]


def test_one_time_that_goes_back_is_no_other_unit(tmp_path: Path) -> None:
    time = FRAME * 33
    time[30] = 40
    assert "may be" not in read_times(tmp_path, time).rejected["reason"].iloc[0]


def test_likely_rates_are_read_without_a_word(tmp_path: Path) -> None:
    rates = [(30, 60), (29.97, 60), (120, 60), (25, 2), (1, 10), (240, 3), (500, 60)]
    times = [np.rint(np.arange(frames) * 1000 / fps) for fps, frames in rates]
    measured = [{"time": time, "frames": frames} for time, (_, frames) in zip(times, rates, strict=True)]
    both = [case | {"fps": fps} for case, (fps, _) in zip(measured, rates, strict=True)]
    told = [case | {"time": None} for case in both]
    for name, cases in (("timed", measured + both), ("told", told)):
        (tmp_path / name).mkdir()
        found = read_each(tmp_path / name, cases)
        assert found.notes.empty
        # Whole milliseconds of three frames make 250 frames a second of 240.
        assert found.clips["fps"].tolist() == pytest.approx([fps for fps, _ in rates] * (len(cases) // len(rates)), rel=0.05)


def test_a_camera_of_a_thousand_frames_a_second_says_so_in_fps(tmp_path: Path) -> None:
    noted = read_each(tmp_path, [{"time": FRAME}, {"time": FRAME, "fps": 1000}])
    assert "a column fps of 1000 says so" in reasons(noted.notes)["00.csv"]
    assert noted.clips["fps"].tolist() == [1000, 1000]
    assert noted.notes["file"].tolist() == ["00.csv"]


def test_a_rate_that_the_times_do_not_make_is_noted_with_both(tmp_path: Path) -> None:
    cases = [
        (FRAME * 40, 30, 25, "makes 25 frames a second and fps says 30: timestamp_ms is taken"),
        (FRAME, 30, 1000, "these may be numbers of frames: then leave them out"),
        (FRAME * 1e6 / 25, 25, 0.025, "these may be in microseconds"),
    ]
    found = read_each(tmp_path, [{"time": time, "fps": told} for time, told, *_ in cases])
    told = reasons(found.notes)
    for place, (*_, taken, guess) in enumerate(cases):
        assert found.clips["fps"].iloc[place] == pytest.approx(taken)
        assert guess in told[f"{place:02d}.csv"]


def with_pauses(fps: float, *, frames: int = 90, every: int = 1, after: tuple[int, ...] = (), pause: float = 60_000.0):
    """Return frame numbers and whole milliseconds of which ``pause`` is lost to the numbers before each frame ``after``."""
    number = np.arange(frames) * every
    return number, np.rint(number * 1000 / fps + pause * np.isin(np.arange(frames), after).cumsum())


@pytest.mark.parametrize("fps", [30.0, 29.97, 23.976, 25.0, 2.0])
@pytest.mark.parametrize("every", [1, 6])
def test_pauses_that_frame_numbers_do_not_count_leave_the_rate_as_it_is(fps: float, every: int) -> None:
    for after in ((), (30, 60), (1,), (89,), tuple(range(4, 90, 9))):
        number, time = with_pauses(fps, every=every, after=after)
        # What rounding to whole milliseconds takes is lost anew at each pause, so many in three seconds blur the rate.
        assert frame_rate(number, time) == (fps if len(after) < 3 else pytest.approx(fps, rel=2e-3))
        assert np.flatnonzero(uncounted_pauses(number, time, np.zeros(1, np.int64))).tolist() == list(after)


def test_frames_that_are_missing_and_counted_are_no_pause() -> None:
    number = np.delete(np.arange(300), np.r_[10:40, 100:220, 250])
    time = np.rint(number * 1000 / 30)
    assert frame_rate(number, time) == 30
    assert mismatch_notes(number, time) == {}


@pytest.mark.parametrize("fps", [30.0, 29.97, 120.0, 2.0])
@pytest.mark.parametrize("skip", [1, 3, 5000])
def test_numbers_that_are_skipped_where_time_runs_on_are_noted_and_leave_the_rate_as_it_is(fps: float, skip: int) -> None:
    number, time = with_pauses(fps)
    jumping = number + skip * (number >= 30) + skip * (number >= 60)
    assert frame_rate(jumping, time) == pytest.approx(fps, rel=2e-3)
    assert np.flatnonzero(skipped_numbers(jumping, time, np.zeros(1, np.int64))).tolist() == [30, 60]
    ((note, count),) = mismatch_notes(jumping, time).items()
    assert count == 2
    assert "give fps" in note


def test_one_wrong_time_is_no_pause() -> None:
    number, time = with_pauses(30.0)
    time[4] = time[5] - 1
    assert frame_rate(number, time) == 30
    assert mismatch_notes(number, time) == {}


def test_where_times_and_numbers_part_is_noted_clip_by_clip(tmp_path: Path) -> None:
    cases = [with_pauses(30.0), with_pauses(30.0, after=(30, 60)), with_pauses(25.0, after=(7,), pause=2500.0)]
    number, time = with_pauses(30.0)
    cases.append((number + 100 * (number > 44), time))
    frame = {"label": "a", "nose_x": 1.0, "nose_y": 2.0}
    parts = [pd.DataFrame({"clip_id": f"c{i}", "frame_number": n, "timestamp_ms": t, **frame}) for i, (n, t) in enumerate(cases)]
    pd.concat(parts).assign(subject_id="s").to_csv(tmp_path / "t.csv", index=False)
    found = recognise(tmp_path / "t.csv").read(load_config(None))
    assert found.clips["fps"].tolist() == [30, 30, 25, 30]
    rest = (
        "that frame numbers do not count: the frame rate is that between pauses; where the numbers are right, leave the times "
        "out and give fps"
    )
    *pauses, skipped = sorted(found.notes["reason"])
    assert pauses == [f"2 pauses, 120 s in all, {rest}", f"a pause of 2.5 s {rest}"]
    assert skipped.startswith("frame numbers are skipped where time runs on")


@given(fps=st.floats(1.0, 900.0), frames=st.integers(2, 500))
def test_whole_milliseconds_of_any_likely_rate_agree_with_it(fps: float, frames: int) -> None:
    time = np.rint(np.arange(frames) * 1000 / fps)
    if (np.diff(time) > 0).all():
        elapsed = time[-1]
        assert frame_rates_agree(np.array([fps]), np.array([(frames - 1) * 1000 / elapsed]), np.array([elapsed])).all()


@given(fps=st.floats(2.0, 900.0), unit=st.sampled_from([("seconds", 1e-3), ("microseconds", 1e3), ("nanoseconds", 1e6)]))
def test_every_unit_is_guessed_at_every_likely_rate(fps: float, unit: tuple[str, float]) -> None:
    name, milliseconds = unit
    number = np.arange(50)
    time = number * 1000 / fps * milliseconds
    if name != "seconds" or fps > 1.02:
        assert name in likely_unit(number, time)
    assert name in (frame_rate_note(fps / milliseconds) or "")


def test_the_rate_that_a_note_tells_can_be_given_back() -> None:
    note = frame_rate_note(3e-5, column="timestamp_ms") or ""
    assert "a column fps of 3e-05 says so" in note
