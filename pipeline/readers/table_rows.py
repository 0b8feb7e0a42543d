"""The rows of a table, parted into clips and frames; what is wrong with a clip sets that clip aside, and only it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy, normal_name
from data_schemas.skeletons import choose_skeleton
from data_schemas.tables import CLIPS, keypoints_of, text
from pipeline.readers.checks import UNSIZED_LIMIT, frame_rate, mend_coordinates
from pipeline.readers.recordings import Remark, group_of

__all__ = ["CLIP_TEXT", "NO_SPECIES", "split_rows"]

CLIP_TEXT = ("label", "subject_id", "recording_id", "species", "breed", "gender", "date", "other_label")
"""Columns that say something of a clip as a whole, the same in all its rows."""

NO_SPECIES = "ANIMAL"
"""The species of clips that name none."""

_MOST = np.iinfo(np.int32).max


def split_rows(
    table: pd.DataFrame, *, config: Config, taxonomy: Taxonomy | None, rejected: list[Remark], notes: list[Remark]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows into clips and frames; what is wrong with a clip sets that clip aside, and only it."""
    source = str(table["_source"].iloc[0])
    table = _named_clips(table, source=source, rejected=rejected)
    codes, names = pd.factorize(table["clip_id"])
    number = _numbers(table["frame_number"])
    order = np.lexsort((number, codes))
    if (np.diff(order) < 0).any():
        notes.append(Remark(source, "", "rows were not in the order of clips and frames: sorted"))
    table, codes, number = table.iloc[order].reset_index(drop=True), codes[order], number[order]
    rate = _column(table, "fps")
    time = _column(table, "timestamp_ms") if "timestamp_ms" in table else number / np.where(rate > 0, rate, np.nan) * 1000
    points = keypoints_of([str(c) for c in table.columns])
    xy = _poses(table, points, config=config, source=source, notes=notes)

    bad = _Faults(table, codes, names.to_numpy(object))
    bad.where(
        ~np.isfinite(number) | (number % 1 != 0) | (number < 0) | (number > _MOST),
        "frame_number",
        "is not a frame number",
        number,
    )
    bad.where(~np.isfinite(time) | (time < 0) | (time > _MOST), "timestamp_ms", "is not a time in milliseconds", time)
    again = (np.diff(number, prepend=-1) == 0) & (np.diff(codes, prepend=-1) == 0)
    same = again & (np.diff(time, prepend=-1) == 0) & _same_as_before(xy)
    bad.where(again & ~same, "frame_number", "is told twice, in different ways", number)
    back = (np.diff(time, prepend=-1) <= 0) & (np.diff(codes, prepend=-1) == 0) & ~again
    bad.where(back, "timestamp_ms", "does not come after the frame before it", time)
    if same.any():
        notes.append(Remark(source, "frame_number", f"{int(same.sum())} frames were told twice, the same both times: kept once"))

    frame_label = _frame_labels(table, taxonomy, bad) if "frame_label" in table else None
    clips = _clips(table, codes, names.to_numpy(object), frame_label=frame_label, number=number, time=time, bad=bad)
    clips = _labelled(clips, config=config, taxonomy=taxonomy, bad=bad)
    rejected += bad.remarks
    keep = ~same & ~np.isin(codes, list(bad.clips))
    skeleton = choose_skeleton(points, wanted=config.pose.skeleton)
    frames = pd.DataFrame(
        {
            "clip_id": table["clip_id"].array[keep],
            "frame_number": np.nan_to_num(number[keep]).astype(np.int32),
            "timestamp_ms": np.rint(np.nan_to_num(time[keep])).astype(np.int32),
            **{f"{k}_{axis}": xy[keep, i, j] for i, k in enumerate(points) for j, axis in enumerate("xy")},
            **{
                f"{k}_confidence": table[f"{k}_confidence"].to_numpy(np.float32)[keep]
                for k in points
                if f"{k}_confidence" in table
            },
        }
    )
    if frame_label is not None:
        frames["frame_label"] = text(frame_label[keep])
    if "image" in table:
        frames["image"] = text(table["image"].to_numpy(object)[keep])
    clips = clips.drop(index=list(bad.clips)).reset_index(drop=True)
    counts = np.bincount(codes[keep], minlength=len(names))
    clips = clips.assign(frame_count=np.delete(counts, sorted(bad.clips)).astype(np.int32), skeleton=skeleton.name)
    return _typed(clips), frames


