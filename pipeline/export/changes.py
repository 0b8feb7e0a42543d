"""What review changed: stretches of frames with who changed them, when, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_schemas.tables import CHANGES, text_by_code
from pipeline.review.events import ADJUDICATION
from pipeline.review.frame_labels import changed_frames
from pipeline.review.replay import active_operations
from pipeline.review.store import operations_of
from pipeline.windows.frame_index import runs

_GIVEN_BY = ["clip_id", "stream", "author"]


def list_changes(after: pd.DataFrame, events: pd.DataFrame, segments: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Return every stretch of frames that review gave another label or excluded.

    Parameters
    ----------
    after
        All frames after review, in the order of the run (see :func:`pipeline.review.frame_labels.review_frames`).
    events
        All review events.
    segments
        The run's segments: their kind says why where no reviewer does.
    clips
        The clips table.

    Returns
    -------
    DataFrame
        See ``CHANGES``: by clip and frame, in the order of the run. ``who`` and ``when`` are those of the event that decided: of
        several reviewers who agree the newest.
    """
    spans = _spans(after)
    by_event = events.set_index("event_id")
    deciding = by_event.reindex(spans["event_id"]).reset_index(drop=True)
    table = spans.assign(
        species=clips.set_index("clip_id")["species"].reindex(spans["clip_id"]).array,
        who=deciding["reviewer"],
        when=deciding["at"],
        why=deciding["note"].fillna(_notes(spans, events)).fillna(_kinds(spans, segments)),
    )
    return table[list(CHANGES.columns)].astype({n: c.dtype.type for n, c in CHANGES.columns.items() if "str" not in str(c.dtype)})


def _spans(after: pd.DataFrame) -> pd.DataFrame:
    """Return neighbouring changed frames of one clip, label before, label after and event as one row."""
    rows = np.flatnonzero(changed_frames(after) | after["excluded"].to_numpy(bool))
    changed = after.iloc[rows]
    codes = (pd.factorize(changed[name])[0] for name in ("clip_id", "given", "label", "event_id", "excluded"))
    # Rows that follow each other differ by as much as their places.
    first, last = runs(rows - np.arange(len(rows)), *codes)
    begin = changed.iloc[first].reset_index(drop=True)
    return pd.DataFrame(
        {
            "clip_id": begin["clip_id"],
            "start_frame": begin["frame_number"],
            "end_frame": changed["frame_number"].to_numpy()[last],
            "frames": last - first + 1,
            "from": begin["given"],
            "to": begin["label"].mask(begin["excluded"]),
            "label_source": begin["label_source"],
            "event_id": begin["event_id"],
        }
    )


def _notes(spans: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """Return the newest note that a reviewer left on frames of each span and did not take back, null where there is none."""
    author = events["reviewer"].mask(events["stream"] == ADJUDICATION, "").rename("author")
    streams = events.assign(author=author)
    noted = streams.loc[streams["action"] == "note", _GIVEN_BY].drop_duplicates()
    notes = []
    for _, stream in streams.merge(noted, on=_GIVEN_BY).groupby(_GIVEN_BY):
        ordered = stream.sort_values("revision", kind="stable")
        active = {o.operation_id for o in active_operations(operations_of(ordered[events.columns]))}
        notes.append(ordered[(ordered["action"] == "note") & ordered["operation_id"].isin(active)])
    if not notes:
        return pd.Series(np.nan, index=spans.index, dtype="str")
    table = pd.concat(notes).sort_values(["at", "event_id"], kind="stable")
    return _laid_over(spans, table, value="note", weighted=False)


def _kinds(spans: pd.DataFrame, segments: pd.DataFrame) -> pd.Series:
    """Return the kind of the segment that covers most of each span, null where none lies there."""
    return _laid_over(spans, segments, value="kind", weighted=True)


def _laid_over(spans: pd.DataFrame, ranges: pd.DataFrame, *, value: str, weighted: bool) -> pd.Series:
    """Return the value of a range that overlaps each span: the one that overlaps most, or else the last in order."""
    numbered = spans[["clip_id", "start_frame", "end_frame"]].assign(span=np.arange(len(spans)))
    pairs = numbered.merge(ranges[["clip_id", "start_frame", "end_frame", value]], on="clip_id", suffixes=("", "_of"))
    overlap = (
        np.minimum(pairs["end_frame"], pairs["end_frame_of"]) - np.maximum(pairs["start_frame"], pairs["start_frame_of"]) + 1
    )
    pairs = pairs.assign(overlap=overlap if weighted else np.sign(overlap)).loc[overlap > 0]
    best = pairs.sort_values(["span", "overlap"], kind="stable").drop_duplicates("span", keep="last")
    place, names = pd.factorize(best[value])
    code = np.full(len(spans), -1)
    code[best["span"].to_numpy()] = place
    return pd.Series(text_by_code(list(names), code), index=spans.index)
