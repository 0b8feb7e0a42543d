"""Bytes that lie somewhere, read piece by piece from any place, by several threads at once."""

from __future__ import annotations

import bisect
import io
import os
import threading
import weakref
from collections.abc import Sequence
from typing import IO, Any, Protocol


class StoredBytes(Protocol):
    """Bytes of a known number."""

    size: int

    def read_at(self, start: int, size: int) -> bytes:
        """Return the bytes from a place on, fewer where they end."""


class FileBytes:
    """The bytes of an open file, which is closed when nothing asks for them any more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.size = file.seek(0, os.SEEK_END)
        weakref.finalize(self, file.close)

    def read_at(self, start: int, size: int) -> bytes:
        """Return the bytes from a place on."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)


class JoinedBytes:
    """Parts that follow each other, read as one: how AI-Hub delivers large archives (``x.zip.part0``, ``.part1``, ...)."""

    def __init__(self, parts: Sequence[StoredBytes]) -> None:
        self._parts = list(parts)
        self._ends: list[int] = []
        self.size = 0
        for part in self._parts:
            self.size += part.size
            self._ends.append(self.size)

    def read_at(self, start: int, size: int) -> bytes:
        """Return the bytes from a place on, across parts."""
        found = bytearray()
        while size > 0 and start < self.size:
            number = bisect.bisect_right(self._ends, start)
            before = self._ends[number - 1] if number else 0
            piece = self._parts[number].read_at(start - before, min(size, self._ends[number] - start))
            if not piece:
                break
            found += piece
            start += len(piece)
            size -= len(piece)
        return bytes(found)


class WindowBytes:
    """Some of the bytes of another: an archive that lies in an archive as it is."""

    def __init__(self, base: StoredBytes, start: int, size: int) -> None:
        self._base, self._start, self.size = base, start, size

    def read_at(self, start: int, size: int) -> bytes:
        """Return the bytes from a place in the window on, none beyond it."""
        return self._base.read_at(self._start + start, max(min(size, self.size - start), 0))


class Stream(io.RawIOBase):
    """Bytes as a file with a place, for libraries that want one."""

    def __init__(self, data: StoredBytes) -> None:
        self._data, self._place = data, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place and return it."""
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._data.size}[whence]
        if place < 0:
            raise OSError("before the beginning")
        self._place = place
        return place

    def readinto(self, buffer: Any) -> int:
        """Write the bytes from the place on into a buffer, go behind them, and return how many."""
        piece = self._data.read_at(self._place, len(buffer))
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
