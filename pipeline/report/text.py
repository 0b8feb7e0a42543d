"""How a run's figures read in a terminal."""

from __future__ import annotations

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.data_text import CLASS_HEADS, class_rows, data_sentences, data_warnings, noted_lines
from pipeline.report.trust_text import holdout_sentences, trust_sentences

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.audit.prediction import Predicted

__all__ = [
    "ROUND_HEADS",
    "aligned",
    "clip_lines",
    "data_lines",
    "found_lines",
    "predicted_lines",
    "round_cells",
    "set_aside_lines",
    "share_of",
    "status_lines",
    "terminal_width",
    "trust_lines",
    "typed",
    "wrapped",
]

_STATES = ("open", "decided", "unsure", "disputed")
_MANY_CLIPS = 20
_MANY_CLASSES = 30
_WIDEST = 120
_FIXED_SPACE = "\xa0"
_WIDEST_CELL = 32
_WORST_LABELS = 12
_FEW_ORPHANS = 5
_MANY_REJECTED = 10


def found_lines(found: Mapping[str, Any], *, workspace: Path) -> list[str]:
    """Return the end of `audit run`: what there is, what is doubtful, and what to type next."""
    split = found["windows_by_split"]
    report = Path(found["run_dir"]) / "report.html"
    parts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in split.items())
    unlabelled = found["windows_unlabelled"]
    lines = [
        "",
        *trust_lines(found["trust"], width=terminal_width()),
        *wrapped([f"! {s}" for s in holdout_sentences(found["without_holdout"])], width=terminal_width()),
        "",
        f"windows    {found['windows']:>8,}   {parts}",
        f"flagged    {found['flagged']:>8,}   {_judged(found)}",
        *([f"unlabelled {unlabelled:>8,}   windows that nobody labelled: predicted, not judged"] if unlabelled else []),
        f"segments   {found['segments']:>8,}   to review",
        *_round_lines(found),
        *_label_lines(found["label_errors"]),
        *_segment_lines(found["top_segments"]),
    ]
    if found["left_out_classes"]:
        left_out = ", ".join(f"{name} ({count} clips)" for name, count in found["left_out_classes"].items())
        lines += ["", f"left out, for fewer than two groups show them or the merge drops them: {left_out}"]
    if found["rejected"]:
        lines += ["", f"rejected clips and why: {Path(found['run_dir']) / 'rejected.parquet'}"]
    return [*lines, "", f"report: {report}", f"next: open the report, then `audit review{typed(workspace)}`"]


def _judged(found: Mapping[str, Any]) -> str:
    """Return what the windows are that are flagged."""
    if not found["trust"] or any(told["better"] for told in found["trust"]):
        share = share_of(found["flagged"], found["windows_by_split"].get("audit", 0))
        return f"{share} of the audited windows carry a label that is probably wrong"
    # Two labels of one clip contradict each other whatever models say.
    flagged = "the source gives them two labels; " if found["flagged"] else ""
    return f"{flagged}no {'other ' if flagged else ''}label is judged: the models are no better than chance"


def predicted_lines(predicted: Predicted, *, out: Path) -> list[str]:
    """Return the end of `audit predict`: what was written, how often each class, and what no bundle was for."""
    table = predicted.table
    counts = Counter(zip(table["species"], table["predicted_label"], strict=True))
    lines = [f"{species:<8} {label:<20} {count:>8,} windows" for (species, label), count in sorted(counts.items())]
    bad = int(table["bad_pose"].sum())
    lines += [f"{bad:,} windows show too little, or what cannot be right (bad_pose)"] if bad else []
    lines += [f"left out: {count:,} clips of {species}, which no bundle is for" for species, count in predicted.left_out.items()]
    lines += [f"not as in training: {remark}" for remark in predicted.remarks]
    return [*lines, f"wrote {len(table):,} windows of {predicted.clips:,} clips to {out}"]


def set_aside_lines(rejected: pd.DataFrame) -> list[str]:
    """Return a line for each of the first clips that could not be read, and the number of the rest."""
    shown = rejected.head(_MANY_REJECTED)
    lines = [": ".join(["set aside", *filter(None, row)]) for row in shown.astype(str).to_numpy().tolist()]
    rest = len(rejected) - len(shown)
    return [*lines, *([f"and {rest:,} more"] if rest else [])]