class _Faults:
    """The clips that are set aside, each with its first fault."""

    def __init__(self, table: pd.DataFrame, codes: NDArray[np.int64], names: NDArray[np.object_]) -> None:
        self._table, self._codes, self._names = table, codes, names
        self.clips: set[int] = set()
        self.remarks: list[Remark] = []

    def where(self, rows: NDArray[np.bool_], column: str, reason: str, values: NDArray[np.float64]) -> None:
        """Set aside the clips of these rows, naming the first row of each."""
        found = np.flatnonzero(rows)
        for row in found[np.unique(self._codes[found], return_index=True)[1]]:
            at = int(self._table["_row"].iloc[row])
            self.add(int(self._codes[row]), f"row {at}, column {column}", f"{values[row]:.15g} {reason}")

    def clips_at(self, rows: NDArray[np.bool_]) -> list[int]:
        """Return the clips of these rows."""
        return [int(c) for c in np.unique(self._codes[rows])]

    def add(self, clip: int, place: str, reason: str) -> None:
        """Set one clip aside."""
        if clip not in self.clips:
            self.clips.add(clip)
            first = int(np.searchsorted(self._codes, clip))
            source = str(self._table["_source"].iloc[first])
            self.remarks.append(Remark(source, place, f"clip {self._names[clip]}: {reason}"))


def _named_clips(table: pd.DataFrame, *, source: str, rejected: list[Remark]) -> pd.DataFrame:
    raw = table["clip_id"]
    known = {v: normal_name(str(v)) for v in raw.dropna().unique()}
    named = raw.map(known)
    missing = (named.isna() | (named == "")).to_numpy()
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        rejected.append(Remark(source, f"row {row}, column clip_id", f"{int(missing.sum())} rows name no clip"))
    table = table.assign(clip_id=text(named.to_numpy(object)), _row=np.arange(len(table)))
    return table[~missing].reset_index(drop=True)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan))


