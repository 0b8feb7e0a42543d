"""What the model of each training condition is worth on hold-out windows that were labelled blind, and whether one is better.

Conditions are called arms, as in a trial (:mod:`pipeline.retraining.training_conditions`). Every verified window counts for one
over its inclusion probability (:mod:`pipeline.evaluation.verified_windows`). Windows that were drawn because they were flagged
are no test of a model: only the stratum ``holdout`` is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.intervals import Estimate, class_estimates, difference, estimate
from pipeline.evaluation.label_error_rate import FEWEST_WINDOWS
from pipeline.evaluation.metrics import MEASURES, GroupStatistics, calibration_error, group_statistics
from pipeline.windows.folds import FEWEST_GROUPS

Predictions = Mapping[str, NDArray[np.float32]]
"""Probabilities by arm, shape (hold-out windows, classes)."""


@dataclass(frozen=True)
class VerifiedHoldout:
    """The verified hold-out windows of one species.

    Attributes
    ----------
    row : int64, shape (n,)
        Where each lies among the hold-out windows of the species.
    true, group : int64, shape (n,)
        Class and group.
    weight : float64, shape (n,)
        How many windows it stands for, at least 1.
    groups : int
        Groups that have a verified window.
    held_out : int
        Groups of the hold-out.
    unsure, out_of_taxonomy : int
        Drawn windows that nobody could tell, and those that show an action that is none of the classes.
    """

    row: NDArray[np.int64]
    true: NDArray[np.int64]
    group: NDArray[np.int64]
    weight: NDArray[np.float64]
    groups: int
    held_out: int
    unsure: int
    out_of_taxonomy: int

    def __len__(self) -> int:
        """Return the number of verified windows."""
        return len(self.row)


def verified_holdout(
    states: pd.DataFrame | None, holdout: pd.DataFrame, *, classes: list[str], target: Mapping[str, str | None]
) -> VerifiedHoldout:
    """Return the verified windows of a species.

    Parameters
    ----------
    states
        What became of every window that was drawn (:func:`pipeline.evaluation.verified_windows.sample_states`); None where none
        was.
    holdout
        The hold-out windows of the species.
    target
        The class that each verified label is trained as, None for none.
    """
    held_out = int(holdout["group"].nunique())
    none = np.empty(0, np.int64)
    if states is None:
        return VerifiedHoldout(none, none, none, np.empty(0), groups=0, held_out=held_out, unsure=0, out_of_taxonomy=0)
    drawn = states[(states["stratum"] == "holdout") & states["window_id"].isin(holdout["window_id"])]
    labelled = drawn[drawn["state"] == "verified"]
    true = pd.Categorical(labelled["verified_label"].map(target), categories=classes).codes.astype(np.int64)
    known = labelled[true >= 0]
    row = pd.Index(holdout["window_id"]).get_indexer(known["window_id"]).astype(np.int64)
    group, names = pd.factorize(holdout["group"].to_numpy(object)[row])
    return VerifiedHoldout(
        row=row,
        true=true[true >= 0],
        group=group.astype(np.int64),
        weight=1.0 / known["inclusion_probability"].to_numpy(np.float64),
        groups=len(names),
        held_out=held_out,
        unsure=int(drawn["state"].isin(("unsure", "disputed", "mixed", "excluded")).sum()),
        out_of_taxonomy=int((true < 0).sum()),
    )


def still_needed(verified: VerifiedHoldout) -> tuple[int, int]:
    """Return how many more verified windows, and groups with such windows, a comparison needs."""
    return max(0, FEWEST_WINDOWS - len(verified)), max(0, FEWEST_GROUPS - verified.groups)


def compare_arms(verified: VerifiedHoldout, predictions: Predictions, *, classes: list[str]) -> dict[str, Any]:
    """Return the figures of every arm and their paired differences, as JSON values; None where too few windows are verified."""
    if any(still_needed(verified)):
        return {"arms": dict.fromkeys(predictions), "differences": {}, "identical": []}
    statistics = {arm: _statistics(verified, own) for arm, own in predictions.items()}
    pairs = {f"{later} - {earlier}": (earlier, later) for earlier, later in combinations(predictions, 2)}
    return {
        "arms": {arm: _arm(verified, own, classes=classes) for arm, own in predictions.items()},
        "differences": {
            pair: {
                name: _numbers(difference(statistics[earlier], statistics[later], measure)) for name, measure in MEASURES.items()
            }
            for pair, (earlier, later) in pairs.items()
        },
        "identical": [
            pair
            for pair, arms in pairs.items()
            if np.array_equal(*(predictions[arm][verified.row].argmax(axis=1) for arm in arms))
        ],
    }


def measures_of(verified: VerifiedHoldout, probabilities: NDArray[np.float32]) -> dict[str, Any]:
    """Return every measure of one model with its interval, as JSON values."""
    counted = _statistics(verified, probabilities)
    return {name: _numbers(estimate(counted, measure)) for name, measure in MEASURES.items()}


def _arm(verified: VerifiedHoldout, probabilities: NDArray[np.float32], *, classes: list[str]) -> dict[str, Any]:
    counted = _statistics(verified, probabilities)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (verified.true, probabilities[verified.row].argmax(axis=1)), 1)
    return {
        "measures": measures_of(verified, probabilities),
        "calibration_error": _number(float(calibration_error(counted.summed(np.ones((1, verified.groups))))[0])),
        "class_f1": {name: _numbers(found) for name, found in zip(classes, class_estimates(counted), strict=True)},
        "confusion": confusion.tolist(),
    }


def _statistics(verified: VerifiedHoldout, probabilities: NDArray[np.float32]) -> GroupStatistics:
    return group_statistics(
        verified.true, probabilities[verified.row], verified.group, groups=verified.groups, weight=verified.weight
    )


def _numbers(found: Estimate) -> dict[str, Any]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high), "groups": found.groups}


def _number(value: float | None) -> float | None:
    """Return a number that JSON has."""
    return None if value is None or not math.isfinite(value) else round(value, 6)
