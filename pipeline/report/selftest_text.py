"""The figures of a selftest in a terminal and in the report: what was injected, and how much of it came back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.report.formatting import aligned, percent_of
from pipeline.selftest.recovery import findings
from pipeline.windows.folds import FEWEST_GROUPS

SELFTEST_HEADS = (
    "kind",
    "share",
    "windows",
    "clips",
    "first 10 %",
    "at most",
    "before",
    "lift",
    "flagged",
    "of all",
    "precision",
    "right kind",
    "right label",
)


def cost_line(audits: int, *, seconds: float) -> str:
    """Return how many audits a selftest makes, and about how long they take."""
    lasting = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    return f"selftest: {audits} audits of copies with injected errors, about {lasting} by the time that the run itself took"


def selftest_lines(selftest: Mapping[str, Any]) -> list[str]:
    """Return the selftest table for a terminal, and how to read it; missing scores are None."""
    rows: Sequence[Mapping[str, Any]] = selftest["injected"]
    lines = aligned([SELFTEST_HEADS, *(selftest_cells(row) for row in rows if row["note"] is None)])
    untested = [f"not tested, for too few groups or classes: {what}" for what in selftest["untested"]]
    report = Path(selftest["run_dir"]) / "report.html"
    return ["", *lines, "", *_notes(rows), *untested, "", f"report: {report}"]


def selftest_part(table: pd.DataFrame) -> dict[str, Any]:
    """Return the selftest of a run, for its part of report.html: heads and rows of the table, and notes on how to read it."""
    rows = findings(table, run_dir=Path(), untested=())["injected"]
    cells = [selftest_cells(row) for row in rows if row["note"] is None]
    return {"heads": SELFTEST_HEADS, "rows": cells, "notes": _notes(rows)}


def selftest_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row's cells in the order of the heads."""
    return (
        row["kind"].replace("_", " "),
        f"{row['share']:.0%}",
        f"{row['windows']:,}",
        f"{row['clips']:,}",
        _with_interval(row, "recall_10"),
        _percent(row["recall_10_most"]),
        _percent(row["recall_10_before"]),
        f"{row['lift']:.1f}",
        _with_interval(row, "recall"),
        percent_of(row["flagged"], row["audited"]),
        _with_interval(row, "precision"),
        _percent(row["right_kind"]),
        _percent(row["right_label"]),
    )


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how to read the selftest table, and why rows are missing from it."""
    scored = [row for row in rows if row["note"] is None]
    notes = [
        "first 10 %: windows with injected errors in the first tenth of the ranks; at most: what a perfect order would reach;",
        "before: the same windows in the audit of the data as they are; lift: first 10 % over the 10 % that chance finds.",
        "flagged: of these windows, those flagged; of all: audited windows that were flagged, which chance would reach.",
        "precision: flagged windows with injected errors, a LOWER bound, for the data have errors of their own.",
        "right kind, right label: of the windows with injected errors that were flagged.",
    ]
    groups = min((row["groups"] for row in scored), default=0)
    has_intervals = any(row["recall_low"] is not None for row in scored)
    notes.append(
        "In brackets: 95 % intervals over groups."
        if has_intervals
        else f"No intervals: {groups} groups are too few ({FEWEST_GROUPS} are needed)."
    )
    other_donor = {
        f"{row['kind']} {row['share']:.0%}": (row["other_donor"], row["stretches"]) for row in scored if row["other_donor"]
    }
    notes += [
        f"{name}: {n} of {of} stretches came from another group, for the animal's own shows one class: easier to find."
        for name, (n, of) in other_donor.items()
    ]
    if any(row["kind"] == "flips" for row in scored):
        notes.append("flips have no kind of their own in the audit; with a label per clip, the copy got a label per frame.")
    why: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["note"] is not None:
            why[row["kind"].replace("_", " "), row["note"]].append(f"{row['share']:.0%}")
    return notes + [f"left out: {kind} {', '.join(shares)}: {note}" for (kind, note), shares in why.items()]


def _with_interval(row: Mapping[str, Any], score: str) -> str:
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    interval = "" if low is None else f" ({100 * low:.0f}-{100 * high:.0f})"
    return _percent(row[score]) + interval


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
