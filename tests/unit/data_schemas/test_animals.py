"""Which animal a keypoint belongs to, told by its name."""

from __future__ import annotations

import pytest

from data_schemas.animals import animals_in

PARTS = ["nose", "left_ear", "right_ear", "tail_base"]


@pytest.mark.parametrize(
    ("names", "animals"),
    [
        ("track_{}_{}", ["0", "1"]),
        ("mouse_{}_{}", ["1", "2", "3"]),
        ("{}_{}", ["animal1", "animal2"]),
        ("{}_{}", ["ind1", "ind2"]),
        ("{}_{}", ["resident", "intruder"]),
        ("{}.{}", ["fly1", "fly2"]),
        ("{1}_{0}", ["resident", "intruder"]),
        ("{1}_track_{0}", ["0", "1"]),
    ],
)
@pytest.mark.parametrize("parts", [PARTS, PARTS[::3]])
def test_names_tell_of_several_animals_with_the_same_parts(names: str, animals: list[str], parts: list[str]) -> None:
    keypoints = [names.format(who, part) for who in animals for part in parts]
    found = animals_in(keypoints)
    assert list(found.values()) == [tuple(range(i, i + len(parts))) for i in range(0, len(keypoints), len(parts))]
    assert all(who.endswith(animal) for who, animal in zip(found, animals, strict=True))


@pytest.mark.parametrize(
    "names",
    [
        PARTS,
        ["left_ear", "left_hip", "right_ear", "right_hip"],
        ["left_red", "left_blue", "right_red", "right_blue"],
        ["nose_l", "tail_l", "nose_r", "tail_r"],
        ["leg1_tip", "leg1_base", "leg2_tip", "leg2_base"],
        ["track_0_head", "track_0_tail", "track_1_head"],
        ["nose"],
        [],
    ],
)
def test_parts_and_sides_of_one_body_are_no_animals(names: list[str]) -> None:
    assert animals_in(names) == {}
