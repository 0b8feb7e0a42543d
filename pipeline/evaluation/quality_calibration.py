"""Whether label quality is calibrated: of the windows whose label people checked, how many were right, by fifths of quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.intervals import Estimate, share_estimate
from pipeline.evaluation.verified_windows import inclusion_probabilities

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class QualityBin:
    """The checked windows with a quality between two edges.

    Attributes
    ----------
    low, high : float
        The edges; the upper one belongs to the next, but for 1.
    windows : int
    quality : float
        The share that should be right, 0 to 1: the mean quality of these windows.
    right : Estimate
        The share that was, with its jackknife interval.
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
        From :func:`pipeline.evaluation.label_error_estimate.wrong_windows`.
    """
    audited = wrong[wrong["stratum"] != "holdout"]
    chance = samples["inclusion_probability"].to_numpy(np.float64)
    for stratum in audited["stratum"].unique():
        own = (samples["stratum"] == stratum).to_numpy(bool)
        chance = np.where(own, inclusion_probabilities(samples, states, stratum=str(stratum), members={}), chance)
    weight = pd.Series(1 / chance, index=samples["window_id"])
    return audited[["window_id"]].assign(wrong=audited["before"], weight=audited["window_id"].map(weight)).reset_index(drop=True)


def reviewed_checks(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows that were reviewed whole, in the same form; ``clean`` has all after review."""
    whole = clean[(clean["reviewed"] >= 1) & (clean["split"] == "audit") & clean["given_label"].notna()]
    wrong = (whole["label"] != whole["given_label"]).astype(bool)
    return whole[["window_id"]].assign(wrong=wrong, weight=1.0).reset_index(drop=True)


def quality_bins(issues: pd.DataFrame, checks: pd.DataFrame) -> Sequence[QualityBin]:
    """Return how many labels were right where the audit gave them which quality; what was not checked is left out.

    Parameters
    ----------
    issues
        Of windows whose label nobody gave: of these quality is an estimate.
    checks
        From :func:`blind_checks` or :func:`reviewed_checks`.
    """
    checked = issues[["window_id", "species", "subject_id", "label_quality"]].dropna(subset=["label_quality"])
    checked = checked.merge(checks, on="window_id")
    quality, weight = (checked[name].to_numpy(np.float64) for name in ("label_quality", "weight"))
    number = np.clip(np.searchsorted(EDGES, quality, side="right") - 1, 0, len(EDGES) - 2)
    # Animals of two species may share a name.
    group = checked.groupby(["species", "subject_id"]).ngroup().to_numpy()
    right = weight * ~checked["wrong"].to_numpy(bool)
    found = []
    for low in np.unique(number):
        rows = number == low
        parts, wholes = (np.bincount(group[rows], values[rows]).astype(np.float64) for values in (right, weight))
        mean = float(np.average(quality[rows], weights=weight[rows]))
        found.append(QualityBin(EDGES[low], EDGES[low + 1], int(rows.sum()), mean, share_estimate(parts, wholes)))
    return found
