"""Pictures of frames at the size of a screen, from the dataset's own folders and archives only, cached in memory and on disk."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from data_schemas.errors import SourceError, WorkspaceError
from data_schemas.files import replaced_file
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import read_bytes, source_folder

LONGEST_SIDE = 1280
_QUALITY = 82
_LARGEST_SOURCE = 60_000_000
_MEGABYTE = 2**20


@dataclass(frozen=True)
class DisplayPicture:
    """A JPEG, and the size of the picture that it was made from: keypoints are in pixels of that one."""

    jpeg: bytes
    width: int
    height: int


class DisplayPictures:
    """Makes and remembers pictures of one source.

    Parameters
    ----------
    source
        The dataset's folder, archive or table; nothing outside it, or the table's folder, is ever read, wherever a link leads.
    cache
        Folder for shrunk pictures; it may be deleted at any time.
    """

    def __init__(self, source: Path, cache: Path, *, memory_mb: int = 96, disk_mb: int = 1024) -> None:
        self._source = source_folder(source.resolve())
        self._cache = cache
        self._memory_bound, self._disk_bound = memory_mb * _MEGABYTE, disk_mb * _MEGABYTE
        self._kept: OrderedDict[str, DisplayPicture] = OrderedDict()
        self._size = 0
        self._written = 0
        self._lock = threading.Lock()

    def get(self, name: str) -> DisplayPicture:
        """Return a picture of the source by its name there (``archive.zip::inner/path`` inside an archive)."""
        key = self._key(name)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = self._from_disk(key) or self._made(name, key)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._size += len(picture.jpeg)
            while self._size > self._memory_bound and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1].jpeg)
        return picture

    def _key(self, name: str) -> str:
        path = self._inside(name)
        try:
            stat = path.stat()
        except OSError as error:
            raise SourceError(f"{name}: {error.strerror}", hint="put the picture back, or run the audit again") from error
        facts = f"{self._source}\0{name}\0{stat.st_mtime_ns}\0{stat.st_size}\0{LONGEST_SIDE}\0{_QUALITY}"
        return hashlib.blake2b(facts.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    def _inside(self, name: str) -> Path:
        """Return the file on the disk that holds the picture, refusing every way out of the source."""
        outer, _, inner = name.partition("::")
        parts = (*PurePosixPath(outer).parts, *PurePosixPath(inner).parts)
        leads_out = ".." in parts or "\0" in name or "\\" in outer or PurePosixPath(outer).is_absolute()
        path = self._source if leads_out or not self._source.is_dir() else (self._source / outer).resolve()
        if leads_out or not path.is_relative_to(self._source):
            raise SourceError(f"{name!r} does not lie in {self._source}", hint="pictures are served from the dataset only")
        if not path.exists() and path.suffix == ".zip":
            # AI-Hub delivers large archives in parts: the first stands for all.
            path = next(iter(sorted(path.parent.glob(f"{path.name}.part*"))), path)
        return path

    def _made(self, name: str, key: str) -> DisplayPicture:
        try:
            data = read_bytes(self._source, name)
        except Unreadable as error:
            raise SourceError(f"{name}: {error}", hint="correct the picture, or run the audit again") from error
        picture = _shrunk(data, name)
        self._to_disk(key, picture)
        return picture

    def _place(self, key: str) -> Path:
        return self._cache / key[:2] / f"{key[2:]}.jpg"

    def _from_disk(self, key: str) -> DisplayPicture | None:
        path = self._place(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        size, _, jpeg = data.partition(b"\n")
        width, _, height = size.partition(b" ")
        if not (width.isdigit() and height.isdigit() and jpeg.endswith(b"\xff\xd9")):
            return None
        return DisplayPicture(jpeg, int(width), int(height))

    def _to_disk(self, key: str, picture: DisplayPicture) -> None:
        """Keep a picture; a full or read-only disk only makes the next look slower."""
        path = self._place(key)
        data = b"%d %d\n" % (picture.width, picture.height) + picture.jpeg
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(path, cache=True) as part:
                part.write_bytes(data)
        except (OSError, WorkspaceError):
            return
        with self._lock:
            self._written += len(data)
            due = self._written > self._disk_bound // 8
            self._written = 0 if due else self._written
        if due:
            self._trim()

    def _trim(self) -> None:
        """Delete the pictures that were not looked at for longest, until the cache keeps its bound."""
        found = []
        for path in self._cache.glob("*/*"):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((stat.st_mtime_ns, stat.st_size, path))
        size = sum(s for _, s, _ in found)
        for _, bytes_there, path in sorted(found):
            if size <= self._disk_bound * 7 // 8:
                break
            path.unlink(missing_ok=True)
            size -= bytes_there


def _shrunk(data: bytes, name: str) -> DisplayPicture:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "BMP", "TIFF")) as image:
            width, height = image.size
            if width * height > _LARGEST_SOURCE:
                raise SourceError(f"{name}: {width} x {height} pixels", hint=f"at most {_LARGEST_SOURCE:,} are shown")
            if image.format == "JPEG" and max(width, height) <= LONGEST_SIDE:
                return DisplayPicture(data, width, height)
            # JPEG can be decoded at a half or a quarter, which is most of the time.
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            shown = image.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise SourceError(f"{name}: not a readable picture: {error}", hint="correct it, or run the audit again") from error
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=_QUALITY)
    return DisplayPicture(out.getvalue(), width, height)
