"""Names of files that are made from names in the data: no name of a species, clip or class reaches a path in any other way."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LONGEST = 200
"""Bytes of a name: file systems take 255, and what is written adds endings such as ``.npy.part``."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\ud800-\udfff]')
"""What leads to another place, or some file system does not take."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MARKED = re.compile(r"~[0-9a-f]{10}\Z")


def file_name(name: str, *, ending: str = "") -> str:
    """Return the name of a file or folder for any text: one part of a path, which leads nowhere else.

    Plain names stay as they are. All others keep what can be kept of them and end in a hash of the whole, so that other names
    give other files.

    Parameters
    ----------
    ending
        Stays at the end whatever becomes of the rest, such as ``.json``; itself plain.
    """
    plain = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip(". ")
    if plain == name and name and not _RESERVED.fullmatch(name) and not _MARKED.search(name) and _size(name + ending) <= _LONGEST:
        return name + ending
    found = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
    mark = f"~{found}{ending}"
    return f"{_cut(plain, _LONGEST - _size(mark)) or '_'}{mark}"


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str, size: int) -> str:
    """Return the beginning of a text that takes so many bytes at most, with no sign cut in two."""
    return text.encode()[:size].decode(errors="ignore").rstrip(". ")
