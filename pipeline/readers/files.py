"""Folders and zip archives as one kind of place: files with a name, a size and bytes."""

from __future__ import annotations

import bisect
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from data_schemas.labels import normal_name
from pipeline.readers.checks import Unreadable
from pipeline.readers.recordings import Remark

__all__ = ["Listing", "StoredFile", "list_files", "read_bytes"]

PICTURE = re.compile(r"frame_(\d+)_timestamp_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
_PART = re.compile(r"(.+\.zip)\.part(\d+)", re.IGNORECASE)
_IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file below the source: ``name`` is its path there (``archive.zip::inner/path`` inside an archive)."""

    name: str
    size: int
    mtime_ns: int


@dataclass
class Listing:
    """What lies below a source.

    Attributes
    ----------
    files : list of StoredFile
        All but pictures, sorted by name.
    archives : list of StoredFile
        The zip archives themselves.
    pictures : dict
        For each folder that holds frame pictures, the name of the picture of each frame number.
    rejected : list of Remark
        What could not be listed.
    """

    files: list[StoredFile] = field(default_factory=list)
    archives: list[StoredFile] = field(default_factory=list)
    pictures: dict[str, dict[int, str]] = field(default_factory=dict)
    rejected: list[Remark] = field(default_factory=list)

    def add(self, folder: str, name: str, size: int, mtime_ns: int) -> None:
        """Take in one file of a folder."""
        if picture := PICTURE.fullmatch(name):
            self.pictures.setdefault(folder, {})[int(picture[1])] = name
        else:
            self.files.append(StoredFile(_join(folder, name), size, mtime_ns))


def list_files(source: Path) -> Listing:
    """List a file, a folder with all below it, or a zip archive; archives inside a folder are opened as well."""
    listing = Listing()
    parts: dict[str, list[tuple[int, StoredFile]]] = {}
    for folder, entry in _walk(source):
        try:
            stat = entry.stat()
        except OSError as error:
            listing.rejected.append(Remark(_join(folder, entry.name), "", f"cannot be read: {error.strerror}"))
            continue
        stored = StoredFile(_join(folder, entry.name), stat.st_size, stat.st_mtime_ns)
        if match := _PART.fullmatch(stored.name):
            parts.setdefault(match[1], []).append((int(match[2]), stored))
        elif entry.name.lower().endswith(".zip"):
            listing.archives.append(stored)
        else:
            listing.add(folder, entry.name, stat.st_size, stat.st_mtime_ns)
    for whole, pieces in parts.items():
        listing.archives.append(StoredFile(whole, sum(p.size for _, p in pieces), max(p.mtime_ns for _, p in pieces)))
    for archive in sorted(listing.archives):
        _list_archive(source, archive, listing)
    listing.files.sort()
    return listing


def read_bytes(source: Path, name: str) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    Unreadable
        They cannot be had: it is gone or forbidden, or the archive is damaged, encrypted, or packed in a way that is not known.
    """
    archive, inside, inner = name.partition("::")
    try:
        if not inside:
            return (source / name if source.is_dir() else source).read_bytes()
        opened, names = _opened(source, archive)
        return opened.read(names[inner])
    except (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, KeyError) as error:
        raise Unreadable("", f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _walk(source: Path) -> Iterator[tuple[str, os.DirEntry[str] | Path]]:
    """Yield (folder below the source, entry) for every file; a folder is entered once, so that links cannot loop."""
    if not source.is_dir():
        yield "", source
        return
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        here = source / folder
        try:
            stat = here.stat()
            if (stat.st_dev, stat.st_ino) in seen:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            entries = sorted(os.scandir(here), key=lambda e: e.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _IGNORED:
                continue
            if entry.is_dir():
                waiting.append(_join(folder, entry.name))
            else:
                yield folder, entry


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and not folder.endswith("::") else folder + name


def _list_archive(source: Path, archive: StoredFile, listing: Listing) -> None:
    try:
        opened, names = _opened(source, archive.name)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        listing.rejected.append(Remark(archive.name, "", f"not a readable zip archive: {error}"))
        return
    for name, raw in names.items():
        path = PurePosixPath(name)
        if any(p.startswith(".") or p in _IGNORED for p in path.parts):
            continue
        folder = f"{archive.name}::" + ("" if str(path.parent) == "." else str(path.parent))
        listing.add(folder, path.name, opened.getinfo(raw).file_size, archive.mtime_ns)


@lru_cache(maxsize=16)
def _opened(source: Path, archive: str) -> tuple[zipfile.ZipFile, dict[str, str]]:
    """Return an open archive and, for every readable name of a file in it, the name that the archive knows it by."""
    path = source / archive if source.is_dir() else source
    opened = zipfile.ZipFile(path if path.exists() else _JoinedParts(_parts_of(path)))
    return opened, {_readable(i): i.filename for i in opened.infolist() if not i.is_dir()}


def _readable(info: zipfile.ZipInfo) -> str:
    """Return a name as its maker wrote it: Korean archives without the UTF-8 flag hold CP949 names."""
    if info.flag_bits & 0x800:
        return normal_name(info.filename)
    try:
        return normal_name(info.filename.encode("cp437").decode("cp949"))
    except UnicodeError:
        return normal_name(info.filename)


def _parts_of(path: Path) -> list[Path]:
    numbered = [(int(m[2]), p) for p in path.parent.iterdir() if (m := _PART.fullmatch(p.name)) and m[1] == path.name]
    return [p for _, p in sorted(numbered)]


class _JoinedParts(io.RawIOBase):
    """Files that follow each other, read as one: how AI-Hub delivers large archives (``x.zip.part0``, ``.part1``, ...)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [p.open("rb") for p in paths]
        ends, total = [], 0
        for path in paths:
            total += path.stat().st_size
            ends.append(total)
        self._ends, self._size, self._place = ends, total, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._place if size < 0 else size
        found = bytearray()
        while wanted > 0 and self._place < self._size:
            number = bisect.bisect_right(self._ends, self._place)
            start = self._ends[number - 1] if number else 0
            self._files[number].seek(self._place - start)
            piece = self._files[number].read(min(wanted, self._ends[number] - self._place))
            if not piece:
                break
            found += piece
            wanted -= len(piece)
            self._place += len(piece)
        return bytes(found)

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
