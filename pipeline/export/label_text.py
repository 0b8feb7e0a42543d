"""Correcting the text of an AI-Hub #59 label file: another action, fewer annotations, and all else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pipeline.readers.files.encodings import decode_text

__all__ = ["correct_label_file"]

# Numbers stay text, as they are written: none is too long, and none is rounded.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANK = re.compile(r"[ \t\r\n]*")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "cp1252")

Place = tuple[int, int]
"""Where a value begins, and the place behind it."""


def correct_label_file(data: bytes, *, action: str | None, frames: Collection[int] | None, encoding: str = "auto") -> bytes:
    """Return a label file with another action, or with some of its annotations, byte for byte the same elsewhere.

    Parameters
    ----------
    data
        A label file that the reader reads.
    action
        What ``metadata.action`` is to be, added where the file has none; None leaves it.
    frames
        The frame numbers whose annotations stay; None leaves all.
    encoding
        What the run was told that such files are written in.

    Returns
    -------
    bytes
        In the encoding of ``data``, or in UTF-8 where that cannot hold the action.
    """
    text, _ = decode_text(data, encoding)
    file = dict(_members(text, _after_blank(text, 0)))
    edits: list[tuple[Place, str]] = []
    if action is not None:
        edits.append(_with_action(text, file["metadata"], action))
    if frames is not None:
        edits.append((file["annotations"], _thinned(text, file["annotations"], frozenset(frames))))
    corrected = text
    for (start, end), new in sorted(edits, reverse=True):
        corrected = corrected[:start] + new + corrected[end:]
    return _encoded(corrected, text, data, (*_ENCODINGS, *([encoding] if encoding != "auto" else [])))


def _with_action(text: str, metadata: Place, action: str) -> tuple[Place, str]:
    """Return where the action of a label file stands, or is to stand, and what to write there."""
    place = dict(_members(text, metadata[0])).get("action")
    if place is None:
        # The species, which every label file tells, follows.
        return (metadata[0] + 1, metadata[0] + 1), f'"action": {json.dumps(action, ensure_ascii=False)}, '
    written = text[slice(*place)]
    return place, json.dumps(action, ensure_ascii=written.isascii() and "\\u" in written)


def _thinned(text: str, array: Place, frames: frozenset[int]) -> str:
    """Return an array with only the annotations of these frames, each with the blanks and comma that came before it."""
    kept: list[str] = []
    behind = array[0] + 1
    lead = ""
    for position, (value, (start, end)) in enumerate(_elements(text, array[0])):
        if position == 0:
            lead = text[behind:start]
        if int(float(value["frame_number"])) in frames:
            kept.append((text[behind:start] if kept else lead) + text[start:end])
        behind = end
    return "[" + "".join(kept) + text[behind : array[1]]


def _members(text: str, start: int) -> Iterator[tuple[str, Place]]:
    """Yield the name and place of each value of the object that begins at ``start``; of two with one name the last counts."""
    here = _after_blank(text, start + 1)
    while text[here] == '"':
        name, here = _VALUES.raw_decode(text, here)
        begin = _after_blank(text, _after_blank(text, here) + 1)
        _, end = _VALUES.raw_decode(text, begin)
        yield name, (begin, end)
        here = _after_blank(text, end)
        if text[here] == ",":
            here = _after_blank(text, here + 1)


def _elements(text: str, start: int) -> Iterator[tuple[Any, Place]]:
    """Yield each element of the array that begins at ``start``, and its place."""
    here = _after_blank(text, start + 1)
    while text[here] != "]":
        value, end = _VALUES.raw_decode(text, here)
        yield value, (here, end)
        here = _after_blank(text, end)
        if text[here] == ",":
            here = _after_blank(text, here + 1)


def _after_blank(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def _encoded(corrected: str, text: str, data: bytes, encodings: Iterable[str]) -> bytes:
    """Return text in the encoding that gives the original bytes for the original text."""
    for encoding in encodings:
        try:
            if text.encode(encoding) == data:
                return corrected.encode(encoding)
        except UnicodeEncodeError:
            continue
    return corrected.encode()
