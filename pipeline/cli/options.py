"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["FormatOption", "JobsOption", "JsonOption", "WorkspaceOption"]

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="AUDIT_WORKSPACE", help="Folder with audit.toml and runs/.", file_okay=False)
]
FormatOption = Annotated[str | None, typer.Option(help="aihub59 or table; recognised where left out.")]
JobsOption = Annotated[int | None, typer.Option(help="Processes; 0 takes every core.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
