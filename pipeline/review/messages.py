"""Operations as JSON values: how the labelling page and the store speak to each other. A span is ``[start, end, code]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data_schemas.errors import UsageError
from data_schemas.labels import normal_name
from pipeline.review.events import EXCLUDED, NOT_REVIEWED, UNSURE, Operation, Span

__all__ = ["operation_from_json", "operation_to_json"]

_ACTIONS = {NOT_REVIEWED: "undo", UNSURE: "unsure", EXCLUDED: "exclude", None: "note"}
_CODES = {action: code for code, action in _ACTIONS.items()}


def operation_from_json(data: Any, classes: Sequence[str]) -> Operation:
    """Return the operation that a JSON object stands for.

    Parameters
    ----------
    data : object
        ``{operation_id, at, spans: [[start_frame, end_frame, code], ...], undoes, note}``; the code is an index into
        ``classes``, -1 to clear, -2 unsure, -3 exclude, or null for a note that changes no frame.

    Raises
    ------
    UsageError
        It is not such an object.
    """
    if not isinstance(data, Mapping):
        raise UsageError(f"operation {data!r}: expected an object", hint="operation_id, at, spans, undoes, note")
    texts = {key: data.get(key) for key in ("operation_id", "at", "undoes", "note")}
    for key, value in texts.items():
        if not isinstance(value, str) and (value is not None or key in ("operation_id", "at")):
            raise UsageError(f"operation {texts['operation_id']!r}: {key} is {value!r}", hint=f"{key} is a text")
    spans = data.get("spans") or []
    if not isinstance(spans, Sequence) or isinstance(spans, str):
        raise UsageError(f"operation {texts['operation_id']!r}: spans are {spans!r}", hint="[[start, end, code], ...]")
    return Operation(
        operation_id=str(texts["operation_id"]),
        at=str(texts["at"]),
        spans=tuple(_span(s, classes) for s in spans),
        undoes=texts["undoes"] or None,
        note=texts["note"] or None,
    )


def operation_to_json(operation: Operation, classes: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object of an operation, with its revision and reviewer.

    Raises
    ------
    UsageError
        A label of it is not one of ``classes``.
    """
    return {
        "operation_id": operation.operation_id,
        "at": operation.at,
        "spans": [[s.start_frame, s.end_frame, _code(s, classes)] for s in operation.spans],
        "undoes": operation.undoes,
        "note": operation.note,
        "revision": operation.revision,
        "reviewer": operation.reviewer,
    }


def _span(data: Any, classes: Sequence[str]) -> Span:
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) != 3:
        raise UsageError(f"span {data!r}: expected [start, end, code]", hint="three numbers; the code of a note is null")
    start, end, code = data
    if any(type(v) is not int for v in (start, end)) or (code is not None and type(code) is not int):
        raise UsageError(f"span {data!r}: not whole numbers", hint="three numbers; the code of a note is null")
    if code is None or code in _ACTIONS:
        return Span(start, end, _ACTIONS[code])
    if not 0 <= code < len(classes):
        raise UsageError(f"span {data!r}: code {code} means no class", hint=f"0 to {len(classes) - 1}, -1, -2 or -3")
    return Span(start, end, "relabel", classes[code])


def _code(span: Span, classes: Sequence[str]) -> int | None:
    if span.label is None:
        return _CODES[span.action]
    names = [normal_name(c) for c in classes]
    if span.label not in names:
        raise UsageError(
            f"label {span.label!r} is not one of the classes {', '.join(names)}", hint="give every label of the clip's events"
        )
    return names.index(span.label)
