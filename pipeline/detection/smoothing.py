"""The labels of windows, and averages over neighbouring windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from pipeline.windows.cutting import contiguous_blocks

FloatArray = NDArray[np.float64]

_RANGE_BANDWIDTH = 0.4
"""Distance of class probabilities (total variation, 0..1) at which a neighbour's weight has fallen to 1/e."""

_GUIDE_BANDWIDTH = 0.3
"""Width of the Gaussian that smooths the guide, as a share of ``sigma``: single windows are too noisy to be compared."""


@dataclass(frozen=True)
class WindowLabels:
    """The labels of windows of one species. A clip's windows lie together, in order of time.

    Attributes
    ----------
    given : int64, shape (n,)
        Given class, -1 for none.
    clip : int64, shape (n,)
        Clip of each window, as a number.
    block : int64, shape (n,)
        Contiguous block of each window, ascending: windows of one clip without a gap between. Only these are neighbours.
    audited : bool, shape (n,)
        False for the hold-out: its labels are scored by what is estimated from the others, and change no estimate.
    valid_pose : bool, shape (n,)
        False for windows of bad pose: they are scored by their neighbours, and enter no average.
    reviewed : bool, shape (n,)
        Labels that people gave: right by definition.
    sigma : float
        Standard deviation of the average in time, in windows.
    """

    given: NDArray[np.int64]
    clip: NDArray[np.int64]
    block: NDArray[np.int64]
    audited: NDArray[np.bool_]
    valid_pose: NDArray[np.bool_]
    reviewed: NDArray[np.bool_]
    sigma: float

    def subset(self, rows: NDArray[np.int64]) -> WindowLabels:
        """Return the labels of some windows, in order: whole clips, but for windows without a label, which part a block."""
        names = ("given", "clip", "audited", "valid_pose", "reviewed")
        new = (np.diff(self.block[rows], prepend=-1) != 0) | (np.diff(rows, prepend=-1) > 1)
        return replace(self, block=np.cumsum(new), **{name: getattr(self, name)[rows] for name in names})


def labels_of(windows: pd.DataFrame, *, classes: list[str], config: Config) -> WindowLabels:
    """Return the labels of windows of one species, which lie by clip and time; classes are numbered as listed."""
    return WindowLabels(
        given=pd.Categorical(windows["target"], categories=classes).codes.astype(np.int64),
        clip=pd.factorize(windows["clip_id"])[0].astype(np.int64),
        block=contiguous_blocks(windows, config=config),
        audited=(windows["split"] == "audit").to_numpy(bool),
        valid_pose=~windows["bad_pose"].to_numpy(bool),
        reviewed=windows["reviewed"].to_numpy(bool),
        sigma=config.issues.smooth_seconds * config.windows.hz / config.windows.stride,
    )


def smooth(values: NDArray[np.floating], labels: WindowLabels, *, guide: NDArray[np.floating] | None = None) -> FloatArray:
    """Return each window's average over its block: a bilateral filter (Tomasi & Manduchi 1998) over windows of valid pose.

    A neighbour weighs by a Gaussian in time and by another in how much its class probabilities differ. So where a behaviour
    clearly changes the two sides are not mixed, and where a model wavers many windows are averaged.

    Parameters
    ----------
    values : shape (n, columns)
    guide : shape (n, classes), optional
        Class probabilities by which windows are compared; the values themselves where it is left out.

    Returns
    -------
    float64, shape (n, columns)
        In the unit of the values; the values as they are where neither the window nor a neighbour has a valid pose.
    """
    compared = _average(values if guide is None else guide, replace(labels, sigma=_GUIDE_BANDWIDTH * labels.sigma), guide=None)
    return _average(values, labels, guide=compared)


def _average(values: NDArray[np.floating], labels: WindowLabels, *, guide: FloatArray | None) -> FloatArray:
    valid = labels.valid_pose.astype(np.float64)
    counted = np.where(labels.valid_pose[:, None], values, 0.0).astype(np.float64)
    total, mass = counted.copy(), valid.copy()
    for lag, weight in _weights(labels, guide):
        total[lag:] += weight[:, None] * counted[:-lag]
        total[:-lag] += weight[:, None] * counted[lag:]
        mass[lag:] += weight * valid[:-lag]
        mass[:-lag] += weight * valid[lag:]
    known = mass > 0
    return np.where(known[:, None], total / np.where(known, mass, 1.0)[:, None], values)


def _weights(labels: WindowLabels, guide: FloatArray | None) -> Iterator[tuple[int, FloatArray]]:
    """Yield each lag in windows, and what two windows so far apart weigh to each other, 0..1, shape (n - lag,)."""
    block = labels.block
    for lag in range(1, min(int(3 * labels.sigma) + 1, len(block))):
        weight = np.exp(-0.5 * (lag / labels.sigma) ** 2) * (block[lag:] == block[:-lag])
        if guide is not None:
            distance = np.abs(guide[lag:] - guide[:-lag]).sum(axis=1) / 2
            weight *= np.exp(-((distance / _RANGE_BANDWIDTH) ** 2))
        yield lag, weight