def data_lines(data: Mapping[str, Any], *, width: int) -> list[str]:
    """Return what was read: sentences, a table of the classes, what these windows cannot audit, and what was noted."""
    sentences = ["read " + data_sentences(data)[0], *data_sentences(data)[1:]]
    rows = class_rows(data)
    shown = [tuple(_cut(cell, _WIDEST_CELL) for cell in row) for row in rows[:_MANY_CLASSES]]
    table = [f"  {line}" for line in aligned([CLASS_HEADS, *shown])]
    more = [f"  ... and {len(rows) - len(shown)} more classes in the report"] if len(rows) > len(shown) else []
    counts = f"rejected {data['rejected']:,}, noted {data['notes']:,}"
    return [
        *wrapped(sentences, width=width),
        *table,
        *more,
        *wrapped([f"! {warning}" for warning in data_warnings(data)], width=width),
        counts,
        *wrapped([f"  {line}" for line in noted_lines(data)], width=width),
    ]


def trust_lines(trust: Sequence[Mapping[str, Any]], *, width: int) -> list[str]:
    """Return how far the models of each species can be trusted; what warns begins with a mark."""
    return wrapped([("" if t["better"] else "! ") + s for t, s in zip(trust, trust_sentences(trust), strict=True)], width=width)


def clip_lines(clips: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each clip with its frames and windows, where they are few."""
    return [f"  {c['clip_id']}: {c['frames']} frames, {c['windows']} windows" for c in clips] if len(clips) <= _MANY_CLIPS else []


def wrapped(paragraphs: Sequence[str], *, width: int) -> list[str]:
    """Return paragraphs as lines of a terminal; what follows the first line of one is indented."""
    lines: list[str] = []
    for text in paragraphs:
        margin = " " * (len(text) - len(text.lstrip()) + 2)
        # A number is not parted from its unit, nor a key from its value.
        whole = re.sub(r"(?<=\d) (?=(?:ms|s|min|h|d|Hz)\b)| (?==)|(?<==) ", _FIXED_SPACE, text)
        lines += wrap(whole, width, subsequent_indent=margin, break_on_hyphens=False, break_long_words=False)
    return [line.replace(_FIXED_SPACE, " ") for line in lines]


def terminal_width() -> int:
    """Return the columns of the terminal, at most as many as read well."""
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def status_lines(found: Mapping[str, Any]) -> list[str]:
    """Return `audit status` for people."""
    lines = [f"run     {found['run_dir']}", f"source  {found['source']} ({found['format']})", ""]
    for name, figures in found["stages"].items():
        state = f"done in {figures['seconds']:.1f} s" if figures else "not done"
        rows = ", ".join(f"{count:,} {table}" for table, count in (figures or {}).get("rows", {}).items())
        lines.append(f"  {name:<8} {state:<18} {rows}")
    if found["data"]:
        lines += ["", *data_lines(found["data"], width=terminal_width()), *clip_lines(found["clips"])]
    if found["trust"]:
        lines += ["", *trust_lines(found["trust"], width=terminal_width())]
    if found["flagged"]:
        lines += _label_lines(found["label_errors"])
    return [
        *lines,
        "",
        "segments: " + ", ".join(f"{found[f'segments_{state}']:,} {state}" for state in _STATES),
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
        share_of(told["reviewed_windows"], told["windows"]),
        f"{told['flagged']:,}",
        f"{told['segments']:,}",
        "-" if told["share_wrong"] is None else f"{told['share_wrong']:.1%}",
    )


def typed(workspace: Path) -> str:
    """Return the option that names a workspace, as it is typed after a command; empty for the folder one is in."""
    return "" if workspace == Path() else f" -w {shlex.quote(str(workspace))}"


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


def share_of(part: int, whole: int) -> str:
    """Return a part of a whole in percent."""
    return f"{part / whole:.0%}" if whole else "none"


def _round_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the rounds of the workspace as a table, where there are several."""
    rounds: Sequence[Mapping[str, Any]] = found["rounds"]
    if len(rounds) < 2:
        return []
    told = f"this is round {found['round']}: labels that people gave are known, shares of wrong labels are of the rest"
    return ["", *aligned([ROUND_HEADS, *map(round_cells, rounds)]), told]


def _label_lines(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table of the labels that are wrong most often, with the share expected to be; nothing where nothing is known."""
    if not errors:
        return []
    lines = ["", f"{'label':<24}{'windows':>9}{'flagged':>9}{'expected wrong':>16}"]
    lines += [
        f"{e['species'] + ' ' + e['label']:<24}{e['windows']:>9,}{e['flagged']:>9,}{e['share']:>16.0%}"
        for e in errors[:_WORST_LABELS]
    ]
    if len(errors) > _WORST_LABELS:
        lines.append(f"... and {len(errors) - _WORST_LABELS} more labels in the report")
    return lines


def _segment_lines(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"  {s['clip_id']} frames {s['start_frame']}-{s['end_frame']}: {s['given_label']} -> {s['suggested_label']} "
        f"({s['suggested_probability']:.0%}, {KIND_NAMES[s['kind']]})"
        for s in segments
    ]
    return ["", "look at these first:", *lines] if lines else []


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
