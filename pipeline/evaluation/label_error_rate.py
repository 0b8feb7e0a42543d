"""How many labels of a dataset are still wrong, from blind samples, and how much more review a target would take.

Blind samples are drawn from strata (flagged and unflagged windows) with known chances, so that every stratum's share of wrong
labels weighs as much as the stratum has windows. What is estimated is the share of *this* dataset. Windows are what is drawn,
each of a stratum with the same chance, spread over all clips; so that windows of a clip are alike adds nothing to the uncertainty
(it would if clips were drawn, or other clips were meant; Cochran 1977, chapters 5 and 8).

A stratum's share is given the distribution that its sample leaves: a beta distribution for the windows that were not drawn
(Jeffreys; Brown, Cai & DasGupta 2001, "Interval estimation for a binomial proportion"), the windows that were drawn being known
(Ericson 1969, "Subjective Bayesian models in sampling finite populations"). Limits are quantiles of the weighted sum over strata.
Where a stratum shows no error, or nothing else, its limits are the exact ones (Clopper & Pearson 1934), for there Jeffreys'
interval promises too much. ``benchmarks/coverage.py`` shows how often the limits hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST_WINDOWS = 30
"""Verified windows that every stratum needs before anything is said of it."""

CONFIDENCE = 0.95

_DRAWS = 20_000
_STEP = 1.1
_MOST_STEPS = 60
_CERTAIN = 1e-9

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LabelErrorRate:
    """Share of the windows whose label is wrong, 0 to 1; ``None`` where too few were verified.

    Attributes
    ----------
    share : float or None
        Estimate.
    low, high : float or None
        Its 95 % interval.
    at_most : float or None
        With 95 % confidence the share is no higher: a limit on one side, so it lies below ``high``.
    verified, wrong : mapping
        Verified windows by stratum, and how many of them are wrong.
    needed : mapping
        How many more each stratum needs before there is an estimate.
    """

    share: float | None
    low: float | None
    high: float | None
    at_most: float | None
    verified: Mapping[str, int]
    wrong: Mapping[str, int]
    needed: Mapping[str, int]


@dataclass(frozen=True)
class _Counts:
    """Of each stratum: windows, verified ones, wrong ones among these; float64, shape (strata,)."""

    windows: FloatArray
    verified: FloatArray
    wrong: FloatArray

    @property
    def share(self) -> float:
        return float((self.windows * self.wrong / self.verified).sum() / self.windows.sum())

    def limits(self, *levels: float) -> list[float]:
        """Return quantiles of what the share may be: below a half of the least that may be wrong, else of the most."""
        rng = np.random.default_rng(0)
        totals = {upper: np.zeros(_DRAWS) for upper in (False, True)}
        for size, count, wrong in zip(self.windows, self.verified, self.wrong, strict=True):
            for upper, total in totals.items():
                chance = _posterior(wrong, count, upper=upper, rng=rng)
                total += wrong + rng.binomial(max(0, round(size - count)), chance)
        return [float(np.quantile(totals[level > 0.5], level) / self.windows.sum()) for level in levels]


def estimate_error_rate(verified: pd.DataFrame, *, sizes: Mapping[str, float]) -> LabelErrorRate:
    """Estimate the share of wrong labels.

    Parameters
    ----------
    verified : DataFrame with stratum and wrong
        Windows of a blind sample: whether the dataset's label differs from the blind one.
    sizes
        How many windows each stratum has in the whole; those without windows are left out.
    """
    strata = [s for s, size in sizes.items() if size > 0]
    parts = {s: verified.loc[verified["stratum"] == s, "wrong"] for s in strata}
    count = {s: len(part) for s, part in parts.items()}
    wrong = {s: int(part.sum()) for s, part in parts.items()}
    needed = {s: max(0, min(FEWEST_WINDOWS, int(sizes[s])) - count[s]) for s in strata}
    if not strata or any(needed.values()):
        return LabelErrorRate(None, None, None, None, count, wrong, needed)
    counts = _Counts(*(np.array([of[s] for s in strata], np.float64) for of in (sizes, count, wrong)))
    low, high, at_most = counts.limits((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2, CONFIDENCE)
    return LabelErrorRate(counts.share, low, high, at_most, count, wrong, needed)


def windows_needed(found: LabelErrorRate, *, sizes: Mapping[str, float], at_most: float) -> int | None:
    """Return about how many more verified windows, shared out like those there are, would show that a share keeps a bound.

    Returns
    -------
    int or None
        0 where it is shown already; None where it is not below by the estimate, or nothing could be estimated.
    """
    if found.share is None or found.at_most is None or found.share >= at_most:
        return None
    if found.at_most <= at_most:
        return 0
    strata = list(found.verified)
    size, count, wrong = (np.array([of[s] for s in strata], np.float64) for of in (sizes, found.verified, found.wrong))
    for step in range(1, _MOST_STEPS):
        times = np.minimum(_STEP**step, size / count)
        if _Counts(size, count * times, wrong * times).limits(CONFIDENCE)[0] <= at_most:
            return int(np.ceil((count * times - count).sum()))
    return None


def segments_to_reach(expected: Sequence[float], *, windows: float, now: float, target_error_rate: float) -> int | None:
    """Return about how many more segments to review, in queue order, until so many labels are wrong at most.

    Parameters
    ----------
    expected
        Wrong windows that each open segment is expected to correct, in the order of the queue.
    windows
        Number of windows in the whole.
    now, target_error_rate : float
        Share of wrong labels now, and the target.

    Returns
    -------
    int or None
        None where not even the whole queue is expected to get there: what is left lies outside of it.
    """
    to_correct = (now - target_error_rate) * windows
    if to_correct <= 0:
        return 0
    corrected = np.cumsum(np.asarray(expected, np.float64))
    enough = np.flatnonzero(corrected >= to_correct)
    return int(enough[0]) + 1 if len(enough) else None


def _posterior(wrong: float, count: float, *, upper: bool, rng: np.random.Generator) -> FloatArray | float:
    """Return draws of the share wrong among the windows that were not verified, for limits above or below."""
    right = count - wrong
    if wrong < _CERTAIN:
        return rng.beta(1.0, count, _DRAWS) if upper else 0.0
    if right < _CERTAIN:
        return 1.0 if upper else rng.beta(count, 1.0, _DRAWS)
    return rng.beta(wrong + 0.5, right + 0.5, _DRAWS)
