"""The copy that errors are planted in, and the record of where they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import CLIPS, FRAMES, keypoints_of, text, validate
from pipeline.selftest.ground import Ground

__all__ = ["Copy", "Planted"]

_APART_MS = 500
_SPAN_COLUMNS = ["clip_id", "start_frame", "end_frame", "kind", "given_label", "true_label", "elsewhere"]


@dataclass(frozen=True)
class Planted:
    """A copy with errors.

    Attributes
    ----------
    clips, frames : DataFrame
        With the same rows as the data they were made from.
    spans : DataFrame
        A row for each stretch: ``clip_id``, ``start_frame``, ``end_frame`` (inclusive), ``kind``, ``given_label`` (the wrong
        one), ``true_label`` (the label that the poses had before), ``elsewhere`` (whether the poses came from another group).
    windows : DataFrame
        ``window_id`` and ``true_label`` of every audited window of which more than half of the frames are planted.
    """

    clips: pd.DataFrame
    frames: pd.DataFrame
    spans: pd.DataFrame
    windows: pd.DataFrame


class Copy:
    """What planting changes: labels and poses, and the record of it."""

    def __init__(self, ground: Ground, kind: str) -> None:
        self.ground, self.kind, self.time = ground, kind, ground.time
        self.label, self.clip_label = ground.label.copy(), ground.clips["label"].to_numpy(object).copy()
        self.xy = ground.xy.copy()
        self.truth: NDArray[np.object_] = np.full(len(ground.label), None, object)
        self.wrong, self.taken = np.zeros((2, len(ground.label)), bool)
        self.windows = 0
        self.spans: list[dict[str, object]] = []

    def mark(self, clip: int, rows: slice, *, given: str, true: str, elsewhere: bool = False) -> None:
        """Write down that ``rows`` carry ``given`` from now on, though their poses are ``true``; their surroundings are taken."""
        before = len(self.ground.covered(self.wrong, clip=clip))
        self.truth[rows], self.label[rows], self.wrong[rows] = true, given, True
        self.windows += len(self.ground.covered(self.wrong, clip=clip)) - before
        low, high = self.ground.bounds[clip : clip + 2]
        margin = self.time[rows.start] - _APART_MS, self.time[rows.stop - 1] + _APART_MS + 1
        near = low + np.searchsorted(self.time[low:high], margin)
        self.taken[near[0] : near[1]] = True
        number = self.ground.frames["frame_number"]
        span = {"start_frame": int(number.iloc[rows.start]), "end_frame": int(number.iloc[rows.stop - 1])}
        words = {"kind": self.kind, "given_label": given, "true_label": true, "elsewhere": elsewhere}
        self.spans.append({"clip_id": self.ground.clips["clip_id"].iloc[clip], **span, **words})

    def planted(self) -> Planted:
        """Return the copy as tables."""
        ground = self.ground
        names = [f"{k}_{axis}" for k in keypoints_of(list(ground.frames.columns)) for axis in ("x", "y")]
        flat = self.xy.reshape(len(self.xy), -1)
        frames = ground.frames.assign(**{name: flat[:, i] for i, name in enumerate(names)})
        spans = pd.DataFrame(self.spans, columns=_SPAN_COLUMNS)
        if ground.per_frame or self.kind == "flips":
            touched = frames["clip_id"].isin(spans["clip_id"]).to_numpy(bool)
            label: NDArray[np.object_] = np.full(len(frames), None, object)
            if ground.per_frame:
                known = frames["frame_label"].notna().to_numpy(bool)
                label[known] = frames["frame_label"].to_numpy(object)[known]
            label[touched] = self.label[touched]
            frames = frames.assign(frame_label=text(label))
        covered = ground.covered(self.wrong)
        true = [_commonest(self.truth[a:b]) for a, b in zip(ground.begin[covered], ground.end[covered], strict=True)]
        return Planted(
            clips=validate(ground.clips.assign(label=text(self.clip_label)), CLIPS, source="planted clips"),
            frames=validate(frames, FRAMES, source="planted frames"),
            spans=spans,
            windows=pd.DataFrame({"window_id": ground.windows["window_id"].array[covered], "true_label": text(true)}),
        )


def _commonest(names: NDArray[np.object_]) -> str:
    return str(Counter(n for n in names if n is not None).most_common(1)[0][0])
