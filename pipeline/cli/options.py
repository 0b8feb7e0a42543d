"""Options that several commands have, and options that take several values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

__all__ = ["FormatOption", "JobsOption", "JsonOption", "ManyValues", "WorkspaceOption"]

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="AUDIT_WORKSPACE", help="Folder with audit.toml and runs/.", file_okay=False)
]
FormatOption = Annotated[str | None, typer.Option(help="aihub59 or table; recognised by default.")]
JobsOption = Annotated[int | None, typer.Option(help="Processes; 0: one a core.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class ManyValues(TyperCommand):
    """A command whose repeatable options take several values at once: ``--shares 0.05 0.15``, which click itself does not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write ``--name a b`` out as ``--name a --name b`` and parse that."""
        repeatable = {name for p in self.params if getattr(p, "multiple", False) for name in p.opts}
        spread: list[str] = []
        option = ""
        for word in args:
            if word.startswith("-"):
                name = word.partition("=")[0]
                option = name if name in repeatable else ""
            elif option and spread[-1] != option:
                spread.append(option)
            spread.append(word)
        return super().parse_args(ctx, spread)
