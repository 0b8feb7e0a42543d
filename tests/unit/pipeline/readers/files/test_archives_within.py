"""Archives within archives, as data sets are downloaded: read in place; bombs and tricks with names are refused."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from pipeline.readers.files import archives
from pipeline.readers.files import listing as files
from pipeline.readers.files.listing import list_files, read_bytes
from tests.trees import label_file
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses

CLIP = json.dumps(label_file(), ensure_ascii=False).encode()


def zipped(names: dict[str, bytes], *, how: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", how) as packed:
        for name, content in names.items():
            packed.writestr(name, content)
    return data.getvalue()


def tarred(names: dict[str, bytes], *, mode: str = "w") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as packed:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return data.getvalue()


def in_thirds(data: bytes, name: str) -> dict[str, bytes]:
    third = len(data) // 3 + 1
    return {f"{name}.part{start}": data[start : start + third] for start in range(0, len(data), third)}


INNER = {"라벨/cat-arch-1.json": CLIP, "그림/cat-arch-1/frame_0_timestamp_0.jpg": b"jpeg"}
WAYS = {
    "zip in zip": ("d.zip", lambda: zipped({"Training/TL.zip": zipped(INNER)}), "d.zip::Training/TL.zip"),
    "zip pressed in zip": ("d.zip", lambda: zipped({"TL.zip": zipped(INNER)}, how=zipfile.ZIP_DEFLATED), "d.zip::TL.zip"),
    "zip in tar": ("d.tar", lambda: tarred({"./데이터/TL.zip": zipped(INNER)}), "d.tar::데이터/TL.zip"),
    "zip in parts in tar": ("d.tar", lambda: tarred(in_thirds(zipped(INNER), "a/TL.zip")), "d.tar::a/TL.zip"),
    "files in tar.gz": ("d.tar.gz", lambda: tarred(INNER, mode="w:gz"), "d.tar.gz"),
    "tgz in zip": ("d.zip", lambda: zipped({"x.tgz": tarred(INNER, mode="w:gz")}), "d.zip::x.tgz"),
    "xz": ("d.tar.xz", lambda: tarred(INNER, mode="w:xz"), "d.tar.xz"),
    "zip in zip in tar": ("d.tar", lambda: tarred({"a.zip": zipped({"b.zip": zipped(INNER)})}), "d.tar::a.zip::b.zip"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("alone", [True, False])
def test_label_files_are_read_through_the_archives_they_lie_in(tmp_path: Path, way: str, alone: bool) -> None:
    name, made, holder = WAYS[way]
    (tmp_path / name).write_bytes(made())
    source = tmp_path / name if alone else tmp_path
    found = read(source)
    assert found.clips[["clip_id", "source"]].to_numpy().tolist() == [["cat-arch-1", f"{holder}::라벨/cat-arch-1.json"]]
    image = found.frames["image"].dropna().tolist()
    assert image == [f"{holder}::그림/cat-arch-1/frame_0_timestamp_0.jpg"]
    assert read_bytes(source, image[0]) == b"jpeg"
    assert found.rejected.empty


def test_an_archive_that_is_stored_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large: nothing of it is copied."""
    (tmp_path / "d.tar").write_bytes(tarred({"a.zip": zipped({"b.zip": zipped(INNER)})}))
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert len(read(tmp_path / "d.tar").clips) == 1


def test_archives_too_deep_within_each_other_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    data = zipped({"cat-arch-9.json": CLIP})
    for depth in range(files.DEEPEST):
        data = zipped({f"{depth}.zip": data, f"cat-arch-{depth}.json": CLIP})
    (tmp_path / "d.zip").write_bytes(data)
    found = read(tmp_path / "d.zip")
    assert len(found.clips) == files.DEEPEST
    assert found.rejected["file"].tolist() == ["d.zip::3.zip::2.zip::1.zip::0.zip"]
    assert "4 deep" in found.rejected["reason"].iloc[0]


