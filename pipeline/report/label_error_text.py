"""How many labels are wrong, what label quality turned out to be, and whether review can stop: what is known, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.evaluation.intervals import share_estimate
from pipeline.evaluation.label_error_estimate import LabelErrorEstimate
from pipeline.evaluation.label_error_rate import LabelErrorRate
from pipeline.evaluation.label_evaluation import LabelEvaluation
from pipeline.evaluation.quality_calibration import QualityBin
from pipeline.report.formatting import counted, shown_share, typed

_QUALITY_HEADS = ("label quality", "windows checked", "should be right", "were right", "95 % interval", "groups")


def as_of_sentence(measured: LabelEvaluation | None, size: tuple[int, int] | None, *, workspace: Path, round_number: int) -> str:
    """Return which decisions the page knows, and what draws it with those that came later."""
    command = f"`audit run{' --reviewed' if round_number > 1 else ''}{typed(workspace)}`"
    later = f"What came later is in the page that {command} draws."
    if size is None:
        return f"The review database that audit.toml names did not answer when this page was drawn: no decision is in it. {later}"
    if measured is None:
        return f"Nobody had decided anything when this page was drawn. {later}"
    when = "" if measured.newest is None else f" as of {measured.newest[:16].replace('T', ' ')} UTC"
    return (
        f"The review{when}: {counted(measured.decisions, 'decision')} and {counted(measured.blind_windows, 'window')} labelled "
        f"blind. {later}"
    )


def share_sentence(issues: pd.DataFrame, measured: LabelEvaluation | None, *, workspace: Path) -> str:
    """Return how many labels are wrong: by the blind sample where there is one, else by the audit's own estimate, called that.

    Parameters
    ----------
    issues
        Of the audited windows whose label nobody gave.
    """
    if measured is not None and measured.estimate.is_known:
        return label_sentence(measured.estimate, workspace=workspace)
    issues = issues.dropna(subset=["label_quality"])
    if issues.empty:
        return ""
    wrong = 1.0 - issues["label_quality"].astype("float64")
    found = share_estimate(*wrong.groupby([issues["species"], issues["subject_id"]]).agg(["sum", "size"]).to_numpy(float).T)
    interval = "" if found.low is None else f", 95 % interval {shown_share(found.low)} to {shown_share(found.high)}"
    missing = f"Nobody has checked that yet: label a blind sample ({blind_page(workspace)})."
    if measured is not None and measured.blind_windows:
        missing = label_sentence(measured.estimate, workspace=workspace)
    return (
        f"By the audit's own estimate {shown_share(found.value)} of the {counted(len(issues), 'audited window')} carry a wrong "
        f"label ({counted(found.groups, 'group')}{interval}). {missing}"
    )


def quality_tables(measured: LabelEvaluation | None, *, workspace: Path) -> dict[str, Any]:
    """Return how many labels of each quality were right, for ``quality_tables`` of parts.html; no rows where nobody looked."""
    return {
        "heads": _QUALITY_HEADS,
        "command": f"audit review{typed(workspace)}",
        "blind": _quality_rows(measured.blind if measured else ()),
        "reviewed": _quality_rows(measured.reviewed if measured else ()),
    }


def _quality_rows(checked: Sequence[QualityBin]) -> list[tuple[str, ...]]:
    return [
        (
            f"{of.low:.1f} to {of.high:.1f}",
            f"{of.windows:,}",
            shown_share(of.quality),
            shown_share(of.right.value),
            "too few groups" if of.right.low is None else f"{shown_share(of.right.low)} to {shown_share(of.right.high)}",
            f"{of.right.groups:,}",
        )
        for of in checked
    ]


def label_sentence(estimate: LabelErrorEstimate, *, workspace: Path) -> str:
    """Return what is known of the share of wrong labels, or what it takes to know it."""
    if not estimate.is_known:
        return f"How many labels are wrong is not known yet: {_missing(estimate)} ({blind_page(workspace)})."
    most, share = shown_share(estimate.after.at_most), share_with_interval(estimate.after)
    if estimate.before == estimate.after:
        return f"At most {most} of the labels are wrong, with 95 % confidence (estimate {share})."
    before = f"; before review {share_with_interval(estimate.before)}" if estimate.before.share is not None else ""
    return f"At most {most} of the labels are wrong after review, with 95 % confidence (estimate {share}{before})."


def stop_sentence(estimate: LabelErrorEstimate, *, workspace: Path) -> str:
    """Return whether the review can stop, or about how much more it takes; empty where nothing is known."""
    target = shown_share(estimate.target_error_rate)
    if not estimate.is_known:
        return ""
    if estimate.is_reached:
        return f"That keeps the target of {target}: the review can stop."
    if estimate.segments_needed == 0:
        more = estimate.windows_needed
        size = f"about {counted(more, 'more window')}" if more else "more windows"
        return (
            f"The estimate keeps the target of {target}, but so few verified windows cannot show it: label {size} blind "
            f"({blind_page(workspace)})."
        )
    if estimate.segments_needed is None:
        return (
            f"Even all {counted(estimate.open_segments, 'open segment')} are not expected to reach the target of {target}: wrong "
            "labels lie outside of the queue too. `audit run --reviewed` makes a new queue from what was decided."
        )
    return (
        f"About {counted(estimate.segments_needed, 'more segment')} of {estimate.open_segments:,} to reach {target}, in the "
        "order of the queue, if they hold as many wrong labels as the audit expects."
    )


def blind_page(workspace: Path) -> str:
    """Return where windows are labelled blind."""
    return f"`audit review{typed(workspace)}`, page Blind sample"


def share_with_interval(residual: LabelErrorRate) -> str:
    """Return an estimate with its interval."""
    return f"{shown_share(residual.share)}, 95 % interval {shown_share(residual.low)} to {shown_share(residual.high)}"


def _missing(estimate: LabelErrorEstimate) -> str:
    missing = {s: n for s, n in estimate.after.needed.items() if n}
    there = " and ".join(f"{estimate.after.verified[s]:,} {s}" for s in estimate.after.verified)
    more = " and ".join(f"{n:,} {s}" for s, n in missing.items())
    return f"{there} windows are verified, {more} more have to be labelled blind"
