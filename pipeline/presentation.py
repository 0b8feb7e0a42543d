"""How a run's figures read in a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.prediction import Predicted

__all__ = [
    "ROUND_HEADS",
    "SELFTEST_HEADS",
    "cost_line",
    "found_lines",
    "predicted_lines",
    "read_lines",
    "round_cells",
    "selftest_cells",
    "selftest_lines",
    "selftest_notes",
    "set_aside_lines",
    "status_lines",
]

_MANY_CLIPS = 20
_WORST_LABELS = 12
_FEW_ORPHANS = 5
_MANY_REJECTED = 10


def found_lines(found: Mapping[str, Any], *, workspace: Path) -> list[str]:
    """Return the end of `audit run`: what there is, what is doubtful, and what to type next."""
    split = found["windows_by_split"]
    report = Path(found["run_dir"]) / "report.html"
    parts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in split.items())
    share = _share(found["flagged"], split.get("audit", 0) + split.get("holdout", 0))
    lines = [
        "",
        f"clips      {len(found['clips']):>8,}   rejected {found['rejected']:,}, mended {found['notes']:,}",
        f"windows    {found['windows']:>8,}   {parts}",
        f"flagged    {found['flagged']:>8,}   {share} of the predicted windows carry a label that is probably wrong",
        f"segments   {found['segments']:>8,}   to review",
        *_round_lines(found),
        "",
        *_label_lines(found["label_errors"]),
        "",
        *_segment_lines(found["top_segments"]),
    ]
    if found["left_out_classes"]:
        left_out = ", ".join(f"{name} ({count} clips)" for name, count in found["left_out_classes"].items())
        lines += ["", f"left out, for fewer than two groups show them or the merge drops them: {left_out}"]
    if found["rejected"]:
        lines += ["", f"rejected clips and why: {Path(found['run_dir']) / 'rejected.parquet'}"]
    where = "" if workspace == Path() else f" -w {workspace}"
    return [*lines, "", f"report: {report}", f"next: open the report, then `audit review{where}`"]


def predicted_lines(predicted: Predicted, *, out: Path) -> list[str]:
    """Return the end of `audit predict`: what was written, how often each class, and what no bundle was for."""
    table = predicted.table
    counts = Counter(zip(table["species"], table["predicted_label"], strict=True))
    lines = [f"{species:<8} {label:<20} {count:>8,} windows" for (species, label), count in sorted(counts.items())]
    bad = int(table["bad_pose"].sum())
    lines += [f"{bad:,} windows show too little, or what cannot be right (bad_pose)"] if bad else []
    lines += [f"left out: {count:,} clips of {species}, which no bundle is for" for species, count in predicted.left_out.items()]
    return [*lines, f"wrote {len(table):,} windows of {predicted.clips:,} clips to {out}"]


def set_aside_lines(rejected: pd.DataFrame) -> list[str]:
    """Return a line for each of the first clips that could not be read, and the number of the rest."""
    shown = rejected.head(_MANY_REJECTED)
    lines = [": ".join(["set aside", *filter(None, row)]) for row in shown.astype(str).to_numpy().tolist()]
    rest = len(rejected) - len(shown)
    return [*lines, *([f"and {rest:,} more"] if rest else [])]


def read_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the clips that were read, class by class, each with its windows where they are few."""
    clips: Sequence[Mapping[str, Any]] = found["clips"]
    by_class: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for clip in clips:
        by_class[clip["species"], clip["label"]].append(clip)
    lines = [f"read {len(clips)} clips, {found['windows']} windows; rejected {found['rejected']}"]
    for (species, label), members in sorted(by_class.items()):
        groups = len({c["subject_id"] for c in members})
        windows = sum(c["windows"] for c in members)
        lines.append(f"  {species} {label}: {len(members)} clips, {groups} groups, {windows} windows")
        if len(clips) <= _MANY_CLIPS:
            lines += [f"    {c['clip_id']}: {c['frames']} frames, {c['windows']} windows" for c in members]
    return lines


def status_lines(found: Mapping[str, Any]) -> list[str]:
    """Return `audit status` for people."""
    lines = [f"run     {found['run_dir']}", f"source  {found['source']} ({found['format']})", ""]
    for name, figures in found["stages"].items():
        state = f"done in {figures['seconds']:.1f} s" if figures else "not done"
        rows = ", ".join(f"{count:,} {table}" for table, count in (figures or {}).get("rows", {}).items())
        lines.append(f"  {name:<8} {state:<18} {rows}")
    lines += ["", *read_lines(found)]
    if found["flagged"]:
        lines += ["", *_label_lines(found["label_errors"])]
    return [
        *lines,
        "",
        f"segments: {found['segments_open']} open, {found['segments_decided']} decided, {found['segments_unsure']} unsure",
        *_review_lines(found["review"]),
        *_round_lines(found),
        "" if found["finished"] else "not finished: type the same `audit run` again to go on",
    ]


