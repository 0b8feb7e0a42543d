"""AI-Hub #59 in zip archives: as a folder, in parts, with Korean names, damaged."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.trees import label_file, put
from tests.unit.pipeline.readers.reading import read


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
