"""Pictures that a table names: paths from the table's folder or the source's, with either separator, never out of it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.tables import text_by_code
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.tables.table_files import TableFile


def with_found_pictures(file: TableFile, name: str, root: Path) -> TableFile:
    """Return a table whose pictures are named from the source's folder, with notes on those that are not found.

    Parameters
    ----------
    name : str
        The table's path below the source.
    root : Path
        The source's folder: see :func:`pipeline.readers.files.listing.source_folder`.
    """
    if "image" not in file.rows or "::" in name:
        return file
    codes, written = pd.factorize(file.rows["image"])
    paths = [str(path) for path in written]
    is_there = _finder(root)
    places = [_place(path, name.rpartition("/")[0], root=root, is_there=is_there) if path.strip() else None for path in paths]
    used = np.bincount(codes[codes >= 0], minlength=len(paths))
    blank = np.array([not path.strip() for path in paths], bool)
    lost = np.array([place is None for place in places], bool) & ~blank
    taken = [place or path for place, path in zip(places, paths, strict=True)]
    notes = list(file.notes)
    if lost.any():
        first = paths[int(lost.argmax())]
        share = f"{int(used[lost].sum())} of the {int(used[~blank].sum())} pictures are not found, such as {first!r}"
        notes.append(ReaderMessage(file.name, "image", f"{share}: {_why(first)}"))
    image = pd.Series(text_by_code(taken, codes), index=file.rows.index)
    return replace(file, rows=file.rows.assign(image=image), notes=notes)


def _why(path: str) -> str:
    if path.startswith(("/", "\\")) or path[1:2] == ":" or ".." in path.replace("\\", "/").split("/"):
        return "a path starts at the table's folder, or at the folder that is the source, and does not lead out of the latter"
    return "a path starts at the table's folder, or at the folder that is the source"


def _place(path: str, folder: str, *, root: Path, is_there: Callable[[str], bool]) -> str | None:
    """Return the path of a picture from the source's folder on, or None where it is not there."""
    if "::" in path:
        return path if is_there(path.partition("::")[0]) else None
    for written in dict.fromkeys((path, path.replace("\\", "/"))):
        below = written.removeprefix(f"{root.as_posix()}/")
        for start in dict.fromkeys((folder, "")):
            place = posixpath.normpath(posixpath.join(start, below))
            if not place.startswith(("/", "..")) and is_there(place):
                return place
    return None


def _finder(root: Path) -> Callable[[str], bool]:
    """Return a function that finds a file in the source; each folder is listed once, however many pictures it holds."""
    real = root.resolve()

    @cache
    def names_in(folder: str) -> frozenset[str]:
        here = root / folder
        try:
            if not here.resolve().is_relative_to(real):
                return frozenset()
            with os.scandir(here) as entries:
                return frozenset(e.name for e in entries if not e.is_symlink() or Path(e).resolve().is_relative_to(real))
        except (OSError, ValueError):
            return frozenset()

    def is_there(path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in names_in(folder)

    return is_there
