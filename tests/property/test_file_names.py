"""What holds of every file that is named after something in the data: one part of a path, which leads nowhere else."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.workspace.file_names import file_name

ODD = st.sampled_from(
    [
        "..",
        "../../../X",
        "a/b",
        "a\\b",
        "CON",
        "con.txt",
        "",
        " ",
        ".hidden",
        "a.",
        "쥐" * 200,
        "x" * 5000,
        "\0",
        "a:b",
        "쥐\ud800",
    ]
)
NAMES = ODD | st.text(max_size=60) | st.text("./\\~ab0", max_size=12)


@given(name=NAMES, ending=st.sampled_from(["", ".json", ".mp4.json"]))
def test_any_name_is_one_part_of_a_path(name: str, ending: str) -> None:
    made = file_name(name, ending=ending)
    assert made.endswith(ending)
    assert made not in ("", ".", "..")
    assert not set(made) & set('/\\:*?"<>|\0')
    assert not made.startswith(".")
    assert unicodedata.normalize("NFC", made) == made
    assert len(made.encode()) <= 200
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / made).write_text("x")
        assert [p.name for p in Path(folder).iterdir()] == [made]


@settings(max_examples=20)
@given(names=st.sets(NAMES, min_size=2, max_size=8))
def test_names_that_differ_give_files_that_differ(names: set[str]) -> None:
    assert len({file_name(name) for name in names}) == len(names)


@given(name=NAMES)
def test_what_is_made_of_a_name_is_a_plain_name_only_where_it_is_the_name_itself(name: str) -> None:
    made = file_name(name)
    assert (file_name(made) == made) == (made == name)


@pytest.mark.parametrize(
    "name", ["CAT", "DOG", "쥐", "WILD TYPE", "MUS-MUSCULUS_2", "20201028_dog-walkrun-000001.mp4", "[라벨]DOG.zip", "CONGO"]
)
def test_a_plain_name_stays(name: str) -> None:
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"), [("../../../X", "_.._.._X~"), ("a/b", "a_b~"), ("con", "con~"), ("", "_~"), ("..", "_~")]
)
def test_what_can_be_read_of_a_name_stays(name: str, shown: str) -> None:
    assert file_name(name).startswith(shown)
