"""What reviewing is made of: operations and their spans, commits, receipts, names of reviewers, and codes that stand for labels.

An *operation* is one act of one reviewer (painting a range, say) and may cover several spans; each span is stored as one event.
To and from the labelling page an operation is JSON; a span is then ``[start, end, code]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_schemas.errors import UsageError, WorkspaceError
from data_schemas.labels import normal_name
from data_schemas.tables import REVIEW_ACTIONS

NOT_REVIEWED, UNSURE, EXCLUDED = -1, -2, -3
"""Codes of frames without a label; 0 and above index the classes of a clip."""

CODES = {"undo": NOT_REVIEWED, "unsure": UNSURE, "exclude": EXCLUDED}
"""The code that an action without a label leaves on its frames; a note leaves none."""
ACTIONS = {code: action for action, code in CODES.items()}

REVIEW, ADJUDICATION = "review", "adjudication"
_STREAM = re.compile(r"review|adjudication|blind:\S(.*\S)?")
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Span:
    """Frames that one act treats alike; both ends belong to it.

    ``action`` is one of `data_schemas.tables.REVIEW_ACTIONS`; relabel and keep carry a label. An ``undo`` span clears what was
    painted there. The store distinguishes keep from relabel itself where a commit brings the given labels.
    """

    start_frame: int
    end_frame: int
    action: str
    label: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no table could hold."""
        where = f"span {self.start_frame}-{self.end_frame}"
        # A number of numpy would lie in the database as bytes.
        object.__setattr__(self, "start_frame", int(self.start_frame))
        object.__setattr__(self, "end_frame", int(self.end_frame))
        if self.action not in REVIEW_ACTIONS:
            raise UsageError(f"{where}: no action {self.action!r}", hint=f"known: {', '.join(REVIEW_ACTIONS)}")
        if not 0 <= self.start_frame <= self.end_frame < 2**31:
            raise UsageError(f"{where}: not a span of frames", hint="both ends belong to it, the first is not after the last")
        if (self.label is not None) != (self.action in ("relabel", "keep")):
            raise UsageError(f"{where}: {self.action} with label {self.label!r}", hint="relabel and keep carry a label")
        if self.label is not None:
            object.__setattr__(self, "label", _name(self.label, "label"))


