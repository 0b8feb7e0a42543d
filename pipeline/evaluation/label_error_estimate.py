"""How many labels are wrong before and after review, and whether the review can stop.

A window of the blind sample is wrong where its label differs from the verified one, at the finest level of the taxonomy: its
given label before review, and the label that the cleaned dataset gives it after (:mod:`pipeline.review.window_labels`). Windows
that are left out of the cleaned dataset cannot be wrong in it; they make their stratum smaller.

The strata are those of the run in which the sample was drawn, for that is what the windows' chances belong to. Samples of several
runs are not mixed: the run with the most verified windows is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.label_error_rate import LabelErrorRate, estimate_error_rate, segments_to_reach, windows_needed
from pipeline.evaluation.verified_windows import VERIFIED
from pipeline.review.window_labels import clean_windows

AUDITED = ("flagged", "unflagged")
"""The strata by which the wrong labels of the audited windows are estimated."""


@dataclass(frozen=True)
class LabelErrorEstimate:
    """What blind samples say about the labels.

    Attributes
    ----------
    before, after : LabelErrorRate
        How many of the audited windows are wrong under their given label, and under their label after review.
    target_error_rate : float
        The share that review is to reach.
    drawn_in : str or None
        The run whose strata these are; None where no sample was drawn.
    sizes : mapping
        Windows of each stratum in that run.
    outcomes : mapping
        What became of the drawn windows of these strata (:data:`pipeline.evaluation.verified_windows.STATES`).
    holdout : int
        Verified windows of the hold-out; they test models, and do not count here.
    open_segments : int
        Segments of the queue that nobody has decided.
    segments_needed : int or None
        About how many of them, in the order of the queue, bring the estimate to the target; None where not even all
        together are expected to, or nothing is estimated.
    windows_needed : int or None
        About how many more windows, labelled blind, would show that the target is kept; 0 where it is shown, None where the
        estimate is above it, or there is none.
    """

    before: LabelErrorRate
    after: LabelErrorRate
    target_error_rate: float
    drawn_in: str | None
    sizes: Mapping[str, int]
    outcomes: Mapping[str, int]
    holdout: int
    open_segments: int
    segments_needed: int | None
    windows_needed: int | None

    @property
    def is_known(self) -> bool:
        """Tell whether enough windows were verified to say anything."""
        return self.after.share is not None

    @property
    def is_reached(self) -> bool:
        """Tell whether the target is shown to be kept."""
        return self.after.at_most is not None and self.after.at_most <= self.target_error_rate


def wrong_windows(states: pd.DataFrame, windows: pd.DataFrame, after: pd.DataFrame, *, margin: float) -> pd.DataFrame:
    """Return whether the verified windows are wrong before and after review.

    Parameters
    ----------
    states
        What became of the drawn windows, from :func:`pipeline.evaluation.verified_windows.sample_states`.
    windows
        The windows of the run.
    after
        The frames of at least these windows' clips after review, from :func:`pipeline.review.frame_labels.review_frames`.
    margin
        ``export.mixed_margin``: by how much the commonest label of a window's frames must lead in the cleaned dataset.

    Returns
    -------
    DataFrame
        window_id, stratum, before and after (bool: wrong), kept (bool: the cleaned dataset has the window).
    """
    verified = states[states["state"] == VERIFIED]
    own = windows[windows["window_id"].isin(verified["window_id"])]
    given = after.assign(label=after["given"], label_source="given", excluded=False)
    labels = {
        # A window's given label is its commonest one, whatever its lead.
        "before": clean_windows(own, given, margin=0.0).table.set_index("window_id")["label"],
        "after": clean_windows(own, after, margin=margin).table.set_index("window_id")["label"],
    }
    found = verified[["window_id", "stratum"]].reset_index(drop=True)
    label = {name: found["window_id"].map(of_window) for name, of_window in labels.items()}
    truth = verified["verified_label"].reset_index(drop=True)
    return found.assign(
        before=(label["before"] != truth).astype(bool),
        after=(label["after"].notna() & (label["after"] != truth)).astype(bool),
        kept=label["after"].notna().to_numpy(bool),
    )


def estimate_label_errors(
    samples: pd.DataFrame,
    states: pd.DataFrame,
    wrong: pd.DataFrame,
    *,
    flags: Mapping[str, int],
    queue: pd.DataFrame,
    target_error_rate: float,
) -> LabelErrorEstimate:
    """Return what blind samples say about the labels before and after review, and how much more review it would take.

    Parameters
    ----------
    samples, states
        The drawn windows, and what became of them; rows in the same order.
    wrong
        From :func:`wrong_windows`.
    flags
        Flagged and unflagged windows of the run, for strata of which no sample was drawn.
    queue : DataFrame
        The open segments in the order of the queue.
    target_error_rate : float
        The share of wrong labels that review is to reach.
    """
    drawn = states.assign(run_id=samples["run_id"].to_numpy(object), sample_id=samples["sample_id"].to_numpy(object))
    audited = drawn[drawn["stratum"].isin(AUDITED)]
    run_id = _most_verified(audited)
    own = audited[audited["run_id"] == run_id]
    counted = wrong[wrong["window_id"].isin(own["window_id"])]
    sizes = {s: _size(own[own["stratum"] == s], otherwise=flags[s]) for s in AUDITED}
    kept = {s: round(sizes[s] * _share_kept(counted[counted["stratum"] == s])) for s in AUDITED}
    before = estimate_error_rate(counted.assign(wrong=counted["before"]), sizes=sizes)
    after = estimate_error_rate(counted[counted["kept"]].assign(wrong=counted["after"]), sizes=kept)
    expected = ((1.0 - queue["label_quality"].astype("float64")) * queue["windows"]).where(queue["kind"] != "bad_pose", 0.0)
    return LabelErrorEstimate(
        before=before,
        after=after,
        target_error_rate=target_error_rate,
        drawn_in=run_id,
        sizes=sizes,
        outcomes={str(k): int(n) for k, n in own["state"].value_counts().items()},
        holdout=int(((drawn["stratum"] == "holdout") & (drawn["state"] == VERIFIED)).sum()),
        open_segments=len(queue),
        segments_needed=None
        if after.share is None
        else segments_to_reach(
            expected.tolist(), windows=sum(kept.values()), now=after.share, target_error_rate=target_error_rate
        ),
        windows_needed=windows_needed(after, sizes=kept, at_most=target_error_rate),
    )


def _most_verified(audited: pd.DataFrame) -> str | None:
    """Return the run in which the sample with the most verified windows was drawn, the newest of several."""
    if audited.empty:
        return None
    verified = (audited["state"] == VERIFIED).groupby(audited["run_id"], sort=False).sum()
    return str(verified[verified == verified.max()].index[-1])


def _size(drawn: pd.DataFrame, *, otherwise: int) -> int:
    """Return how many windows a stratum has, from the chances of the first draw: later ones leave its windows out."""
    if drawn.empty:
        return otherwise
    by_sample = drawn.groupby("sample_id")["inclusion_probability"].agg(["size", "first"])
    return round(float((by_sample["size"] / by_sample["first"]).max()))


def _share_kept(counted: pd.DataFrame) -> float:
    return float(counted["kept"].mean()) if len(counted) else 1.0
