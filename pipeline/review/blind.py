"""Blind samples: windows that reviewers label without seeing what was given or suggested, to measure how often labels are wrong.

Each stratum is sampled systematically (Cochran 1977, chapter 8): its windows are laid out clip by clip, the clips in random
order, and every k-th is taken from a random start. That spreads the sample over the clips, and gives every window of the stratum
exactly the same chance, n / N, which is kept with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import TooFewDataError, UsageError
from data_schemas.tables import BLIND_SAMPLES, STRATA, text, validate
from pipeline.review.events import now
from pipeline.workspace.hashes import digest


def strata_of(issues: pd.DataFrame) -> pd.Series:
    """Return the stratum of every window of the issues table."""
    audited = np.where(issues["is_issue"], "flagged", "unflagged")
    return pd.Series(text(np.where(issues["split"] == "holdout", "holdout", audited)), index=issues.index)


def draw_sample(
    issues: pd.DataFrame, *, sizes: Mapping[str, int], seed: int, run_id: str, drawn: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Draw windows to be labelled unseen.

    Parameters
    ----------
    issues
        Issues of a run: its windows with split and flag.
    sizes
        How many windows of each stratum (holdout, flagged, unflagged).
    drawn
        Earlier samples, from `ReviewStore.samples`; their windows are never drawn again.

    Returns
    -------
    DataFrame
        A blind sample, by the schema BLIND_SAMPLES, its order shuffled over the strata.

    Raises
    ------
    TooFewDataError
        A stratum has fewer windows left than asked for; nothing is drawn.
    UsageError
        A stratum that does not exist, a negative size, or nothing at all was asked for.
    """
    if set(sizes) - set(STRATA) or min(sizes.values(), default=0) < 0 or not sum(sizes.values()):
        raise UsageError(f"sizes {dict(sizes)}: not a sample", hint=f"numbers of windows by stratum: {', '.join(STRATA)}")
    windows = issues.assign(stratum=strata_of(issues))
    before = windows["window_id"].isin([] if drawn is None else drawn["window_id"])
    left = windows[~before]
    _refuse_too_few(windows, left, sizes)
    rng = np.random.default_rng(seed)
    parts = []
    for stratum in STRATA:
        size = sizes.get(stratum, 0)
        if size:
            members = _clip_by_clip(left[left["stratum"] == stratum], rng)
            taken = members.iloc[_systematic(len(members), size, rng)]
            parts.append(taken.assign(inclusion_probability=size / len(members)))
    sample = pd.concat(parts, ignore_index=True).iloc[rng.permutation(sum(map(len, parts)))].reset_index(drop=True)
    made = sample[["window_id", "clip_id", "start_frame", "end_frame", "stratum", "inclusion_probability"]].assign(
        sample_id=digest(run_id, seed, sorted(sample["window_id"]))[:8],
        position=np.arange(len(sample), dtype=np.int32),
        run_id=run_id,
        drawn_at=now(),
        seed=seed,
    )
    return validate(made[list(BLIND_SAMPLES.columns)], BLIND_SAMPLES, source="blind sample (as drawn)")


def _refuse_too_few(windows: pd.DataFrame, left: pd.DataFrame, sizes: Mapping[str, int]) -> None:
    there, rest = windows["stratum"].value_counts(), left["stratum"].value_counts()
    short = [s for s in STRATA if sizes.get(s, 0) > rest.get(s, 0)]
    if short:
        short_of = "; ".join(
            f"{s}: {sizes[s]} asked for, {rest.get(s, 0)} left of {there.get(s, 0)}"
            + (f" ({there.get(s, 0) - rest.get(s, 0)} drawn before)" if there.get(s, 0) > rest.get(s, 0) else "")
            for s in short
        )
        most = ", ".join(f"{s} {rest.get(s, 0)}" for s in short)
        raise TooFewDataError(f"blind sample: too few windows: {short_of}", hint=f"ask for at most: {most}")


def _clip_by_clip(members: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    clips = np.sort(members["clip_id"].unique().astype(object))
    place = pd.Series(rng.permutation(len(clips)), index=clips)
    return members.assign(place=members["clip_id"].map(place)).sort_values(["place", "start_frame", "window_id"])


def _systematic(count: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``size`` of ``count`` places, evenly spread from a random start; each place has the chance size / count."""
    step = count / size
    places: NDArray[np.int64] = np.floor(rng.uniform(0, step) + step * np.arange(size)).astype(np.int64)
    return places
