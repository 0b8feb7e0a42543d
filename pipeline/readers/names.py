"""Names as they are compared, stored and shown: Unicode NFC, one space at a time, writable as UTF-8."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import PurePosixPath

from data_schemas.labels import normal_name

_VIDEO = re.compile(r"\.(?:mp4|avi|mov|mkv|webm|m4v|mpe?g)$", re.IGNORECASE)
_WHOLE = re.compile(r"(-?[1-9][0-9]*|0)\.0+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Those that are no white space: a terminal obeys some of them."""
_LABELS = re.compile(r"\.json$", re.IGNORECASE)


def plain_name(value: object) -> str | None:
    """Return a fact as the text that it is stored as, or None where there is none: null, NaN or blank.

    14.0 is "14", as a number and as text: one empty cell makes pandas write whole numbers with a point. "014" stays as it is.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    name = normal_name(writable(_written(value) if isinstance(value, float) else str(value)))
    whole = _WHOLE.fullmatch(name)
    return (whole[1] if whole else name) or None


def _written(number: float) -> str:
    exact = abs(number) <= 2**53 and number.is_integer()
    return str(int(number)) if exact else f"{number:.15g}"


def shown_path(path: str) -> str:
    """Return a path as messages and tables show it; bytes that are no UTF-8 are escaped."""
    return unicodedata.normalize("NFC", writable(path)) or "."


def clip_id_of(path: str) -> str:
    """Return a clip's name from its label file or folder: no folder above, no ``.json``, no ``.mp4``; other dots stay."""
    name = normal_name(writable(PurePosixPath(path.rpartition("::")[2]).name))
    return re.sub(r"\.mp4$", "", _LABELS.sub("", name), flags=re.IGNORECASE).strip()


def without_ending(video: str | None) -> str | None:
    """Return the name of a recording from its video's: the folder stays, the ending goes."""
    name = plain_name(video)
    return (_VIDEO.sub("", name).strip() or None) if name else None


def years(age: str | None) -> float:
    """Return an age as a number, NaN where it is none: an age only distinguishes animals, so one in words is no fault."""
    try:
        found = float(age or "nan")
    except ValueError:
        return float("nan")
    return found if math.isfinite(found) else float("nan")


def is_writable(text: str) -> bool:
    """Tell whether text can be written to a file as it is, that is, holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def writable(text: str) -> str:
    """Escape what no file can hold, or no terminal should: lone surrogates (half an emoji in JSON) and control characters."""
    plain = text if is_writable(text) else text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain)
