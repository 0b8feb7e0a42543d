"""The verdict on the labels in words: what is known, what would have to be done to know more, and whether to go on."""

from __future__ import annotations

from pathlib import Path

from pipeline.evaluation.residual_error import Residual
from pipeline.evaluation.verdict import Verdict
from pipeline.report.text import typed

__all__ = ["blind_words", "counted", "label_words", "share_words", "shown_share", "stop_words"]


def label_words(verdict: Verdict, *, workspace: Path) -> str:
    """Return what is known of the share of wrong labels, or what it takes to know it."""
    if not verdict.is_known:
        return f"No verdict on the labels yet: {_missing(verdict)} ({blind_words(workspace)})."
    most, estimate = shown_share(verdict.after.at_most), share_words(verdict.after)
    if verdict.before == verdict.after:
        return f"At most {most} of the labels are wrong, with 95 % confidence (estimate {estimate})."
    before = f"; before review {share_words(verdict.before)}" if verdict.before.share is not None else ""
    return f"At most {most} of the labels are wrong after review, with 95 % confidence (estimate {estimate}{before})."


def stop_words(verdict: Verdict, *, workspace: Path) -> str:
    """Return whether the review can stop, or about how much more it takes; empty where nothing is known."""
    wanted = shown_share(verdict.wanted)
    if not verdict.is_known:
        return ""
    if verdict.is_reached:
        return f"That keeps the wanted {wanted}: the review can stop."
    if verdict.segments_needed == 0:
        more = verdict.windows_needed
        size = f"about {counted(more, 'more window')}" if more else "more windows"
        return (
            f"The estimate keeps the wanted {wanted}, but so few verified windows cannot show it: label {size} blind "
            f"({blind_words(workspace)})."
        )
    if verdict.segments_needed is None:
        return (
            f"Even all {counted(verdict.open_segments, 'open segment')} are not expected to reach the wanted {wanted}: wrong "
            "labels lie outside of the queue too. `audit run --reviewed` makes a new queue from what was decided."
        )
    return (
        f"About {counted(verdict.segments_needed, 'more segment')} of {verdict.open_segments:,} to reach {wanted}, in the order "
        "of the queue, if they hold as many wrong labels as the audit expects."
    )


def blind_words(workspace: Path) -> str:
    """Return where windows are labelled blind."""
    return f"`audit review{typed(workspace)}`, page Blind sample"


def share_words(found: Residual) -> str:
    """Return an estimate with its interval."""
    return f"{shown_share(found.share)}, 95 % interval {shown_share(found.low)} to {shown_share(found.high)}"


def shown_share(share: float | None) -> str:
    """Return a share in percent, with a second digit where it is small."""
    if share is None:
        return "-"
    return f"{100 * share:.2f} %" if 0 < share < 0.00995 else f"{100 * share:.1f} %"


def counted(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _missing(verdict: Verdict) -> str:
    missing = {s: n for s, n in verdict.after.needed.items() if n}
    there = " and ".join(f"{verdict.after.verified[s]:,} {s}" for s in verdict.after.verified)
    more = " and ".join(f"{n:,} {s}" for s, n in missing.items())
    return f"{there} windows are verified, {more} more have to be labelled blind"
