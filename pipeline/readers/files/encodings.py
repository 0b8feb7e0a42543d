"""From bytes to text, for every format that people's own tools may have written in another encoding.

A byte order mark and UTF-8 prove themselves; what is neither may be Korean (CP949) or Western European (CP1252): most files
in one are valid in the other, so that what the text would say decides, and where it says nothing the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from pipeline.readers.checks import Unreadable

_ENOUGH = 20_000
"""Stretches of letters beyond ASCII that are looked at."""

_SURE = 0.8
"""Share of the evidence that makes an encoding plausible."""

_LONGEST = 3
"""Letters beyond ASCII that follow each other in words of Western Europe."""

_PLAUSIBLE, _UNDECIDED, _IMPLAUSIBLE = "plausible", "undecided", "implausible"

_BEYOND_ASCII = re.compile(r"[‘’“”«»]+|[^\x00-\x7f‘’“”«»]+")
_SIGNS = re.compile(r"[€…‘’“”•–—™£§©«°±²³µ·¹º»ª¼½¾×÷®¿¡´\xa0]+")
_LONE_CAPITALS = re.compile(r"[ÄÖÜÅÆØÉ]{2,3}")
_NOT_WESTERN = re.compile(r"[A-Za-z][ìù][a-z]|[A-Za-z][õþ](?![\w])|[A-Za-z]þ[a-z]")
"""Where no language of Western Europe has these letters, and ě, ů, ő of CP1250 and ş of CP1254 read as them."""

_FEW = 0.02
"""Share of places that may be such: a foreign name is no evidence."""

_NEVER_BEFORE = re.compile(r"[²³¹¼½¾]\Z")
_WAY_OUT = "save it as UTF-8, or say its encoding as source.encoding in audit.toml"


def decode_text(data: bytes, encoding: str = "auto") -> tuple[str, dict[str, int]]:
    """Return text, and a note where it was not UTF-8.

    Parameters
    ----------
    data : bytes
        A whole file.
    encoding : str
        What the text is written in unless it is UTF-8 or has a byte order mark; ``auto`` finds out.

    Raises
    ------
    Unreadable
        There is nothing in it, or it is no text in any of these, or may be several.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("", "the file is empty" if not data else "the file holds only blanks or zero bytes")
    text, found = _decoded(data, encoding)
    # Files that were joined may begin with more than one byte order mark.
    text = text.lstrip("\ufeff")
    return text, {} if found == "utf-8-sig" else {f"the file was written as {found.upper()}, not UTF-8: decoded": 1}


def _decoded(data: bytes, said: str) -> tuple[str, str]:
    """Return text and its encoding."""
    ascii_only = said != "auto" and data.isascii()
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        found = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        found = "utf-16"
    elif ascii_only and _decodes(data, said) != data.decode("ascii"):
        # Only an encoding with shifts, or of two bytes a letter, gives these bytes another meaning.
        found = said
    elif b"\0" in data[:2] and data[:2] != b"\0\0":
        # Without a byte order mark, ASCII at the beginning (a brace, a column's name) has a zero byte beside every letter.
        found = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    elif (text := _decodes(data, "utf-8-sig")) is not None:
        return text, "utf-8-sig"
    else:
        found = said if said != "auto" else _by_evidence(data)
    text = _decodes(data, found)
    if text is None:
        raise Unreadable("", f"not text in {found.upper()}: {_WAY_OUT}")
    return text, found


def _decodes(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _by_evidence(data: bytes) -> str:
    korean, western = _decodes(data, "cp949"), _decodes(data, "cp1252")
    by_encoding = {
        "cp949": None if korean is None else _plausibility(map(_is_syllable, "".join(place[0] for place in _places(korean)))),
        "cp1252": None if western is None else _plausibility(_is_western(western, place) for place in _places(western)),
    }
    if by_encoding["cp949"] == _PLAUSIBLE and western is not None and _reads_as_capitals(western):
        raise Unreadable("", f"may be Korean (CP949) or Western European (CP1252) text: {_WAY_OUT}")
    if by_encoding["cp1252"] == _PLAUSIBLE and western is not None and _reads_as_another(western):
        raise Unreadable("", f"may be Central European (CP1250), Turkish (CP1254) or Western European (CP1252) text: {_WAY_OUT}")
    for wanted in (_PLAUSIBLE, _UNDECIDED):
        found = [encoding for encoding, plausible in by_encoding.items() if plausible == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise Unreadable("", f"may be Korean (CP949) or Western European (CP1252) text: {_WAY_OUT}")
    raise Unreadable("", f"not text in UTF-8, UTF-16, CP949 (Korean) or CP1252 (Western European): {_WAY_OUT}")


def _reads_as_capitals(western: str) -> bool:
    """Tell whether all stretches are such as a lone ÄÖ, which is a Korean syllable as well."""
    return all(_LONE_CAPITALS.fullmatch(place[0]) for place in _places(western))


def _reads_as_another(western: str) -> bool:
    """Tell whether letters stand where only another encoding of Latin letters can have put them."""
    found = sum(1 for _ in islice(_NOT_WESTERN.finditer(western), _ENOUGH))
    return found > _FEW * sum(1 for _ in _places(western))


def _plausibility(evidence: Iterable[bool | None]) -> str:
    """Return how plausible an encoding is by all stretches or letters; None is no evidence."""
    known = [item for item in evidence if item is not None]
    if not known:
        return _UNDECIDED
    return _PLAUSIBLE if sum(known) >= _SURE * len(known) else _IMPLAUSIBLE


def _places(text: str) -> Iterator[re.Match[str]]:
    return islice(_BEYOND_ASCII.finditer(text), _ENOUGH)


def _is_syllable(letter: str) -> bool | None:
    """Tell whether a letter reads as Korean: one of the 2,350 syllables in use, not of the 8,822 that CP949 knows beside them.

    A Western letter and the ASCII letter behind it make one of the latter, and most pairs of Western letters a Chinese one.
    """
    if "가" <= letter <= "힣":
        # The codec writes a syllable out of use as four letters of two bytes.
        return len(letter.encode("euc_kr")) == 2
    if "ㄱ" <= letter <= "ㅣ":
        return True
    return False if "\u4e00" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff" else None


def _is_western(text: str, place: re.Match[str]) -> bool | None:
    """Tell whether a stretch reads as letters of a Western word: beside ASCII letters, and in their case."""
    before = re.findall(r"[A-Za-z]*\Z", text[max(place.start() - 20, 0) : place.start()])[0]
    behind = re.findall(r"\A[A-Za-z]*", text[place.end() : place.end() + 20])[0]
    if _SIGNS.fullmatch(place[0]):
        return False if (behind and _NEVER_BEFORE.search(place[0])) or (before and "¿" in place[0]) else None
    if not place[0].isalpha() or len(place[0]) > _LONGEST:
        return False
    if not before + behind:
        return None if len(place[0]) == 1 else False
    return _in_one_case(before + place[0] + behind)


def _in_one_case(word: str) -> bool:
    """Tell whether the letters beyond ASCII are small or large as those around them are."""
    for i, letter in enumerate(word):
        before, behind = word[max(i - 2, 0) : i], word[i + 1 : i + 2]
        if letter.isascii() or letter == "ß":
            continue
        if letter.isupper() and i and (before[-1:].islower() or behind.islower()):
            return False
        if letter.islower() and len(before) == 2 and before.isupper():
            return False
    return True
