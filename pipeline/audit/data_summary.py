"""What was read: how much there is, how fast it was recorded, what its labels are, and what the windows make of them.

A pure function from the tables of the first two stages to figures that ``run.json`` keeps, so that whoever looks at a run reads
first whether it was read as it was meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from pipeline.audit.bouts import Bouts, Class, FrameTimes, bouts_in_windows, find_bouts, labels_of_frames
from pipeline.audit.window_fit import Fit, fit_to_bouts, fit_to_frames, too_sparse, window_seconds
from pipeline.readers.tables.pose_columns import pose_facts
from pipeline.windows.label_spans import labels_as_given


@dataclass(frozen=True)
class Rate:
    """Lowest, median and highest value over the clips, such as frames a second as the numbers of frames count them."""

    lowest: float
    median: float
    highest: float


@dataclass(frozen=True)
class WindowFigures:
    """Windows: samples a second, samples, and what a window spans in seconds and (of the median clip) in frame numbers.

    ``fit`` are windows that would fit ``sparse_clips``, the clips whose frames are too far apart for these.
    """

    count: int
    unlabelled: int
    hz: float
    steps: int
    seconds: float
    frames: int
    sparse_clips: int
    fit: Fit | None


@dataclass(frozen=True)
class ClassFigures:
    """A class of one species.

    Attributes
    ----------
    frames, bouts, clips, groups : int
        Frames with the label, stretches of it, and the clips and groups that show it.
    median_bout_s, median_bout_frames : float
        How long such a stretch is.
    windows, mixed : int
        Windows of the label, and those among them that hold other labels, too, and so train nothing.
    bouts_in_windows : int
        Bouts that reach into a window of their label.
    outvoted : bool
        The windows are too long for its bouts: fewer windows than one for two bouts are all of this label, or most bouts are in
        no window of it.
    fit : Fit or None
        Windows that are not too long for an outvoted class, if there are any.
    """

    species: str
    label: str
    frames: int
    bouts: int
    clips: int
    groups: int
    median_bout_s: float
    median_bout_frames: float
    windows: int
    mixed: int
    bouts_in_windows: int
    outvoted: bool
    fit: Fit | None


@dataclass(frozen=True)
class NoteCount:
    """A reason that was noted on reading, how often in all, and the places that it names, such as columns."""

    reason: str
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True)
class DataSummary:
    """What was read.

    Attributes
    ----------
    species : dict
        Clips of each.
    left_out : tuple of str
        Pairs of columns that look like keypoints, but are none by their names.
    groups : int
        What folds keep apart: ``group_by`` says what that is.
    animals : tuple of str
        Animals that the names of keypoints tell apart; empty where each clip shows one.
    seconds : float
        Length of all clips.
    frame_interval_ms : float
        Median time from a frame to the next that is there.
    counted : Rate
        Frames that the numbers of frames count, for each that is there.
    gaps : int
        Holes between frames that no window spans.
    labelled_frames : int
        Frames that somebody labelled; ``by_frame`` is whether each has a label of its own.
    rejected, notes : int
        Rows of these tables; ``noted`` sums the latter up.
    """

    clips: int
    recordings: int
    groups: int
    group_by: str
    species: dict[str, int]
    keypoints: tuple[str, ...]
    left_out: tuple[str, ...]
    animals: tuple[str, ...]
    frames: int
    seconds: float
    fps: Rate
    frame_interval_ms: float
    counted: Rate
    gaps: int
    by_frame: bool
    labelled_frames: int
    windows: WindowFigures
    classes: tuple[ClassFigures, ...]
    rejected: int
    notes: int
    noted: tuple[NoteCount, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return asdict(self)


def summarise_data(tables: Mapping[str, pd.DataFrame], *, config: Config) -> DataSummary:
    """Return what the tables of a run say was read.

    Parameters
    ----------
    tables : mapping of DataFrame
        ``clips``, ``frames``, ``rejected``, ``notes``, ``reviewed`` and ``windows``; there is at least one clip. Labels
        that review laid over windows are no part of what was read.
    """
    clips, frames = tables["clips"], tables["frames"]
    windows = labels_as_given(tables["windows"], clips, frames, tables["reviewed"])
    times, poses = FrameTimes.of(clips, frames), pose_facts(frames.columns, tables["notes"])
    classes, label = labels_of_frames(clips, frames)
    bouts = find_bouts(label, times, max_gap_ms=config.windows.max_gap_ms)
    frame_hz = 1000.0 / float(np.median(times.interval))
    fps = clips["fps"].to_numpy(np.float64)
    ends = times.bounds[1:] - 1
    return DataSummary(
        clips=len(clips),
        recordings=int(clips["recording_id"].nunique()),
        groups=clips.groupby(["species", "subject_id"]).ngroups,
        group_by=config.groups.by,
        species={str(k): int(v) for k, v in clips["species"].value_counts().sort_index().items()},
        keypoints=poses.keypoints,
        left_out=poses.left_out,
        animals=tuple(poses.animals),
        frames=len(frames),
        seconds=float((times.time[ends] - times.time[times.bounds[:-1]] + times.interval).sum() / 1000.0),
        fps=_range(fps),
        frame_interval_ms=float(np.median(times.interval)),
        counted=_range(times.interval * fps / 1000.0),
        gaps=int((times.steps > config.windows.max_gap_ms).sum()),
        by_frame="frame_label" in frames,
        labelled_frames=int((label >= 0).sum()),
        windows=_windows(windows, times, fps, config=config),
        classes=_classes(classes, bouts, tables, windows, frame_hz=frame_hz, config=config),
        rejected=len(tables["rejected"]),
        notes=len(tables["notes"]),
        noted=_noted(tables["notes"]),
    )


def _range(values: NDArray[np.float64]) -> Rate:
    return Rate(float(values.min()), float(np.median(values)), float(values.max()))


def _windows(windows: pd.DataFrame, times: FrameTimes, fps: NDArray[np.float64], *, config: Config) -> WindowFigures:
    asked = config.windows
    several = times.interval[np.diff(times.bounds) > 1]
    sparse = several[too_sparse(several, hz=asked.hz, max_gap_ms=asked.max_gap_ms)]
    fit = (
        fit_to_frames(float(np.median(sparse)), hz=asked.hz, steps=asked.steps, max_gap_ms=asked.max_gap_ms)
        if len(sparse)
        else None
    )
    seconds = window_seconds(asked.hz, asked.steps)
    return WindowFigures(
        count=len(windows),
        unlabelled=int(windows["label"].isna().sum()),
        hz=asked.hz,
        steps=asked.steps,
        seconds=round(seconds, 6),
        frames=max(1, round(seconds * float(np.median(fps)))),
        sparse_clips=len(sparse),
        fit=fit,
    )


def _classes(
    classes: list[Class],
    bouts: Bouts,
    tables: Mapping[str, pd.DataFrame],
    windows: pd.DataFrame,
    *,
    frame_hz: float,
    config: Config,
) -> tuple[ClassFigures, ...]:
    clips, asked = tables["clips"], config.windows
    in_windows = bouts_in_windows(bouts, clips, tables["frames"], windows, classes=classes)
    groups = pd.factorize(clips["subject_id"])[0]
    order = np.argsort(bouts.label, kind="stable")
    edges = np.searchsorted(bouts.label[order], np.arange(len(classes) + 1))
    sizes = windows.groupby(["species", "label"])["mixed"].agg(["size", "sum"]).reset_index()
    counted = {(s, n): (int(size), int(mixed)) for s, n, size, mixed in sizes.itertuples(index=False)}
    found = []
    for place, (species, label) in enumerate(classes):
        rows = order[edges[place] : edges[place + 1]]
        count, mixed = counted.get((species, label), (0, 0))
        held = int(in_windows[rows].sum())
        median = float(np.median(bouts.seconds[rows]))
        few = 2 * (count - mixed) < len(rows) or 2 * held < len(rows)
        outvoted = few and median * asked.hz < asked.steps
        found.append(
            ClassFigures(
                species=species,
                label=label,
                frames=int(bouts.frames[rows].sum()),
                bouts=len(rows),
                clips=len(np.unique(bouts.clip[rows])),
                groups=len(np.unique(groups[bouts.clip[rows]])),
                median_bout_s=round(median, 4),
                median_bout_frames=float(np.median(bouts.frames[rows])),
                windows=count,
                mixed=mixed,
                bouts_in_windows=held,
                outvoted=bool(outvoted),
                fit=fit_to_bouts(bouts.seconds[rows], hz=asked.hz, steps=asked.steps, frame_hz=frame_hz) if outvoted else None,
            )
        )
    return tuple(found)


def _noted(notes: pd.DataFrame) -> tuple[NoteCount, ...]:
    """Return what was noted, most often first: a row of the table is about one place in one file."""
    counts: Counter[str] = Counter()
    places: dict[str, dict[str, None]] = {}
    for place, reason in notes[["place", "reason"]].itertuples(index=False):
        repeated = re.fullmatch(r"(.*) \((\d+) times\)", reason, re.DOTALL)
        what = repeated[1] if repeated else reason
        counts[what] += int(repeated[2]) if repeated else 1
        places.setdefault(what, {}).update(dict.fromkeys([place] if place else []))
    return tuple(NoteCount(what, count, tuple(places[what])) for what, count in counts.most_common())
