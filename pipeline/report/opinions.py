"""Where the main score and a second opinion differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.report.shell import empty, html_table

__all__ = ["second_opinions"]

_LISTED = 8
_LEAST_DIFFERENCE = 0.25


def second_opinions(issues: pd.DataFrame, queue: pd.DataFrame) -> str:
    """Return how far the two agree, and the segments about which they differ most, as HTML.

    Both opinions are taken as ranks among the windows of the species, 0 the most doubtful: the audit's, and the networks' alone.
    """
    if issues.empty or not issues["is_issue"].any():
        return empty("Nothing was flagged, so there is nothing to differ about.")
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
        return words + empty("No segment is doubted by one and trusted by the other.")
    names = ("clip", "frames", "given", "suggested", "audit: share more doubtful", "networks alone")
    rows = [
        (
            str(r.clip_id),
            f"{r.start_frame}-{r.end_frame}",
            str(r.given_label),
            str(r.suggested_label),
            f"{r.own:.0%}",
            f"{r.second_opinion:.0%}",
        )
        for r in listed.itertuples()
    ]
    return words + html_table(names, rows)
