"""How many labels are wrong, and what label quality turned out to be, as far as anybody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from pipeline.evaluation.checked import QualityChecked
from pipeline.evaluation.intervals import share_estimate
from pipeline.evaluation.label_error import Measured, measure_labels
from pipeline.report.comparison.verdict_text import blind_words, counted, label_words, shown_share
from pipeline.report.shell import empty, html_table, prose
from pipeline.report.text import typed
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

__all__ = ["as_of_sentence", "measured_here", "quality_section", "share_sentence"]

_HEADS = ("label quality", "windows checked", "should be right", "were right", "95 % interval", "groups")


def measured_here(folder: RunFolder, size: tuple[int, int] | None) -> Measured | None:
    """Return what people decided over a run so far; None where nobody has, or the store does not answer.

    Parameters
    ----------
    size
        Of the store, from :func:`pipeline.review.access.stored_size`.
    """
    return measure_labels(Workspace(folder.path.parent.parent), folder) if size and any(size) else None


def as_of_sentence(measured: Measured | None, size: tuple[int, int] | None, *, workspace: Path, round_number: int) -> str:
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


def share_sentence(issues: pd.DataFrame, measured: Measured | None, *, workspace: Path) -> str:
    """Return how many labels are wrong: by the blind sample where there is one, else by the audit's own estimate, called that.

    Parameters
    ----------
    issues
        Of the audited windows whose label nobody gave.
    """
    if measured is not None and measured.verdict.is_known:
        return label_words(measured.verdict, workspace=workspace)
    issues = issues.dropna(subset=["label_quality"])
    if issues.empty:
        return ""
    doubt = 1.0 - issues["label_quality"].astype("float64")
    found = share_estimate(*doubt.groupby([issues["species"], issues["subject_id"]]).agg(["sum", "size"]).to_numpy(float).T)
    interval = "" if found.low is None else f", 95 % interval {shown_share(found.low)} to {shown_share(found.high)}"
    told = f"Nobody has checked that: a blind sample tells ({blind_words(workspace)})."
    if measured is not None and measured.blind_windows:
        told = label_words(measured.verdict, workspace=workspace)
    return (
        f"By the audit's own estimate {shown_share(found.value)} of the {counted(len(issues), 'audited window')} carry a wrong "
        f"label ({counted(found.groups, 'group')}{interval}). {told}"
    )


def quality_section(measured: Measured | None, *, workspace: Path) -> Iterator[str]:
    """Yield what label quality turned out to be, as HTML."""
    if measured is None or not (measured.blind or measured.reviewed):
        command = f"`audit review{typed(workspace)}`"
        yield empty(prose(f"Nobody has checked yet what label quality means on these data ({command})."))
        return
    if measured.blind:
        yield "<h3>windows labelled blind: what quality turned out to be</h3>" + _table(measured.blind)
    if measured.reviewed:
        yield "<h3>windows reviewed: what quality turned out to be</h3>" + _table(measured.reviewed)
        yield (
            '<p class="how">People review first what the audit doubts, and see what it suggests: of other windows of the same '
            "quality this says less than a blind sample.</p>"
        )


def _table(found: Sequence[QualityChecked]) -> str:
    rows = [
        (
            f"{told.low:.1f} to {told.high:.1f}",
            f"{told.windows:,}",
            shown_share(told.quality),
            shown_share(told.right.value),
            "too few groups" if told.right.low is None else f"{shown_share(told.right.low)} to {shown_share(told.right.high)}",
            f"{told.right.groups:,}",
        )
        for told in found
    ]
    return html_table(_HEADS, rows, whole=True)
