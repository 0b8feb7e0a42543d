"""Folders and archives as one kind of place: files with a name, a size and bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from pipeline.readers.checks import Unreadable
from pipeline.readers.files.archives import ARCHIVE_ERRORS, ENDINGS, Archive, TooLargeError, open_archive
from pipeline.readers.files.other_programs import HEAD_BYTES, identify_file
from pipeline.readers.files.stored_bytes import FileBytes, JoinedBytes, StoredBytes
from pipeline.readers.recordings import ReaderMessage

DEEPEST = 4
"""Archives within each other that are opened."""

MOST_ARCHIVES = 10_000
"""Archives of a source that are opened: more are a bomb."""

PICTURE = re.compile(r"frame_(\d+)_timestamp_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
_PART = re.compile(r"(.+\.zip)\.part(\d+)", re.IGNORECASE)
_IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file below the source: ``name`` is its path there (``archive.zip::inner/path`` inside an archive, and so on)."""

    name: str
    size: int
    mtime_ns: int


@dataclass
class Listing:
    """What lies below a source.

    Attributes
    ----------
    source : Path
        The folder, archive or single file.
    files : list of StoredFile
        All but pictures, sorted by name.
    archives : list of StoredFile
        The archives of its folders themselves.
    pictures : dict
        For each folder that holds frame pictures, the name of the picture of each frame number.
    rejected, notes : list of ReaderMessage
        What could not be listed; and what is to be said of files that are not read.
    """

    source: Path
    files: list[StoredFile] = field(default_factory=list)
    archives: list[StoredFile] = field(default_factory=list)
    pictures: dict[str, dict[int, str]] = field(default_factory=dict)
    rejected: list[ReaderMessage] = field(default_factory=list)
    notes: list[ReaderMessage] = field(default_factory=list)

    def add(self, folder: str, name: str, size: int, mtime_ns: int) -> None:
        """Take in one file of a folder."""
        if picture := PICTURE.fullmatch(name):
            self.pictures.setdefault(folder, {})[int(picture[1])] = name
        else:
            self.files.append(StoredFile(_join(folder, name), size, mtime_ns))


def is_archive(name: str) -> bool:
    """Tell by a file's name whether it is an archive, or a part of one."""
    return name.lower().endswith(ENDINGS) or _PART.fullmatch(name) is not None


def source_folder(source: Path) -> Path:
    """Return what the paths of pictures start at and never lead out of: the source, or the folder of a single table."""
    return source.parent if source.is_file() and not is_archive(source.name) else source


def list_files(source: Path) -> Listing:
    """List a file, a folder with all below it, or an archive; archives in folders and in archives are opened as well."""
    listing = Listing(source)
    parts: dict[str, list[StoredFile]] = {}
    for folder, entry in _walk(source, listing):
        try:
            stat = entry.stat()
        except OSError as error:
            listing.rejected.append(ReaderMessage(_join(folder, entry.name), "", f"cannot be read: {error.strerror}"))
            continue
        stored = StoredFile(_join(folder, entry.name), stat.st_size, stat.st_mtime_ns)
        if match := _PART.fullmatch(stored.name):
            parts.setdefault(match[1], []).append(stored)
        elif entry.name.lower().endswith(ENDINGS):
            listing.archives.append(stored)
        else:
            listing.add(folder, entry.name, stat.st_size, stat.st_mtime_ns)
    for whole, pieces in parts.items():
        listing.archives.append(StoredFile(whole, sum(p.size for p in pieces), max(p.mtime_ns for p in pieces)))
    opened = 0
    waiting = [(archive, 1) for archive in sorted(listing.archives, reverse=True)]
    while waiting:
        archive, depth = waiting.pop()
        opened += 1
        if opened > MOST_ARCHIVES:
            listing.rejected.append(
                ReaderMessage(archive.name, "", f"more than {MOST_ARCHIVES:,} archives within archives: not opened")
            )
            break
        waiting += [(inner, depth + 1) for inner in reversed(_list_archive(source, archive, listing, depth))]
    listing.files.sort()
    return listing


