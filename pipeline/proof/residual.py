"""How many labels of a dataset are still wrong, from blind samples, and how much more review a wanted share would take.

Blind samples are drawn from strata (flagged and unflagged windows) with known chances, so that every stratum's share of wrong
labels weighs as much as the stratum has windows. The bound must also hold where a stratum shows no error at all, which no
resampling can tell: it is the gamma limit of a weighted sum of counts (Fay & Feuer 1997, "Confidence intervals for directly
adjusted rates"), for as many *independent* windows as their clips leave (Kish's design effect). ``benchmarks/coverage.py`` shows
how often it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["FEWEST_WINDOWS", "Residual", "residual_error", "segments_to_reach", "windows_needed"]

FEWEST_WINDOWS = 30
"""Verified windows that every stratum needs before anything is said of it."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Residual:
    """Share of the windows whose label is wrong; ``None`` where too few were verified.

    Attributes
    ----------
    share : float or None
        Estimate.
    at_most : float or None
        With 95 % confidence the share is no higher.
    verified : mapping
        Verified windows by stratum.
    needed : mapping
        How many more each stratum needs before a verdict.
    """

    share: float | None
    at_most: float | None
    verified: Mapping[str, int]
    needed: Mapping[str, int]


def residual_error(verified: pd.DataFrame, *, sizes: Mapping[str, int]) -> Residual:
    """Estimate the share of wrong labels.

    Parameters
    ----------
    verified : DataFrame with stratum, clip_id and wrong
        Windows of a blind sample: whether the dataset's label differs from the blind one.
    sizes
        How many windows each stratum has in the whole; those without windows are left out.
    """
    weights = {s: n / sum(sizes.values()) for s, n in sizes.items() if n}
    counts = {s: int((verified["stratum"] == s).sum()) for s in weights}
    needed = {s: max(0, min(FEWEST_WINDOWS, sizes[s]) - counts[s]) for s in weights}
    if not weights or any(needed.values()):
        return Residual(None, None, counts, needed)
    parts = {s: verified[verified["stratum"] == s] for s in weights}
    share = sum(weights[s] * float(part["wrong"].mean()) for s, part in parts.items())
    return Residual(share, min(1.0, _highest(list(parts.values()), list(weights.values()))), counts, needed)


def windows_needed(share: float, *, at_most: float) -> int | None:
    """Return about how many independent windows show with 95 % confidence that a share is below a bound; None: it is not."""
    if share >= at_most:
        return None
    z = 1.6449
    spread = max(share, at_most / 3) * (1 - share)
    return int(np.ceil(z**2 * spread / (at_most - share) ** 2))


def segments_to_reach(expected: Sequence[float], *, windows: int, now: float, wanted: float) -> int | None:
    """Return about how many more segments to review, in queue order, until so many labels are wrong at most.

    Parameters
    ----------
    expected
        Wrong windows that each open segment is expected to repair, in the order of the queue.
    windows
        Number of windows in the whole.
    now, wanted : float
        Share of wrong labels now, and the wanted one.

    Returns
    -------
    int or None
        None where not even the whole queue is expected to get there: what is left lies outside of it.
    """
    to_repair = (now - wanted) * windows
    if to_repair <= 0:
        return 0
    repaired = np.cumsum(np.asarray(expected, np.float64))
    enough = np.flatnonzero(repaired >= to_repair)
    return int(enough[0]) + 1 if len(enough) else None


def _highest(parts: Sequence[pd.DataFrame], weights: Sequence[float]) -> float:
    """Return the upper limit of the weighted share of wrong labels."""
    from scipy.stats import chi2

    size = np.array([_independent(part) for part in parts])
    wrong = np.array([float(part["wrong"].mean()) for part in parts]) * size
    each = np.asarray(weights) / size
    # One wrong window more, in the stratum where a window weighs most.
    total = float((each * wrong).sum() + each.max())
    spread = float((each**2 * wrong).sum() + each.max() ** 2)
    return spread / (2 * total) * float(chi2.ppf(CONFIDENCE, 2 * total**2 / spread))


def _independent(part: pd.DataFrame) -> float:
    """Return how many independent windows say as much as these: fewer, the more those of one clip are alike."""
    by_clip = part.groupby("clip_id")["wrong"].agg(["sum", "size"])
    count, mean = len(part), float(part["wrong"].mean())
    if len(by_clip) < 2 or mean in (0.0, 1.0):
        # Nothing tells how alike they are: as if clips were all of one piece.
        return float(len(by_clip))
    off = (by_clip["sum"] - mean * by_clip["size"]).to_numpy(np.float64)
    clustered = len(by_clip) / (len(by_clip) - 1) * float((off**2).sum()) / count**2
    effect = max(1.0, clustered / (mean * (1 - mean) / count))
    return count / effect
