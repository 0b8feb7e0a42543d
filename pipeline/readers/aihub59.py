"""Reader of AI-Hub #59 label files: one JSON a clip.

The fast path decodes into typed structs; msgspec names the JSON path of what does not fit. Only a file that is not well-formed
UTF-8 JSON takes the slow path, which forgives a byte order mark, UTF-16, CP949, and the literals NaN and Infinity.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy, normal_name
from data_schemas.skeletons import load_skeleton
from pipeline.readers.checks import UNSIZED_LIMIT, Unreadable, frame_rate, mend_coordinates, order_frames
from pipeline.readers.recordings import Clip, Remark, group_of

__all__ = ["SKELETON", "clip_id_of", "looks_like_a_clip", "read_clip"]

SKELETON = load_skeleton("aihub59")
_LONGEST = 10.0
"""How many picture sizes away a coordinate is still believed."""

Number = int | float


class _Point(msgspec.Struct):
    x: Number | None = None
    y: Number | None = None


# Keypoints are numbered from 1; a struct with these names is faster than a dict and tells which one is wrong.
_Keypoints: Any = msgspec.defstruct(
    "_Keypoints",
    [(f"k{i}", _Point | None, None) for i in range(1, 16)],
    rename={f"k{i}": str(i) for i in range(1, 16)},
)


class _Annotation(msgspec.Struct):
    frame_number: int
    keypoints: _Keypoints
    timestamp: Number | None = None


class _Animal(msgspec.Struct):
    breed: str | None = None
    gender: str | None = None
    age: Number | str | None = None


class _Inspect(msgspec.Struct):
    action: str | None = None


class _Metadata(msgspec.Struct):
    species: str
    action: str
    height: Number | None = None
    width: Number | None = None
    duration: Number | None = None
    animal: _Animal | None = None
    inspect: _Inspect | None = None


class _File(msgspec.Struct):
    metadata: _Metadata
    annotations: list[_Annotation]
    file_video: str | None = None


_DECODER: msgspec.json.Decoder[_File] = msgspec.json.Decoder(_File)


def clip_id_of(name: str) -> str:
    """Return a clip's name from its label file's: no folder, no ``.json``, no ``.mp4``; other dots stay."""
    stem = normal_name(PurePosixPath(name.rpartition("::")[2]).name)
    return re.sub(r"\.mp4$", "", re.sub(r"\.json$", "", stem, flags=re.IGNORECASE), flags=re.IGNORECASE)


def looks_like_a_clip(data: bytes) -> bool:
    """Tell by a file's beginning whether it may be a label file of this format."""
    return any(word in data for word in (b"file_video", b"annotations", b"frame_number"))


