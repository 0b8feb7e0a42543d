"""How far a reviewer is with the blind samples: until all of one is labelled, nobody else's labels of it are shown to them."""

from __future__ import annotations

import pandas as pd

from audit_app.review_events import store
from audit_app.status_cache import frames_of_clips
from pipeline.report.run_tables import RunTables
from pipeline.review.events import blind_stream
from pipeline.review.segment_states import segment_states


def blind_states(found: RunTables, sample: pd.DataFrame, *, reviewer: str) -> pd.Series:
    """Return for each window of a sample whether this reviewer has labelled all of its frames."""
    stored = store().events(reviewer=reviewer, stream=blind_stream(str(sample["sample_id"].iloc[0])))
    stored = stored.assign(stream="review")
    windows = sample.rename(columns={"window_id": "segment_id"})
    if stored.empty:
        return pd.Series(["open"] * len(sample))
    return segment_states(windows, stored, frames_of_clips(found, stored["clip_id"]))["state"].reset_index(drop=True)


def unfinished_samples(found: RunTables, *, reviewer: str) -> pd.DataFrame:
    """Return the samples of which this reviewer has windows left to label that the run has."""
    samples = store().samples()
    known = samples["clip_id"].isin(found["clips"]["clip_id"])
    waiting = [
        str(name)
        for name, sample in samples[known].groupby("sample_id", sort=False)
        if (blind_states(found, sample.reset_index(drop=True), reviewer=reviewer) == "open").any()
    ]
    return samples[samples["sample_id"].isin(waiting)].reset_index(drop=True)
