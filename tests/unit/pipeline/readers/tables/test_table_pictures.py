"""Pictures that a table names: found from its folder or the source's, told where they are not, never outside the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data/frames/1.png", "data/own/2.png", "outside.png"):
        put_picture(tmp_path / name)
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "data" / "linked").symlink_to(tmp_path)
    return tmp_path / "data"


def put_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"png")


def images(source: Path) -> list[str]:
    return read(source).frames["image"].fillna("").drop_duplicates().tolist()


@pytest.mark.parametrize(
    "written", ["frames/1.png", "frames\\1.png", "./frames/1.png", "own/../frames/1.png", "{data}/frames/1.png"]
)
@pytest.mark.parametrize("named", ["table", "folder"])
def test_a_path_starts_at_the_folder_of_the_table_whichever_is_named(folder: Path, written: str, named: str) -> None:
    table = put(folder / "t.csv", poses(image=written.format(data=folder)))
    found = read(table if named == "table" else folder)
    assert set(found.frames["image"]) == {"frames/1.png"}
    assert found.notes.empty


def test_in_a_folder_of_the_source_a_path_starts_there_or_at_the_source(folder: Path) -> None:
    put(folder / "own" / "t.parquet", poses(image=["2.png", "..\\frames\\1.png", "frames/1.png", None] * 2))
    assert images(folder) == ["own/2.png", "frames/1.png", ""]
    # Alone it is the source, and what lies beside its folder is outside.
    assert images(folder / "own" / "t.parquet") == ["2.png", "..\\frames\\1.png", "frames/1.png", ""]


def test_pictures_that_are_not_found_are_counted_and_their_paths_kept(folder: Path) -> None:
    put(folder / "t.csv", poses(image=["frames/1.png", "frames/9.png", "a\\9.png", " "] * 2))
    found = read(folder / "t.csv")
    assert found.frames["image"].fillna("").tolist()[:4] == ["frames/1.png", "frames/9.png", "a\\9.png", ""]
    place, reason = found.notes[["place", "reason"]].to_numpy().tolist()[0]
    assert (place, reason.partition(": ")[0]) == ("image", "4 of the 6 pictures are not found, such as 'frames/9.png'")
    assert "starts at the table's folder" in reason


@pytest.mark.parametrize(
    "written",
    ["../outside.png", "..\\outside.png", "link.png", "linked/outside.png", "{parent}/outside.png", "C:\\outside.png", "\0"],
)
def test_no_path_leads_out_of_the_source(folder: Path, written: str) -> None:
    put(folder / "t.parquet", poses(image=written.format(parent=folder.parent)))
    found = read(folder / "t.parquet")
    assert "8 of the 8 pictures are not found" in found.notes["reason"].iloc[0]
