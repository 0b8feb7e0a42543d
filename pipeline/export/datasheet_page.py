"""The datasheet as people read it: Markdown, and the lines that end `audit export`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["datasheet_page", "export_lines"]


def datasheet_page(sheet: Mapping[str, Any]) -> str:
    """Return a datasheet as Markdown."""
    source, run, decisions = sheet["source"], sheet["run"], sheet["decisions"]
    who = ", ".join(f"{_cell(name)} ({count:,} events)" for name, count in decisions["reviewers"].items()) or "nobody"
    lines = ["# Datasheet", "", f"Written by {sheet['made_by']}, `audit export`.", ""]
    lines += _table(
        ("what", ""),
        [
            ("source", f"{_cell(source['path'])} ({source['format']}), hash `{source['hash']}`"),
            ("run", f"{run['name']}, pose-audit {run['version']}, code `{run['code']}`"),
            ("decisions", f"{decisions['events']:,} events, the newest of {decisions['newest'] or 'never'}"),
            ("reviewers", who),
            ("orphans", f"{decisions['orphans']:,} events over clips or frames that the run does not have, not applied"),
            ("blind labels", "count as reviews" if sheet["settings"]["include_blind"] else "do not count"),
            ("taxonomy", f"{sheet['taxonomy']['name'] or 'the labels as they stand'}, merge {sheet['taxonomy']['merge']}"),
        ],
    )
    lines += ["", "## Frames and windows", "", *_counts(sheet)]
    lines += ["", "## Classes", "", *_classes(sheet["classes"])]
    lines += ["", "## Changes", "", *_changes(sheet["changes"])]
    lines += ["", "## Error rates before review", "", *_error_rates(sheet["error_rates"])]
    lines += ["", "## Labels", "", *_labels(sheet["taxonomy"]["labels"])]
    if sheet["label_files"]:
        lines += ["", "## Label files", "", *_table(("clips", "number"), [(k, f"{v:,}") for k, v in _label_files(sheet)])]
    lines += ["", "## Files", "", "`SHA256SUMS` has the hash of every file; `sha256sum --check SHA256SUMS` compares them.", ""]
    files = [(f"`{name}`", f"{f['rows']:,}", f"{f['bytes']:,}", f"`{f['sha256']}`") for name, f in sheet["files"].items()]
    return "\n".join([*lines, *_table(("file", "rows", "bytes", "SHA-256"), files)]) + "\n"


def export_lines(sheet: Mapping[str, Any], *, out: Path) -> list[str]:
    """Return the end of `audit export`: what was written, what was left out, and what to type next."""
    frames, windows, decisions = sheet["frames"], sheet["windows"], sheet["decisions"]
    told = {
        f"decisions  {decisions['events']:>9,}": f"of {len(decisions['reviewers'])} reviewers, over "
        f"{_percent(frames['reviewed_share'])} of the frames",
        f"frames     {frames['exported']:>9,}": f"of {frames['run']:,}: {frames['changed']:,} relabelled, {frames['excluded']:,} "
        f"excluded; {frames['unsure']:,} unsure and {frames['disputed']:,} disputed keep their given label"
        + (f"; {frames['unlabelled']:,} have no label" if frames["unlabelled"] else ""),
        f"windows    {windows['exported']:>9,}": f"of {windows['run']:,}: {windows['changed']:,} relabelled, left out "
        f"{windows['left_out_mixed']:,} mixed and {windows['left_out_excluded']:,} with excluded frames"
        + (f"; {windows['unlabelled']:,} have no label" if windows["unlabelled"] else ""),
    }
    lines = [f"{count}   {what}" for count, what in told.items()]
    if sheet["label_files"]:
        made = dict(_label_files(sheet))
        lines.append(
            f"labels     {made['files']:>9,}   files: {made['unchanged']:,} clips unchanged, {made['corrected']:,} corrected, "
            f"{made['split']:,} cut into stretches, {made['left out']:,} left out"
        )
    if decisions["orphans"]:
        lines.append(
            f"orphans    {decisions['orphans']:>9,}   decisions over frames that the run does not have: `audit status` lists them"
        )
    return [*lines, "", f"wrote {out}", f"next: read {out / 'DATASHEET.md'}; audit run {out / 'frames.parquet'} -w ANOTHER"]


def _counts(sheet: Mapping[str, Any]) -> list[str]:
    frames, windows = sheet["frames"], sheet["windows"]
    margin = sheet["settings"]["mixed_margin"]
    rows = [
        ("clips exported", f"{sheet['clips']['exported']:,} of {sheet['clips']['run']:,}"),
        ("frames exported", f"{frames['exported']:,} of {frames['run']:,}"),
        ("frames reviewed", f"{frames['reviewed']:,} ({_percent(frames['reviewed_share'])})"),
        ("frames relabelled", f"{frames['changed']:,}"),
        ("frames excluded", f"{frames['excluded']:,}"),
        ("frames unsure, given label kept", f"{frames['unsure']:,}"),
        ("frames disputed, given label kept", f"{frames['disputed']:,}"),
        ("exported frames without a label", f"{frames['unlabelled']:,}"),
        *((f"exported frames whose label is {name}", f"{count:,}") for name, count in frames["by_source"].items()),
        ("audited windows flagged by the run", f"{windows['flagged']:,} ({_percent(windows['flagged_share'])})"),
        ("windows exported", f"{windows['exported']:,} of {windows['run']:,}"),
        ("windows relabelled", f"{windows['changed']:,}"),
        ("exported windows without a label", f"{windows['unlabelled']:,}"),
        ("windows with several labels, exported", f"{windows['mixed']:,}"),
        (f"windows left out: no label leads by {margin:g} of the frames", f"{windows['left_out_mixed']:,}"),
        ("windows left out: excluded frames", f"{windows['left_out_excluded']:,}"),
    ]
    return _table(("what", "number"), rows)


def _classes(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = ("frames_before", "frames_after", "windows_before", "windows_after")
    rows = [(c["species"], c["label"], *(f"{c[name]:,}" for name in columns)) for c in classes]
    return _table(("species", "label", *(name.replace("_", " ") for name in columns)), rows)


def _changes(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    if not changes:
        return ["None."]
    rows = [
        (c["species"], c["from"] or "(no label)", c["to"] or "(excluded)", f"{c['spans']:,}", f"{c['frames']:,}") for c in changes
    ]
    return _table(("species", "from", "to", "spans", "frames"), rows)


def _error_rates(rates: Sequence[Mapping[str, Any]]) -> list[str]:
    told = "Expected: the mean chance of a wrong label, by the run. Observed: among the frames that were reviewed. Reviewers look"
    rows = [
        (
            r["species"],
            r["label"],
            f"{r['windows']:,}",
            f"{r['flagged']:,}",
            _percent(r["expected_wrong"]),
            f"{r['reviewed_frames']:,}",
            _percent(r["observed_wrong"]),
        )
        for r in rates
    ]
    heads = ("species", "given label", "windows", "flagged", "expected wrong", "frames reviewed", "observed wrong")
    return [f"{told} first where the run doubts, so the second says nothing of frames that nobody saw.", "", *_table(heads, rows)]


def _labels(labels: Mapping[str, Sequence[Any]]) -> list[str]:
    rows = [
        (species, x, "", "") if isinstance(x, str) else (species, x["name"], x["en"], x["ko"])
        for species, names in labels.items()
        for x in names
    ]
    return _table(("species", "label", "English", "Korean"), rows)


def _label_files(sheet: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(name.replace("_", " "), count) for name, count in sheet["label_files"].items()]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(_cell(c) for c in row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *body]


def _cell(value: str) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
