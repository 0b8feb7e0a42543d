"""The training set of each training condition, called arm as in a trial, and of each point of the learning curve.

==========  ==========================================================================================================
arm         the audited windows used for training; never the hold-out, bad poses, nor windows across a change of label
==========  ==========================================================================================================
given       all of them, under their given label
pruned      all of them, under their given label unless the audit holds it for wrong; then under the suggested one
reviewed    those that were mostly reviewed, under their reviewed label, whatever the audit thinks; the rest like pruned
==========  ==========================================================================================================

A window that review left without a clear label, or took a frame out of, is not used. Blind labels never train: they measure.

The learning curve shows what the first part of the decisions was worth: the arm ``reviewed`` with the first 25, 50 and 75 % of
them, in the order in which they were made. Without any it is the arm ``pruned``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from data_schemas.errors import TooFewDataError
from data_schemas.tables import text
from pipeline.retraining.inputs import TrainingInputs
from pipeline.windows.folds import classes_of

Arm = Literal["given", "pruned", "reviewed"]

ARMS: tuple[Arm, ...] = ("given", "pruned", "reviewed")

CURVE = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the decisions that the learning curve shows."""

_MOSTLY = 0.5
"""A window counts as reviewed when more than this share of its frames was."""

Trust = Callable[[pd.DataFrame], pd.Series]
"""Gives, for windows as labelled, the trusted class of each (:mod:`pipeline.retraining.trusted_label_cache`)."""


@dataclass(frozen=True)
class TrainingCondition:
    """An arm, or a point of the learning curve: which decisions it knows, and the windows it is trained on.

    Attributes
    ----------
    arm : str
    share : float
        Share of the decisions that are known to it, 0 to 1.
    reviewed_frames : int
        Frames that these gave a label.
    windows : DataFrame
        See :func:`training_windows`.
    """

    arm: Arm
    share: float
    reviewed_frames: int
    windows: pd.DataFrame


def arms_of(inputs: TrainingInputs, wanted: Sequence[Arm], *, reviewed_frames: int) -> tuple[Arm, ...]:
    """Return the arms to train: those that are wanted, else all that there is something for.

    Raises
    ------
    TooFewDataError
        ``reviewed`` is wanted, and nothing was reviewed.
    """
    if "reviewed" in wanted and not reviewed_frames:
        raise TooFewDataError(
            f"{inputs.folder.path}: nothing is reviewed yet, so there is no arm `reviewed`",
            hint="`audit review` relabels; `audit retrain --on given pruned` trains without",
        )
    asked = wanted or (ARMS if reviewed_frames else ARMS[:2])
    return tuple(arm for arm in ARMS if arm in asked)


def training_condition(
    inputs: TrainingInputs, arm: Arm, decisions: pd.DataFrame, *, share: float, trust: Trust
) -> TrainingCondition:
    """Return an arm with its training windows, after some of the decisions."""
    clean, frames = inputs.clean(decisions)
    windows = inputs.windows
    trusted = trust(after_review(windows, clean) if arm == "reviewed" else windows)
    return TrainingCondition(arm, share, frames, training_windows(arm, windows, trusted=trusted, clean=clean))


def learning_curve_conditions(inputs: TrainingInputs, *, trust: Trust) -> Iterator[TrainingCondition]:
    """Yield the points of the learning curve before everything is reviewed."""
    yield training_condition(inputs, "pruned", inputs.decisions.head(0), share=CURVE[0], trust=trust)
    for share in CURVE[1:-1]:
        yield training_condition(inputs, "reviewed", first_decisions(inputs.decisions, share), share=share, trust=trust)


def first_decisions(decisions: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return the events of the first operations, in the order of their time; those of one operation stay together."""
    begun = decisions.groupby("operation_id", sort=False)["at"].min().sort_values(kind="stable")
    return decisions[decisions["operation_id"].isin(begun.index[: round(share * len(begun))])].reset_index(drop=True)


def after_review(windows: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows table as review left it; ``reviewed`` are now also the windows that were mostly reviewed.

    These have their reviewed label and target, and are ``mixed`` no more. A window is ``mixed``, and not used for training, when
    review left it without a clear label, took a frame of it out, or named an action that is none of the audited classes.

    Parameters
    ----------
    windows
        The run's windows.
    clean
        What the export makes of them (:func:`pipeline.review.window_labels.clean_windows`, its ``table``).
    """
    known = clean.set_index("window_id")[["label", "target", "reviewed", "split"]].reindex(windows["window_id"])
    left_out = known["label"].isna().to_numpy(bool)
    reviewed = (known["reviewed"] > _MOSTLY).to_numpy(bool)
    audited = pd.MultiIndex.from_tuples([(s, c) for s, part in windows.groupby("species") for c in classes_of(part)])
    pairs = pd.MultiIndex.from_arrays([windows["species"], known["target"].fillna("")])
    out_of_taxonomy = reviewed & ~pairs.isin(audited)
    changed = reviewed & ~out_of_taxonomy
    return windows.assign(
        label=text(np.where(changed, known["label"], windows["label"])),
        target=text(np.where(changed, known["target"], windows["target"])),
        # A window that nobody had labelled before goes with its group now.
        split=text(np.where(changed & (windows["split"] == "unlabelled"), known["split"], windows["split"])),
        mixed=left_out | out_of_taxonomy | (windows["mixed"].to_numpy(bool) & ~changed),
        reviewed=changed | (windows["reviewed"].to_numpy(bool) & ~left_out & ~out_of_taxonomy),
    )


def training_windows(arm: Arm, windows: pd.DataFrame, *, trusted: pd.Series, clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows that an arm is trained on, each with its class.

    Parameters
    ----------
    arm
        given, pruned or reviewed.
    windows
        The run's windows.
    trusted
        By window_id, the class that each window is trained as where nobody reviewed it, null where it is not used.
    clean
        What the export makes of the windows; only ``reviewed`` looks at it.

    Returns
    -------
    DataFrame
        window_id, species, first_sample and target, in the order of ``windows``.
    """
    reviewed = np.zeros(len(windows), bool)
    if arm == "reviewed":
        windows = after_review(windows, clean)
        reviewed = windows["reviewed"].to_numpy(bool)
    usable = (windows["split"] == "audit") & ~windows["bad_pose"] & ~windows["mixed"]
    target = windows["target"]
    if arm != "given":
        target = target.where(reviewed, trusted.reindex(windows["window_id"]).set_axis(windows.index))
    training_mask = usable & target.notna()
    return windows[["window_id", "species", "first_sample"]].assign(target=target)[training_mask].reset_index(drop=True)
