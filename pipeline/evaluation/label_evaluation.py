"""From a finished run and its review to an estimate of its wrong labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from data_schemas.tables import ISSUES, SEGMENTS, WINDOWS
from pipeline.evaluation.label_error_estimate import LabelErrorEstimate, estimate_label_errors, wrong_windows
from pipeline.evaluation.quality_calibration import QualityBin, blind_checks, quality_bins, reviewed_checks
from pipeline.evaluation.verified_windows import sample_states
from pipeline.review.access import frames_of, stored_events, stored_samples
from pipeline.review.blind import strata_of
from pipeline.review.events import ADJUDICATION, REVIEW
from pipeline.review.frame_labels import review_frames
from pipeline.review.segment_states import segment_states, unreviewed
from pipeline.review.window_labels import clean_windows
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class LabelEvaluation:
    """What was decided over a run, and what blind samples say about its labels.

    Attributes
    ----------
    estimate : LabelErrorEstimate
    decisions : int
        Review events and adjudications over clips of the run.
    reviewers : tuple of str
        Who made them.
    reviewed_frames, frames : int
        Frames with a decided label, and all.
    queue : DataFrame
        The open segments in the order of the queue.
    blind, reviewed : sequence of QualityBin
        Whether label quality is calibrated, by windows labelled blind and by reviewed ones; empty where the run merged labels,
        for another label of the same class is no wrong one there.
    blind_windows : int
        Windows of blind samples that were labelled whole by at least one person, whatever came of it.
    newest : str or None
        When the newest act was (ISO 8601, UTC), in whatever stream.
    """

    estimate: LabelErrorEstimate
    decisions: int
    reviewers: tuple[str, ...]
    reviewed_frames: int
    frames: int
    queue: pd.DataFrame
    blind: Sequence[QualityBin] = ()
    reviewed: Sequence[QualityBin] = ()
    blind_windows: int = 0
    newest: str | None = None


def evaluate_labels(place: Workspace, folder: RunFolder, *, target_error_rate: float | None = None) -> LabelEvaluation:
    """Return what the review of a run has reached.

    Parameters
    ----------
    target_error_rate
        The share of wrong labels that review is to reach; ``proof.target_error_rate`` of audit.toml where left out.

    Raises
    ------
    StageError
        A table of the run is missing.
    """
    options = {"proof": {"target_error_rate": target_error_rate}}
    config = place.config(options)
    windows, issues = folder.read_table("windows", WINDOWS), folder.read_table("issues", ISSUES)
    segments = folder.read_table("segments", SEGMENTS)
    events, samples = stored_events(place), stored_samples(place)
    frames = frames_of(folder)
    after = review_frames(events, frames)
    own = frames[frames["clip_id"].isin(samples["clip_id"])]
    states = sample_states(samples, events, windows, frames=own)
    wrong = wrong_windows(states, windows, after[after["clip_id"].isin(samples["clip_id"])], margin=config.export.mixed_margin)
    decided = events[events["stream"].isin((REVIEW, ADJUDICATION)) & events["clip_id"].isin(frames["clip_id"].unique())]
    queue = segments[segments["split"] != "holdout"].reset_index(drop=True)
    opened = segment_states(queue, events, frames[frames["clip_id"].isin(decided["clip_id"].unique())])["state"] == "open"
    queue = queue[opened.to_numpy(bool)].reset_index(drop=True)
    flags = strata_of(issues).value_counts()
    estimate = estimate_label_errors(
        samples,
        states,
        wrong,
        flags={name: int(flags.get(name, 0)) for name in ("flagged", "unflagged")},
        queue=queue,
        target_error_rate=config.proof.target_error_rate,
    )
    merged = folder.record().get("config", {}).get("labels", {}).get("merge", "none") != "none"
    scored = unreviewed(issues, windows, folder.record().get("trust", []))
    scored = scored.head(0) if merged else scored
    return LabelEvaluation(
        estimate=estimate,
        decisions=len(decided),
        reviewers=tuple(sorted(decided["reviewer"].unique())),
        reviewed_frames=int((after["label_source"] != "given").sum()),
        frames=len(frames),
        queue=queue,
        blind_windows=int((~states["state"].isin(("open", "gone", "moved"))).sum()),
        newest=None if events.empty else str(events["at"].max()),
        blind=quality_bins(scored, blind_checks(samples, states, wrong)),
        reviewed=quality_bins(scored, reviewed_checks(clean_windows(windows, after, margin=0.0).table)),
    )
