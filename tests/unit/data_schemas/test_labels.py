"""Taxonomies: every phrasing of the format, merges, and errors that name the way out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from data_schemas.errors import ConfigError
from data_schemas.labels import OTHER, Taxonomy, built_in, load_taxonomy
from data_schemas.skeletons import choose_skeleton, load_skeleton, skeleton_of

AIHUB = load_taxonomy("aihub59")


@pytest.mark.parametrize(
    ("species", "phrase", "label"),
    [
        ("DOG", "엎드리는 동작(몸체를 낮게 유지)", "BODYLOWER"),
        ("DOG", "빙글빙들 돈다", "TURN"),
        ("DOG", " 앉기 ", "SIT"),
        ("DOG", "머리를 들이대는 동작", "HEADING"),
        ("CAT", "머리를 들이대는 동작", "HEADING"),
        ("CAT", "꼬리를 흔드는 동작 ", "TAILING"),
        ("DOG", "꼬리를 흔듦", "TAILING"),
        ("cat", "배를 보임", "LYING"),
        ("CAT", "walkrun", "WALKRUN"),
        ("CAT", "Other", OTHER),
    ],
)
def test_every_way_of_writing_an_action_means_its_class(species: str, phrase: str, label: str) -> None:
    assert AIHUB.resolve(species, phrase) == label
    assert AIHUB.resolve(species, unicodedata.normalize("NFD", phrase)) == label


def test_dogs_have_13_actions_and_cats_12() -> None:
    assert (len(AIHUB.names("DOG")), len(AIHUB.names("CAT"))) == (13, 12)


def test_a_class_of_the_other_species_is_unknown_and_the_nearest_is_offered() -> None:
    assert AIHUB.resolve("CAT", "앉는 동작") is None
    assert AIHUB.nearest_known("DOG", "앉는 동자") == "앉는 동작"
    assert AIHUB.nearest_known("DOG", "zzzz") is None


def test_the_classic_merge_gives_seven_classes_a_species() -> None:
    for species, dropped in (("DOG", {"HEADING", "TURN", "MOUNTING", "TAILLOW"}), ("CAT", {"ARCH"})):
        merged = {name: AIHUB.merged("classic", species, name) for name in AIHUB.names(species)}
        assert len({m for m in merged.values() if m}) == 7
        assert {name for name, m in merged.items() if m is None} == dropped
    assert AIHUB.merged("classic", "CAT", "ROLL") == "play"
    assert AIHUB.merged("none", "CAT", "ROLL") == "ROLL"


def test_an_unknown_merge_gets_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        AIHUB.merged("clasic", "CAT", "ROLL")
    assert caught.value.hint == "did you mean 'classic'?"


def test_a_users_own_taxonomy_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rats.toml"
    path.write_text(
        'name = "rats"\n[species.RAT.social]\nphrases = ["sniffing"]\n[species.RAT.base]\n'
        '[merges.two.RAT]\nany = ["social", "base"]\n'
    )
    taxonomy = load_taxonomy(path)
    assert taxonomy.resolve("rat", "Sniffing") == "social"
    assert taxonomy.merged("two", "RAT", "base") == "any"
    assert taxonomy.label("RAT", "social").en == "social"


@pytest.mark.parametrize(
    "text",
    [
        "name = 3 4",
        'name = "x"',
        'name = "x"\n[species]\nRAT = 3',
        'name = "x"\n[species.RAT.a]\nphrases = ["same"]\n[species.RAT.b]\nphrases = ["same"]',
        'name = "x"\n[species.RAT.a]\n[merges.m.RAT]\nz = ["unknown"]',
    ],
)
def test_a_broken_taxonomy_is_refused_with_a_hint(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_taxonomy(path)
    assert caught.value.hint


def test_an_unknown_name_or_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_taxonomy("aihub95")
    assert caught.value.hint == "did you mean 'aihub59'?"
    with pytest.raises(ConfigError):
        load_taxonomy(tmp_path / "none.toml")


def test_all_built_in_files_load() -> None:
    assert all(isinstance(load_taxonomy(name), Taxonomy) for name in built_in("taxonomies"))
    skeletons = [load_skeleton(name) for name in built_in("skeletons")]
    aihub = next(s for s in skeletons if s.name == "aihub59")
    assert len(aihub.keypoints) == 15
    assert aihub.edges[0] == (0, 1)
    assert {frozenset(e) for e in aihub.edges} == {
        frozenset(int(p) for p in pair.split("-"))
        for pair in [
            "0-1",
            "1-2",
            "2-3",
            "0-4",
            "1-4",
            "3-4",
            "4-13",
            "4-5",
            "4-6",
            "5-7",
            "6-8",
            "13-9",
            "13-10",
            "9-11",
            "10-12",
            "13-14",
        ]
    }
    assert aihub.columns[:3] == ("nose_x", "nose_y", "center_forehead_x")


def test_a_skeleton_is_known_by_its_keypoints_or_wanted_by_name() -> None:
    aihub = load_skeleton("aihub59")
    assert choose_skeleton(aihub.keypoints) == aihub
    assert choose_skeleton(["nose", "tail"]) == skeleton_of(["nose", "tail"])
    assert choose_skeleton(["nose", "tail"], wanted="aihub59") == aihub


def test_a_skeleton_of_names_alone_pairs_left_with_right() -> None:
    skeleton = skeleton_of(["left_ear", "nose", "right_ear"])
    assert skeleton.left_right == ((0, 2),)
    assert skeleton.edges == ()


@pytest.mark.parametrize(
    "text", ['name = "x"', 'name = "x"\nkeypoints = ["a", "a"]', 'name = "x"\nkeypoints = ["a"]\nedges = [["a", "b"]]']
)
def test_a_broken_skeleton_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a skeleton"):
        load_skeleton(path)
