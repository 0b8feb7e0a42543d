"""Which other clips look like a segment: nearest neighbours in an embedding of windows, for comparison beside its label.

A window is embedded by what the audit itself reads: the square roots of its out-of-fold class probabilities, whose Euclidean
distance is Hellinger's, beside the principal components of its standardised summaries (:mod:`model.summaries`). Both halves
weigh the same. The hidden states of the networks are not kept with a run, so they take no part.

Candidates are windows whose label people confirmed, else windows of high label quality. At most :data:`MOST_CLIPS` clips a
species are looked at, drawn with a seed, so that the first answer takes seconds whatever the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import PROBABILITY_PREFIX
from model.summaries import measure_windows
from pipeline.windows.frame_index import FrameIndex
from pipeline.windows.sampling import clip_bounds, sample_clips

MOST_CLIPS = 400
"""Clips of a species that are embedded."""

_COMPONENTS = 24
_BLOCKS = ("distance", "turning", "spread", "trend", "own_speed", "body_speed")
_FARTHEST = 4.0
_LEAST_VARIANCE = 0.05
"""Where the models say the same of all windows, motion alone must tell them apart."""
_SURE = 0.6
"""Label quality from which an unconfirmed window may stand for its class."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbour:
    """A stretch of another clip that looks alike, with the label that it carries, and whether people confirmed that label."""

    clip_id: str
    start_frame: int
    end_frame: int
    label: str
    confirmed: bool
    distance: float


class Neighbourhood:
    """The embedded windows of one species of a run.

    Parameters
    ----------
    tables : mapping of table names to DataFrames
        clips, frames, windows, oof and issues of a run.
    species
        Neighbours are sought within a species: the classes of another differ.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], *, species: str, config: Config, seed: int = 0) -> None:
        self._clips, self._frames, self._config = tables["clips"], tables["frames"], config
        self._bounds = clip_bounds(self._clips)
        self._row = {name: i for i, name in enumerate(self._clips["clip_id"])}
        windows = tables["windows"]
        shown = windows.loc[windows["species"] == species, ["window_id", "clip_id", "start_frame", "end_frame", "bad_pose"]]
        issues = tables["issues"][["window_id", "given_label", "label_quality", "is_issue"]]
        # Windows without a label are in no issue, and stand beside others all the same once people have labelled them.
        self._windows = shown.merge(issues, on="window_id", how="left").merge(tables["oof"], on="window_id")
        names = [c for c in self._windows.columns if c.startswith(PROBABILITY_PREFIX)]
        self._classes = [c for c in names if self._windows[c].notna().any()]
        self._candidates = self._chosen(seed=seed)
        measured = self._measured(self._candidates)
        self._centre, self._spread = measured.mean(axis=0), measured.std(axis=0) + 1e-3
        self._axes = _principal_axes(self._standardised(measured))
        projected = self._standardised(measured) @ self._axes
        opinions = max(_variance(self._opinions(self._candidates)), _LEAST_VARIANCE)
        self._weight = np.sqrt(opinions / max(_variance(projected), 1e-9))
        self._points = self._joined(self._candidates, measured)

    def confirm(self, confirmed: pd.DataFrame) -> None:
        """Let these windows, as :func:`confirmed_windows` gives them, carry the label that people gave them, and no others.

        Windows that are not candidates yet become candidates.
        """
        labels = confirmed.set_index("window_id")["label"]
        fresh = self._windows[
            self._windows["window_id"].isin(labels.index) & ~self._windows["window_id"].isin(self._candidates["window_id"])
        ]
        if len(fresh):
            self._points = np.concatenate([self._points, self._joined(fresh, self._measured(fresh))])
            added = fresh.assign(label=fresh["given_label"], confirmed=False, sure=False)
            self._candidates = pd.concat([self._candidates, added], ignore_index=True)
        given = self._candidates["window_id"].map(labels).astype("str")
        self._candidates["label"] = given.fillna(self._candidates["given_label"])
        self._candidates["confirmed"] = given.notna()

    def nearest(self, clip_id: str, start_frame: int, end_frame: int, *, count: int = 3) -> list[Neighbour]:
        """Return the stretches that look most like this one, confirmed ones first, at most one a clip.

        Empty where the stretch has no window, or nothing can stand beside it.
        """
        own = self._windows[self._windows["clip_id"] == clip_id]
        own = own[(own["start_frame"] <= end_frame) & (own["end_frame"] >= start_frame)]
        if own.empty or self._candidates.empty:
            return []
        query = self._joined(own, self._measured(own)).mean(axis=0)
        distance = np.linalg.norm(self._points - query, axis=1)
        order = np.lexsort((distance, ~self._candidates["confirmed"].to_numpy(bool)))
        found: dict[str, Neighbour] = {}
        usable = (self._candidates["confirmed"] | self._candidates["sure"]).to_numpy(bool)
        for i in order[usable[order]].tolist():
            row = self._candidates.iloc[i]
            if row["clip_id"] != clip_id and row["clip_id"] not in found:
                found[row["clip_id"]] = self._neighbour(row, float(distance[i]))
                if len(found) == count:
                    break
        return list(found.values())

    def _neighbour(self, row: pd.Series, distance: float) -> Neighbour:
        """Return a candidate with those around it that carry the same label, at most a window's length on each side."""
        mates = self._candidates[(self._candidates["clip_id"] == row["clip_id"]) & (self._candidates["label"] == row["label"])]
        reach = row["end_frame"] - row["start_frame"]
        near = mates[(mates["end_frame"] >= row["start_frame"]) & (mates["start_frame"] <= row["end_frame"])]
        return Neighbour(
            clip_id=str(row["clip_id"]),
            start_frame=int(max(near["start_frame"].min(), row["start_frame"] - reach)),
            end_frame=int(min(near["end_frame"].max(), row["end_frame"] + reach)),
            label=str(row["label"]),
            confirmed=bool(row["confirmed"]),
            distance=distance,
        )

    def _chosen(self, *, seed: int) -> pd.DataFrame:
        """Return the windows that may stand for their class although nobody confirmed their label."""
        windows = self._windows
        sure = ~windows["bad_pose"] & (windows["is_issue"] == False) & (windows["label_quality"] >= _SURE)  # noqa: E712 - null is neither
        clips = windows.loc[sure, "clip_id"].unique()
        drawn = np.random.default_rng(seed).permutation(len(clips))[:MOST_CLIPS]
        kept = windows[sure & windows["clip_id"].isin(set(clips[drawn]))].reset_index(drop=True)
        return kept.assign(label=kept["given_label"], confirmed=False, sure=True)

    def _measured(self, windows: pd.DataFrame) -> FloatArray:
        """Return the summaries of windows, shape (windows, features); NaN became the clip's silence, 0, after standardising."""
        parts, rows = [], []
        for some in _by_clips(windows["clip_id"]):
            picked = sorted({self._row[c] for c in windows["clip_id"].to_numpy(object)[some]})
            frames = pd.concat([self._frames.iloc[self._bounds[r] : self._bounds[r + 1]] for r in picked])
            sampled = sample_clips(self._clips.iloc[picked], frames, config=self._config)
            place = {self._clips["clip_id"].iloc[r]: i for i, r in enumerate(picked)}
            index = FrameIndex.of_codes(sampled.clip, sampled.samples.frame_number)
            clip, start = windows["clip_id"].iloc[some].map(place), windows["start_frame"].to_numpy(np.int64)[some]
            first = index.spans(clip.to_numpy(np.int64), start, start).first
            blocks = measure_windows(sampled.samples, first, steps=self._config.windows.steps)
            parts.append(np.concatenate([blocks[name] for name in _BLOCKS], axis=1))
            rows.append(some)
        if not parts:
            return np.zeros((0, 1), np.float32)
        found = np.empty((len(windows), parts[0].shape[1]), np.float32)
        for some, part in zip(rows, parts, strict=True):
            found[some] = np.nan_to_num(part)
        return found

    def _standardised(self, measured: FloatArray) -> FloatArray:
        return np.asarray(np.clip((measured - self._centre) / self._spread, -_FARTHEST, _FARTHEST), np.float32)

    def _opinions(self, windows: pd.DataFrame) -> FloatArray:
        return np.asarray(np.sqrt(windows[self._classes].fillna(0.0).to_numpy(np.float32)), np.float32)

    def _joined(self, windows: pd.DataFrame, measured: FloatArray) -> FloatArray:
        motion = self._standardised(measured) @ self._axes * np.float32(self._weight)
        return np.concatenate([self._opinions(windows), motion], axis=1)


