"""From tables, whatever format they come from, to recordings: labels joined to poses, columns checked, clips distinguished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data_schemas.confidences import CONFIDENCES, confidence_columns
from data_schemas.config import Config
from data_schemas.errors import ConfigError, SourceError
from data_schemas.labels import Taxonomy, nearest
from data_schemas.skeletons import Skeleton, choose_skeleton
from data_schemas.tables import CLIPS, FRAMES, keypoints_of, validate
from pipeline.readers.recordings import ReaderMessage, Recordings, messages_table
from pipeline.readers.tables.label_spelling import one_spelling
from pipeline.readers.tables.pose_columns import (
    NOT_A_KEYPOINT,
    computed_keypoints,
    likely_keypoints,
)
from pipeline.readers.tables.second_tables import NO_POSES, joined_tables
from pipeline.readers.tables.table_files import NAMED, TableFile, TableFiles
from pipeline.readers.tables.table_rows import split_rows

_NAMED_COLUMNS, _LONGEST = 8, 60
"""Columns that a message names, and as many letters of each: of a file that is no table the first line is one."""


def recordings_of(tables: Sequence[TableFiles], *, config: Config, taxonomy: Taxonomy | None) -> Recordings:
    """Return the recordings that tables hold together: poses, and labels in the same tables or in others.

    Parameters
    ----------
    tables : sequence of TableFiles
        Those of each format.

    Raises
    ------
    SourceError
        A column that is needed is missing, or there is no table.
    ConfigError
        ``pose.skeleton`` cannot be read, or names a keypoint that the tables lack.
    """
    files = [file for found in tables for file in found.files]
    rejected = [message for found in tables for message in found.rejected]
    notes = [message for found in tables for message in found.notes]
    source = files[0].name if len(files) == 1 else "tables"
    files, unjoined, joined = joined_tables(files)
    rejected += unjoined
    files = _of_frames(files, rejected)
    if not files:
        why = _reasons([*rejected, *notes]) or "no table"
        raise SourceError(why, hint="give Parquet or CSV with one row a frame; docs/data-formats.md shows the columns")
    columns = list(dict.fromkeys(c for file in files for c in file.columns))
    apart = [message for message in rejected if message.reason.startswith(NO_POSES)]
    _require_columns(columns, source=source, config=config, apart=apart)
    named, likely = keypoints_of(columns), likely_keypoints(columns)
    # Who names a keypoint means it, whatever it sounds like.
    skeleton = skeleton_of_table(likely if config.pose.skeleton == "auto" else named, config)
    _require_confidences(columns, skeleton, config=config, source=source)
    notes = [*notes, *joined, *(note for file in files for note in file.notes)]
    if taxonomy is None:
        files, respelled = one_spelling(files, source=source)
        notes += respelled
    notes += [ReaderMessage(source, k, _why_unused(k, likely)) for k in named if k not in skeleton.keypoints]
    notes += _keypoint_notes(columns, skeleton, config=config, source=source)
    rejected += [message for file in files for message in file.rejected]
    clips, frames = split_rows(files, skeleton=skeleton, config=config, taxonomy=taxonomy, rejected=rejected, notes=notes)
    return Recordings(
        clips=validate(clips, CLIPS, source=source),
        frames=validate(frames, FRAMES, source=source),
        rejected=messages_table(rejected),
        notes=messages_table(notes),
        skeleton=skeleton,
        taxonomy=taxonomy,
    )


def _reasons(messages: Iterable[ReaderMessage]) -> str:
    """Return why nothing could be read: each reason once, with the first file that it is true of."""
    files: dict[str, list[str]] = {}
    for message in messages:
        files.setdefault(message.reason, []).append(message.file)
    more = {reason: f" and {len(names) - 1} more" if len(names) > 1 else "" for reason, names in files.items()}
    return "; ".join(f"{files[reason][0]}{more[reason]}: {reason}" for reason in list(files)[:3])


def skeleton_of_table(points: Sequence[str], config: Config) -> Skeleton:
    """Return the skeleton that the user names, else the built-in one with these keypoints, else the keypoints alone.

    Raises
    ------
    ConfigError
        ``pose.skeleton`` cannot be read, or names a keypoint that the table lacks.
    """
    skeleton = choose_skeleton(points, wanted=config.pose.skeleton)
    lacking = [k for k in skeleton.keypoints if k not in points]
    if lacking:
        raise ConfigError(
            f"pose.skeleton: {config.pose.skeleton} does not fit the table: no columns {lacking[0]}_x and {lacking[0]}_y",
            hint=f"the table's keypoints are {', '.join(points)}; name these, or leave pose.skeleton at auto",
        )
    return skeleton


def _why_unused(keypoint: str, likely: Sequence[str]) -> str:
    return "keypoint not in pose.skeleton: ignored" if keypoint in likely else NOT_A_KEYPOINT


def _keypoint_notes(columns: Sequence[str], skeleton: Skeleton, *, config: Config, source: str) -> list[ReaderMessage]:
    """Return notes on keypoints that look computed, and on confidences that are named otherwise or missing."""
    confidences = confidence_columns(columns, skeleton.keypoints)
    notes = [
        ReaderMessage(source, k, "looks computed from other keypoints: taken for one of them")
        for k in computed_keypoints(skeleton.keypoints)
    ]
    other = [column for name, column in confidences.items() if column != f"{name}_confidence"]
    notes += [ReaderMessage(source, column, "read as the confidence of its keypoint") for column in other]
    lacking = [k for k in skeleton.keypoints if k not in confidences]
    if config.pose.min_confidence > 0 and lacking:
        notes.append(
            ReaderMessage(
                source, "", f"pose.min_confidence: no confidence column of {', '.join(lacking)}: taken as seen wherever they are"
            )
        )
    return notes


def _require_confidences(columns: Sequence[str], skeleton: Skeleton, *, config: Config, source: str) -> None:
    if config.pose.min_confidence > 0 and not confidence_columns(columns, skeleton.keypoints):
        raise ConfigError(
            f"pose.min_confidence = {config.pose.min_confidence:g}, but {source} has no keypoint confidences",
            hint=f"name it NAME_confidence (or {', '.join(f'NAME_{end}' for end in CONFIDENCES[1:])}), as in "
            f"{skeleton.keypoints[0]}_confidence, or leave pose.min_confidence at 0",
        )


def _of_frames(files: list[TableFile], rejected: list[ReaderMessage]) -> list[TableFile]:
    """Return the tables that hold frames; where some do, others that hold none, or no row, are rejected."""
    some = any({"clip_id", "frame_number"} <= set(f.columns) for f in files)
    posed = any(keypoints_of(f.columns) for f in files)
    kept = []
    for file in files:
        missing = [c for c in ("clip_id", "frame_number") if c not in file.columns]
        if some and missing:
            rejected.append(ReaderMessage(file.name, "", f"not a table of frames: column {missing[0]} is missing"))
        elif not missing and file.rows.empty:
            rejected.append(ReaderMessage(file.name, "", "the table has no row"))
        elif posed and not keypoints_of(file.columns):
            rejected.append(ReaderMessage(file.name, "", NO_POSES))
        else:
            kept.append(file)
    return kept


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - _NAMED_COLUMNS} more" if len(columns) > _NAMED_COLUMNS else ""
    return ", ".join(repr(column[:_LONGEST]) for column in columns[:_NAMED_COLUMNS]) + more


def _require_columns(columns: Sequence[str], *, source: str, config: Config, apart: Sequence[ReaderMessage]) -> None:
    needed: list[tuple[str, ...]] = [("clip_id",), ("frame_number",), ("timestamp_ms", "fps")]
    if config.labels.missing == "reject":
        needed.append(("label", "frame_label"))
    if config.groups.missing == "reject" and config.groups.by != "clip":
        needed.append(("recording_id",) if config.groups.by == "recording" else ("subject_id", "recording_id"))
    for choices in needed:
        if not set(choices) & set(columns):
            close = next((n for c in choices if (n := nearest(c, [k for k in columns if k not in NAMED], cutoff=0.7))), None)
            why = (
                " (the group of the folds; or set groups.by or groups.missing in audit.toml)" if "recording_id" in choices else ""
            )
            if apart:
                why += f"; {'; '.join(f'{message.file} {message.reason}' for message in apart[:3])}"
            raise SourceError(
                f"{source}: column {' or '.join(choices)} is missing{why}; its columns are {_listed(columns)}",
                hint=f"is it called {close!r}? Rename it to {choices[0]}"
                if close
                else "docs/data-formats.md shows the columns of a table",
            )
    if not likely_keypoints(columns) and not (keypoints_of(columns) and config.pose.skeleton != "auto"):
        raise SourceError(
            f"{source}: no keypoint: expected columns such as nose_x and nose_y, got {_listed(columns)}",
            hint="name every keypoint's coordinates NAME_x and NAME_y",
        )
