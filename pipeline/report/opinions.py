"""Where the main score and a second opinion differ."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

__all__ = ["second_opinions"]

_LISTED = 8
_LEAST_DIFFERENCE = 0.25


def second_opinions(issues: pd.DataFrame, queue: pd.DataFrame) -> str:
    """Return how far the two agree, and the segments about which they differ most, as HTML.

    Both opinions are taken as ranks among the windows of the species, 0 the most doubtful: the audit's, and the networks' alone.
    """
    if issues.empty or not issues["is_issue"].any():
        return '<p class="empty">Nothing was flagged, so there is nothing to differ about.</p>'
    own = issues.groupby("species")["label_quality"].rank(pct=True, method="first")
    count = int(issues["is_issue"].sum())
    first, second = (set(np.argsort(v.to_numpy(), kind="stable")[:count]) for v in (own, issues["second_opinion"]))
    shared = len(first & second) / count
    words = (
        f"<p>Of the {count:,} windows that the audit doubts most, {shared:.0%} are among as many that the networks alone doubt "
        "most. A label that both doubt is the safer find.</p>"
    )
    differ = issues.assign(own=own).dropna(subset=["segment_id"]).groupby("segment_id")[["own", "second_opinion"]].mean()
    differ = differ.assign(gap=differ["second_opinion"] - differ["own"])
    listed = queue.merge(differ, left_on="segment_id", right_index=True)
    listed = listed[listed["gap"] >= _LEAST_DIFFERENCE].sort_values("gap", ascending=False, kind="stable").head(_LISTED)
    if listed.empty:
        return words + '<p class="empty">No segment is doubted by one and trusted by the other.</p>'
    rows = "".join(
        f"<tr><td>{escape(str(r.clip_id))}</td><td>{r.start_frame}-{r.end_frame}</td><td>{escape(str(r.given_label))}</td>"
        f"<td>{escape(str(r.suggested_label))}</td><td>{r.own:.0%}</td><td>{r.second_opinion:.0%}</td></tr>"
        for r in listed.itertuples()
    )
    names = ("clip", "frames", "given", "suggested", "audit: share more doubtful", "networks alone")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    return f'{words}<div class="scroll" tabindex="0"><table>{head}{rows}</table></div>'
