"""Corrected AI-Hub #59 label files: an unchanged clip byte for byte, a clip with several labels as one file a stretch."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import StageError
from data_schemas.labels import Taxonomy
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.encodings import decode_text
from pipeline.readers.files.listing import list_files, read_bytes
from pipeline.readers.names import shown_path
from pipeline.review.frame_labels import changed_frames
from pipeline.windows.sampling import clip_bounds
from pipeline.workspace.file_names import file_name
from pipeline.workspace.run_folder import RunFolder

# Numbers stay text, as they are written: none is too long, and none is rounded.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANK = re.compile(r"[ \t\r\n]*")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "cp1252")
_ENDING = re.compile(r"(?:\.mp4)?\.json$", re.IGNORECASE)

Place = tuple[int, int]
"""Where a value begins, and the place behind it."""


@dataclass(frozen=True)
class LabelFiles:
    """How many clips were written unchanged, corrected, or as several files, how many are left out whole, and the files."""

    unchanged: int
    corrected: int
    split: int
    left_out: int
    files: int


@dataclass(frozen=True)
class Stretch:
    """Frames of one clip that follow each other, but for excluded ones, under one label; None: nobody labelled them."""

    label: str | None
    frames: tuple[int, ...]


def stretches(numbers: NDArray[np.integer], labels: NDArray[np.object_], excluded: NDArray[np.bool_]) -> list[Stretch]:
    """Cut the frames of a clip that are left where their label (None: none) changes; all three of shape (frames,)."""
    numbers, labels = numbers[~excluded], labels[~excluded]
    starts = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    parts = zip(np.split(numbers, starts), np.split(labels, starts), strict=True)
    return [Stretch(label[0], tuple(number.tolist())) for number, label in parts if len(number)]


def write_label_files(
    folder: Path, run: RunFolder, clips: pd.DataFrame, after: pd.DataFrame, *, taxonomy: Taxonomy | None
) -> LabelFiles:
    """Write a label file of every clip of a run below ``folder``, where it lies below the source.

    A file whose labels are as they were is copied. One with another label gets the new ``metadata.action``; annotations of
    excluded frames are taken out. A clip with several labels becomes a file for each stretch, named ``CLIP_frames-START-END``,
    with the annotations of the stretch and all else of the original.

    Raises
    ------
    StageError
        A file of the source cannot be read any more, or is another than the run read.
    """
    record = run.record()
    source = _Source(Path(record["source"]))
    encoding = str(record["config"].get("source", {}).get("encoding", "auto"))
    changed = changed_frames(after) | after["excluded"].to_numpy(bool)
    numbers, excluded = after["frame_number"].to_numpy(), after["excluded"].to_numpy(bool)
    bounds = clip_bounds(clips)
    taken = {_below(name) for name in clips["source"]}
    counted: Counter[str] = Counter()
    rows = zip(clips["source"], clips["source_hash"], clips["species"], bounds[:-1], bounds[1:], strict=True)
    for name, digest, species, a, b in rows:
        data, path = source.read(name, digest)
        if not changed[a:b].any():
            _write(folder / path, data)
            counted.update(("unchanged", "files"))
            continue
        labels = after[["given", "label"]].iloc[a:b].astype(object)
        labels = labels.where(labels.notna(), None)
        given = labels["given"].iloc[0]
        cut = stretches(numbers[a:b], labels["label"].to_numpy(object), excluded[a:b])
        counted.update((_outcome(cut),))
        for stretch, place in zip(cut, _places(path, cut, taken), strict=True):
            action = None if stretch.label in (None, given) else _phrase(taxonomy, species, stretch.label)
            whole = len(stretch.frames) == b - a
            frames = None if whole else stretch.frames
            _write(folder / place, correct_label_file(data, action=action, frames=frames, encoding=encoding))
            counted.update(("files",))
    return LabelFiles(**{n: counted[n] for n in ("unchanged", "corrected", "split", "left_out", "files")})


class _Source:
    """The label files of a source, by the name that a run knows them by."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, str] | None = None

    def read(self, name: str, digest: str) -> tuple[bytes, str]:
        """Return the bytes of a file that is as the run read it, and where it lies in the export."""
        again = "give it back as it was, or `audit run` again: decisions are kept"
        try:
            data, own_name = self._found(name)
        except (Unreadable, KeyError) as error:
            reason = error.reason if isinstance(error, Unreadable) else "not there any more"
            raise StageError(f"{self._root}: {name}: {reason}", hint=again) from error
        if hashlib.blake2b(data, digest_size=16).hexdigest() != digest:
            raise StageError(f"{self._root}: {name}: changed since the run read it", hint=again)
        return data, _below(own_name)

    def _found(self, name: str) -> tuple[bytes, str]:
        """Return the bytes of a file, and its name as the disk has it."""
        try:
            return read_bytes(self._root, name), name
        except Unreadable:
            if not self._root.exists():
                raise
        # Names are kept as they are shown: on the disk they may be written otherwise.
        if self._names is None:
            self._names = {shown_path(f.name): f.name for f in list_files(self._root).files}
        return read_bytes(self._root, self._names[name]), self._names[name]


def _below(name: str) -> str:
    """Return where a file of the source lies in the export; an archive becomes a folder, and no name leads out of it."""
    *folders, leaf = (p for p in PurePosixPath(name.replace("::", "/")).parts if p.strip("/"))
    ending = found[0] if (found := _ENDING.search(leaf)) else ""
    return "/".join([*(_part(p) for p in folders), _part(leaf.removesuffix(ending), ending=ending)])


def _part(name: str, *, ending: str = "") -> str:
    """Return a part of a path as it is where it is plain, though its letters be written apart (Unicode NFD, as on a Mac)."""
    plain = unicodedata.normalize("NFC", name)
    made = file_name(plain, ending=ending)
    return name + ending if made == plain + ending else made


def _outcome(cut: list[Stretch]) -> str:
    return ("left_out", "corrected", "split")[min(len(cut), 2)]


def _places(path: str, cut: list[Stretch], taken: set[str]) -> Iterator[str]:
    """Yield the path of each stretch: that of the clip where there is one only."""
    if len(cut) == 1:
        yield path
        return
    ending = found[0] if (found := _ENDING.search(path)) else ""
    for stretch in cut:
        stem = f"{path.removesuffix(ending)}_frames-{stretch.frames[0]:06}-{stretch.frames[-1]:06}"
        while shown_path(stem + ending) in taken:
            stem += "_"
        taken.add(shown_path(stem + ending))
        yield stem + ending


def _phrase(taxonomy: Taxonomy | None, species: str, label: str) -> str:
    """Return what the format calls a label: the taxonomy's Korean phrasing where it means this label, else the label itself."""
    phrase = taxonomy.label(species, label).ko if taxonomy else label
    return phrase if taxonomy and taxonomy.resolve(species, phrase) == label else label


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


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
        The encoding that the configuration declares, or auto.

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
        # The species, which every label file has, follows.
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
