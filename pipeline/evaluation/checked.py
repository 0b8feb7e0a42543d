"""What label quality turned out to be: of the windows whose label people checked, how many were right, by fifths of quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.inclusion import union_chances
from pipeline.evaluation.intervals import Estimate, share_estimate

__all__ = ["EDGES", "QualityChecked", "blind_checks", "check_quality", "reviewed_checks"]

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class QualityChecked:
    """The checked windows with a quality between two edges.

    Attributes
    ----------
    low, high : float
        The edges; the upper one belongs to the next, but for 1.
    windows : int
    quality : float
        Its mean over these windows: the share that should be right.
    right : Estimate
        The share that was, with its interval over groups.
    """

    low: float
    high: float
    windows: int
    quality: float
    right: Estimate


def blind_checks(samples: pd.DataFrame, states: pd.DataFrame, wrong: pd.DataFrame) -> pd.DataFrame:
    """Return the audited windows that were labelled blind: window_id, wrong (bool: the label given), weight.

    Parameters
    ----------
    samples, states
        Blind samples and what became of their windows, rows in the same order.
    wrong
        From :func:`pipeline.evaluation.verdict.wrong_windows`.
    """
    audited = wrong[wrong["stratum"] != "holdout"]
    chance = samples["inclusion_probability"].to_numpy(np.float64)
    for stratum in audited["stratum"].unique():
        own = (samples["stratum"] == stratum).to_numpy(bool)
        chance = np.where(own, union_chances(samples, states, stratum=str(stratum), members={}), chance)
    weight = pd.Series(1 / np.maximum(chance, np.finfo(float).tiny), index=samples["window_id"])
    return audited[["window_id"]].assign(wrong=audited["before"], weight=audited["window_id"].map(weight)).reset_index(drop=True)


def reviewed_checks(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows that were reviewed whole, in the same form; ``clean`` has all after review."""
    whole = clean[(clean["reviewed"] >= 1) & (clean["split"] == "audit") & clean["given_label"].notna()]
    wrong = (whole["label"] != whole["given_label"]).astype(bool)
    return whole[["window_id"]].assign(wrong=wrong, weight=1.0).reset_index(drop=True)


def check_quality(issues: pd.DataFrame, checks: pd.DataFrame) -> Sequence[QualityChecked]:
    """Return how many labels were right where the audit gave them which quality; what no check tells of is left out.

    Parameters
    ----------
    issues
        Of windows whose label nobody gave: of these quality is an estimate.
    checks
        From :func:`blind_checks` or :func:`reviewed_checks`.
    """
    told = issues[["window_id", "species", "subject_id", "label_quality"]].dropna(subset=["label_quality"])
    told = told.merge(checks, on="window_id")
    quality = told["label_quality"].to_numpy(np.float64)
    place = np.clip(np.searchsorted(EDGES, quality, side="right") - 1, 0, len(EDGES) - 2)
    # Animals of two species may share a name.
    group = told.groupby(["species", "subject_id"], sort=False).ngroup().to_numpy()
    found = []
    for number in np.unique(place):
        rows = place == number
        weight = told["weight"].to_numpy(np.float64)[rows]
        right = weight * ~told["wrong"].to_numpy(bool)[rows]
        parts, wholes = (np.bincount(group[rows], values).astype(np.float64) for values in (right, weight))
        mean = float(np.average(quality[rows], weights=weight))
        found.append(QualityChecked(EDGES[number], EDGES[number + 1], int(rows.sum()), mean, share_estimate(parts, wholes)))
    return found
