"""AI-Hub #59 as it is delivered: namings, trees, pictures, rates and groups."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data_schemas.config import load_config
from data_schemas.errors import ConfigError
from data_schemas.skeletons import load_skeleton
from pipeline.readers import recognise
from tests.trees import annotation, label_file, put
from tests.unit.pipeline.readers.reading import only_reason, read


@pytest.mark.parametrize(
    ("path", "clip_id"),
    [
        ("Training/DOG/SIT/20201022_dog-sit-000028.mp4.json", "20201022_dog-sit-000028"),
        ("training/label/ARCH/cat-arch-011926.json", "cat-arch-011926"),
        ("20210112_cat_1_cat-arch-006178.mp4.json", "20210112_cat_1_cat-arch-006178"),
        ("라벨링데이터/CAT/a.b.c-cat-arch-1.json", "a.b.c-cat-arch-1"),
    ],
)
def test_a_clip_is_found_under_every_way_of_naming(tmp_path: Path, path: str, clip_id: str) -> None:
    put(tmp_path / path, label_file())
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == [clip_id]
    assert found.clips["source"].tolist() == [path]
    assert found.rejected.empty


def test_facts_and_frames_of_a_clip(tmp_path: Path) -> None:
    data = label_file(action="그루밍함 ")
    data["metadata"]["inspect"]["action"] = "꼬리를 흔든다"
    data["annotations"][2] = annotation(12, missing=(1, 15))
    data["annotations"][3]["keypoints"]["4"] = {"x": -7, "y": 20}
    put(tmp_path / "cat-grooming-1.json", data)
    found = read(tmp_path)
    clip = found.clips.iloc[0]
    assert clip[["species", "label", "other_label", "breed", "gender", "date"]].tolist() == [
        "CAT", "GROOMING", "TAILING", "페르시안", "FEMALE", "20210109",
    ]  # fmt: skip
    assert clip["subject_id"] == "20210109|페르시안|FEMALE|3"
    assert (clip["age"], clip["fps"], clip["frame_count"]) == (3, 30, 8)
    frames = found.frames
    assert frames["frame_number"].tolist() == list(range(0, 48, 6))
    assert frames["timestamp_ms"].tolist() == list(range(0, 1600, 200))
    assert np.isnan(frames.loc[2, ["nose_x", "nose_y", "tail_end_x", "tail_end_y"]].astype(float)).all()
    assert frames.loc[3, "center_mouth_x"] == -7
    assert frames.loc[1, "tail_start_x"] == 1406
    assert "image" not in frames


@pytest.mark.parametrize("fps", [30.0, 29.97, 25.0, 24.0, 15.0, 23.976])
def test_the_frame_rate_is_found(tmp_path: Path, fps: float) -> None:
    put(tmp_path / "a.json", label_file(frames=60, fps=fps))
    assert read(tmp_path).clips["fps"].tolist() == [fps]


def test_missing_frames_stay_missing_and_the_first_may_be_late(tmp_path: Path) -> None:
    put(tmp_path / "a.json", label_file() | {"annotations": [annotation(n) for n in (6, 12, 24, 48)]})
    assert read(tmp_path).frames["frame_number"].tolist() == [6, 12, 24, 48]


def test_dogs_and_cats_have_classes_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "a.json", label_file(species="DOG", action="앉기"))
    put(tmp_path / "b.json", label_file(species="cat", action="배를 보임"))
    put(tmp_path / "c.json", label_file(species="CAT", action="앉기"))
    found = read(tmp_path)
    assert found.clips[["species", "label"]].to_numpy().tolist() == [["DOG", "SIT"], ["CAT", "LYING"]]
    assert "unknown action '앉기' of CAT" in found.rejected["reason"].iloc[0]


def test_pictures_are_matched_by_name_wherever_they_lie(tmp_path: Path) -> None:
    put(tmp_path / "label" / "20201022_dog-sit-000028.mp4.json", label_file(species="DOG", action="앉기"))
    put(tmp_path / "label" / "20210112_cat_1_cat-arch-006178.mp4.json", label_file())
    put(tmp_path / "image" / "20201022_dog-sit-000028.mp4" / "frame_6_timestamp_200.jpg", b"jpeg")
    put(tmp_path / "원천데이터" / "cat-arch-006178" / "frame_0_timestamp_0.PNG", b"png")
    put(tmp_path / "image" / "nobody" / "frame_0_timestamp_0.jpg", b"jpeg")
    frames = read(tmp_path).frames
    images = frames.dropna(subset="image")[["frame_number", "image"]].to_numpy().tolist()
    assert images == [
        [6, "image/20201022_dog-sit-000028.mp4/frame_6_timestamp_200.jpg"],
        [0, "원천데이터/cat-arch-006178/frame_0_timestamp_0.PNG"],
    ]
    assert read(tmp_path).notes["file"].tolist() == ["image/nobody"]


def test_the_rate_of_one_frame_is_told_by_its_time_or_assumed(tmp_path: Path) -> None:
    put(tmp_path / "late.json", label_file() | {"annotations": [annotation(50, fps=25)]})
    put(tmp_path / "start.json", label_file() | {"annotations": [annotation(0)]})
    found = read(tmp_path)
    assert dict(zip(found.clips["clip_id"], found.clips["fps"], strict=True)) == {"late": 25, "start": 30}
    assert found.notes[["file", "reason"]].to_numpy().tolist() == [
        ["start.json", "one frame cannot tell the frame rate: 30 is assumed"]
    ]


@pytest.mark.parametrize(
    ("video", "recording", "date"),
    [
        ("20210109/cat-x-1.mp4", "20210109/cat-x-1", "20210109"),
        ("20210109/20200101_cat.x.MOV", "20210109/20200101_cat.x", "20210109"),
        ("D:\\clips\\20210109\\cat-1.avi", "D:\\clips\\20210109\\cat-1", "20210109"),
        ("20201022_dog-1.mp4", "20201022_dog-1", "20201022"),
        ("cat.v2", "cat.v2", "20210203"),
        (None, "20210203_cat-x-1", "20210203"),
    ],
)
def test_recording_and_date_come_from_the_video(tmp_path: Path, video: str | None, recording: str, date: str) -> None:
    put(tmp_path / "20210203_cat-x-1.json", label_file() | {"file_video": video})
    clip = read(tmp_path).clips.iloc[0]
    assert (clip["recording_id"], clip["date"]) == (recording, date)


def test_a_clip_without_a_video_has_no_recording_to_be_grouped_by(tmp_path: Path) -> None:
    put(tmp_path / "20210203_cat-x-1.json", label_file() | {"file_video": None})
    found = read(tmp_path, groups={"by": "recording"})
    assert only_reason(found)[0] == "$.file_video"
    assert "recording is missing" in only_reason(found)[1]


def test_names_that_no_file_can_hold_are_escaped(tmp_path: Path) -> None:
    data = label_file()
    data["metadata"]["animal"]["breed"] = "cat \ud83d"
    path = tmp_path / os.fsdecode(b"cat-\xff-1.json")
    path.write_bytes(json.dumps(data).encode())
    put(tmp_path / os.fsdecode(b"cat-\xff-1") / "frame_0_timestamp_0.jpg", b"jpeg")
    found = read(tmp_path)
    clip = found.clips.iloc[0]
    assert (clip["clip_id"], clip["source"], clip["breed"]) == ("cat-\\udcff-1", "cat-\\udcff-1.json", "cat \\ud83d")
    assert "image" not in found.frames
    assert found.notes["reason"].tolist() == ["the folder's name is not UTF-8: its pictures are ignored; rename it"]
    for name in ("clips", "frames", "rejected", "notes"):
        getattr(found, name).to_parquet(tmp_path / f"{name}.parquet")
    json.dumps(recognise(tmp_path).manifest(), ensure_ascii=False).encode()


def skeleton_file(path: Path, names: list[str]) -> str:
    path.write_text(f'name = "mine"\nkeypoints = {json.dumps(names)}\n', encoding="utf-8")
    return str(path)


def test_own_names_of_the_keypoints_are_taken_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    put(tmp_path / "src" / "a.json", label_file())
    own = skeleton_file(tmp_path / "mine.toml", [f"p{i}" for i in range(1, 16)])
    found = read(tmp_path / "src", pose={"skeleton": own})
    assert found.skeleton.name == "mine"
    assert found.clips["skeleton"].tolist() == ["mine"]
    assert found.frames.loc[1, ["p1_x", "p15_y"]].tolist() == [106, 750]


@pytest.mark.parametrize("names", [["nose", "tail"], list(reversed(load_skeleton("aihub59").keypoints))])
def test_a_skeleton_that_does_not_fit_the_format_is_refused(tmp_path: Path, names: list[str]) -> None:
    put(tmp_path / "src" / "a.json", label_file())
    own = skeleton_file(tmp_path / "mine.toml", names)
    with pytest.raises(ConfigError, match="does not fit AI-Hub #59") as caught:
        read(tmp_path / "src", pose={"skeleton": own})
    assert "nose, center_forehead" in caught.value.hint


def test_names_are_compared_composed(tmp_path: Path) -> None:
    put(tmp_path / unicodedata.normalize("NFD", "고양이-1.json"), label_file(action=unicodedata.normalize("NFD", "그루밍함")))
    clip = read(tmp_path).clips.iloc[0]
    assert (clip["clip_id"], clip["label"]) == ("고양이-1", "GROOMING")


def test_many_files_read_by_processes_give_the_same_as_by_one(tmp_path: Path) -> None:
    for i in range(210):
        put(tmp_path / f"cat-arch-{i:03d}.json", label_file(frames=3))
    one, two = (read(tmp_path, run={"jobs": jobs}) for jobs in (1, 2))
    assert one.clips.equals(two.clips)
    assert one.frames.equals(two.frames)


def test_progress_tells_every_file(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path / f"cat-arch-{i}.json", label_file())
    seen: list[tuple[int, int]] = []
    recognise(tmp_path).read(load_config(None), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_manifest_changes_with_a_file_and_with_a_picture(tmp_path: Path) -> None:
    put(tmp_path / "cat-arch-1.json", label_file())
    before = recognise(tmp_path).manifest()
    assert recognise(tmp_path).manifest() == before
    os.utime(tmp_path / "cat-arch-1.json", (1, 1))
    after = recognise(tmp_path).manifest()
    assert after != before
    put(tmp_path / "cat-arch-1" / "frame_0_timestamp_0.jpg", b"x")
    assert recognise(tmp_path).manifest() != after


def test_real_files_are_read_whole(shared: Path) -> None:
    found = read(shared / "data" / "aihub59_cat")
    assert found.rejected.empty
    assert found.notes.empty
    assert dict(zip(found.clips["clip_id"], found.clips["frame_count"], strict=True)) == {
        "cat-sitdown-014540": 84,
        "cat-tailing-025042": 96,
        "cat-tailing-101483": 85,
        "cat-walkrun-090604": 74,
    }
