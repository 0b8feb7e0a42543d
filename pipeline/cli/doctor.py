"""Is this installation fit to work? Versions, devices, name clashes, fonts, disk and workspace."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import data_schemas
from pipeline.workspace.workspace import Workspace

_PACKAGES = ("pandas", "pyarrow", "pandera", "torch", "scikit-learn", "cleanlab", "streamlit", "plotly")
_OWN = ("data_schemas", "model", "pipeline", "audit_app")
_ENOUGH_DISK = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    state: Literal["ok", "warn", "bad"]
    subject: str
    text: str


def examine(workspace: Path) -> list[Finding]:
    """Return what was found, line by line; ``bad`` lines keep pose-audit from working."""
    return [*_versions(), *_name_clashes(), _devices(), _fonts(), *_disk(workspace), *_workspace(workspace)]


def _versions() -> Iterator[Finding]:
    yield Finding("ok", "pose-audit", data_schemas.__version__)
    python = platform.python_version()
    yield Finding("ok" if sys.version_info >= (3, 11) else "bad", "python", python)
    for package in _PACKAGES:
        try:
            yield Finding("ok", package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("bad", package, "not installed: `make setup`, or pip install pose-audit")
    yield Finding("ok", "sqlite", sqlite3.sqlite_version)


def _name_clashes() -> Iterator[Finding]:
    """Find packages of other projects that hide ours: `model` and `pipeline` are common names."""
    here = Path(__file__).resolve().parents[2]
    for package in _OWN:
        spec = importlib.util.find_spec(package)
        origin = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if origin != here:
            yield Finding("bad", package, f"is taken from {origin}, not from {here}: rename or move the other one")


def _devices() -> Finding:
    try:
        from model.device import available_devices
    except ImportError as error:
        return Finding("bad", "devices", f"PyTorch or our own package cannot be imported: {error}")
    return Finding("ok", "devices", ", ".join(available_devices()))


def _fonts() -> Finding:
    """Korean class names need a font that has them."""
    tool = shutil.which("fc-list")
    if tool is None:
        return Finding("warn", "fonts", "fontconfig is not here: cannot tell whether Korean names can be shown")
    listed = subprocess.run([tool, ":lang=ko", "family"], capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
    fonts = sorted({line.split(",")[0].strip() for line in listed.stdout.splitlines() if line.strip()})
    if fonts:
        return Finding("ok", "fonts", f"Korean: {fonts[0]}" + (f" and {len(fonts) - 1} more" if len(fonts) > 1 else ""))
    return Finding(
        "warn", "fonts", "no Korean font on this machine: install fonts-noto-cjk, or look at the pages from another one"
    )


def _disk(workspace: Path) -> Iterator[Finding]:
    place = next(p for p in (workspace.resolve(), *workspace.resolve().parents) if p.exists())
    free = shutil.disk_usage(place).free
    yield Finding("ok" if free > _ENOUGH_DISK else "warn", "disk", f"{free / 1024**3:.1f} GiB free at {place}")


def _workspace(workspace: Path) -> Iterator[Finding]:
    from data_schemas.config import load_config
    from data_schemas.errors import PoseAuditError

    place = Workspace(workspace)
    if not place.config_path.exists():
        yield Finding("ok", "workspace", f"none at {workspace.resolve()}: `audit init` or `audit run` makes one")
        return
    try:
        load_config(place.config_path)
        run = place.latest()
    except PoseAuditError as error:
        yield Finding("bad", "workspace", f"{error.message}; {error.hint}")
        return
    yield Finding("ok", "workspace", f"{place.config_path}, newest finished run {run.path.name if run else 'none'}")
