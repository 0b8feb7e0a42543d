"""Who changed what, when, from what to what; and taking it back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import UsageError
from data_schemas.labels import normal_name
from pipeline.review.events import ADJUDICATION, Commit, Receipt, new_operation
from pipeline.review.replay import Layers, StreamFrames, active_operations, in_order
from pipeline.review.store import ReviewStore

_COLUMNS = ("at", "reviewer", "stream", "clip_id", "start_frame", "end_frame", "action", "before", "after", "note")
_FEW = 3


class _Change(NamedTuple):
    before: str
    after: str
    active: bool


def history(events: pd.DataFrame, frames: pd.DataFrame, *, newest: int = 500) -> pd.DataFrame:
    """Return the newest operations, the newest first.

    Every operation is laid over its stream once, in order, and the labels of what it spans are given before and after.

    Parameters
    ----------
    events
        Review events, whole streams: what was before an operation follows from those before it.
    frames : DataFrame with clip_id, frame_number and given
        The frames of the clips; operations on other clips are left out.

    Returns
    -------
    DataFrame
        at, reviewer, stream, clip_id, start_frame, end_frame, action (of an operation that did several things, by comma),
        before and after (the labels of the frames that it spans, the commonest first; ``(given)``: not reviewed; of a blind
        act ``not labelled``, for the given label is not shown to who labels blind), note,
        active (nobody took it back), undoes, operation_id, revision.
    """
    here = events[events["clip_id"].isin(frames["clip_id"].unique())]
    shown = _operations(here).iloc[::-1].head(newest)
    changed = _changes(here, frames, set(shown["operation_id"]))
    changes = pd.DataFrame([changed[name] for name in shown["operation_id"]], columns=list(_Change._fields))
    table = shown.reset_index(drop=True).join(changes)
    return table[[*_COLUMNS, "active", "undoes", "operation_id", "revision"]]


def may_take_back(act: pd.Series, *, reviewer: str) -> bool:
    """Tell whether `revert` would take an operation of `history` back for a reviewer."""
    return bool(act["active"]) and _has_a_say(act, reviewer)


def revert(store: ReviewStore, operation_id: str, *, reviewer: str, run_id: str) -> Receipt:
    """Take an operation back by a new one; reverting an undo brings back what it took.

    Raises
    ------
    UsageError
        The operation is not there, was taken back already, or is another reviewer's outside adjudication.
    """
    reviewer = store.person(reviewer)
    rows = store.events(operation_id=operation_id)
    if rows.empty:
        raise UsageError(f"operation {operation_id}: not in the review store", hint="History lists every operation")
    row = rows.iloc[0]
    if not _has_a_say(row, reviewer):
        raise UsageError(
            f"operation {operation_id} is {row['reviewer']}'s, not {reviewer}'s",
            hint="lay your own label over the frames, or settle them on the Agreement page",
        )
    clip_id, stream = str(row["clip_id"]), str(row["stream"])
    operations = store.operations(clip_id, reviewer=reviewer, stream=stream)
    if operation_id not in {o.operation_id for o in active_operations(operations)}:
        raise UsageError(f"operation {operation_id} was taken back already", hint="revert the undo to bring it back")
    base = max(o.revision or 0 for o in operations)
    undo = new_operation(undoes=operation_id)
    return store.commit(Commit(run_id, reviewer, stream, clip_id, base, 0, (undo,)))


def _has_a_say(act: pd.Series, reviewer: str) -> bool:
    """Tell whether an operation is in a stream that the reviewer writes to: what they said, and what disputes were settled by."""
    return bool(act["stream"] == ADJUDICATION or act["reviewer"] == normal_name(reviewer))


def _operations(events: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each operation, in the order in which they were stored."""
    grouped = events.groupby("operation_id", sort=False)
    whole = grouped[["at", "reviewer", "stream", "clip_id", "undoes", "note", "revision"]].first()
    spans = grouped.agg(start_frame=("start_frame", "min"), end_frame=("end_frame", "max"))
    kinds = events.drop_duplicates(["operation_id", "action"]).groupby("operation_id", sort=False)["action"]
    return whole.join(spans).join(kinds.agg(", ".join)).reset_index()


def _changes(events: pd.DataFrame, frames: pd.DataFrame, wanted: set[str]) -> dict[str, _Change]:
    """Return what the wanted operations found and left."""
    frames = frames[frames["clip_id"].isin(events.loc[events["operation_id"].isin(wanted), "clip_id"])]
    stream, events = in_order(events[events["clip_id"].isin(frames["clip_id"].unique())])
    phrases, event_code, given_code = _phrases(events, frames["given"])
    cells = StreamFrames.of(frames, events, stream)
    layers = Layers(events, stream, cells.spans)
    # A blind act starts from nothing: who labels blind sees no given label, here neither.
    blind = events["stream"].str.startswith("blind:").to_numpy(bool)[np.searchsorted(stream, cells.stream)]
    otherwise = np.where(blind, len(phrases) - 1, given_code[cells.row])
    said: dict[int, tuple[str, str]] = {}
    for place, name in enumerate(layers.operations):
        if name not in wanted:
            layers.lay(place)
            continue
        here = layers.extent(place)
        before = layers.codes(here, event_code, otherwise)
        layers.lay(place)
        after = layers.codes(here, event_code, otherwise)
        said[place] = (_in_text(before, phrases), _in_text(after, phrases))
    return {layers.operations[i]: _Change(before, after, bool(layers.active[i])) for i, (before, after) in said.items()}


def _phrases(events: pd.DataFrame, given: pd.Series) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return what can be said of a frame, the place in it of what each event says (-1: clears), and of each given label.

    The last phrase is for frames of a blind stream that nobody labelled.
    """
    labels, classes = pd.factorize(events["label"])
    painted = pd.Series(labels, index=events.index).mask(events["action"] == "unsure", len(classes))
    painted = painted.mask(events["action"] == "exclude", len(classes) + 1)
    codes, labels_given = pd.factorize(given, use_na_sentinel=False)
    given_phrases = [f"{'no label' if pd.isna(k) else k} (given)" for k in labels_given]
    phrases = [*map(str, classes), "unsure", "excluded", *given_phrases, "not labelled"]
    return phrases, painted.to_numpy(np.int64), np.asarray(codes, np.int64) + len(classes) + 2


def _in_text(codes: NDArray[np.int64], phrases: list[str]) -> str:
    """Return the labels of some frames as text, the commonest first, those of as many frames by where they start."""
    if codes.size and (codes == codes[0]).all():
        return phrases[int(codes[0])]
    found, first, count = np.unique(codes, return_index=True, return_counts=True)
    order = np.lexsort((first, -count))
    more = f", {len(order) - _FEW} more" if len(order) > _FEW else ""
    return ", ".join(f"{phrases[found[i]]} {count[i]}" for i in order[:_FEW]) + more
