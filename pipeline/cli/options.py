"""Options that several commands have, and options that take several values."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from data_schemas.renamed_keys import RenamedKey

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="AUDIT_WORKSPACE", help="Folder with audit.toml and runs/.", file_okay=False)
]
FormatOption = Annotated[str | None, typer.Option(help="aihub59 or table; recognised by default.")]
JobsOption = Annotated[int | None, typer.Option(help="Processes; 0: one a core.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


_T = TypeVar("_T")


def by_former_name(former_value: _T | None, value: _T, *, former: str, name: str) -> _T:
    """Return the value of an option, which for this version may be given under its former name, with a warning."""
    if former_value is None:
        return value
    warnings.warn(f"{former} is now called {name}; the next version refuses the former name", RenamedKey, stacklevel=2)
    return former_value


def echo_found(found: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print what a command found, as one JSON object or as lines for people."""
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else "\n".join(lines))


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
