"""AI-Hub #59 label files: bytes in, typed metadata and arrays out.

The fast path decodes into typed structs; msgspec names the JSON path of what does not fit. Only a file that it refuses takes the
patient path, which forgives a byte order mark, UTF-16, CP949, the literals NaN and Infinity, and numbers written as text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.readers.checks import Unreadable
from pipeline.readers.files.encodings import decode_text

KEYPOINTS = 15
_BATCH = 2048
_LARGEST_REPAIRED = 256 * 2**20
"""Largest file in bytes that takes the patient path, which needs some ten times as much memory."""

Number = int | float
_T = TypeVar("_T")


class _Point(msgspec.Struct, gc=False):
    x: Number | None = None
    y: Number | None = None


# Keypoints are numbered from 1; a struct with these names is faster than a dict and names the one that is wrong.
_Keypoints: Any = msgspec.defstruct(
    "_Keypoints",
    [(f"k{i}", _Point | None, None) for i in range(1, KEYPOINTS + 1)],
    rename={f"k{i}": str(i) for i in range(1, KEYPOINTS + 1)},
    forbid_unknown_fields=True,
    gc=False,
)


class _Annotation(msgspec.Struct, gc=False):
    frame_number: int
    keypoints: _Keypoints | None
    timestamp: Number | None = None


class Animal(msgspec.Struct):
    """What the file says of the animal."""

    breed: Number | str | None = None
    gender: Number | str | None = None
    age: Number | str | None = None


class Inspect(msgspec.Struct):
    """What the inspector says."""

    action: str | None = None


class Metadata(msgspec.Struct):
    """What a label file says of the clip as a whole."""

    species: str
    action: str | None = None
    height: Number | None = None
    width: Number | None = None
    animal: Animal | None = None
    inspect: Inspect | None = None
    owner: Any = None


class _Head(msgspec.Struct):
    """A label file whose annotations are not decoded yet: one by one they need little memory, however many there are."""

    metadata: Metadata
    annotations: list[msgspec.Raw]
    file_video: str | None = None


class _LooseHead(msgspec.Struct):
    metadata: Metadata
    annotations: list[Any]
    file_video: str | None = None


@dataclass(frozen=True)
class LabelFile:
    """A label file as it stands, nothing checked but types.

    Attributes
    ----------
    frame_number : int64, shape (frames,)
    timestamp : float64, shape (frames,)
        Milliseconds, NaN where missing.
    xy : float64, shape (frames, 15, 2)
        Pixels, NaN where missing.
    notes : Counter
        What was repaired, and how often.
    """

    metadata: Metadata
    file_video: str | None
    frame_number: NDArray[np.int64]
    timestamp: NDArray[np.float64]
    xy: NDArray[np.float64]
    notes: Counter[str]


_HEAD: msgspec.json.Decoder[_Head] = msgspec.json.Decoder(_Head)
_ANNOTATION: msgspec.json.Decoder[_Annotation] = msgspec.json.Decoder(_Annotation)


def video_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of the video that a label file's keypoints are measured in, where it has them.

    Raises
    ------
    Unreadable
        See :func:`decode_label_file`.
    """
    metadata = decode_label_file(data).metadata
    width, height = int(metadata.width or 0), int(metadata.height or 0)
    return (width, height) if width > 0 and height > 0 else None


def decode_label_file(data: bytes, encoding: str = "auto") -> LabelFile:
    """Decode a label file; ``encoding`` is that of one that is neither UTF-8 nor UTF-16.

    Raises
    ------
    Unreadable
        It is not one: the JSON path (or line and column) of what does not fit, and why.
    """
    try:
        head = _HEAD.decode(data)
        return _label_file(head, _decoded(head.annotations), notes=Counter())
    except (msgspec.MsgspecError, Unreadable, UnicodeDecodeError, RecursionError) as error:
        if len(data) > _LARGEST_REPAIRED:
            raise _misfit(error) from error
        return _decode_patiently(data, encoding)


