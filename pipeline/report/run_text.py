"""What a run, its review and its predictions come to, as lines of a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.readers.taxonomy import KIND_NAMES
from pipeline.report.data_text import data_lines
from pipeline.report.formatting import aligned, percent_of, terminal_width, typed, wrapped
from pipeline.report.trust_text import holdout_sentences, trust_sentences

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.audit.prediction import Predictions

_STATES = ("open", "decided", "unsure", "disputed")
_MANY_CLIPS = 20
_WORST_LABELS = 12
_FEW_ORPHANS = 5
_MANY_REJECTED = 10

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


def run_lines(run: Mapping[str, Any], *, workspace: Path) -> list[str]:
    """Return the end of `audit run`: what there is, what is probably wrong, and what to type next."""
    split = run["windows_by_split"]
    report = Path(run["run_dir"]) / "report.html"
    parts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in split.items())
    unlabelled = run["windows_unlabelled"]
    lines = [
        "",
        *_model_lines(run),
        "",
        f"windows    {run['windows']:>8,}   {parts}",
        f"flagged    {run['flagged']:>8,}   {_flagged(run)}",
        *([f"unlabelled {unlabelled:>8,}   windows that nobody labelled: predicted, not scored"] if unlabelled else []),
        f"segments   {run['segments']:>8,}   to review",
        *_round_lines(run),
        *_label_lines(run["label_errors"]),
        *_segment_lines(run["top_segments"]),
    ]
    if run["left_out_classes"]:
        left_out = ", ".join(f"{name} ({count} clips)" for name, count in run["left_out_classes"].items())
        lines += ["", f"left out, because fewer than two groups show them or the merge drops them: {left_out}"]
    if run["rejected"]:
        lines += ["", f"rejected clips and why: {Path(run['run_dir']) / 'rejected.parquet'}"]
    return [*lines, "", f"report: {report}", f"next: open the report, then `audit review{typed(workspace)}`"]


def _model_lines(run: Mapping[str, Any]) -> list[str]:
    """Return how far the models of each species can be trusted and tested; what warns begins with a mark."""
    sentences = zip(run["trust"], trust_sentences(run["trust"]), strict=True)
    trust = [("" if of["better"] else "! ") + sentence for of, sentence in sentences]
    return wrapped([*trust, *(f"! {s}" for s in holdout_sentences(run["without_holdout"]))], width=terminal_width())


def _flagged(run: Mapping[str, Any]) -> str:
    """Return what the windows are that are flagged."""
    if not run["trust"] or any(of["better"] for of in run["trust"]):
        share = percent_of(run["flagged"], run["windows_by_split"].get("audit", 0))
        return f"{share} of the audited windows carry a label that is probably wrong"
    # Two labels of one clip contradict each other whatever models say.
    flagged = "the source gives them two labels; " if run["flagged"] else ""
    return f"{flagged}no {'other ' if flagged else ''}label is flagged: the models are no better than chance"


def predicted_lines(predicted: Predictions, *, out: Path) -> list[str]:
    """Return the end of `audit predict`: what was written, how often each class, and what no bundle was for."""
    table = predicted.table
    counts = Counter(zip(table["species"], table["predicted_label"], strict=True))
    lines = [f"{species:<8} {label:<20} {count:>8,} windows" for (species, label), count in sorted(counts.items())]
    bad = int(table["bad_pose"].sum())
    lines += [f"{bad:,} windows have too few keypoints, or implausible ones (bad_pose)"] if bad else []
    lines += [f"left out: {count:,} clips of {species}, which no bundle is for" for species, count in predicted.left_out.items()]
    lines += [f"not as in training: {rule}" for rule in predicted.unmet_rules]
    return [*lines, f"wrote {len(table):,} windows of {predicted.clips:,} clips to {out}"]


def rejected_lines(rejected: pd.DataFrame) -> list[str]:
    """Return a line for each of the first clips that could not be read, and the number of the rest."""
    shown = rejected.head(_MANY_REJECTED)
    lines = [": ".join(["rejected", *filter(None, row)]) for row in shown.astype(str).to_numpy().tolist()]
    rest = len(rejected) - len(shown)
    return [*lines, *([f"and {rest:,} more"] if rest else [])]


def status_lines(run: Mapping[str, Any]) -> list[str]:
    """Return `audit status` for people."""
    lines = [f"run     {run['run_dir']}", f"source  {run['source']} ({run['format']})", ""]
    for name, figures in run["stages"].items():
        state = f"done in {figures['seconds']:.1f} s" if figures else "not done"
        rows = ", ".join(f"{count:,} {table}" for table, count in (figures or {}).get("rows", {}).items())
        lines.append(f"  {name:<8} {state:<18} {rows}")
    if run["data"]:
        lines += ["", *data_lines(run["data"], width=terminal_width()), *_clip_lines(run["clips"])]
    if run["trust"]:
        lines += ["", *_model_lines(run)]
    if run["flagged"]:
        lines += _label_lines(run["label_errors"])
    return [
        *lines,
        "",
        "segments: " + ", ".join(f"{run[f'segments_{state}']:,} {state}" for state in _STATES),
        *_review_lines(run["review"]),
        *_round_lines(run),
        "" if run["finished"] else "not finished: type the same `audit run` again to go on",
    ]


def round_cells(of: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a round's cells in the order of the heads."""
    return (
        str(of["number"]),
        str(of["started"])[:16].replace("T", " "),
        f"{of['events']:,}",
        f"{of['reviewed_frames']:,}",
        percent_of(of["reviewed_windows"], of["windows"]),
        f"{of['flagged']:,}",
        f"{of['segments']:,}",
        "-" if of["share_wrong"] is None else f"{of['share_wrong']:.1%}",
    )


def _round_lines(run: Mapping[str, Any]) -> list[str]:
    """Return the rounds of the workspace as a table, where there are several."""
    rounds: Sequence[Mapping[str, Any]] = run["rounds"]
    if len(rounds) < 2:
        return []
    note = f"this is round {run['round']}: labels that people gave are known, shares of wrong labels are of the rest"
    return ["", *aligned([ROUND_HEADS, *map(round_cells, rounds)]), note]


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


def _clip_lines(clips: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each clip with its frames and windows, where they are few."""
    return [f"  {c['clip_id']}: {c['frames']} frames, {c['windows']} windows" for c in clips] if len(clips) <= _MANY_CLIPS else []
