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
from pipeline.readers.clocks import clock_note, clocks_agree, likely_unit


def read_times(folder: Path, time: object, *, number: object = None, frames: int = 60, **columns: object):
    number = np.arange(frames) if number is None else number
    table = {"clip_id": "c", "subject_id": "s", "frame_number": number, "label": "a", "nose_x": 1.0, "nose_y": 2.0}
    told = {} if time is None else {"timestamp_ms": time}
    pd.DataFrame(table | told | columns).to_csv(folder / "t.csv", index=False)
    return recognise(folder / "t.csv").read(load_config(None))


FRAME = np.arange(60)


@pytest.mark.parametrize(
    ("time", "number", "guess"),
    [
        (FRAME * 2, FRAME * 60, "may be in seconds, 30 frames a second"),
        (FRAME * 1e6 / 30, FRAME, "may be in microseconds, 30 frames a second"),
        (FRAME, FRAME, "1,000 frames a second: these may be numbers of frames"),
        (FRAME, FRAME * 6, "6,000 frames a second: these may be numbers of frames"),
        (FRAME * 20000, FRAME, "0.05 frames a second"),
    ],
)
def test_times_that_make_no_likely_rate_are_noted_with_the_guess(tmp_path: Path, time, number, guess: str) -> None:
    found = read_times(tmp_path, time, number=number)
    assert len(found.clips) == 1
    (note,) = found.notes["reason"]
    assert guess in note


@pytest.mark.parametrize(
    ("time", "guess"),
    [
        (FRAME / 30, "may be in seconds, 30 frames a second: then multiply by 1,000"),
        (np.round(FRAME / 30, 2), "may be in seconds"),
        (3e9 + FRAME * 1e9 / 30, "may be in nanoseconds, 30 frames a second: then divide by 1,000,000"),
        (1.7e12 + FRAME * 33, "may be since 1970: subtract the first of each clip"),
        (1.7e9 + FRAME / 25, "may be in seconds, 25 frames a second"),
        (1.7e15 + FRAME * 4e4, "may be in microseconds, 25 frames a second"),
        ([f"00:00:{i:02d}" for i in range(60)], "'00:00:00' is not a number: write milliseconds"),
        ([f"2026-11-28 08:00:{i:02d}" for i in range(60)], "is not a number: write milliseconds"),
    ],
)
def test_times_that_cannot_be_are_refused_with_the_guess(tmp_path: Path, time, guess: str) -> None:
    found = read_times(tmp_path, time)
    assert found.clips.empty
    assert guess in found.rejected["reason"].iloc[0]


def test_one_time_that_goes_back_is_no_other_unit(tmp_path: Path) -> None:
    time = FRAME * 33
    time[30] = 40
    assert "may be" not in read_times(tmp_path, time).rejected["reason"].iloc[0]


@pytest.mark.parametrize(("fps", "frames"), [(30, 60), (29.97, 60), (120, 60), (25, 2), (1, 10), (240, 3), (500, 60)])
def test_likely_rates_are_read_without_a_word(tmp_path: Path, fps: float, frames: int) -> None:
    time = np.rint(np.arange(frames) * 1000 / fps)
    assert read_times(tmp_path, time, frames=frames).notes.empty
    assert read_times(tmp_path, time, frames=frames, fps=fps).notes.empty
    assert read_times(tmp_path, None, frames=frames, fps=fps).notes.empty


def test_a_camera_of_a_thousand_frames_a_second_says_so_in_fps(tmp_path: Path) -> None:
    noted = read_times(tmp_path, FRAME)
    assert "a column fps of 1000 says so" in noted.notes["reason"].iloc[0]
    assert noted.clips["fps"].tolist() == [1000]
    assert read_times(tmp_path, FRAME, fps=1000).notes.empty


@pytest.mark.parametrize(
    ("time", "told", "taken", "guess"),
    [
        (FRAME * 40, 30, 25, "makes 25 frames a second and fps says 30: timestamp_ms is taken"),
        (FRAME, 30, 1000, "these may be numbers of frames: then leave them out"),
        (FRAME * 1e6 / 25, 25, 0.025, "these may be in microseconds"),
    ],
)
def test_a_rate_that_the_times_do_not_make_is_noted_with_both(tmp_path: Path, time, told, taken: float, guess: str) -> None:
    found = read_times(tmp_path, time, fps=told)
    assert found.clips["fps"].iloc[0] == pytest.approx(taken)
    assert guess in found.notes["reason"].iloc[0]


@given(fps=st.floats(1.0, 900.0), frames=st.integers(2, 500))
def test_whole_milliseconds_of_any_likely_rate_agree_with_it(fps: float, frames: int) -> None:
    time = np.rint(np.arange(frames) * 1000 / fps)
    if (np.diff(time) > 0).all():
        elapsed = time[-1]
        assert clocks_agree(np.array([fps]), np.array([(frames - 1) * 1000 / elapsed]), np.array([elapsed])).all()


@given(fps=st.floats(2.0, 900.0), unit=st.sampled_from([("seconds", 1e-3), ("microseconds", 1e3), ("nanoseconds", 1e6)]))
def test_every_unit_is_guessed_at_every_likely_rate(fps: float, unit: tuple[str, float]) -> None:
    name, milliseconds = unit
    number = np.arange(50)
    time = number * 1000 / fps * milliseconds
    if name != "seconds" or fps > 1.02:
        assert name in likely_unit(number, time)
    assert name in (clock_note(fps / milliseconds) or "")
