"""Which segment comes after which, where "next" and "previous" go through the filtered queue."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit_app.queue_filters import QueueFilters

LAST_SEGMENT = "last_segment"
"""Under which name a session keeps the segment that it saw last."""


def segment_after(rows: pd.DataFrame, segment_id: str | None, *, filters: QueueFilters, go: str) -> str | None:
    """Return the segment that the page goes to, or None where there is none.

    Parameters
    ----------
    segment_id
        Where the page is, None before the first; this segment may have left the filtered queue, for it has just been decided.
    go
        ``next``: the nearest open segment behind this one, from the top again where none is left. ``previous``: the one before,
        decided or not. ``next_clip`` and ``previous_clip``: the same, in another clip. With a filter on the state, that state
        takes the place of open.
    """
    order = replace(filters, state="").apply(rows)
    ids = order["segment_id"].to_numpy(object)
    place = int((ids == segment_id).argmax()) if segment_id in set(ids) else -1
    clips = order["clip_id"].to_numpy(object)
    eligible = ids != segment_id
    if go in ("next_clip", "previous_clip") and place >= 0:
        eligible &= clips != clips[place]
    if go in ("previous", "previous_clip"):
        if filters.state:
            eligible &= (order["state"] == filters.state).to_numpy(bool)
        before = eligible[: max(place, 0)].nonzero()[0]
        return str(ids[before[-1]]) if len(before) else None
    eligible &= (order["state"] == (filters.state or "open")).to_numpy(bool)
    places = eligible.nonzero()[0]
    if not len(places):
        return None
    behind = places[places > place]
    return str(ids[behind[0] if len(behind) else places[0]])


def places_of(rows: pd.DataFrame, clip_id: str, *, filters: QueueFilters) -> tuple[dict[str, int], int]:
    """Return the places that a clip's segments have in the list of the queue, counted from 1, and the length of that list.

    Segments that the filters leave out, that on the state among them, have no place.
    """
    order = filters.apply(rows)
    hits = (order["clip_id"] == clip_id).to_numpy().nonzero()[0]
    return {str(order["segment_id"].iloc[i]): i + 1 for i in hits.tolist()}, len(order)
