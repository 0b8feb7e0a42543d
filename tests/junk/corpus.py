"""Junk that a folder of label files may hold: made here, so that no large file lies in the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.trees import annotation, label_file

WHOLE = json.dumps(label_file(), ensure_ascii=False).encode()


def with_annotations(*rows: object) -> bytes:
    return json.dumps(label_file() | {"annotations": list(rows)}).encode()


def many_annotations(count: int = 1_000_000) -> bytes:
    """Return a file of a million annotated frames, written as text because building it as objects takes far longer."""
    row = '{"frame_number":%d,"timestamp":%d,"keypoints":{"1":{"x":1,"y":2}}}'
    rows = ",".join(row % (6 * i, 200 * i) for i in range(count))
    head = json.dumps(label_file() | {"annotations": []})
    return head.replace('"annotations": []', f'"annotations": [{rows}]').encode()


READ: dict[str, Callable[[], bytes]] = {
    "byte order mark": lambda: b"\xef\xbb\xbf" + WHOLE,
    "utf-16": lambda: WHOLE.decode().encode("utf-16"),
    "blanks around": lambda: b"\n\n  " + WHOLE + b"\r\n",
    "huge coordinate": lambda: with_annotations(annotation(0, keypoints={"1": {"x": 1e300, "y": 2}})),
    "integer of 400 digits": lambda: with_annotations(annotation(0, keypoints={"1": {"x": 10**400, "y": 2}})),
    "cp949": lambda: WHOLE.decode().encode("cp949"),
    "every number as text": lambda: re.sub(rb"(?<=: )(-?[0-9]+)", rb'"\1"', WHOLE),
    "every time missing but two": lambda: with_annotations(
        annotation(0), annotation(6), *(annotation(n, timestamp=None) for n in range(12, 600, 6))
    ),
    "no keypoints": lambda: with_annotations(annotation(0, keypoints=None), annotation(6, keypoints={})),
    "half an emoji": lambda: WHOLE.replace(b'"FEMALE"', b'"\\ud83d"'),
    "unknown fields": lambda: json.dumps(label_file() | {"extra": [[{}]] * 50}).encode(),
    "a million annotations": many_annotations,
}
"""Files that are read, whatever they look like."""

REJECTED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "blanks": lambda: b" \n\t\r\n",
    "nul bytes": lambda: b"\0" * 5000,
    "nul within": lambda: WHOLE[:100] + b"\0" + WHOLE[100:],
    "truncated": lambda: WHOLE[: len(WHOLE) // 2],
    "one brace": lambda: b"{",
    "not json": lambda: b"clip_id,frame\n1,2\n",
    "random bytes": lambda: bytes((i * 197 + i * i) % 256 for i in range(4000)),
    "a list": lambda: b"[1, 2, 3]",
    "null": lambda: b"null",
    "a number": lambda: b"1e999",
    "another tool's": lambda: b'{"version": "5.0", "shapes": [], "imagePath": "a.jpg"}',
    "deep list": lambda: b"[" * 100_000,
    "deep objects": lambda: b'{"annotations":' * 50_000,
    "deep within": lambda: b'{"metadata": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    "number of 10000 digits": lambda: WHOLE.replace(b'"frame_number": 0', b'"frame_number": ' + b"9" * 10_000, 1),
    "frame number 1e400": lambda: WHOLE.replace(b'"frame_number": 0', b'"frame_number": 1e400', 1),
    "every time missing": lambda: with_annotations(annotation(0, timestamp=None), annotation(6, timestamp=None)),
    "truth for a number": lambda: with_annotations(annotation(0, keypoints={"1": {"x": True, "y": 2}})),
    "text for a list": lambda: json.dumps(label_file() | {"annotations": "none"}).encode(),
    "lone surrogate": lambda: b'{"metadata": "\\ud800"}',
    "broken utf-16": lambda: b"\xff\xfe{",
    "picture": lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500),
}
"""Files that no one could read: each is rejected with a reason."""
