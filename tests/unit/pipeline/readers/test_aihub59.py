"""AI-Hub #59 as it is delivered: namings, trees, archives, rates, and every fault with its outcome."""

from __future__ import annotations

import json
import os
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data_schemas.config import load_config
from data_schemas.errors import ConfigError, SourceError
from data_schemas.skeletons import load_skeleton
from pipeline.readers import Recordings, recognise
from tests.trees import annotation, label_file, put


def read(source: Path, **overrides) -> Recordings:
    return recognise(source).read(load_config(None, overrides=overrides))


def only_reason(found: Recordings) -> tuple[str, str]:
    assert found.clips.empty
    assert len(found.rejected) == 1
    return found.rejected["place"].iloc[0], found.rejected["reason"].iloc[0]


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


class KoreanName(zipfile.ZipInfo):
    """A name as Korean tools write it: CP949 without the UTF-8 flag."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's own name
        return self.filename.encode("cp949"), 0


def archive(path: Path, names: dict[str, object], *, cp949: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in names.items():
            info = (KoreanName if cp949 else zipfile.ZipInfo)(name)
            packed.writestr(info, data if isinstance(data, bytes) else json.dumps(data))
    return path


@pytest.mark.parametrize("cp949", [False, True])
def test_a_zip_is_read_as_a_folder_korean_names_included(tmp_path: Path, cp949: bool) -> None:
    names = {"라벨/cat-arch-1.json": label_file(), "그림/cat-arch-1/frame_0_timestamp_0.jpg": b"jpeg", "__MACOSX/._x.json": b""}
    archive(tmp_path / "TL01.zip", names, cp949=cp949)
    archive(tmp_path / "more" / "TL02.zip", {"dog-sit-1.mp4.json": label_file(species="DOG", action="앉기")})
    found = read(tmp_path)
    assert sorted(found.clips["source"]) == ["TL01.zip::라벨/cat-arch-1.json", "more/TL02.zip::dog-sit-1.mp4.json"]
    assert found.frames["image"].dropna().tolist() == ["TL01.zip::그림/cat-arch-1/frame_0_timestamp_0.jpg"]
    assert found.rejected.empty


def test_one_zip_alone_is_a_source(tmp_path: Path) -> None:
    assert len(read(archive(tmp_path / "all.zip", {"cat-arch-1.json": label_file()})).clips) == 1


def test_a_zip_in_parts_is_read_as_one(tmp_path: Path) -> None:
    whole = archive(tmp_path / "whole" / "x.zip", {f"cat-arch-{i}.json": label_file() for i in range(5)}).read_bytes()
    third = len(whole) // 3
    for number, start in enumerate(range(0, len(whole), third)):
        put(tmp_path / "parts" / f"TL.zip.part{number}", whole[start : start + third])
    assert len(read(tmp_path / "parts").clips) == 5


def test_a_broken_zip_is_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    put(tmp_path / "bad.zip", b"PK\x03\x04 not an archive")
    put(tmp_path / "cat-arch-1.json", label_file())
    found = read(tmp_path)
    assert len(found.clips) == 1
    assert found.rejected["file"].tolist() == ["bad.zip"]


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
        ({"annotations": [annotation(0, frame_number=1.5)]}, "$.annotations[0].frame_number", "float"),
        ({"annotations": [annotation(0, frame_number="six")]}, "$.annotations[0].frame_number", "int"),
        ({"annotations": [annotation(0, frame_number=-6)]}, "$.annotations[0]", "cannot be"),
        ({"annotations": [annotation(0, frame_number=10**30)]}, "$.annotations[0]", "cannot be"),
        ({"annotations": [annotation(0), annotation(0, timestamp=5)]}, "$.annotations[1]", "told twice"),
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
def test_what_can_be_mended_is_mended_and_noted(tmp_path: Path, annotations, note: str) -> None:
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


def test_a_file_that_is_all_ending_names_no_clip(tmp_path: Path) -> None:
    put(tmp_path / " .mp4.json", label_file())
    assert "the clip has no name" in only_reason(read(tmp_path))[1]


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


def test_a_damaged_or_locked_file_in_an_archive_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("cat-arch-1.json", json.dumps(label_file()))
        packed.writestr("cat-arch-2.json", json.dumps(label_file()))
        start = packed.getinfo("cat-arch-1.json").header_offset + 30 + len("cat-arch-1.json")
    data = bytearray(path.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    found = read(path)
    assert found.clips["clip_id"].tolist() == ["cat-arch-2"]
    assert found.rejected["file"].tolist() == ["x.zip::cat-arch-1.json"]
    assert "cannot be read" in found.rejected["reason"].iloc[0]


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


def test_names_are_compared_composed(tmp_path: Path) -> None:
    put(tmp_path / unicodedata.normalize("NFD", "고양이-1.json"), label_file(action=unicodedata.normalize("NFD", "그루밍함")))
    clip = read(tmp_path).clips.iloc[0]
    assert (clip["clip_id"], clip["label"]) == ("고양이-1", "GROOMING")


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


@pytest.mark.parametrize(
    ("name", "words"), [("a.txt", ".txt"), (None, "no file"), ("c/frame_0_timestamp_0.jpg", "only pictures")]
)
def test_a_source_without_clips_says_what_it_holds(tmp_path: Path, name: str | None, words: str) -> None:
    if name:
        put(tmp_path / name, b"x")
    with pytest.raises(SourceError, match=words) as caught:
        recognise(tmp_path)
    assert "AI-Hub" in caught.value.hint


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
