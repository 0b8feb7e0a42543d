"""From bytes to text, for every format that people's own tools may have written in another encoding."""

from __future__ import annotations

from pipeline.readers.checks import Unreadable

__all__ = ["decode_text"]


def decode_text(data: bytes) -> tuple[str, dict[str, int]]:
    """Return text and a note where it was not UTF-8: a byte order mark, UTF-16 and CP949 (Korean Windows) are forgiven.

    Raises
    ------
    Unreadable
        There is nothing in it, or it is no text in any of these.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("", "the file is empty" if not data else "the file holds only blanks or zero bytes")
    for encoding in _likely_encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = encoding == "utf-8-sig"
        return text, {} if plain else {f"the file was written as {encoding.upper()}, not UTF-8: decoded": 1}
    raise Unreadable("", "not text in UTF-8, UTF-16 or CP949")


def _likely_encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    # Without a byte order mark, ASCII at the beginning (a brace, a column's name) has a zero byte beside every letter.
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return ("utf-16-le",)
    if data[:1] == b"\0" and data[1:2] != b"\0":
        return ("utf-16-be",)
    return ("utf-8-sig", "cp949")