ROUND_HEADS = (
    "round",
    "started",
    "decisions",
    "frames reviewed",
    "windows reviewed",
    "flagged",
    "segments",
    "expected wrong of the rest",
)


def round_cells(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a round's cells in the order of the heads."""
    return (
        str(told["number"]),
        str(told["started"])[:16].replace("T", " "),
        f"{told['events']:,}",
        f"{told['reviewed_frames']:,}",
        _share(told["reviewed_windows"], told["windows"]),
        f"{told['flagged']:,}",
        f"{told['segments']:,}",
        "-" if told["share_wrong"] is None else f"{told['share_wrong']:.1%}",
    )


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
    return f"selftest: {audits} audits of planted copies, about {lasting} by the time that the run itself took"


def selftest_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the selftest table for a terminal, and how to read it; missing scores are None."""
    rows: Sequence[Mapping[str, Any]] = found["planted"]
    lines = _aligned([SELFTEST_HEADS, *(selftest_cells(row) for row in rows if row["note"] is None)])
    untested = [f"not tested, for too few groups or classes: {what}" for what in found["untested"]]
    report = Path(found["run_dir"]) / "report.html"
    return ["", *lines, "", *selftest_notes(rows), *untested, "", f"report: {report}"]


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
        _share(row["flagged"], row["audited"]),
        _with_interval(row, "precision"),
        _percent(row["right_kind"]),
        _percent(row["right_label"]),
    )


def selftest_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how to read the selftest table, and why rows are missing from it."""
    scored = [row for row in rows if row["note"] is None]
    notes = [
        "first 10 %: planted windows within the first tenth of the ranks; at most: what a perfect order would reach;",
        "before: the same windows in the audit of the unplanted data; lift: first 10 % over the 10 % that chance finds.",
        "flagged: planted windows that were flagged; of all: audited windows that were flagged, which chance would reach.",
        "precision: flagged windows that were planted, a LOWER bound, for the data have errors of their own.",
        "right kind, right label: of the planted windows that were flagged.",
    ]
    groups = min((row["groups"] for row in scored), default=0)
    told = any(row["recall_low"] is not None for row in scored)
    notes.append(
        "In brackets: 95 % intervals over resampled groups."
        if told
        else f"No intervals: {groups} groups are too few (10 are needed)."
    )
    elsewhere = {f"{row['kind']} {row['share']:.0%}": (row["elsewhere"], row["stretches"]) for row in scored if row["elsewhere"]}
    notes += [
        f"{name}: {n} of {of} stretches came from another group, for the animal's own shows one class: easier to find."
        for name, (n, of) in elsewhere.items()
    ]
    if any(row["kind"] == "flips" for row in scored):
        notes.append("flips have no kind of their own in the audit; with a label per clip, the copy got a label per frame.")
    why: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["note"] is not None:
            why[row["kind"].replace("_", " "), row["note"]].append(f"{row['share']:.0%}")
    return notes + [f"left out: {kind} {', '.join(shares)}: {note}" for (kind, note), shares in why.items()]


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


def _round_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the rounds of the workspace as a table, where there are several."""
    rounds: Sequence[Mapping[str, Any]] = found["rounds"]
    if len(rounds) < 2:
        return []
    told = f"this is round {found['round']}: labels that people gave are known, shares of wrong labels are of the rest"
    return ["", *_aligned([ROUND_HEADS, *map(round_cells, rounds)]), told]


def _with_interval(row: Mapping[str, Any], score: str) -> str:
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    interval = "" if low is None else f" ({100 * low:.0f}-{100 * high:.0f})"
    return _percent(row[score]) + interval


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _label_lines(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{'label':<24}{'windows':>9}{'flagged':>9}{'share':>8}"]
    lines += [
        f"{e['species'] + ' ' + e['label']:<24}{e['windows']:>9,}{e['flagged']:>9,}{e['share']:>8.0%}"
        for e in errors[:_WORST_LABELS]
    ]
    if len(errors) > _WORST_LABELS:
        lines.append(f"... and {len(errors) - _WORST_LABELS} more labels in the report")
    return lines


def _segment_lines(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"  {s['clip_id']} frames {s['start_frame']}-{s['end_frame']}: {s['given_label']} -> {s['suggested_label']} "
        f"({s['suggested_probability']:.0%}, {s['kind'].replace('_', ' ')})"
        for s in segments
    ]
    return ["look at these first:", *lines] if lines else []


def _review_lines(review: Mapping[str, Any]) -> list[str]:
    """Return what was reviewed, and the decisions that this run has no frames for."""
    if not review["events"]:
        return []
    lines = [f"review: {review['events']:,} events by {', '.join(review['reviewers'])}"]
    if review["orphans"]:
        lines.append(f"orphans: {review['orphans']:,} events over clips or frames that this run does not have; they are kept")
        lines += [
            f"  {o['clip_id']} frames {o['start_frame']}-{o['end_frame']}, {o['reviewer']}: {o['reason']}"
            for o in review["orphan_events"][:_FEW_ORPHANS]
        ]
    return lines


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
