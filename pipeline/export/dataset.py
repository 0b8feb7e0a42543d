"""From a run and its review events to a folder with the cleaned dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data_schemas.config import Config, Export, load_config
from data_schemas.errors import TooFewDataError, UsageError
from data_schemas.progress import Progress
from data_schemas.tables import CHANGES, CLEAN_FRAMES, CLEAN_WINDOWS, CLIPS, ISSUES, SEGMENTS, WINDOWS
from pipeline.audit.rounds import earlier_rounds
from pipeline.export.aihub import write_label_files
from pipeline.export.changes import list_changes
from pipeline.export.datasheet import ExportTables, datasheet
from pipeline.export.datasheet_page import datasheet_page
from pipeline.export.placing import placed_folder, refuse_place, write_sums
from pipeline.export.tables import WrittenTable, clean_frames, write_parts
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.review.access import frames_of, stored_events
from pipeline.review.frame_labels import clip_labels, review_frames
from pipeline.review.window_labels import clean_windows
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_ROWS = 2**17
"""Frames that are held at a time."""


@dataclass(frozen=True)
class _ReviewedTables:
    """A run's tables after review."""

    events: pd.DataFrame
    clips: pd.DataFrame
    after: pd.DataFrame
    changes: pd.DataFrame


def export_dataset(
    place: Workspace, out: Path, *, settings: Export, force: bool = False, report: Progress | None = None
) -> dict[str, Any]:
    """Write the newest finished run with all decisions applied, and return its datasheet.

    Parameters
    ----------
    place
        The workspace.
    out
        The folder to write; it appears whole or not at all.
    settings
        The section ``export`` of the configuration.
    force
        Write even where something else lies at ``out``: that is moved aside.
    report
        Called with the frames written so far, and all.

    Raises
    ------
    StageError
        There is no finished run; for label files, the source was changed since.
    UsageError
        ``out`` holds something else, or label files are asked for where the source has none.
    TooFewDataError
        Every frame is excluded.
    WorkspaceError
        The disk refuses.
    """
    folder = place.finished()
    record = folder.record()
    if settings.aihub and record.get("format") != "aihub59":
        raise UsageError(
            f"the source of this run is a {record.get('format')}, which has no AI-Hub label files",
            hint="leave --aihub (export.aihub) out: frames.parquet holds the labels",
        )
    refuse_place(out, workspace=place.root, source=Path(record["source"]))
    config = load_config(None, overrides=record["config"])
    reviewed = _reviewed(folder, stored_events(place), blind=settings.include_blind)
    with placed_folder(out, force=force) as part:
        sheet = _write(part, folder, reviewed, config=config, settings=settings, report=report)
        (part / "datasheet.json").write_text(json.dumps(sheet, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        (part / "DATASHEET.md").write_text(datasheet_page(sheet), encoding="utf-8")
        write_sums(part)
    return sheet


def _reviewed(folder: RunFolder, events: pd.DataFrame, *, blind: bool) -> _ReviewedTables:
    clips = folder.read_table("clips", CLIPS)
    after = review_frames(events, frames_of(folder), blind=blind)
    if after["excluded"].all():
        raise TooFewDataError(
            "reviewers excluded every frame: nothing is left to export", hint="undo an exclusion in the History"
        )
    # What was decided in an earlier round lies in no segment any more.
    found = [earlier.read_table("segments", SEGMENTS) for earlier in earlier_rounds(folder)]
    segments = pd.concat([*found, folder.read_table("segments", SEGMENTS)], ignore_index=True)
    changes = list_changes(after, events, segments, clips)
    return _ReviewedTables(events, clips.assign(label=clip_labels(clips, after)), after, changes)


def _write(
    part: Path, folder: RunFolder, reviewed: _ReviewedTables, *, config: Config, settings: Export, report: Progress | None
) -> dict[str, Any]:
    taxonomy = taxonomy_of(str(folder.record()["format"]), config)
    run_windows = folder.read_table("windows", WINDOWS)
    clean = clean_windows(run_windows, reviewed.after, margin=settings.mixed_margin, merge=config.labels.merge, taxonomy=taxonomy)
    written: list[WrittenTable] = [
        write_parts(part, "frames", _frames(folder, reviewed, report), schema=CLEAN_FRAMES, csv=settings.csv),
        write_parts(part, "windows", [clean.table], schema=CLEAN_WINDOWS, csv=settings.csv),
        write_parts(part, "changes", [reviewed.changes], schema=CHANGES, csv=settings.csv),
    ]
    label_files = None
    if settings.aihub:
        label_files = write_label_files(part / "aihub", folder, reviewed.clips, reviewed.after, taxonomy=taxonomy)
    exported = ExportTables(
        events=reviewed.events,
        clips=reviewed.clips,
        after=reviewed.after,
        changes=reviewed.changes,
        run_windows=run_windows,
        windows=clean,
        issues=folder.read_table("issues", ISSUES),
        written=written,
        label_files=label_files,
    )
    return datasheet(exported, folder, part, config=config, settings=settings, taxonomy=taxonomy)


def _frames(folder: RunFolder, reviewed: _ReviewedTables, report: Progress | None) -> Iterator[pd.DataFrame]:
    start = 0
    for frames in folder.read_batches("frames", rows=_ROWS):
        rows = reviewed.after.iloc[start : start + len(frames)].reset_index(drop=True)
        start += len(frames)
        yield clean_frames(frames, rows, reviewed.clips)
        if report is not None:
            report(start, len(reviewed.after))
