"""From out-of-fold probabilities to doubt in each label: quality, suggestion and flag of every window.

The score is cleanlab's class-wise adjusted self-confidence (the probability of the given label over the mean that windows of that
label get; Northcutt et al. 2021, "Confident Learning"), averaged over neighbouring windows, less a share of the clip's median.
The number of flags comes from cleanlab's confident joint; which windows they are comes from the score.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config, Issues
from data_schemas.tables import PROBABILITY_PREFIX, text

__all__ = ["judge_windows"]


def judge_windows(windows: pd.DataFrame, oof: pd.DataFrame, *, config: Config) -> pd.DataFrame:
    """Return the issues table without kinds and segments: a row for each predicted window, rank 1 the most doubtful.

    Windows are judged species by species, for their classes are different ones.
    """
    table = windows.merge(oof, on="window_id", how="inner", validate="one_to_one").sort_values(
        ["species", "clip_id", "start_frame"], kind="stable", ignore_index=True
    )
    parts = [_judge_species(part, config=config.issues) for _, part in table.groupby("species", sort=True)]
    judged = pd.concat(parts, ignore_index=True)
    order = judged.sort_values(["label_quality", "window_id"], kind="stable").index
    rank = np.empty(len(judged), np.int64)
    rank[order] = np.arange(1, len(judged) + 1)
    return judged.assign(kind=text([None] * len(judged)), segment_id=text([None] * len(judged)), rank=rank)


def _judge_species(part: pd.DataFrame, *, config: Issues) -> pd.DataFrame:
    columns = [c for c in part.columns if c.startswith(PROBABILITY_PREFIX) and part[c].notna().any()]
    classes = np.array([c.removeprefix(PROBABILITY_PREFIX) for c in columns], object)
    raw = part[columns].to_numpy(np.float64)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    given = pd.Categorical(part["target"], categories=list(classes)).codes.astype(np.int64)

    clip = pd.factorize(part["clip_id"])[0]
    own_quality, flags = _cleanlab(given, probabilities)
    quality = _in_context(own_quality, clip=clip, config=config)
    nearby = _neighbour_mean(probabilities, clip=clip, neighbours=config.neighbours)
    suggested = np.where(np.eye(len(classes), dtype=bool)[given], -1.0, nearby).argmax(axis=1)
    flagged = np.zeros(len(part), bool)
    flagged[np.argsort(quality, kind="stable")[:flags]] = True
    return pd.DataFrame(
        {
            "window_id": part["window_id"].array,
            "clip_id": part["clip_id"].array,
            "subject_id": part["subject_id"].array,
            "species": part["species"].array,
            "split": part["split"].array,
            "start_frame": part["start_frame"].array,
            "end_frame": part["end_frame"].array,
            "given_label": part["label"].array,
            "suggested_label": text(classes[suggested]),
            "suggested_probability": nearby[np.arange(len(part)), suggested].clip(0, 1).astype(np.float32),
            "label_quality": quality,
            "is_issue": flagged,
        }
    )


def _cleanlab(given: NDArray[np.int64], probabilities: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Return cleanlab's adjusted quality of each label, and how many labels it holds to be wrong."""
    # cleanlab takes over a second to import, which `audit --help` should not pay.
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    quality = get_label_quality_scores(given, probabilities, method="self_confidence", adjust_pred_probs=True)
    flags = find_label_issues(given, probabilities, filter_by="both", n_jobs=1)
    return quality, int(np.sum(flags))


def _in_context(own_quality: NDArray[np.float64], *, clip: NDArray[np.int64], config: Issues) -> NDArray[np.float32]:
    """Average the quality over neighbouring windows, subtract a share of the clip's median, and bring it to 0..1."""
    smooth = _neighbour_mean(own_quality[:, None], clip=clip, neighbours=config.neighbours)[:, 0]
    median = pd.Series(smooth).groupby(clip).transform("median").to_numpy()
    relative = smooth - config.clip_median * median
    # The quality lies in 0..1, so this does too; the order is unchanged.
    return ((relative + config.clip_median) / (1 + config.clip_median)).clip(0, 1).astype(np.float32)


def _neighbour_mean(values: NDArray[np.float64], *, clip: NDArray[np.int64], neighbours: int) -> NDArray[np.float64]:
    """Return the mean over up to ``neighbours`` windows of the same clip on either side; clips lie together, in order of time."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    rows = np.arange(len(values))
    start = np.searchsorted(clip, clip, "left")
    end = np.searchsorted(clip, clip, "right")
    low, high = np.maximum(rows - neighbours, start), np.minimum(rows + neighbours + 1, end)
    mean: NDArray[np.float64] = (total[high] - total[low]) / (high - low)[:, None]
    return mean
