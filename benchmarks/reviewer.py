"""A SIMULATED reviewer: looks at stretches of clips in some order, and says what a truth file says, or errs now and then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.review.access import no_events
from pipeline.review.events import REVIEW
from pipeline.review.segment_states import expected_residual_error
from pipeline.windows.frame_index import FrameIndex

_SPAN = ["clip_id", "start_frame", "end_frame"]


@dataclass(frozen=True)
class TrueLabels:
    """What the reviewer knows of the frames of a run.

    Attributes
    ----------
    frames : DataFrame with clip_id, frame_number and true_label
        In the order of the run's frames.
    labels : sequence of str
        The labels to err with.
    """

    frames: pd.DataFrame
    labels: Sequence[str]


def by_queue(segments: pd.DataFrame, issues: pd.DataFrame, *, best_for_retraining: bool = False) -> pd.DataFrame:
    """Return the spans in one of the orders of the queue, and behind it all other windows by their rank."""
    queue = segments[(segments["split"] == "audit") & (segments["kind"] != "bad_pose")]
    if best_for_retraining:
        queue = queue.loc[expected_residual_error(queue).sort_values(ascending=False, kind="stable").index]
    rest = issues[issues["split"] == "audit"].sort_values("rank")
    return pd.concat([queue[_SPAN], rest[_SPAN]], ignore_index=True)


def by_windows(issues: pd.DataFrame, order: NDArray[np.floating]) -> pd.DataFrame:
    """Return the spans of the audited windows, that with the lowest number first."""
    return issues.iloc[np.argsort(order, kind="stable")].loc[lambda t: t["split"] == "audit", _SPAN].reset_index(drop=True)


def reviewed(
    spans: pd.DataFrame, known: TrueLabels, *, budgets: Sequence[int], wrong: float = 0.0, seed: int = 0
) -> list[pd.DataFrame]:
    """Return the review events after so many frames each; a frame is looked at once.

    Parameters
    ----------
    spans
        clip_id, start_frame and end_frame in the order of reviewing.
    budgets
        Numbers of frames, rising.
    wrong : float
        Share of the stretches of one true action that get a random other label.
    """
    rng = np.random.default_rng(seed)
    number = known.frames["frame_number"].to_numpy()
    true = known.frames["true_label"].to_numpy(object)
    places = FrameIndex.of(known.frames).spans_of(spans)
    seen = np.zeros(len(number), bool)
    rows: list[tuple[str, int, int, str]] = []
    found: list[pd.DataFrame] = []
    looked = 0
    for clip_id, low, high in zip(spans["clip_id"], places.first, places.stop, strict=True):
        new = np.flatnonzero(~seen[low:high]) + low
        for run in _runs(new, true):
            label = true[run[0]]
            if wrong and rng.random() < wrong:
                label = str(rng.choice([name for name in known.labels if name != label]))
            rows.append((clip_id, int(number[run[0]]), int(number[run[-1]]), label))
        seen[new] = True
        looked += len(new)
        while len(found) < len(budgets) and looked >= budgets[len(found)]:
            found.append(_events(rows))
    return found + [_events(rows)] * (len(budgets) - len(found))


def _runs(rows: NDArray[np.int64], true: NDArray[np.object_]) -> Iterator[NDArray[np.int64]]:
    """Yield the stretches of neighbouring frames under one true label."""
    if len(rows):
        yield from np.split(rows, np.flatnonzero((np.diff(rows) != 1) | (true[rows[1:]] != true[rows[:-1]])) + 1)


def _events(rows: list[tuple[str, int, int, str]]) -> pd.DataFrame:
    """Return the events, one act each; their times tell their order."""
    table = pd.DataFrame(rows, columns=[*_SPAN, "label"])
    number = pd.Series(np.arange(len(table)))
    name = "simulated-" + number.astype("str")
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(number, unit="s")
    events = table.assign(
        event_id=name,
        operation_id=name,
        at=at.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        run_id="simulated",
        reviewer="simulated reviewer",
        stream=REVIEW,
        revision=table.groupby("clip_id").cumcount() + 1,
        action="relabel",
        undoes=None,
        note=None,
    )
    empty = no_events()
    return events[list(empty.columns)].astype(empty.dtypes.to_dict())
