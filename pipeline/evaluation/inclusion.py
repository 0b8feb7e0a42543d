"""The chance with which a window was verified, whatever sample it came from.

Several samples of one stratum are not worth as much as each other: weighed by the chance of its own draw, ten windows drawn
after a hundred would stand for as many windows as those. What counts is the chance of a window to be in any of them
(inclusion probability of the union; Bankier 1986, "Estimators based on several stratified samples with applications to
multiple frame surveys", JASA 81): together they are one larger sample, and one over that chance is what each of its windows
weighs.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["union_chances"]

_LOST = ("gone", "moved")


def union_chances(
    samples: pd.DataFrame, states: pd.DataFrame, *, stratum: str, members: Mapping[str, Set[str]]
) -> NDArray[np.float64]:
    """Return the chance of every window of a stratum to be looked at in any of its samples, shape (rows,).

    Parameters
    ----------
    samples, states
        Blind samples, and what became of their windows (:func:`pipeline.evaluation.verified_windows.sample_states`); rows in the
        same order. Windows come in random order within a sample, so where only a part of it was looked at, the chance is as much
        smaller.
    stratum
        Rows of any other one keep the chance of their draw.
    members
        The windows of the stratum in the runs in which samples were drawn, by ``run_id``: a window that a run did not have could
        not be drawn there. A run that is not there any more is taken to have had them all.
    """
    chance = samples["inclusion_probability"].to_numpy(np.float64, copy=True)
    rows = np.flatnonzero((samples["stratum"] == stratum).to_numpy(bool))
    missed = np.ones(len(rows))
    own, became = samples.iloc[rows].reset_index(drop=True), states["state"].iloc[rows].reset_index(drop=True)
    for _, sample in own.groupby("sample_id"):
        there = became[sample.index][~became[sample.index].isin(_LOST)]
        looked = float((there != "open").mean()) if len(there) else 0.0
        run_id = str(sample["run_id"].iloc[0])
        could = own["window_id"].isin(members[run_id]).to_numpy(bool, copy=True) if run_id in members else np.ones(len(own), bool)
        could[sample.index] = True
        missed[could] *= 1 - looked * chance[rows[sample.index[0]]]
    chance[rows] = 1 - missed
    return chance
