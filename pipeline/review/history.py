"""Who changed what, when, from what to what; and taking it back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import UsageError
from data_schemas.labels import normal_name
from pipeline.review.events import ADJUDICATION, Commit, Receipt, new_operation
from pipeline.review.queries import operations_of
from pipeline.review.replay import active_operations, codes_of, labels_of_stream
from pipeline.review.store import ReviewStore

__all__ = ["history", "revert"]

_COLUMNS = ("at", "reviewer", "stream", "clip_id", "start_frame", "end_frame", "action", "before", "after", "note")
_STATES = ("excluded", "unsure")
_FEW = 3


def history(events: pd.DataFrame, frames: pd.DataFrame, *, newest: int = 500) -> pd.DataFrame:
    """Return the newest operations, the newest first.

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
        before and after (the labels of the frames that it spans, the commonest first; ``(given)``: not reviewed), note,
        active (nobody took it back), undoes, operation_id, revision.
    """
    here = events[events["clip_id"].isin(frames["clip_id"].unique())].reset_index(drop=True)
    operations = _operations(here)
    shown = operations.iloc[::-1].head(newest)
    in_clip = {str(clip): part for clip, part in frames[frames["clip_id"].isin(shown["clip_id"])].groupby("clip_id")}
    told: dict[str, Mapping[str, object]] = {}
    for (clip_id, _, _), part in here.groupby(["clip_id", "stream", _voice(here)], sort=False):
        wanted = set(shown["operation_id"]) & set(part["operation_id"])
        if wanted:
            told |= _changes(part, in_clip[str(clip_id)], wanted)
    changes = pd.DataFrame([told[name] for name in shown["operation_id"]], columns=["before", "after", "active"])
    table = shown.reset_index(drop=True).join(changes)
    return table[[*_COLUMNS, "active", "undoes", "operation_id", "revision"]]


def revert(store: ReviewStore, operation_id: str, *, reviewer: str, run_id: str) -> Receipt:
    """Take an operation back by a new one; reverting an undo brings back what it took.

    Raises
    ------
    UsageError
        The operation is not there, was taken back already, or is another reviewer's outside adjudication.
    """
    rows = store.events(operation_id=operation_id)
    if rows.empty:
        raise UsageError(f"operation {operation_id}: not in the review store", hint="History lists every operation")
    row = rows.iloc[0]
    if row["stream"] != ADJUDICATION and row["reviewer"] != normal_name(reviewer):
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


def _voice(events: pd.DataFrame) -> pd.Series:
    """Return whose stream an event is in; adjudicators share theirs."""
    return events["reviewer"].mask(events["stream"] == ADJUDICATION, "").rename("voice")


def _operations(events: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each operation, in the order in which they were stored."""
    grouped = events.groupby("operation_id", sort=False)
    whole = grouped[["at", "reviewer", "stream", "clip_id", "undoes", "note", "revision"]].first()
    spans = grouped.agg(start_frame=("start_frame", "min"), end_frame=("end_frame", "max"))
    actions = grouped["action"].agg(lambda names: ", ".join(dict.fromkeys(names)))
    return whole.join(spans).join(actions).reset_index()


def _changes(events: pd.DataFrame, frames: pd.DataFrame, wanted: set[str]) -> dict[str, Mapping[str, object]]:
    """Return what the wanted operations of one stream found and left."""
    operations = operations_of(events.sort_values("revision", kind="stable"))
    active = {o.operation_id for o in active_operations(operations)}
    numbers, given = frames["frame_number"].to_numpy(), frames["given"].to_numpy(object)
    extents = events.groupby("operation_id").agg(start=("start_frame", "min"), end=("end_frame", "max"))
    told: dict[str, Mapping[str, object]] = {}
    for name in wanted:
        revision = events.loc[events["operation_id"] == name, "revision"].iloc[0]
        inside = (numbers >= extents.loc[name, "start"]) & (numbers <= extents.loc[name, "end"])
        until = {
            "before": events[events["revision"] < revision],
            "after": events[events["revision"] <= revision],
        }
        told[name] = {
            **{when: _told(part, numbers[inside], given[inside]) for when, part in until.items()},
            "active": name in active,
        }
    return told


def _told(events: pd.DataFrame, numbers: NDArray[np.integer], given: NDArray[np.object_]) -> str:
    """Return the labels of some frames in words, the commonest first."""
    classes = sorted(events["label"].dropna().unique())
    codes = codes_of(labels_of_stream(events, numbers), classes)
    names = np.array([*classes, *_STATES, ""], object)
    words = np.where(codes == -1, [f"{g} (given)" for g in given], names[codes])
    counts = pd.Series(words).value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if len(counts) == 1:
        return str(counts.index[0])
    more = f", {len(counts) - _FEW} more" if len(counts) > _FEW else ""
    return ", ".join(f"{name} {count}" for name, count in counts.head(_FEW).items()) + more
