"""A folder that appears whole or not at all: written beside its place, then renamed into it.

What lies there is only replaced when an earlier export wrote all of it and it was not touched since; with ``force`` anything
else is moved aside, and never deleted.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_schemas.errors import StageError, UsageError
from data_schemas.files import disk_errors

SUMS = "SHA256SUMS"
"""Names every other file of an export with its hash, as `sha256sum --check` reads it."""

_HEAD = "# pose-audit export\n"
_LOCK = ".lock"
_AGAIN = "make room or give write access and type it again: nothing half is left"


@contextmanager
def placed_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """Give an empty folder to write to, and put it in the place of ``out`` once everything in it is on the disk.

    Raises
    ------
    UsageError
        ``out`` holds something that is no earlier export, and ``force`` is not given.
    StageError
        Another export writes there.
    WorkspaceError
        The disk refuses; what lay at ``out`` is as it was.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 -- resolve() would follow a link that is to be replaced
    part, old = out.with_name(f".{out.name}.part"), out.with_name(f".{out.name}.old")
    with disk_errors(out, hint=_AGAIN):
        _require_ours(out, force=force)
        part.mkdir(parents=True, exist_ok=True)
        lock = (part / _LOCK).open("w")
    with lock, disk_errors(out, hint=_AGAIN):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageError(f"{out}: another export is being written there", hint="wait for it to end") from error
        _empty(part)
        try:
            yield part
            (part / _LOCK).unlink()
            os.sync()
            _swap(part, out, old)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def refuse_place(out: Path, *, workspace: Path, source: Path) -> None:
    """Refuse a place for the export in which it would touch the workspace or the source.

    Raises
    ------
    UsageError
        It is one of them, holds one of them, or lies in the source or among the runs.
    """
    place, workspace, source = out.resolve(), workspace.resolve(), source.resolve()
    for name, other in (("workspace", workspace), ("source", source)):
        if place == other or place in other.parents:
            raise UsageError(f"{out}: holds the {name} {other}", hint="name a folder of its own")
    for name, other in (("source", source), ("runs", workspace / "runs")):
        if other in place.parents or place == other:
            raise UsageError(f"{out}: lies in the {name}, {other}, which is never written to", hint="name a folder elsewhere")


def write_sums(folder: Path) -> None:
    """Write the hash of every file in a folder, by name."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in _files(folder)]
    (folder / SUMS).write_text(_HEAD + "".join(lines), encoding="utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> list[str]:
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())
    return sorted(name for name in found if name not in (SUMS, _LOCK))


def _require_ours(out: Path, *, force: bool) -> None:
    if not os.path.lexists(out):
        return
    if not out.is_dir() or out.is_symlink():
        raise UsageError(f"{out}: is no folder", hint="name a folder")
    if force or not any(out.iterdir()) or _untouched(out):
        return
    raise UsageError(
        f"{out}: is not empty, and not (or no longer) just what an export wrote",
        hint="name another folder; or --force, which moves this one aside and deletes nothing",
    )


def _untouched(out: Path) -> bool:
    """Tell whether a folder holds just the files of an earlier export, each as it was written."""
    try:
        head, *lines = (out / SUMS).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        known = {name: sha for sha, _, name in (line.partition("  ") for line in lines)}
        return head + "\n" == _HEAD and sorted(known) == _files(out) and all(sha256_of(out / n) == s for n, s in known.items())
    except (OSError, ValueError):
        return False


def _empty(folder: Path) -> None:
    for path in (p for p in folder.iterdir() if p.name != _LOCK):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _swap(part: Path, out: Path, old: Path) -> None:
    """Put ``part`` in the place of ``out``; what lay there goes only when it was an earlier export."""
    if not out.exists() or not any(out.iterdir()):
        part.replace(out)
        return
    ours = _untouched(out)
    if ours and old.exists():
        shutil.rmtree(old)
    aside = old if ours else _free_name(out)
    out.rename(aside)
    part.rename(out)
    if ours:
        shutil.rmtree(aside)


def _free_name(out: Path) -> Path:
    number = 1
    while (aside := out.with_name(f"{out.name}.before-{number}")).exists():
        number += 1
    return aside