@dataclass(frozen=True)
class Operation:
    """One act: what it paints, or which operation it takes back (its spans are then empty).

    ``revision`` and ``reviewer`` are known once it is stored.
    """

    operation_id: str
    at: str
    spans: tuple[Span, ...] = ()
    undoes: str | None = None
    note: str | None = None
    revision: int | None = field(default=None, compare=False)
    reviewer: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse an act that does nothing, and bring its time into the one form that sorts as text."""
        where = f"operation {self.operation_id!r}"
        if not re.fullmatch(r"[0-9A-Za-z_.:-]{1,64}", self.operation_id):
            raise UsageError(f"{where}: not an identifier", hint="32 hexadecimal digits, such as uuid4 gives")
        if self.note is not None:
            # Half a surrogate pair, as a cut text from a page may end with, is no Unicode that a file could hold; nor is a null.
            object.__setattr__(self, "note", self.note.encode("utf-8", "replace").decode().replace("\0", "") or None)
        if bool(self.spans) == (self.undoes is not None):
            raise UsageError(f"{where}: needs spans, or the operation that it undoes, not both", hint="leave one out")
        if any(s.action == "note" for s in self.spans) and not self.note:
            raise UsageError(f"{where}: a note without text", hint="write the text in `note`")
        object.__setattr__(self, "at", _utc(self.at, where))


@dataclass(frozen=True)
class Commit:
    """What one reviewer did to one clip since ``base_revision``.

    Attributes
    ----------
    state : mapping of frame to code, or int array of one code a frame of ``frame_numbers``
        What the reviewer's page shows after the operations, in codes of ``classes``. Where replaying gives something else, the
        difference is stored as one more operation, so that nothing that was seen is lost.
    frame_numbers : int array, shape (n,), ascending
        The clip's frames: spans outside them are refused.
    given : sequence of n labels
        The clip's given labels, None where there is none: they distinguish keep from relabel.
    """

    run_id: str
    reviewer: str
    stream: str
    clip_id: str
    base_revision: int
    sequence: int
    operations: tuple[Operation, ...]
    state: Mapping[int, int] | NDArray[np.integer[Any]] | None = None
    classes: tuple[str, ...] = ()
    frame_numbers: NDArray[np.integer[Any]] | None = None
    given: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        """Refuse names and numbers that cannot be stored."""
        object.__setattr__(self, "operations", tuple(self.operations))
        object.__setattr__(self, "classes", tuple(normal_name(c) for c in self.classes))
        for what in ("run_id", "reviewer", "stream"):
            object.__setattr__(self, what, _name(getattr(self, what), what))
        if not self.clip_id:
            raise UsageError("a commit without clip_id", hint="name the clip")
        if not _STREAM.fullmatch(self.stream):
            raise UsageError(f"stream {self.stream!r} is not known", hint="review, adjudication or blind:SAMPLE")
        if self.base_revision < 0:
            raise UsageError(f"base revision {self.base_revision}", hint="0 is the revision of a clip without events")
        if self.state is not None and (not self.classes or self.frame_numbers is None):
            raise UsageError("a commit with a state needs classes and frame_numbers", hint="they say what its codes mean")


@dataclass(frozen=True)
class Receipt:
    """What is in the store, on the disk: sending the same commit again gives the same receipt."""

    revision: int
    sequence: int
    acknowledged: tuple[str, ...]


class ConflictError(WorkspaceError):
    """Others wrote to the same labels since ``base_revision``: ``operations`` are theirs, ``revision`` is the newest."""

    def __init__(self, message: str, *, hint: str = "", revision: int = 0, operations: Sequence[Operation] = ()) -> None:
        super().__init__(message, hint=hint)
        self.revision = revision
        self.operations = tuple(operations)


def blind_stream(sample_id: str) -> str:
    """Return the stream in which a blind sample is labelled."""
    return f"blind:{sample_id}"


def now() -> str:
    """Return the time as events carry it: ISO 8601, UTC, milliseconds."""
    return _format(datetime.now(UTC))


def new_operation(*spans: Span, undoes: str | None = None, note: str | None = None) -> Operation:
    """Return an operation that is made now, with an identifier of its own."""
    return Operation(operation_id=uuid4().hex, at=now(), spans=spans, undoes=undoes, note=note)


class People:
    """The names of reviewers that are known.

    Names that differ in letter case only are one person, spelled as at first.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._spelled = {name.casefold(): name for name in sorted(self._names, reverse=True)}

    def knows(self, name: str) -> bool:
        """Tell whether somebody of this name is known, in whatever letter case."""
        return normal_name(name).casefold() in self._spelled

    def spelled(self, name: str) -> str:
        """Return how a person's name is written; one that nobody has stays as it is.

        Two names that older versions stored in different letter case stay two: each has decisions of its own.
        """
        name = normal_name(name)
        return name if name in self._names else self._spelled.get(name.casefold(), name)

    def met(self, name: str) -> str:
        """Return how a person's name is written, and remember a new one."""
        name = self.spelled(name)
        self._spelled.setdefault(name.casefold(), name)
        return name


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
    try:
        found = msgspec.convert(data, _OperationJson)
    except msgspec.ValidationError as error:
        raise UsageError(f"operation: {error}", hint="operation_id, at, spans [[start, end, code], ...], undoes, note") from error
    spans = tuple(_span(*span, classes) for span in found.spans or ())
    return Operation(found.operation_id, found.at, spans, undoes=found.undoes or None, note=found.note or None)


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


class _OperationJson(msgspec.Struct):
    operation_id: str
    at: str
    spans: list[tuple[int, int, int | None]] | None = None
    undoes: str | None = None
    note: str | None = None


def _span(start: int, end: int, code: int | None, classes: Sequence[str]) -> Span:
    if code is None or code in ACTIONS:
        return Span(start, end, "note" if code is None else ACTIONS[code])
    if not 0 <= code < len(classes):
        raise UsageError(f"span {start}-{end}: code {code} means no class", hint=f"0 to {len(classes) - 1}, -1, -2 or -3")
    return Span(start, end, "relabel", classes[code])


def _code(span: Span, classes: Sequence[str]) -> int | None:
    if span.label is None:
        return CODES.get(span.action)
    names = [normal_name(c) for c in classes]
    if span.label not in names:
        raise UsageError(
            f"label {span.label!r} is not one of the classes {', '.join(names)}", hint="give every label of the clip's events"
        )
    return names.index(span.label)


def _name(value: str, what: str) -> str:
    name = normal_name(value)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"{what} {value[:_LONGEST_NAME]!r} cannot be stored", hint=f"1 to {_LONGEST_NAME} signs, none of them control signs"
        )
    return name


def _utc(value: str, where: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
        return _format(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC))
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{where}: time {value!r} is not ISO 8601", hint="2026-11-25T01:02:03.456Z") from error


def _format(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