def test_bombs_are_refused_before_they_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"zeros.json": b"\0" * 2**24})
    (tmp_path / "d.zip").write_bytes(zipped({"bomb.zip": bomb, "cat-arch-1.json": CLIP}, how=zipfile.ZIP_DEFLATED))
    (tmp_path / "e.tar.gz").write_bytes(tarred({"zeros.json": b"\0" * 2**24}, mode="w:gz"))
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == ["cat-arch-1"]
    assert found.rejected["file"].tolist() == ["d.zip::bomb.zip", "e.tar.gz"]
    assert found.rejected["reason"].str.contains("unpacks to more than").all()
    monkeypatch.setattr(archives, "LARGEST_FILE", 2**20)
    (tmp_path / "f.zip").write_bytes(bomb)
    assert "more than 1,048,576" in read(tmp_path).rejected.set_index("file").loc["f.zip::zeros.json", "reason"]


def test_no_more_archives_are_opened_than_a_data_set_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ARCHIVES", 5)
    many = zipped({f"{i}.zip": zipped({f"cat-arch-{i}.json": CLIP}) for i in range(20)})
    (tmp_path / "d.zip").write_bytes(many)
    found = read(tmp_path / "d.zip")
    assert (len(found.clips), len(found.rejected)) == (4, 1)


def test_no_name_in_an_archive_leads_anywhere(tmp_path: Path) -> None:
    names = {"../../evil.json": CLIP, "/etc/evil2.json": CLIP, "a/../../evil3.json": CLIP, "C:\\evil4.json": CLIP}
    before = sorted(tmp_path.parent.rglob("*evil*"))
    (tmp_path / "d.zip").write_bytes(zipped({"x.zip": zipped(names), "y.tar": tarred(names)}))
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        link = tarfile.TarInfo("cat-arch-5.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
        device = tarfile.TarInfo("cat-arch-6.json")
        device.type = tarfile.CHRTYPE
        packed.addfile(device)
    (tmp_path / "links.tar").write_bytes(data.getvalue())
    listing = list_files(tmp_path)
    assert all("::" in file.name for file in listing.files)
    assert not any(file.name.startswith("links.tar") for file in listing.files)
    assert sorted(tmp_path.parent.rglob("*evil*")) == before


def test_a_tar_that_was_cut_off_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    whole = tarred({f"cat-arch-{i}.json": CLIP for i in range(4)})
    (tmp_path / "d.tar").write_bytes(whole[: len(CLIP) * 5 // 2])
    found = read(tmp_path / "d.tar")
    assert len(found.clips) == 2
    assert any("cut off" in reason or "ends in the middle" in reason for reason in found.rejected["reason"])
    (tmp_path / "d.tar").write_bytes(b"no tar at all" * 100)
    assert "not a readable tar archive" in read(tmp_path / "d.tar").rejected["reason"].iloc[0]


def test_an_archive_that_is_only_a_pointer_is_named_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12345\n")
    assert "git lfs pull" in read(tmp_path / "d.zip").rejected["reason"].iloc[0]


def test_tables_in_archives_are_read(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(zipped({"x/t.csv": poses().to_csv(index=False).encode()}))
    found = read(tmp_path / "d.zip")
    assert found.clips["source"].tolist() == ["d.zip::x/t.csv"] * 2
    assert found.rejected.empty


def test_names_with_the_separator_of_windows_are_paths(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(zipped({"a\\cat-arch-1.json": CLIP}))
    assert read(tmp_path / "d.zip").clips["source"].tolist() == ["d.zip::a/cat-arch-1.json"]


@pytest.mark.parametrize("name", ["d.zip", "d.tar"])
@pytest.mark.parametrize("names", [("t.csv", "t.csv"), ("\u00e9.csv", "e\u0301.csv")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_of_one_name_in_an_archive_are_told(tmp_path: Path, name: str, names: tuple[str, str]) -> None:
    tables = [poses(), poses(clip_id=["c"] * 4 + ["d"] * 4)]
    data = io.BytesIO()
    if name == "d.zip":
        with zipfile.ZipFile(data, "w") as packed:
            for inner, table in zip(names, tables, strict=True):
                packed.writestr(inner, table.to_csv(index=False))
    else:
        with tarfile.open(fileobj=data, mode="w") as packed:
            for inner, table in zip(names, tables, strict=True):
                content = table.to_csv(index=False).encode()
                info = tarfile.TarInfo(inner)
                info.size = len(content)
                packed.addfile(info, io.BytesIO(content))
    (tmp_path / name).write_bytes(data.getvalue())
    found = read(tmp_path)
    assert found.clips["clip_id"].tolist() == ["c", "d"]
    assert found.rejected["reason"].tolist() == [
        f"holds several files of one name, such as {names[0]!r}: only the last of them is read"
    ]
