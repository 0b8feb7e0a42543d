"""What each arm's model is worth on hold-out windows that were labelled blind, and whether one is better than another.

Measures, intervals and paired differences are those of :mod:`pipeline.evaluation`. Every verified window counts for one over its
chance to be in any of the samples (:mod:`pipeline.evaluation.inclusion`). Windows that were drawn because they were flagged are
no test of a model: only the stratum ``holdout`` is.
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
from pipeline.evaluation.metrics import MEASURES, Tally, calibration_error, tally
from pipeline.evaluation.residual_error import FEWEST_WINDOWS
from pipeline.windows.folds import FEWEST_GROUPS

__all__ = ["Verified", "compare_arms", "figures_of", "needs", "verified_of"]

Answers = Mapping[str, NDArray[np.float32]]
"""Probabilities by arm, shape (hold-out windows, classes)."""


@dataclass(frozen=True)
class Verified:
    """The verified hold-out windows of one species.

    Attributes
    ----------
    place : int64, shape (n,)
        Where each lies among the hold-out windows of the species.
    true, group : int64, shape (n,)
        Class and group.
    weight : float64, shape (n,)
        How many windows it stands for.
    groups : int
        Groups that have a verified window.
    held_out : int
        Groups of the hold-out.
    unsure, foreign : int
        Drawn windows that nobody could tell, and those that show an action that is none of the classes.
    """

    place: NDArray[np.int64]
    true: NDArray[np.int64]
    group: NDArray[np.int64]
    weight: NDArray[np.float64]
    groups: int
    held_out: int
    unsure: int
    foreign: int

    def __len__(self) -> int:
        """Return the number of verified windows."""
        return len(self.place)


def verified_of(
    states: pd.DataFrame | None, holdout: pd.DataFrame, *, classes: list[str], target: Mapping[str, str | None]
) -> Verified:
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
        return Verified(none, none, none, np.empty(0), groups=0, held_out=held_out, unsure=0, foreign=0)
    drawn = states[(states["stratum"] == "holdout") & states["window_id"].isin(holdout["window_id"])]
    told = drawn[drawn["state"] == "verified"]
    true = pd.Categorical(told["verified_label"].map(target), categories=classes).codes.astype(np.int64)
    known = told[true >= 0]
    place = pd.Index(holdout["window_id"]).get_indexer(known["window_id"]).astype(np.int64)
    group, names = pd.factorize(holdout["group"].to_numpy(object)[place])
    return Verified(
        place=place,
        true=true[true >= 0],
        group=group.astype(np.int64),
        weight=1.0 / known["inclusion_probability"].to_numpy(np.float64),
        groups=len(names),
        held_out=held_out,
        unsure=int(drawn["state"].isin(("unsure", "disputed", "mixed", "excluded")).sum()),
        foreign=int((true < 0).sum()),
    )


def needs(verified: Verified) -> tuple[int, int]:
    """Return how many more verified windows, and groups with such windows, a comparison needs."""
    return max(0, FEWEST_WINDOWS - len(verified)), max(0, FEWEST_GROUPS - verified.groups)


def compare_arms(verified: Verified, answers: Answers, *, classes: list[str]) -> dict[str, Any]:
    """Return the figures of every arm and their paired differences, as JSON values; None where too few windows are verified."""
    if any(needs(verified)):
        return {"arms": dict.fromkeys(answers), "differences": {}, "identical": []}
    tallies = {arm: _tally(verified, told) for arm, told in answers.items()}
    pairs = {
        f"{later} - {earlier}": {
            name: _numbers(difference(tallies[earlier], tallies[later], measure)) for name, measure in MEASURES.items()
        }
        for earlier, later in combinations(answers, 2)
    }
    return {
        "arms": {arm: _arm(verified, told, classes=classes) for arm, told in answers.items()},
        "differences": pairs,
        "identical": [
            f"{later} - {earlier}"
            for earlier, later in combinations(answers, 2)
            if np.array_equal(*(answers[arm][verified.place].argmax(axis=1) for arm in (earlier, later)))
        ],
    }


def figures_of(verified: Verified, told: NDArray[np.float32]) -> dict[str, Any]:
    """Return every measure of one model with its interval."""
    counted = _tally(verified, told)
    return {name: _numbers(estimate(counted, measure)) for name, measure in MEASURES.items()}


def _arm(verified: Verified, told: NDArray[np.float32], *, classes: list[str]) -> dict[str, Any]:
    counted = _tally(verified, told)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (verified.true, told[verified.place].argmax(axis=1)), 1)
    return {
        "measures": figures_of(verified, told),
        "calibration_error": _number(float(calibration_error(counted.resampled(np.ones((1, verified.groups))))[0])),
        "class_f1": {name: _numbers(found) for name, found in zip(classes, class_estimates(counted), strict=True)},
        "confusion": confusion.tolist(),
    }


def _tally(verified: Verified, told: NDArray[np.float32]) -> Tally:
    return tally(verified.true, told[verified.place], verified.group, groups=verified.groups, weight=verified.weight)


def _numbers(found: Estimate) -> dict[str, Any]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high), "groups": found.groups}


def _number(value: float | None) -> float | None:
    """Return a number that JSON has."""
    return None if value is None or not math.isfinite(value) else round(value, 6)
