"""What a commit means: its operations checked against the clip, the state that the page sent, and the rows to store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_schemas.errors import UsageError
from data_schemas.labels import nearest, normal_name
from pipeline.review.events import ACTIONS, EXCLUDED, Commit, Operation, Span, now
from pipeline.review.replay import replay_codes
from pipeline.windows.frame_index import runs

STATE_NOTE = "state sent by the page"
"""Note of an operation that the store made from the difference between a page's state and the replay."""


def check_operations(commit: Commit, new: Sequence[Operation], *, before: Sequence[Operation]) -> None:
    """Refuse spans outside the clip, labels that are none of its classes, and undos of what is not there.

    Raises
    ------
    UsageError
        An operation does not fit; it names the operation and the span.
    """
    known = {o.operation_id for o in before}
    frames = commit.frame_numbers
    for operation in new:
        where = f"clip {commit.clip_id}, operation {operation.operation_id}"
        if operation.operation_id in known:
            raise UsageError(f"{where}: twice in one commit", hint="give every operation an identifier of its own")
        if operation.undoes is not None and operation.undoes not in known:
            raise UsageError(f"{where}: undoes {operation.undoes}, which is not in this stream", hint="send that one first")
        for span in operation.spans:
            if frames is not None and not (frames[0] <= span.start_frame and span.end_frame <= frames[-1]):
                raise UsageError(
                    f"{where}: span {span.start_frame}-{span.end_frame} leaves the clip", hint=f"frames {frames[0]}-{frames[-1]}"
                )
            if commit.classes and span.label is not None and span.label not in commit.classes:
                close = nearest(span.label, commit.classes)
                known_labels = f"known: {', '.join(commit.classes)}"
                raise UsageError(f"{where}: no label {span.label!r}", hint=f"did you mean {close!r}?" if close else known_labels)
        known.add(operation.operation_id)


def state_operation_id(operation_id: str) -> str:
    """Return the identifier of the operation that a page's state adds after the commit that ends with this operation."""
    return hashlib.blake2b(f"{STATE_NOTE}\n{operation_id}".encode(), digest_size=16).hexdigest()


def state_operation(commit: Commit, operations: Sequence[Operation]) -> Operation | None:
    """Return the operation that leads from the replay to the state that the page sent, or None where they are the same."""
    if commit.state is None or commit.frame_numbers is None:
        return None
    frames = np.asarray(commit.frame_numbers, np.int64)
    replayed = replay_codes(operations, frames, commit.classes)
    sent = _sent_codes(commit.state, frames, replayed, clip_id=commit.clip_id)
    if ((sent < EXCLUDED) | (sent >= len(commit.classes))).any():
        raise UsageError(
            f"clip {commit.clip_id}: the state has codes that mean nothing", hint="0 to the number of classes, -1 to -3"
        )
    spans = tuple(
        Span(int(frames[a]), int(frames[b]), ACTIONS.get(code, "relabel"), commit.classes[code] if code >= 0 else None)
        for a, b, code in _runs(np.where(sent != replayed, sent, np.int16(EXCLUDED - 1)))
        if code >= EXCLUDED
    )
    if not spans:
        return None
    last = commit.operations[-1] if commit.operations else None
    state = np.ascontiguousarray(sent, "<i2").tobytes().hex() + f" {len(operations)}"
    name = last.operation_id if last else f"{commit.clip_id}\n{commit.stream}\n{commit.reviewer}\n{state}"
    return Operation(state_operation_id(name), last.at if last else now(), spans, note=STATE_NOTE)


def events_of(commit: Commit, operations: Sequence[Operation], *, first: int) -> list[dict[str, Any]]:
    """Return the rows of the operations from place ``first`` on, each operation one revision after the one before it."""
    extents: dict[str, tuple[int, int]] = {}
    rows: list[dict[str, Any]] = []
    revision = max((o.revision or 0 for o in operations[:first]), default=0)
    for place, operation in enumerate(operations):
        spans = _event_spans(operation, extents, commit)
        extents[operation.operation_id] = (min(s.start_frame for s in spans), max(s.end_frame for s in spans))
        if place < first:
            continue
        revision += 1
        rows += [
            {
                "event_id": f"{operation.operation_id}-{i}",
                "operation_id": operation.operation_id,
                "at": operation.at,
                "run_id": commit.run_id,
                "reviewer": commit.reviewer,
                "stream": commit.stream,
                "clip_id": commit.clip_id,
                "revision": revision,
                "start_frame": span.start_frame,
                "end_frame": span.end_frame,
                "action": span.action,
                "label": span.label,
                "undoes": operation.undoes,
                "note": operation.note,
            }
            for i, span in enumerate(spans)
        ]
    return rows


def _event_spans(operation: Operation, extents: Mapping[str, tuple[int, int]], commit: Commit) -> list[Span]:
    if operation.undoes is not None:
        # An undo whose target an import left out spans the first frame: it takes nothing back.
        start, end = extents.get(operation.undoes, (0, 0))
        return [Span(start, end, "undo")]
    return [part for span in operation.spans for part in _kept_and_relabelled(span, commit)]


def _kept_and_relabelled(span: Span, commit: Commit) -> Iterator[Span]:
    """Cut a painted span where it starts or stops to agree with the given labels."""
    if span.label is None or commit.given is None or commit.frame_numbers is None:
        yield span
        return
    frames = np.asarray(commit.frame_numbers, np.int64)
    a = int(np.searchsorted(frames, span.start_frame))
    b = int(np.searchsorted(frames, span.end_frame, side="right"))
    kept = np.array([g is not None and normal_name(g) == span.label for g in commit.given[a:b]], np.int16)
    if not len(kept):
        yield span
        return
    for first, last, same in _runs(kept):
        start = span.start_frame if first == 0 else int(frames[a + first])
        end = span.end_frame if last == len(kept) - 1 else int(frames[a + last])
        yield Span(start, end, "keep" if same else "relabel", span.label)


def _runs(codes: NDArray[np.int16]) -> Iterator[tuple[int, int, int]]:
    """Give first and last place and value of every run of equal values."""
    first, last = runs(codes)
    return zip(first.tolist(), last.tolist(), codes[first].tolist(), strict=True)


def _sent_codes(
    state: Mapping[int, int] | NDArray[np.integer[Any]], frames: NDArray[np.int64], replayed: NDArray[np.int16], *, clip_id: str
) -> NDArray[np.int16]:
    if not isinstance(state, Mapping):
        sent = np.asarray(state)
        if sent.shape != frames.shape:
            raise UsageError(
                f"clip {clip_id}: the state has {sent.size} codes for {len(frames)} frames", hint="send one code for each frame"
            )
        return sent.astype(np.int16)
    numbers = np.array(sorted(state), np.int64)
    places = np.searchsorted(frames, numbers)
    if not np.isin(numbers, frames).all():
        raise UsageError(f"clip {clip_id}: the state has frames that the clip has not", hint="frames are source numbers")
    sent = replayed.copy()
    sent[places] = [state[int(n)] for n in numbers]
    return sent
