"""Options of the command line that take several values in a row: ``--shares 0.05 0.15``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["ManyValues"]


class ManyValues(TyperCommand):
    """A command whose repeatable options may be given once with several values; click itself wants the name before each."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write ``--name a b`` out as ``--name a --name b`` and parse that."""
        repeatable = {name for p in self.params if getattr(p, "multiple", False) for name in p.opts}
        spread: list[str] = []
        current, waiting = "", False
        for word in args:
            name, equals, _ = word.partition("=")
            if word.startswith("-"):
                current, waiting = (name if name in repeatable else ""), not equals
            else:
                spread += [current] if current and not waiting else []
                waiting = False
            spread.append(word)
        return super().parse_args(ctx, spread)
