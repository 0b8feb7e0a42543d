"""How the pages put figures into words."""

from __future__ import annotations

STATE_NAMES = {"open": "open", "decided": "decided", "unsure": "unsure", "disputed": "disputed"}

_SPECIAL = "\\`*_{}[]<>()#+-.!|~$:"


def escaped(text: str) -> str:
    """Return text from a file so that Markdown shows it as it stands."""
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in text)


def duration(seconds: float) -> str:
    """Return a length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
