"""Archives as places with files: zip and tar, within each other too, opened where they lie and read one file at a time.

Nothing is unpacked to a path that an archive names, so no name leads anywhere. An archive that lies in another uncompressed is
read in place; one that is compressed there is unpacked to a file without a name, up to a bound.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO, Any, Protocol

from data_schemas.labels import normal_name
from pipeline.readers.files.stored_bytes import FileBytes, StoredBytes, Stream, WindowBytes

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

LARGEST_FILE = 2 * 2**30
"""Bytes of one file of an archive that are held in memory."""

LARGEST_ARCHIVE = 4 * 2**30
"""Bytes that a compressed archive within an archive, or a tar.gz, may unpack to."""

_LARGEST_GROWTH = 100
"""How many times its size an archive may unpack to: label files in text stay below 30, bombs do not."""

_TWICE = "holds several files of one name, such as {name!r}: only the last of them is read"
_PIECE = 2**20
_COMPRESSED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


class TooLargeError(OSError):
    """Something in an archive unpacks to more than is taken."""


ARCHIVE_ERRORS = (
    *(OSError, EOFError, KeyError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
)
"""What opening an archive or reading from it raises when it is damaged, encrypted, too large, or packed in an unknown way."""


class Archive(Protocol):
    """An open archive; ``sizes`` has the bytes of each file by its readable name, ``fault`` what is wrong with the rest."""

    sizes: dict[str, int]
    fault: str

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""

    def head(self, name: str, size: int) -> bytes:
        """Return the first bytes of a file."""

    def inner(self, name: str) -> StoredBytes:
        """Return the bytes of a file, where they lie."""


def open_archive(data: StoredBytes, name: str) -> Archive:
    """Open a zip or tar archive; by its name.

    Raises
    ------
    ARCHIVE_ERRORS
        It is none, or unpacks to too much.
    """
    if name.lower().endswith(".zip"):
        return _Zip(data)
    opener = _COMPRESSED.get(data.read_at(0, 2))
    if opener is None:
        return _Tar(data)
    with opener(Stream(data), "rb") as unpacking:
        return _Tar(_unpacked(unpacking, packed=data.size))


class _Zip:
    def __init__(self, data: StoredBytes) -> None:
        self._data = data
        self._zip = zipfile.ZipFile(Stream(data))
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.fault = ""
        for info in (i for i in self._zip.infolist() if not i.is_dir()):
            other = self._infos.setdefault(name := _name_in_zip(info), info)
            if (other.CRC, other.file_size) != (info.CRC, info.file_size):
                self.fault = _TWICE.format(name=name)
            self._infos[name] = info
        self.sizes = {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str) -> bytes:
        info = self._infos[name]
        if info.file_size > LARGEST_FILE:
            raise TooLargeError(f"unpacks to {info.file_size:,} bytes, more than {LARGEST_FILE:,}")
        return self._zip.read(info)

    def head(self, name: str, size: int) -> bytes:
        with self._zip.open(self._infos[name]) as file:
            return file.read(size)

    def inner(self, name: str) -> StoredBytes:
        info = self._infos[name]
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            name_length, extra_length = struct.unpack("<26xHH", self._data.read_at(info.header_offset, 30))
            return WindowBytes(self._data, info.header_offset + 30 + name_length + extra_length, info.file_size)
        with self._zip.open(info) as unpacking:
            return _unpacked(unpacking, packed=info.compress_size)


class _Tar:
    def __init__(self, data: StoredBytes) -> None:
        self._data = data
        self._places: dict[str, tuple[int, int]] = {}
        self.fault = ""
        try:
            with tarfile.open(fileobj=Stream(data), mode="r:") as tar:
                for member in tar:
                    if member.isreg() and not member.issparse():
                        name = _name_in_tar(member.name)
                        self.fault = _TWICE.format(name=name) if name in self._places else self.fault
                        self._places[name] = (member.offset_data, member.size)
        except tarfile.TarError as error:
            if not self._places:
                raise
            self.fault = f"the archive is cut off or damaged, what follows is lost: {error}"
        self.sizes = {name: size for name, (_, size) in self._places.items()}

    def read(self, name: str) -> bytes:
        start, size = self._places[name]
        if size > LARGEST_FILE:
            raise TooLargeError(f"is {size:,} bytes long, more than {LARGEST_FILE:,}")
        data = self._data.read_at(start, size)
        if len(data) < size:
            raise EOFError("the archive ends in the middle of it")
        return data

    def head(self, name: str, size: int) -> bytes:
        return self.inner(name).read_at(0, size)

    def inner(self, name: str) -> StoredBytes:
        return WindowBytes(self._data, *self._places[name])


def _unpacked(unpacking: IO[bytes] | io.BufferedIOBase, *, packed: int) -> StoredBytes:
    """Return what a stream gives, in a file without a name that goes with the object."""
    bound = min(LARGEST_ARCHIVE, _LARGEST_GROWTH * packed + _PIECE)
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        shutil.copyfileobj(_BoundedStream(unpacking, bound), file, _PIECE)
        on_failure.pop_all()
    return FileBytes(file)


class _BoundedStream:
    """A stream that refuses to give more than a bound."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, bound: int) -> None:
        self._stream, self._bound, self._left = stream, bound, bound

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooLargeError(f"unpacks to more than {self._bound:,} bytes: unpack it yourself if you trust it")
        return piece


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Return a name as its maker wrote it: Korean archives without the UTF-8 flag hold CP949, some of Windows its separator."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("cp949")
        except UnicodeError:
            name = info.filename
    return normal_name(name if "/" in name else name.replace("\\", "/"))


def _name_in_tar(name: str) -> str:
    """Return a name as its maker wrote it; tar stores no encoding."""
    written = name.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "cp949"):
        try:
            return normal_name(re.sub(r"^(?:\./)+", "", written.decode(encoding)))
        except UnicodeDecodeError:
            continue
    return normal_name(written.decode("latin-1"))
