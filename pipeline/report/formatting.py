"""How numbers, commands and tables are written, in the terminal and on pages."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

_WIDEST = 120
_FIXED_SPACE = "\xa0"


def typed(workspace: Path) -> str:
    """Return the option that names a workspace, as it is typed after a command; empty for the folder one is in."""
    return "" if workspace == Path() else f" -w {shlex.quote(str(workspace))}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent_of(part: int, whole: int) -> str:
    """Return a part of a whole in percent."""
    return f"{part / whole:.0%}" if whole else "none"


def shown_share(share: float | None) -> str:
    """Return a share in percent, with a second digit where it is small."""
    if share is None:
        return "-"
    return f"{100 * share:.2f} %" if 0 < share < 0.00995 else f"{100 * share:.1f} %"


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


def wrapped(paragraphs: Sequence[str], *, width: int) -> list[str]:
    """Return paragraphs as lines of a terminal; what follows the first line of one is indented."""
    lines: list[str] = []
    for text in paragraphs:
        margin = " " * (len(text) - len(text.lstrip()) + 2)
        # A number is not parted from its unit, nor a key from its value.
        whole = re.sub(r"(?<=\d) (?=(?:ms|s|min|h|d|Hz)\b)| (?==)|(?<==) ", _FIXED_SPACE, text)
        lines += wrap(whole, width, subsequent_indent=margin, break_on_hyphens=False, break_long_words=False)
    return [line.replace(_FIXED_SPACE, " ") for line in lines]


def terminal_width() -> int:
    """Return the columns of the terminal, at most as many as read well."""
    return min(shutil.get_terminal_size().columns, _WIDEST)


def cut_off(cell: str, width: int) -> str:
    """Return a cell that is no wider than this; what was longer ends in dots."""
    return cell if len(cell) <= width else cell[: width - 1] + "…"
