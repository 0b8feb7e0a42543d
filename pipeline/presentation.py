"""How a run's figures read in a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["found_lines", "read_lines", "status_lines"]

_MANY_CLIPS = 20
_WORST_LABELS = 12


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
    return [*lines, "", f"report: {report}", f"next: open the report, then `audit status{where}`"]


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
        f"segments: {found['segments_open']} open, {found['segments_decided']} decided",
        "" if found["finished"] else "not finished: type the same `audit run` again to go on",
    ]


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


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
