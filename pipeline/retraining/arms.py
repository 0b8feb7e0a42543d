"""What each arm teaches: all labels as given, those that the pipeline trusts, or those after review.

==========  ==========================================================================================================
arm         the audited windows that teach; never the hold-out, bad poses, nor windows across a change of label
==========  ==========================================================================================================
given       all of them, under their given label
pruned      all of them, under their given label unless the passes hold it for wrong; then under the suggested one
reviewed    those that were mostly reviewed, under their reviewed label, whatever the passes think; the rest like pruned
==========  ==========================================================================================================

A window that review left without a clear label, or took a frame out of, teaches nothing. Blind labels never teach: they measure.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from data_schemas.tables import text
from pipeline.windows.folds import classes_of

__all__ = ["ARMS", "Arm", "after_review", "taught_windows"]

Arm = Literal["given", "pruned", "reviewed"]

ARMS: tuple[Arm, ...] = ("given", "pruned", "reviewed")

_MOSTLY = 0.5
"""A window counts as reviewed when more than this share of its frames was."""


def after_review(windows: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows table as review left it; ``reviewed`` are now also the windows that were mostly reviewed.

    These have their reviewed label and target, and are ``mixed`` no more. A window is ``mixed``, and teaches nothing, when review
    left it without a clear label, took a frame of it out, or named an action that is none of the classes that were audited.

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
    trained = pd.MultiIndex.from_tuples([(s, c) for s, part in windows.groupby("species") for c in classes_of(part)])
    pairs = pd.MultiIndex.from_arrays([windows["species"], known["target"].fillna("")])
    foreign = reviewed & ~pairs.isin(trained)
    changed = reviewed & ~foreign
    return windows.assign(
        label=text(np.where(changed, known["label"], windows["label"])),
        target=text(np.where(changed, known["target"], windows["target"])),
        # A window that nobody had labelled before goes with its group now.
        split=text(np.where(changed & (windows["split"] == "unlabelled"), known["split"], windows["split"])),
        mixed=left_out | foreign | (windows["mixed"].to_numpy(bool) & ~changed),
        reviewed=changed | (windows["reviewed"].to_numpy(bool) & ~left_out & ~foreign),
    )


def taught_windows(arm: Arm, windows: pd.DataFrame, *, trusted: pd.Series, clean: pd.DataFrame) -> pd.DataFrame:
    """Return the windows that teach in an arm.

    Parameters
    ----------
    arm
        given, pruned or reviewed.
    windows
        The run's windows.
    trusted
        The class that each window may teach where nobody reviewed it, null for none (:class:`pipeline.retraining.trust.Trust`).
    clean
        What the export makes of the windows; only ``reviewed`` looks at it.

    Returns
    -------
    DataFrame
        window_id, species, first_sample and target, in the order of ``windows``.
    """
    decided = np.zeros(len(windows), bool)
    if arm == "reviewed":
        windows = after_review(windows, clean)
        decided = windows["reviewed"].to_numpy(bool)
    may = (windows["split"] == "audit") & ~windows["bad_pose"] & ~windows["mixed"]
    target = windows["target"]
    if arm != "given":
        target = target.where(decided, trusted.reindex(windows["window_id"]).set_axis(windows.index))
    teaches = may & target.notna()
    return windows[["window_id", "species", "first_sample"]].assign(target=target)[teaches].reset_index(drop=True)