def read_bytes(source: Path, name: str) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    Unreadable
        They cannot be had: it is gone or forbidden, or the archive is damaged, encrypted, or packed in a way that is not known.
    """
    archive, inside, inner = name.rpartition("::")
    with _unreadable():
        return _opened(source, archive).read(inner) if inside else _on_disk(source, name).read_bytes()


def read_head(source: Path, name: str) -> bytes:
    """Return the first bytes of a file, enough to recognise its format.

    Raises
    ------
    Unreadable
        See :func:`read_bytes`.
    """
    archive, inside, inner = name.rpartition("::")
    with _unreadable():
        if inside:
            return _opened(source, archive).head(inner, HEAD_BYTES)
        with _on_disk(source, name).open("rb") as file:
            return file.read(HEAD_BYTES)


@contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except ARCHIVE_ERRORS as error:
        raise Unreadable("", f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _walk(source: Path, listing: Listing) -> Iterator[tuple[str, os.DirEntry[str] | Path]]:
    """Yield (folder below the source, entry) for every file; a folder is entered once, so that links cannot loop.

    A folder that cannot be looked into is rejected in the listing.
    """
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
        except OSError as error:
            listing.rejected.append(ReaderMessage(folder, "", f"the folder cannot be read: {error.strerror}"))
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


def _list_archive(source: Path, archive: StoredFile, listing: Listing, depth: int) -> list[StoredFile]:
    """Add the files of an archive to the listing, and return the archives in it."""
    if depth > DEEPEST:
        listing.rejected.append(
            ReaderMessage(archive.name, "", f"archives are opened {DEEPEST} deep within each other: unpack this one")
        )
        return []
    try:
        opened = _opened(source, archive.name)
    except ARCHIVE_ERRORS as error:
        listing.rejected.append(ReaderMessage(archive.name, "", _why_unreadable(source, archive.name, error)))
        return []
    if opened.fault:
        listing.rejected.append(ReaderMessage(archive.name, "", opened.fault))
    inner: dict[str, int] = {}
    for name, size in opened.sizes.items():
        path = PurePosixPath(name)
        if any(p.startswith(".") or p in _IGNORED for p in path.parts):
            continue
        part = _PART.fullmatch(name)
        if part or name.lower().endswith(ENDINGS):
            whole = part[1] if part else name
            inner[whole] = inner.get(whole, 0) + size
            continue
        folder = f"{archive.name}::" + ("" if str(path.parent) == "." else str(path.parent))
        listing.add(folder, path.name, size, archive.mtime_ns)
    return sorted(StoredFile(f"{archive.name}::{name}", size, archive.mtime_ns) for name, size in inner.items())


def _why_unreadable(source: Path, name: str, error: Exception) -> str:
    if isinstance(error, TooLargeError):
        return str(error)
    try:
        found = identify_file(name, _bytes_of(source, name).read_at(0, HEAD_BYTES))
    except ARCHIVE_ERRORS:
        found = None
    kind = "zip" if name.lower().endswith(".zip") else "tar"
    return str(found) if found else f"not a readable {kind} archive: {getattr(error, 'strerror', None) or error}"


def _on_disk(source: Path, name: str) -> Path:
    return source / name if source.is_dir() else source


def _opened(source: Path, name: str) -> Archive:
    """Return an open archive by its path below the source, through all that it lies in; anew where that was written since."""
    path = _on_disk(source, name.partition("::")[0])
    stat = (path if path.exists() else path.parent).stat()
    return _kept_open(source, name, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=16)
def _kept_open(source: Path, name: str, written: tuple[int, int]) -> Archive:  # noqa: ARG001 - a key of the cache
    return open_archive(_bytes_of(source, name), name)


def _bytes_of(source: Path, name: str) -> StoredBytes:
    """Return the bytes of an archive, joined where it was delivered in parts."""
    outer, inside, inner = name.rpartition("::")
    if not inside:
        path = _on_disk(source, name)
        return FileBytes(path.open("rb")) if path.exists() else _joined_on_disk(path)
    holder = _opened(source, outer)
    if inner in holder.sizes:
        return holder.inner(inner)
    return JoinedBytes([holder.inner(part) for part in _in_order(holder.sizes, inner)])


def _joined_on_disk(path: Path) -> StoredBytes:
    parts = {p.name: p for p in path.parent.iterdir()}
    return JoinedBytes([FileBytes(parts[name].open("rb")) for name in _in_order(parts, path.name)])


def _in_order(names: Iterable[str], whole: str) -> list[str]:
    """Return the names of the parts of an archive, by their numbers."""
    numbered = sorted((int(m[2]), name) for name in names if (m := _PART.fullmatch(name)) and m[1] == whole)
    return [name for _, name in numbered]