def confirmed_windows(windows: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Return the windows in which people gave every frame the same label.

    Parameters
    ----------
    frames : DataFrame with clip_id, frame_number and label
        The frames that people labelled; a null label is a frame without one.

    Returns
    -------
    DataFrame
        window_id and label.
    """
    spans = FrameIndex.of(frames).spans_of(windows)
    codes, names = pd.factorize(frames["label"])
    found = spans.commonest(codes)
    alike = (spans.length > 0) & (found.count == spans.length)
    label = np.asarray(names, object)[found.code[alike]]
    return pd.DataFrame({"window_id": windows["window_id"].to_numpy(object)[alike], "label": label}, dtype="str")


def _by_clips(clip: pd.Series, *, most: int = 64) -> Iterator[NDArray[np.int64]]:
    """Yield rows of so many clips at a time: few enough to sample at once, many enough to be quick."""
    codes = pd.factorize(clip)[0]
    for start in range(0, int(codes.max(initial=-1)) + 1, most):
        yield np.flatnonzero((codes >= start) & (codes < start + most))


def _principal_axes(standardised: FloatArray) -> FloatArray:
    """Return the first principal axes, shape (features, components)."""
    if len(standardised) < 2:
        return np.eye(standardised.shape[1], min(_COMPONENTS, standardised.shape[1]), dtype=np.float32)
    covariance = np.cov(standardised, rowvar=False)
    vectors = np.linalg.eigh(np.atleast_2d(covariance))[1]
    return np.asarray(vectors[:, ::-1][:, :_COMPONENTS], np.float32)


def _variance(points: FloatArray) -> float:
    return float(points.var(axis=0).sum()) if len(points) else 0.0
