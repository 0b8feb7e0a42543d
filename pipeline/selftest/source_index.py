"""The audited data, indexed for injection: bouts of one label, and which frames each window covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import keypoints_of
from model.windowing import pose_radius
from pipeline.audit.bouts import FrameTimes, find_bouts
from pipeline.windows.frame_index import FrameIndex, given_labels
from pipeline.windows.sampling import clip_bounds

Rows = NDArray[np.int64]
Names = NDArray[np.object_]


@dataclass(frozen=True)
class SourceIndex:
    """Clips, frames and windows of a finished audit, indexed for injection. Nothing here is ever changed.

    Attributes
    ----------
    clips, frames, windows : DataFrame
        As the audit made them; ``windows`` only those that were audited and may carry injected errors, in the order of the clips.
    bounds : int64, shape (clips + 1,)
        Rows of ``frames`` where each clip starts, and the end.
    open : bool, shape (clips,)
        Clips that may carry errors or be donors: never of the hold-out, never of a class that takes no part.
    scale : float64, shape (clips,)
        Median pose radius of each clip in the units of the source; NaN where no pose is seen.
    label : object, shape (frames,)
        The label of every frame, its own or its clip's; None where a clip is labelled per frame and this frame is not.
    per_frame : bool
        Whether the source labels single frames.
    xy : float32, shape (frames, keypoints, 2)
        NaN where missing.
    first, last, clip : int64, shape (bouts,)
        First and last row and the clip of every bout: open frames of one audited label without a gap in time.
    begin, end : int64, shape (windows,)
        First row of each window, and the row after its last.
    target : dict
        The class that each audited (species, label) trains as.
    """

    clips: pd.DataFrame
    frames: pd.DataFrame
    windows: pd.DataFrame
    bounds: Rows
    open: NDArray[np.bool_]
    scale: NDArray[np.float64]
    label: Names
    per_frame: bool
    xy: NDArray[np.float32]
    first: Rows
    last: Rows
    clip: Rows
    begin: Rows
    end: Rows
    target: dict[tuple[str, str], str]
    max_gap_ms: float

    @cached_property
    def time(self) -> Rows:
        """Return the time of every frame in ms."""
        return self.frames["timestamp_ms"].to_numpy(np.int64)

    @cached_property
    def species(self) -> Names:
        """Return the species of every clip."""
        return self.clips["species"].to_numpy(object)

    @cached_property
    def group(self) -> Names:
        """Return the group of every clip."""
        return self.clips["subject_id"].to_numpy(object)

    @cached_property
    def bout_class(self) -> Rows:
        """Return a number for the species and class of every bout."""
        pairs = zip(self.species[self.clip], self.label[self.first], strict=True)
        return np.asarray(pd.factorize(pd.Index([f"{pair[0]}\0{self.target[pair]}" for pair in pairs]))[0], np.int64)

    @cached_property
    def bout_species(self) -> Rows:
        """Return a number for the species of every bout."""
        return np.asarray(pd.factorize(self.species)[0][self.clip], np.int64)

    @cached_property
    def bout_group(self) -> Rows:
        """Return a number for the group of every bout."""
        return np.asarray(pd.factorize(self.group)[0][self.clip], np.int64)

    @cached_property
    def lasting(self) -> Rows:
        """Return the time from the first to the last frame of every bout in ms."""
        return self.time[self.last] - self.time[self.first]

    def others(self, species: str, label: str) -> list[str]:
        """Return the audited labels of a species that train as another class than ``label``: only these can be classes apart."""
        own = self.target.get((species, label))
        return sorted(name for (s, name), target in self.target.items() if s == species and target != own)

    def covered(self, mask: NDArray[np.bool_], *, clip: int | None = None) -> Rows:
        """Return the windows of which more than half of the frames are in ``mask`` (shape (frames,)): of one clip, or of all."""
        at = slice(None) if clip is None else self._windows_of(clip)
        low, high = (0, len(mask)) if clip is None else self.bounds[clip : clip + 2]
        total = np.concatenate([[0], np.cumsum(mask[low:high])])
        begin, end = self.begin[at], self.end[at]
        held = total[end - low] - total[begin - low]
        return np.asarray(np.flatnonzero(2 * held > end - begin) + (at.start or 0), np.int64)

    def _windows_of(self, clip: int) -> slice:
        low, high = np.searchsorted(self.begin, self.bounds[clip : clip + 2])
        return slice(int(low), int(high))


def index_source(
    clips: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame, *, species: Iterable[str], max_gap_ms: float
) -> SourceIndex:
    """Index the tables of an audit for injection.

    Parameters
    ----------
    clips, frames, windows : DataFrame
        Frames lie in the order of the clips; windows carry their split.
    species : iterable of str
        The species that have data enough.
    max_gap_ms : float
        Frames further apart than this do not belong to one bout.
    """
    bounds = clip_bounds(clips)
    audited = windows[(windows["split"] == "audit") & windows["species"].isin(list(species))]
    classes = audited[["species", "label", "target"]].drop_duplicates()
    target = {(str(s), str(name)): str(t) for s, name, t in classes.itertuples(index=False)}
    is_open = clips["clip_id"].isin(audited["clip_id"]).to_numpy(bool)
    given = given_labels(clips, frames)
    label = given.astype(object).where(given.notna(), None).to_numpy(object)
    names = [f"{k}_{axis}" for k in keypoints_of(list(frames.columns)) for axis in ("x", "y")]
    xy = frames[names].to_numpy(np.float32).reshape(len(frames), -1, 2)
    bouts = find_bouts(pd.factorize(given)[0], FrameTimes.of(clips, frames), max_gap_ms=max_gap_ms)
    kind = zip(clips["species"].to_numpy(object)[bouts.clip], label[bouts.first], strict=True)
    kept = is_open[bouts.clip] & np.array([pair in target for pair in kind], bool)
    spans = FrameIndex.of_clips(clips, frames).spans_of(audited)
    order = np.argsort(spans.first, kind="stable")
    return SourceIndex(
        clips=clips,
        frames=frames,
        windows=audited.iloc[order].reset_index(drop=True),
        bounds=bounds,
        open=is_open,
        scale=_scales(xy, bounds),
        label=label,
        per_frame="frame_label" in frames and bool(frames["frame_label"].notna().any()),
        xy=xy,
        first=bouts.first[kept],
        last=bouts.last[kept],
        clip=bouts.clip[kept],
        begin=spans.first[order],
        end=spans.stop[order],
        target=target,
        max_gap_ms=max_gap_ms,
    )


def _scales(xy: NDArray[np.float32], bounds: Rows) -> NDArray[np.float64]:
    seen: NDArray[np.bool_] = np.isfinite(xy).all(axis=-1)  # type: ignore[assignment]
    radius = pose_radius(np.nan_to_num(xy), seen)
    parts = [radius[a:b][np.isfinite(radius[a:b])] for a, b in pairwise(bounds)]
    return np.array([np.median(p) if len(p) else np.nan for p in parts], np.float64)
