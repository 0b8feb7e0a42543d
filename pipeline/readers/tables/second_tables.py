"""Tables without poses beside tables with poses: labels a frame or a clip, joined to the poses where it is clear how.

| a table without keypoints | outcome |
|---|---|
| with clip_id and frame_number | its columns are joined frame by frame; ``label`` becomes ``frame_label`` |
| with clip_id alone | its columns are joined clip by clip |
| says two things of one frame or clip, or something else than the table of poses | it is rejected |
| names no clip of the poses | it is rejected |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from data_schemas.tables import keypoints_of
from pipeline.readers.checks import Unreadable
from pipeline.readers.names import plain_name
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.tables.table_files import CLIP_TEXT, TableFile, renamed

NO_POSES = "has no keypoint: poses and labels must stand in one table, in the same rows"
"""Why a table is rejected that could not be joined."""

_OF_A_FRAME = ("frame_label", "label_source", "image", "timestamp_ms")
_CLIP, _FRAME = "clip_id", "frame_number"


def joined_tables(files: Sequence[TableFile]) -> tuple[list[TableFile], list[ReaderMessage], list[ReaderMessage]]:
    """Return the tables, those with poses with what the others say of their frames; messages on those rejected; and notes."""
    posed = [f for f in files if keypoints_of(f.columns) and {_CLIP, _FRAME} <= {*f.rows}]
    second = [f for f in files if not keypoints_of(f.columns) and _CLIP in f.rows and _known_columns(f) and not f.rows.empty]
    if not posed or not second:
        return list(files), [], []
    rejected: list[ReaderMessage] = []
    notes: list[ReaderMessage] = []
    for columns in dict.fromkeys(tuple(f.rows) for f in second):
        # Files with the same columns are parts of one table.
        parts = [f for f in second if tuple(f.rows) == columns]
        name = ", ".join(f.name for f in parts[:3])
        try:
            posed, note = _joined(posed, pd.concat([f.rows for f in parts], ignore_index=True))
            notes.append(ReaderMessage(name, "", note))
        except Unreadable as error:
            rejected += [ReaderMessage(f.name, error.place, f"{NO_POSES} ({error.reason})") for f in parts]
    by_name = {f.name: f for f in posed}
    rest = [by_name.get(f.name, f) for f in files if not any(f is other for other in second)]
    notes += [note for f in second for note in f.notes]
    return rest, [*rejected, *(message for f in second for message in f.rejected)], notes


def _known_columns(file: TableFile) -> list[str]:
    return [c for c in (*CLIP_TEXT, *_OF_A_FRAME, "fps") if c in file.rows]


def _joined(posed: Sequence[TableFile], table: pd.DataFrame) -> tuple[list[TableFile], str]:
    by_frame = _FRAME in table
    keys = [_CLIP, _FRAME] if by_frame else [_CLIP]
    if by_frame and "label" in table and "frame_label" not in table:
        table = table.rename(columns={"label": "frame_label"})
    table = _with_plain_keys(table, keys)
    of_frames = [c for c in _OF_A_FRAME if c in table] if by_frame else []
    of_clips = [str(c) for c in table if c not in (*keys, *of_frames)]
    frames, clips = _one_row_each(table, keys, of_frames), _one_row_each(table, [_CLIP], of_clips)
    found = rows = 0
    posed_keys: list[pd.DataFrame] = []
    done: list[TableFile] = []
    for file in posed:
        own = _with_plain_keys(file.rows, [_CLIP, _FRAME])
        added = own[[_CLIP, _FRAME]].merge(frames if by_frame else clips, on=keys, how="left", indicator="_in")
        if by_frame and of_clips:
            added = added.merge(clips, on=_CLIP, how="left")
        found += int((added.pop("_in") == "both").sum())
        rows += len(own)
        posed_keys.append(own[keys])
        done.append(_with_columns(file, added.drop(columns=[_CLIP, _FRAME])))
    if not found:
        some = ", ".join(repr(name) for name in table[_CLIP].dropna().unique()[:2].tolist())
        raise Unreadable("column clip_id", f"none of its clips, such as {some}, has poses")
    what = ", ".join([*of_frames, *of_clips])
    note = f"{what}: joined to the poses by {' and '.join(keys)}; it covers {found} of their {rows} rows"
    return done, note + _without_poses(frames if by_frame else clips, pd.concat(posed_keys), keys)


def _without_poses(said: pd.DataFrame, posed: pd.DataFrame, keys: list[str]) -> str:
    """Return, to be added to the note, how many frames or clips a table covers that have no pose, and the first of them."""
    there = said[keys].merge(posed.drop_duplicates(), on=keys, how="left", indicator="_in")["_in"] == "both"
    lost = said[~there.to_numpy()]
    if lost.empty:
        return ""
    clip, *frame = lost[keys].iloc[0]
    first = f"clip {clip}" + (f", frame {frame[0]:g}" if frame else "")
    what = "frames" if frame else "clips"
    return f"; {len(lost)} of the {len(said)} {what} that it covers have no pose, the first is {first}"


def _with_plain_keys(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return a table whose clips are named as they are compared, and whose frames are numbers."""
    changed = {_CLIP: renamed(table[_CLIP])}
    if _FRAME in keys:
        changed[_FRAME] = pd.to_numeric(table[_FRAME], errors="coerce").astype("float64")
    return table.assign(**changed)


def _one_row_each(table: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """Return what a table says of each frame, or of each clip, once.

    Raises
    ------
    Unreadable
        It says two things.
    """
    said = table.dropna(subset=keys)[[*keys, *columns]].drop_duplicates()
    again = said.duplicated(keys)
    if again.any():
        row = said[again].iloc[0]
        where = f"frame {row[_FRAME]:g} of clip {row[_CLIP]}" if _FRAME in keys else f"clip {row[_CLIP]}"
        same = said[(said[keys] == row[keys]).all(axis=1)]
        differing = [c for c in columns if len(same[c].drop_duplicates()) > 1]
        raise Unreadable("", f"{where} has several rows that differ in {', '.join(differing)}")
    return said


def _with_columns(file: TableFile, added: pd.DataFrame) -> TableFile:
    """Return a table of poses with further columns; what it says itself stays, and must not be contradicted."""
    joined = {str(name): added[name].set_axis(file.rows.index) for name in added}
    for name in [name for name in joined if name in file.rows]:
        own, other = file.rows[name], joined[name]
        row = _first_difference(own, other)
        if row is not None:
            where = f"where {file.name}, row {row}, says {own.iloc[row]!r}"
            raise Unreadable(f"column {name}", f"says {other.iloc[row]!r} {where}")
        joined[name] = own.where(own.notna(), other)
    return replace(file, columns=tuple(dict.fromkeys([*file.columns, *joined])), rows=file.rows.assign(**joined))


def _first_difference(one: pd.Series, other: pd.Series) -> int | None:
    """Return the first row in which two columns say something, and not the same."""
    both = np.flatnonzero((one.notna() & other.notna()).to_numpy())
    pairs = pd.DataFrame({"one": one.iloc[both].array, "other": other.iloc[both].array})
    differing = [
        pair for pair in pairs.drop_duplicates().itertuples(index=False) if plain_name(pair.one) != plain_name(pair.other)
    ]
    if not differing:
        return None
    first = (pairs["one"] == differing[0].one) & (pairs["other"] == differing[0].other)
    return int(both[first.to_numpy().argmax()])
