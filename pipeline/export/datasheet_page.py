"""The datasheet as people read it, from templates/datasheet.md, and the lines that end `audit export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.report.templates import render


def datasheet_page(sheet: Mapping[str, Any]) -> str:
    """Return a datasheet as Markdown."""
    counted = ("frames_before", "frames_after", "windows_before", "windows_after")
    return render(
        "datasheet.md",
        sheet=sheet,
        reviewers=[f"{name} ({count:,} events)" for name, count in sheet["decisions"]["reviewers"].items()],
        by_source=[(f"exported frames whose label is {name}", f"{n:,}") for name, n in sheet["frames"]["by_source"].items()],
        classes=[(c["species"], c["label"], *(f"{c[name]:,}" for name in counted)) for c in sheet["classes"]],
        changes=[
            (c["species"], c["from"] or "(no label)", c["to"] or "(excluded)", f"{c['spans']:,}", f"{c['frames']:,}")
            for c in sheet["changes"]
        ],
        error_rates=[_error_row(rate) for rate in sheet["error_rates"]],
        labels=[
            (species, x, "", "") if isinstance(x, str) else (species, x["name"], x["en"], x["ko"])
            for species, names in sheet["taxonomy"]["labels"].items()
            for x in names
        ],
        label_files=[(name.replace("_", " "), f"{count:,}") for name, count in (sheet["label_files"] or {}).items()],
        files=[(f"`{name}`", f"{f['rows']:,}", f"{f['bytes']:,}", f"`{f['sha256']}`") for name, f in sheet["files"].items()],
    )


def _error_row(rate: Mapping[str, Any]) -> tuple[str, ...]:
    counts = [f"{rate[name]:,}" for name in ("windows", "flagged", "reviewed_frames")]
    expected, observed = (_percent(rate[name]) for name in ("expected_wrong", "observed_wrong"))
    return rate["species"], rate["label"], *counts[:2], expected, counts[2], observed


def export_lines(sheet: Mapping[str, Any], *, out: Path) -> list[str]:
    """Return the end of `audit export`: what was written, what was left out, and what to type next."""
    frames, windows, decisions = sheet["frames"], sheet["windows"], sheet["decisions"]
    counts = {
        f"decisions  {decisions['events']:>9,}": f"of {len(decisions['reviewers'])} reviewers, over "
        f"{_percent(frames['reviewed_share'])} of the frames",
        f"frames     {frames['exported']:>9,}": f"of {frames['run']:,}: {frames['changed']:,} relabelled, {frames['excluded']:,} "
        f"excluded; {frames['unsure']:,} unsure and {frames['disputed']:,} disputed keep their given label"
        + (f"; {frames['unlabelled']:,} have no label" if frames["unlabelled"] else ""),
        f"windows    {windows['exported']:>9,}": f"of {windows['run']:,}: {windows['changed']:,} relabelled, left out "
        f"{windows['left_out_mixed']:,} mixed and {windows['left_out_excluded']:,} with excluded frames"
        + (f"; {windows['unlabelled']:,} have no label" if windows["unlabelled"] else ""),
    }
    lines = [f"{count}   {what}" for count, what in counts.items()]
    if sheet["label_files"]:
        made = sheet["label_files"]
        lines.append(
            f"labels     {made['files']:>9,}   files: {made['unchanged']:,} clips unchanged, {made['corrected']:,} corrected, "
            f"{made['split']:,} cut into stretches, {made['left_out']:,} left out"
        )
    if decisions["orphans"]:
        lines.append(
            f"orphans    {decisions['orphans']:>9,}   decisions over frames that the run does not have: `audit status` lists them"
        )
    return [*lines, "", f"wrote {out}", f"next: read {out / 'DATASHEET.md'}; audit run {out / 'frames.parquet'} -w ANOTHER"]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