def read_clip(name: str, data: bytes, *, config: Config, taxonomy: Taxonomy | None) -> Clip | Remark:
    """Read one label file, or say where and why it cannot be read.

    Parameters
    ----------
    name : str
        The file's path below the source.
    data : bytes
        Its contents.
    """
    try:
        file, notes = _decode(data)
        return _clip(name, file, digest=_digest(data), notes=notes, config=config, taxonomy=taxonomy)
    except Unreadable as error:
        return Remark(name, error.place, error.reason)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _decode(data: bytes) -> tuple[_File, list[str]]:
    try:
        return _DECODER.decode(data), []
    except msgspec.ValidationError as error:
        raise _not_fitting(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_patiently(data)


def _decode_patiently(data: bytes) -> tuple[_File, list[str]]:
    text, notes = _text(data)

    def not_a_number(literal: str) -> None:
        notes.append(f"the literal {literal} stood for a number: taken as missing")

    try:
        return msgspec.convert(json.loads(text, parse_constant=not_a_number), _File), notes
    except msgspec.ValidationError as error:
        raise _not_fitting(error) from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}") from error
    except RecursionError as error:
        raise Unreadable("$", "not a label file: nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise Unreadable("$", f"not JSON: {str(error).split(';')[0]}") from error


def _text(data: bytes) -> tuple[str, list[str]]:
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("", "the file is empty" if not data else "the file holds only blanks")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif data[:2] in (b"{\0", b"\0{"):
        encodings = ["utf-16-le" if data[:1] == b"{" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp949"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = encoding == "utf-8-sig"
        return text, [] if plain else [f"the file was written as {encoding.upper()}, not UTF-8: decoded"]
    raise Unreadable("", "not text in UTF-8, UTF-16 or CP949")


def _not_fitting(error: msgspec.ValidationError) -> Unreadable:
    reason, _, place = str(error).partition(" - at `")
    return Unreadable(place.rstrip("`") or "$", reason)


def _clip(name: str, file: _File, *, digest: str, notes: list[str], config: Config, taxonomy: Taxonomy | None) -> Clip | Remark:
    if not file.annotations:
        raise Unreadable("$.annotations", "no frame is annotated")
    meta = file.metadata
    number = np.array([_whole(a.frame_number) for a in file.annotations], np.int64)
    time = _times(file)
    xy, pose_notes = mend_coordinates(_coordinates(file.annotations), limit=_limit(meta))
    order, order_notes = order_frames(number, time, xy, place="$.annotations[{row}]")
    species = normal_name(meta.species).upper()
    label, other, label_notes = _labels(meta, species, taxonomy)
    clip_id = clip_id_of(name)
    animal = meta.animal or _Animal()
    date = _date(file.file_video, clip_id)
    facts: dict[str, Any] = {
        "clip_id": clip_id,
        "source": name,
        "source_hash": digest,
        "recording_id": clip_id_of(file.file_video) if file.file_video else clip_id,
        "species": species,
        "skeleton": SKELETON.name,
        "fps": frame_rate(number[order], time[order]),
        "label": label,
        "other_label": other,
        "breed": _name(animal.breed),
        "gender": _name(animal.gender),
        "age": _age(animal.age),
        "date": date,
    }
    group = group_of(facts, animal=(date, facts["breed"], facts["gender"], _name(animal.age)), config=config)
    if isinstance(group, Remark):
        return group
    mended = [*notes, *pose_notes, *order_notes, *label_notes]
    return Clip(
        facts=facts | {"subject_id": group},
        frame_number=number[order].astype(np.int32),
        timestamp_ms=np.rint(time[order]).astype(np.int32),
        xy=xy[order],
        notes=[replace(Remark(name, "", ""), reason=note) for note in mended],
    )


def _whole(value: int) -> int:
    """Keep a number of thousands of digits from overflowing an array; it is refused later for what it is."""
    return max(min(value, 2**62), -(2**62))


def _times(file: _File) -> NDArray[np.float64]:
    """Return the times in ms; they are what windows are cut by, so a frame without one cannot be used."""
    given = [a.timestamp for a in file.annotations]
    missing = next((i for i, t in enumerate(given) if t is None), None)
    if missing is not None:
        raise Unreadable(f"$.annotations[{missing}].timestamp", "the time is missing: add `timestamp` in milliseconds")
    return np.array([_bounded(t) for t in given], np.float64)


def _coordinates(annotations: Sequence[_Annotation]) -> NDArray[np.float64]:
    nan = float("nan")
    names = [f"k{i}" for i in range(1, 16)]
    rows = [
        [
            (nan, nan) if p is None else (nan if p.x is None else _bounded(p.x), nan if p.y is None else _bounded(p.y))
            for p in (getattr(a.keypoints, n) for n in names)
        ]
        for a in annotations
    ]
    return np.array(rows, np.float64)


def _bounded(value: Number | None) -> float:
    """Return a float; an integer beyond all floats becomes infinite, and is treated as such."""
    try:
        return float(value or 0)
    except OverflowError:
        return float("inf")


def _limit(meta: _Metadata) -> float:
    sides = [_bounded(s) for s in (meta.height, meta.width) if s is not None and s > 0]
    return min(_LONGEST * max(sides), UNSIZED_LIMIT) if sides else UNSIZED_LIMIT


def _labels(meta: _Metadata, species: str, taxonomy: Taxonomy | None) -> tuple[str, str | None, list[str]]:
    """Return the owner's label, the inspector's, and a note where the latter is not known."""
    owner, inspector = normal_name(meta.action), normal_name((meta.inspect.action if meta.inspect else None) or "")
    if not owner:
        raise Unreadable("$.metadata.action", "no action is named")
    if taxonomy is None:
        return owner, inspector or None, []
    if not taxonomy.names(species):
        known = ", ".join(taxonomy.species)
        raise Unreadable("$.metadata.species", f"species {species!r} is not in taxonomy {taxonomy.name} (known: {known})")
    label = taxonomy.resolve(species, owner)
    if label is None:
        close = taxonomy.nearest_known(species, owner)
        near = f"; the nearest known is {close!r} ({taxonomy.resolve(species, close)})" if close else ""
        raise Unreadable(
            "$.metadata.action",
            f"unknown action {owner!r} of {species}{near}; add the phrasing to a taxonomy and name it as labels.taxonomy",
        )
    other = taxonomy.resolve(species, inspector) if inspector else None
    unknown = [f"the inspector's action {inspector!r} is not known: left out"] if inspector and other is None else []
    return label, other, unknown


def _date(video: str | None, clip_id: str) -> str | None:
    """Return the recording date: the video's folder, or the first eight digits of a name that can be one."""
    for text in (video or "", clip_id):
        if found := re.search(r"(?<!\d)(20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)", text):
            return found[1]
    return None


def _name(value: object) -> str | None:
    if value is None:
        return None
    written = f"{value:g}" if isinstance(value, int | float) else normal_name(unicodedata.normalize("NFC", str(value)))
    return written or None


def _age(value: Number | str | None) -> float:
    try:
        return float(value) if value is not None else float("nan")
    except (ValueError, OverflowError):
        return float("nan")