def _column(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return _numbers(table[name]) if name in table else np.full(len(table), np.nan)


def _poses(
    table: pd.DataFrame, points: Sequence[str], *, config: Config, source: str, notes: list[Remark]
) -> NDArray[np.float32]:
    xy = np.stack([np.stack([_numbers(table[f"{k}_{a}"]) for a in "xy"], axis=1) for k in points], axis=1)
    mended, remarks = mend_coordinates(xy, limit=UNSIZED_LIMIT)
    notes += [Remark(source, "", remark) for remark in remarks]
    for i, k in enumerate(points):
        if config.pose.min_confidence > 0 and f"{k}_confidence" in table:
            mended[~(_numbers(table[f"{k}_confidence"]) >= config.pose.min_confidence), i] = np.nan
    return mended


def _same_as_before(xy: NDArray[np.float32]) -> NDArray[np.bool_]:
    same = np.zeros(len(xy), bool)
    if len(xy) > 1:
        same[1:] = ((xy[1:] == xy[:-1]) | (np.isnan(xy[1:]) & np.isnan(xy[:-1]))).all(axis=(1, 2))
    return same


def _frame_labels(table: pd.DataFrame, taxonomy: Taxonomy | None, bad: _Faults) -> NDArray[np.object_]:
    codes, written = pd.factorize(table["frame_label"])
    species = table["species"].to_numpy(object) if "species" in table else np.full(len(table), NO_SPECIES, object)
    labels = np.array([normal_name(str(v)) for v in written] + [None], object)[codes]
    if taxonomy is None:
        return labels
    known = {(s, v): taxonomy.resolve(str(s), v) for s, v in set(zip(species, labels, strict=True)) if v is not None}
    for (s, v), label in known.items():
        if label is None:
            for clip in bad.clips_at((species == s) & (labels == v)):
                bad.add(clip, "column frame_label", f"unknown action {v!r} of {s}")
    return np.array([known.get((s, v)) if v is not None else None for s, v in zip(species, labels, strict=True)], object)


def _clips(
    table: pd.DataFrame,
    codes: NDArray[np.int64],
    names: NDArray[np.object_],
    *,
    frame_label: NDArray[np.object_] | None,
    number: NDArray[np.float64],
    time: NDArray[np.float64],
    bad: _Faults,
) -> pd.DataFrame:
    """Return what the rows of each clip say of it as a whole, refusing clips whose rows disagree."""
    first = np.searchsorted(codes, np.arange(len(names)))
    clips = pd.DataFrame(
        {
            "clip_id": names,
            "source": table["_source"].to_numpy(object)[first],
            "source_hash": table["_hash"].to_numpy(object)[first],
        }
    )
    for column in (*CLIP_TEXT, "age"):
        if column not in table:
            clips[column] = None
            continue
        values, written = pd.factorize(table[column])
        differs = values != values[first][codes]
        for row in np.flatnonzero(differs)[np.unique(codes[differs], return_index=True)[1]]:
            way = ": a label per frame belongs into the column frame_label" if column == "label" else ""
            bad.add(
                int(codes[row]), f"row {int(table['_row'].iloc[row])}, column {column}", f"{column} changes within the clip{way}"
            )
        told = np.array([normal_name(str(v)) for v in written] + [None], object)
        clips[column] = told[values[first]]
    if frame_label is not None and "label" not in table:
        held = pd.DataFrame({"clip": codes, "label": frame_label}).dropna()
        commonest = (
            held.groupby(["clip", "label"])
            .size()
            .reset_index(name="n")
            .sort_values(["clip", "n", "label"], ascending=[True, False, True])
        )
        by_clip = commonest.drop_duplicates("clip").set_index("clip")["label"]
        clips["label"] = [by_clip.get(c) for c in range(len(names))]
    if "fps" in table:
        clips["fps"] = _numbers(table["fps"])[first]
    else:
        last = np.append(first[1:], len(codes)) - 1
        clips["fps"] = [frame_rate(number[a : b + 1], time[a : b + 1]) for a, b in zip(first, last, strict=True)]
    return clips


def _labelled(clips: pd.DataFrame, *, config: Config, taxonomy: Taxonomy | None, bad: _Faults) -> pd.DataFrame:
    """Fill in species, group, recording and label of each clip."""
    facts = clips.astype(object).where(clips.notna(), None).to_dict("records")
    for clip, row in enumerate(facts):
        row["species"] = normal_name(row["species"]).upper() if row["species"] else NO_SPECIES
        label = row["label"]
        if not label:
            bad.add(clip, "column label", "no label")
        elif taxonomy and (resolved := taxonomy.resolve(row["species"], label)) is None:
            close = taxonomy.nearest_known(row["species"], label)
            near = f"; the nearest known is {close!r}" if close else ""
            bad.add(clip, "column label", f"unknown action {label!r} of {row['species']}{near}")
        elif taxonomy:
            row["label"] = resolved
        known = row["subject_id"] or row["recording_id"]
        row["recording_id"] = row["recording_id"] or row["subject_id"] or row["clip_id"]
        group = group_of(row, animal=(known,), config=config)
        if isinstance(group, Remark):
            bad.add(clip, "column subject_id", group.reason)
        row["subject_id"] = "" if isinstance(group, Remark) else group
    return pd.DataFrame(facts, columns=clips.columns)


def _typed(clips: pd.DataFrame) -> pd.DataFrame:
    numbers = {"fps": "float64", "age": "float64", "frame_count": "int32"}
    typed = {c: text(clips[c].to_numpy(object)) for c in CLIPS.columns if c not in numbers}
    return clips.assign(**typed, age=pd.to_numeric(clips["age"], errors="coerce"))[list(CLIPS.columns)].astype(numbers)
