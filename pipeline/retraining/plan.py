"""What is to be trained: the arms, and the points of the learning curve, each with the windows that it teaches.

The learning curve tells what the first part of the decisions was worth: the arm ``reviewed`` is taught anew with the first 25, 50
and 75 % of them, in the order in which they were made. Without any it is the arm ``pruned``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from data_schemas.errors import TooFewDataError
from pipeline.retraining.arms import ARMS, Arm, after_review, taught_windows
from pipeline.retraining.material import Material

__all__ = ["CURVE", "Lesson", "arms_of", "curve_lessons", "first_decisions", "lesson_of"]

CURVE = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the decisions that the learning curve shows."""

Trust = Callable[[pd.DataFrame], pd.Series]
"""Gives, for windows as labelled, the class that the pipeline lets each teach (see :class:`pipeline.retraining.trust.Trust`)."""


@dataclass(frozen=True)
class Lesson:
    """An arm, or a point of the learning curve.

    Attributes
    ----------
    arm : str
    share : float
        Share of the decisions that are known to it.
    reviewed_frames : int
        Frames that these gave a label.
    taught : DataFrame
        See :func:`pipeline.retraining.arms.taught_windows`.
    """

    arm: Arm
    share: float
    reviewed_frames: int
    taught: pd.DataFrame


def arms_of(material: Material, wanted: Sequence[Arm], *, reviewed_frames: int) -> tuple[Arm, ...]:
    """Return the arms to train: those that are wanted, else all that there is something for.

    Raises
    ------
    TooFewDataError
        ``reviewed`` is wanted, and nothing was reviewed.
    """
    if "reviewed" in wanted and not reviewed_frames:
        raise TooFewDataError(
            f"{material.folder.path}: nothing is reviewed yet, so there is no arm `reviewed`",
            hint="`audit review` relabels; `audit retrain --on given pruned` trains without",
        )
    asked = wanted or (ARMS if reviewed_frames else ARMS[:2])
    return tuple(arm for arm in ARMS if arm in asked)


def lesson_of(material: Material, arm: Arm, decisions: pd.DataFrame, *, share: float, trust: Trust) -> Lesson:
    """Return what an arm teaches, with some of the decisions."""
    clean, frames = material.clean(decisions)
    windows = material.windows
    trusted = trust(after_review(windows, clean) if arm == "reviewed" else windows)
    return Lesson(arm, share, frames, taught_windows(arm, windows, trusted=trusted, clean=clean))


def curve_lessons(material: Material, *, trust: Trust) -> Iterator[Lesson]:
    """Yield the points of the learning curve before everything is reviewed."""
    yield lesson_of(material, "pruned", material.decisions.head(0), share=CURVE[0], trust=trust)
    for share in CURVE[1:-1]:
        yield lesson_of(material, "reviewed", first_decisions(material.decisions, share), share=share, trust=trust)


def first_decisions(decisions: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return the events of the first operations, in the order of their time; those of one operation stay together."""
    begun = decisions.groupby("operation_id", sort=False)["at"].min().sort_values(kind="stable")
    return decisions[decisions["operation_id"].isin(begun.index[: round(share * len(begun))])].reset_index(drop=True)
