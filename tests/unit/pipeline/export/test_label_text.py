"""Corrected label files: only what must change does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import Config
from data_schemas.labels import load_taxonomy
from pipeline.export.aihub import correct_label_file
from pipeline.readers.aihub59.clip_file import read_clip
from pipeline.readers.recordings import Clip

SIT, WALK = "앉는 동작", "걷거나 달리는 동작"


def label_file(numbers: list[int], *, indent: int | None = None, ascii: bool = False) -> str:
    point = {"x": 10.50, "y": -3}
    annotations = [
        {
            "frame_number": n,
            "timestamp": round(n / 30 * 1000),
            "keypoints": {str(k): point if k % 4 else None for k in range(1, 16)},
        }
        for n in numbers
    ]
    animal = {"breed": "푸들", "gender": "MALE", "age": 3.0, "action": "a trap"}
    meta = {"species": "DOG", "animal": animal, "action": SIT, "inspect": {"action": SIT}, "height": 1080, "width": 1920}
    file = {"file_video": "20201022/x.mp4", "metadata": meta, "annotations": annotations, "more": [{"annotations": []}, "é"]}
    return json.dumps(file, ensure_ascii=ascii, indent=indent)


def read(data: bytes) -> Clip:
    found = read_clip("x.mp4.json", data, config=Config(), taxonomy=load_taxonomy("aihub59"))
    assert isinstance(found, Clip)
    return found


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=8, unique=True),
    st.sampled_from([None, 1, 4]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    st.data(),
)
def test_what_must_not_change_stays(numbers, indent, ascii, encoding, data) -> None:
    text = label_file(sorted(numbers), indent=indent, ascii=ascii)
    original = text.encode(encoding)
    assert correct_label_file(original, action=None, frames=None) == original
    assert correct_label_file(original, action=SIT, frames=numbers) == original
    kept = data.draw(st.lists(st.sampled_from(numbers), min_size=1, unique=True))
    corrected = correct_label_file(original, action=WALK, frames=kept)
    wanted = json.loads(text)
    wanted["metadata"]["action"] = WALK
    wanted["annotations"] = [a for a in wanted["annotations"] if a["frame_number"] in kept]
    assert corrected.decode(encoding) == json.dumps(wanted, ensure_ascii=ascii, indent=indent)
    clip = read(corrected)
    assert clip.facts["label"] == "WALKRUN"
    assert clip.facts["other_label"] == "SIT"
    assert clip.frame_number.tolist() == sorted(kept)


def test_korean_windows_encoding_stays_where_it_can() -> None:
    text = label_file([0, 6]).replace("é", "e")
    assert correct_label_file(text.encode("cp949"), action=WALK, frames=None) == text.replace(SIT, WALK, 1).encode("cp949")
    told = correct_label_file(text.encode("cp949"), action="déjà", frames=None)
    assert told.decode("utf-8") == text.replace(SIT, "déjà", 1)


@pytest.mark.parametrize("number", ["NaN", "1" * 5000, "-0.0", "1e5"])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    text = label_file([0, 6]).replace("10.5", number, 1).replace("1920", number)
    assert correct_label_file(text.encode(), action=WALK, frames=[0, 6]).decode() == text.replace(SIT, WALK, 1)


def test_of_two_values_with_one_name_the_one_that_the_reader_takes_is_corrected() -> None:
    text = label_file([0, 6]).replace('"action": "앉는', '"action": "앉기", "action": "앉는', 1)
    assert read(correct_label_file(text.encode(), action=WALK, frames=None)).facts["label"] == "WALKRUN"


def test_a_frame_number_written_as_text_is_found() -> None:
    text = label_file([0, 6]).replace('"frame_number": 6', '"frame_number": "6"')
    assert read(correct_label_file(text.encode(), action=None, frames=[6])).frame_number.tolist() == [6]


def test_a_file_in_an_encoding_that_the_run_was_told_stays_in_it() -> None:
    data = label_file([0, 6]).replace("é", "歩").replace(SIT, "SIT").replace("푸들", "歩く").encode("shift_jis")
    corrected = correct_label_file(data, action="WALKRUN", frames=None, encoding="shift_jis")
    assert corrected == data.replace(b'"action": "SIT", "inspect"', b'"action": "WALKRUN", "inspect"')
    config = Config.model_validate({"source": {"encoding": "shift_jis"}})
    found = read_clip("x.mp4.json", corrected, config=config, taxonomy=load_taxonomy("aihub59"))
    assert isinstance(found, Clip)
    assert found.facts["breed"] == "歩く"


@pytest.mark.parametrize("action", ["absent", "null"])
def test_an_action_that_was_never_named_is_written_where_it_belongs(action: str) -> None:
    file = json.loads(label_file([0, 2, 5]))
    file["metadata"] |= {"action": None}
    if action == "absent":
        del file["metadata"]["action"]
    corrected = correct_label_file(json.dumps(file, ensure_ascii=False).encode(), action=SIT, frames=None)
    file["metadata"]["action"] = SIT
    assert json.loads(corrected) == file
    assert read(corrected).facts["label"] == "SIT"
