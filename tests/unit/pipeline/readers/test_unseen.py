"""Keypoints that were not seen, but written as a place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.tables.pose_columns import pose_facts
from pipeline.readers.unseen import unseen_keypoints, unseen_note, unseen_places
from tests.trees import annotation, label_file
from tests.trees import put as put_json
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put

N = 120
OFFSETS = np.array([[0, 0], [-12, 3], [-30, 8.5]])


def walk(start=(300.0, 200.0), step=(1.5, 0.5), *, seed: int = 0) -> np.ndarray:
    """Return three keypoints that walk, shape (6, N)."""
    path = np.array(start) + np.arange(N)[:, None] * step + np.random.default_rng(seed).normal(0, 0.3, (N, 2))
    return (path[:, None] + OFFSETS).reshape(N, 6).T.astype(np.float32)


def missing(points: np.ndarray, *confidences, clip=None, any_place: bool = True) -> np.ndarray:
    """Return which keypoints were not seen, shape (3, N)."""
    found = np.zeros((3, points.shape[1]), bool)
    for part in unseen_keypoints(
        points, np.zeros(points.shape[1], int) if clip is None else clip, confidences, any_place=any_place
    ):
        found[part.keypoint] |= part.rows
    return found


@pytest.mark.parametrize("place", [(0, 0), (-1, -1)])
@pytest.mark.parametrize("rows", [[50], [0, 1, 2], list(range(0, N, 2)), list(range(90, N))])
def test_a_keypoint_that_leaps_to_a_usual_place_was_not_seen(place: tuple[int, int], rows: list[int]) -> None:
    points = walk()
    points[0:2, rows] = np.array(place)[:, None]
    assert np.flatnonzero(missing(points)[0]).tolist() == rows
    assert not missing(points)[1:].any()


@given(st.integers(0, N - 1), st.sampled_from([(0.0, 0.0), (-1.0, -1.0)]))
def test_a_keypoint_that_crosses_the_origin_once_stays(row: int, place: tuple[float, float]) -> None:
    points = walk(start=(-1.5 * row, -0.5 * row))
    points[0:2, row] = place
    assert not missing(points).any()


def test_who_crosses_the_origin_stays_where_others_are_not_seen() -> None:
    points = walk(start=(-90, -30))
    points[0:2, 60] = 0
    points[4:6, 80:100] = 0
    found = missing(points)
    assert not found[0].any()
    assert np.flatnonzero(found[2]).tolist() == list(range(80, 100))


def test_no_confidence_tells_of_a_keypoint_that_was_not_seen() -> None:
    points = walk(start=(-90, -30))
    points[0:2, 60] = 0
    sure = np.full(N, 0.9, np.float32)
    low = np.where(np.arange(N) == 60, 0.0, sure).astype(np.float32)
    assert not missing(points, sure).any()
    assert np.flatnonzero(missing(points, low)[0]).tolist() == [60]


def test_a_keypoint_that_is_never_anywhere_else_was_never_seen() -> None:
    points = walk()
    points[2:4] = 0
    assert missing(points)[1].all()
    points[2:4] = np.nan
    points[2:4, 7] = 0
    assert not missing(points).any()


def test_the_keypoint_that_coordinates_are_centred_on_stays() -> None:
    points = walk(step=(0, 0))
    centred = points - np.tile(points[2:4], (3, 1))
    assert not missing(centred).any()
    centred[4:6, 30:50] = 0
    found = missing(centred)
    assert not found[1].any()
    assert found[2].sum() == 20


@pytest.mark.parametrize("rows", [list(range(5, N, 10)), [i for i in range(N) if i % 3]])
def test_a_place_after_a_crop_is_known_by_the_leaps_into_it(rows: list[int]) -> None:
    points = walk()
    points[0:2, rows] = np.array([[-120.5], [-80.25]])
    assert np.flatnonzero(missing(points)[0]).tolist() == rows
    assert not missing(points, any_place=False).any()


def test_clips_may_be_cropped_differently() -> None:
    points = np.concatenate([walk(), walk(seed=1)], axis=1)
    rows = np.arange(5, 2 * N, 10)
    points[0:2, rows] = np.where(rows < N, [[-120.5], [-80.25]], [[-33.0], [-40.0]])
    assert np.flatnonzero(missing(points, clip=np.repeat([0, 1], N))[0]).tolist() == rows.tolist()


def test_a_thing_that_is_put_to_several_places_is_seen() -> None:
    points = walk()
    points[0:2] = np.array([[50.0, 60.0], [400.0, 80.0], [200.0, 300.0]])[np.arange(N) // 4 % 3].T
    assert not missing(points).any()


def test_an_animal_at_rest_is_seen() -> None:
    points = np.rint(walk(step=(0, 0)))
    points[:, 40:80] += 30
    assert not missing(points).any()


def test_clips_do_not_touch_each_other() -> None:
    one, other = walk(start=(-180, -60)), walk(start=(300, 200))
    one[0:2, -1] = 0
    assert not missing(np.concatenate([one, other], axis=1), clip=np.repeat([0, 1], N)).any()


def test_places_are_found_again_in_the_notes() -> None:
    notes = [unseen_note((0.0, 0.0)) + " (3 times)", f"a keypoint {unseen_note((-120.5, 1e-3))}", "unknown column: ignored"]
    assert unseen_places(notes) == ((-120.5, 0.001), (0.0, 0.0))


def test_tables_and_label_files_note_what_was_not_seen(tmp_path: Path) -> None:
    points = walk()
    points[0:2, 10:30] = 0
    table = pd.DataFrame(
        {"clip_id": "a", "subject_id": "s", "label": "x", "frame_number": np.arange(N), "timestamp_ms": np.arange(N) * 40}
    )
    table[["nose_x", "nose_y", "neck_x", "neck_y", "tail_x", "tail_y"]] = points.T
    found = read(put(tmp_path / "t.csv", table))
    assert found.frames["nose_x"].isna().sum() == 20
    assert found.notes[["place", "reason"]].to_numpy().tolist() == [
        ["nose", "at exactly (0, 0), as where nothing was seen: missing (20 times)"]
    ]
    assert pose_facts(found.frames.columns, found.notes).unseen == ((0.0, 0.0),)

    seen = [
        annotation(6 * i, keypoints={"1": {"x": 0 if i in (3, 4) else 300 + i, "y": 0 if i in (3, 4) else 200}}) for i in range(9)
    ]
    put_json(tmp_path / "json" / "a.json", label_file() | {"annotations": seen})
    found = read(tmp_path / "json")
    assert found.frames["nose_x"].isna().sum() == 2
    assert found.notes["reason"].tolist() == ["a keypoint at exactly (0, 0), as where nothing was seen: missing (2 times)"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("word", ["NaN", "nan", "NA", "N/A", "null", "None", " "])
def test_words_for_nothing_are_no_coordinates(tmp_path: Path, ending: str, word: str) -> None:
    table = poses().astype({"nose_x": "str", "nose_y": "str"})
    table.loc[2, ["nose_x", "nose_y"]] = word
    found = read(put(tmp_path / f"t.{ending}", table))
    assert found.frames["nose_x"].isna().tolist() == [False, False, True] + [False] * 5