def _decoded(annotations: Sequence[msgspec.Raw]) -> Iterator[_Annotation]:
    for row, raw in enumerate(annotations):
        try:
            yield _ANNOTATION.decode(raw)
        except msgspec.MsgspecError as error:
            raise _misfit(error, below=f"$.annotations[{row}]") from error


def _decode_patiently(data: bytes, encoding: str) -> LabelFile:
    text, decoded = decode_text(data, encoding)
    notes = Counter(decoded)

    def not_a_number(literal: str) -> None:
        notes[f"the literal {literal} stood for a number: taken as missing"] += 1

    try:
        head = _converted(json.loads(text, parse_constant=not_a_number), _LooseHead, notes=notes, below="$")
        rows = (_converted(a, _Annotation, notes=notes, below=f"$.annotations[{i}]") for i, a in enumerate(head.annotations))
        return _label_file(head, rows, notes=notes)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        why = "the file ends in the middle, as if cut off" if cut_off else error.msg
        raise Unreadable(f"line {error.lineno}, column {error.colno}", f"not JSON: {why}") from error
    except (RecursionError, ValueError) as error:  # too deep, or an integer of thousands of digits
        raise _misfit(error) from error


def _converted(value: Any, kind: type[_T], *, notes: Counter[str], below: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        pass
    try:
        found = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _misfit(error, below=below) from error
    notes["a number was not written as one (text, or a whole number with a point): read all the same"] += 1
    return found


def _misfit(error: Exception, *, below: str = "$") -> Unreadable:
    """Return an error of the decoder as the place in the whole file, and what is wrong there."""
    if isinstance(error, Unreadable):
        return error
    if isinstance(error, RecursionError):
        return Unreadable("$", "not a label file: nested too deeply")
    reason, _, place = str(error).partition(" - at `")
    place = below + place.rstrip("`").removeprefix("$")
    if reason.startswith("Object missing required field `"):
        return Unreadable(f"{place}.{reason.split('`')[1]}", "is missing")
    if reason.startswith("Object contains unknown field `"):
        name = reason.split("`")[1]
        shifted = "; numbered from 0, every one would carry its neighbour's name: number them from 1" if name == "0" else ""
        return Unreadable(
            f"{place}.{name}", f"keypoints are numbered from 1 to {KEYPOINTS}, so {name!r} is none of them{shifted}"
        )
    return Unreadable(place, reason.split(";")[0])


def _label_file(head: _Head | _LooseHead, annotations: Iterator[_Annotation], *, notes: Counter[str]) -> LabelFile:
    numbers: list[int] = []
    times: list[float] = []
    poses: list[NDArray[np.float64]] = []
    while batch := list(islice(annotations, _BATCH)):
        # A number of thousands of digits would overflow the array; cut to 2**62 it is refused later for what it is.
        numbers += [max(min(a.frame_number, 2**62), -(2**62)) for a in batch]
        times += [as_float(a.timestamp) for a in batch]
        poses.append(_coordinates(batch))
    if not poses:
        raise Unreadable("$.annotations", "no frame is annotated")
    return LabelFile(
        metadata=head.metadata,
        file_video=head.file_video,
        frame_number=np.array(numbers, np.int64),
        timestamp=np.array(times, np.float64),
        xy=np.concatenate(poses),
        notes=notes,
    )


_NOWHERE = (None, None)
_NO_POINTS = (None,) * KEYPOINTS


def _coordinates(annotations: Sequence[_Annotation]) -> NDArray[np.float64]:
    """Return pixels, shape (annotations, 15, 2); None becomes NaN."""
    points = (msgspec.structs.astuple(a.keypoints) if a.keypoints is not None else _NO_POINTS for a in annotations)
    flat = [v for row in points for p in row for v in ((p.x, p.y) if p is not None else _NOWHERE)]
    try:
        numbers = np.array(flat, np.float64)
    except OverflowError:  # an integer beyond all floats
        numbers = np.fromiter(map(as_float, chain(flat)), np.float64, len(flat))
    return numbers.reshape(len(annotations), KEYPOINTS, 2)


def as_float(value: Number | None) -> float:
    """Return a float: NaN for None, infinity for an integer beyond all floats."""
    if value is None:
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
