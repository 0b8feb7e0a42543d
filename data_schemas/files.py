"""Files as every package writes and reads them: whole or not at all, and with one error where the disk refuses."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_schemas.errors import WorkspaceError

_AGAIN = "make room or give write access, then type the same command again: it goes on from the last whole file"


@contextmanager
def replaced_file(path: Path, *, hint: str = _AGAIN, cache: bool = False) -> Iterator[Path]:
    """Give a new file beside ``path`` to write; once it is whole and on the disk, it is renamed to ``path``.

    A reader sees the file as it was before or as it is after, whenever the writer dies. Where the block raises, ``path`` stays
    as it was and the new file goes.

    Parameters
    ----------
    hint : str
        What to do where the disk refuses.
    cache : bool
        Several threads may write the file at once, and what a power cut takes is made again: each writes a file of its own, and
        none waits for the disk.

    Raises
    ------
    WorkspaceError
        The disk refuses.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part" if cache else f"{path.name}.part")
    with disk_errors(path, hint=hint):
        try:
            yield part
            if not cache:
                with part.open("rb") as file:
                    os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def disk_errors(path: Path, *, hint: str = _AGAIN) -> Iterator[None]:
    """Turn an error of the disk into a WorkspaceError that names the path and says what to do."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"{path}: {error.strerror or error}", hint=hint) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"not JSON, or cut short: {error}") from error
    if not isinstance(found, dict):
        raise ValueError("holds no JSON object")  # noqa: TRY004 -- the type of the file's value, not of an argument
    return found
