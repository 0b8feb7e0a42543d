"""Faults of AI-Hub #59 files, every one with its outcome: rejected with place and reason, or repaired and noted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import SourceError
from pipeline.readers import recognise
from tests.trees import annotation, label_file, put
from tests.unit.pipeline.readers.reading import only_reason, read


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        ({"annotations": []}, "$.annotations", "no frame is annotated"),
        ({"annotations": [{"timestamp": 0, "keypoints": {}}]}, "$.annotations[0].frame_number", "missing"),
        (
            {"annotations": [annotation(0), annotation(6, keypoints={"7": {"x": "left", "y": 1}})]},
            "$.annotations[1].keypoints.7.x",
            "str",
        ),
        (
            {"annotations": [annotation(0, keypoints={"0": {"x": 1, "y": 1}})]},
            "$.annotations[0].keypoints.0",
            "number them from 1",
        ),
        ({"annotations": [annotation(0, keypoints={"nose": None})]}, "$.annotations[0].keypoints.nose", "numbered from 1 to 15"),
        (
            {"annotations": [annotation(n, keypoints={"1": {"x": x, "y": 5}}) for n in (0, 6) for x in (1, 900)]},
            "$.annotations[1]",
            "2 of 2 frames are annotated several times, with different poses, as for several animals",
        ),
        ({"annotations": [annotation(0, frame_number=1.5)]}, "$.annotations[0].frame_number", "float"),
        ({"annotations": [annotation(0, frame_number="six")]}, "$.annotations[0].frame_number", "int"),
        ({"annotations": [annotation(0, frame_number=-6)]}, "$.annotations[0]", "cannot be"),
        ({"annotations": [annotation(0, frame_number=10**30)]}, "$.annotations[0]", "cannot be"),
        ({"annotations": [annotation(0), annotation(0, timestamp=5)]}, "$.annotations[1]", "given twice"),
        ({"annotations": [annotation(0, timestamp=900), annotation(6)]}, "$.annotations[1]", "not after the frame before"),
        ({"annotations": [annotation(0), annotation(6, timestamp=None)]}, "$.annotations[1].timestamp", "too few other frames"),
        ({"annotations": [annotation(0, timestamp=10**400)]}, "$.annotations[0]", "cannot be"),
        (
            {"annotations": [annotation(0, timestamp=-1e308), annotation(6, timestamp=1e308), annotation(9, timestamp=None)]},
            "$.annotations[0]",
            "cannot be",
        ),
        ({"annotations": [annotation(0), annotation(6, timestamp=0.4)]}, "$.annotations[1]", "not after the frame before"),
        ({"metadata": {"species": "CAT"}}, "$.metadata.action", "no action"),
        ({"metadata": {"species": "CAT", "action": None}}, "$.metadata.action", "no action"),
        ({"metadata": {"species": " ", "action": "x"}}, "$.metadata.species", "no species"),
        ({"metadata": {"species": "CAT", "action": "  "}}, "$.metadata.action", "no action"),
        ({"metadata": {"species": "BIRD", "action": "x"}}, "$.metadata.species", "BIRD"),
    ],
)
def test_what_cannot_be_is_rejected_with_its_place_and_reason(tmp_path: Path, change, place: str, reason: str) -> None:
    put(tmp_path / "a.json", label_file() | change)
    found_place, found_reason = only_reason(read(tmp_path))
    assert found_place == place
    assert reason in found_reason


def test_an_unknown_action_names_the_nearest_known(tmp_path: Path) -> None:
    put(tmp_path / "a.json", label_file(action="그루밍하는 동자"))
    place, reason = only_reason(read(tmp_path))
    assert place == "$.metadata.action"
    assert "'그루밍하는 동작' (GROOMING)" in reason
    assert "labels.taxonomy" in reason


@pytest.mark.parametrize(
    ("annotations", "note"),
    [
        ([annotation(12), annotation(0), annotation(6)], "out of order"),
        ([annotation(0), annotation(6), annotation(6), annotation(12)], "kept once"),
        ([annotation(0), annotation(6, keypoints={"1": {"x": 5}}), annotation(12)], "only one coordinate"),
        ([annotation(0), annotation(6, keypoints={"1": {"x": 10**9, "y": 1}}), annotation(12)], "beyond 19200 pixels"),
        ([annotation(0), annotation(6, keypoints={"1": {"x": 10**400, "y": 1}}), annotation(12)], "infinite"),
    ],
)
def test_what_can_be_repaired_is_repaired_and_noted(tmp_path: Path, annotations, note: str) -> None:
    put(tmp_path / "a.json", label_file() | {"annotations": annotations})
    found = read(tmp_path)
    assert found.frames["frame_number"].tolist() == [0, 6, 12]
    assert note in found.notes["reason"].iloc[0]


@pytest.mark.parametrize("fps", [30.0, 25.0, 23.976])
def test_a_missing_time_follows_from_its_frame_number(tmp_path: Path, fps: float) -> None:
    data = label_file(frames=10, fps=fps)
    given = [a["timestamp"] for a in data["annotations"]]
    for row in (0, 4, 5):
        data["annotations"][row]["timestamp"] = None
    put(tmp_path / "a.json", data)
    found = read(tmp_path)
    np.testing.assert_allclose(found.frames["timestamp_ms"], given, atol=1)
    assert found.clips["fps"].tolist() == [fps]
    assert found.notes["reason"].tolist() == ["a time was missing: computed from the frame number (3 times)"]


def test_numbers_written_as_text_are_read_and_noted(tmp_path: Path) -> None:
    data = label_file()
    data["metadata"]["height"] = "1920"
    data["annotations"][1]["keypoints"]["1"] = {"x": "106.5", "y": "50"}
    data["annotations"][2] |= {"frame_number": "12", "timestamp": "400"}
    put(tmp_path / "a.json", data)
    found = read(tmp_path)
    assert found.frames.loc[1, ["nose_x", "nose_y"]].tolist() == [106.5, 50]
    assert found.frames["frame_number"].tolist() == list(range(0, 48, 6))
    assert found.notes["reason"].tolist() == [
        "a number was not written as one (text, or a whole number with a point): read all the same (3 times)"
    ]


def test_a_keypoints_object_that_is_null_is_a_frame_without_keypoints(tmp_path: Path) -> None:
    put(tmp_path / "a.json", label_file() | {"annotations": [annotation(0), annotation(6, keypoints=None)]})
    assert read(tmp_path).frames.filter(regex="_[xy]$").isna().all(axis=1).tolist() == [False, True]


def test_a_file_that_is_all_ending_names_no_clip(tmp_path: Path) -> None:
    put(tmp_path / " .mp4.json", label_file())
    assert "the clip has no name" in only_reason(read(tmp_path))[1]


def test_other_tools_json_beside_a_table_is_no_reason_to_leave_the_table(tmp_path: Path) -> None:
    put(tmp_path / "via.json", {"annotations": [], "images": []})
    table = "clip_id,subject_id,frame_number,timestamp_ms,label,nose_x,nose_y\na,s,0,0,x,1,2\na,s,1,40,x,1,2\n"
    put(tmp_path / "t.csv", table.encode())
    assert recognise(tmp_path).name == "table"
    put(tmp_path / "cat-arch-1.json", json.dumps(label_file()).encode("utf-16"))
    assert recognise(tmp_path).name == "aihub59"


def test_nan_and_infinity_are_missing_keypoints(tmp_path: Path) -> None:
    text = json.dumps(label_file()).replace('"x": 100, "y": 50', '"x": NaN, "y": -Infinity', 1)
    put(tmp_path / "a.json", text.encode())
    found = read(tmp_path)
    assert np.isnan(found.frames.loc[0, "nose_x"])
    assert "NaN" in " ".join(found.notes["reason"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp949"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    put(tmp_path / "a.json", json.dumps(label_file(), ensure_ascii=False).encode(encoding))
    assert read(tmp_path).clips["label"].tolist() == ["GROOMING"]


def test_a_clip_told_twice_is_kept_once(tmp_path: Path) -> None:
    put(tmp_path / "a" / "cat-arch-1.json", label_file())
    put(tmp_path / "b" / "cat-arch-1.json", label_file())
    put(tmp_path / "c" / "cat-arch-1.json", label_file(frames=9))
    found = read(tmp_path)
    assert found.clips["source"].tolist() == ["a/cat-arch-1.json"]
    assert found.rejected["reason"].tolist() == [
        "duplicate of a/cat-arch-1.json",
        "same clip id as a/cat-arch-1.json, with other content: rename one",
    ]


def test_a_clip_whose_animal_is_not_known_is_rejected_unless_the_user_says_so(tmp_path: Path) -> None:
    data = label_file()
    data["metadata"]["animal"]["breed"] = None
    put(tmp_path / "a.json", data)
    place, reason = only_reason(read(tmp_path))
    assert place == "$.metadata.animal.breed"
    assert "breed is missing, so the subject is not known" in reason
    assert 'groups.missing = "clip"' in reason
    assert read(tmp_path, groups={"missing": "clip"}).clips["subject_id"].tolist() == ["a"]
    assert read(tmp_path, groups={"by": "clip"}).clips["subject_id"].tolist() == ["a"]
    assert read(tmp_path, groups={"by": "recording"}).clips["subject_id"].tolist() == ["20210109/cat-grooming-090225"]


def test_hidden_files_links_and_folders_named_like_files_do_no_harm(tmp_path: Path) -> None:
    put(tmp_path / "a.json", label_file())
    put(tmp_path / "._b.json", b"\0")
    put(tmp_path / "__MACOSX" / "c.json", b"\0")
    (tmp_path / "d.json").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere")
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == ["a"]
    assert found.rejected["file"].tolist() == ["dangling.json"]


@pytest.mark.parametrize(
    ("name", "words"), [("a.txt", ".txt"), (None, "no file"), ("c/frame_0_timestamp_0.jpg", "only pictures")]
)
def test_a_source_without_clips_says_what_it_holds(tmp_path: Path, name: str | None, words: str) -> None:
    if name:
        put(tmp_path / name, b"x")
    with pytest.raises(SourceError, match=words) as caught:
        recognise(tmp_path)
    assert "AI-Hub" in caught.value.hint
