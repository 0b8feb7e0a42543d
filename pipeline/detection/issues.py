"""From out-of-fold probabilities to the issues table: quality, suggestion and flag of every window."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import PROBABILITY_PREFIX, text
from pipeline.detection.clip_labels import odds_of_another_label, wrong_as_a_whole
from pipeline.detection.label_cleaning import labels_of
from pipeline.detection.label_quality import Quality, estimate_quality
from pipeline.detection.label_scores import Doubt, doubt_labels
from pipeline.detection.smoothing import Labelled, smooth

__all__ = ["Judged", "judge_labels", "judge_windows"]

_SUSPECTED_CLIPS = 0.05
"""Share of wrong clips by which a clip is called one, so that all worth a look get the kind; quality believes in fewer."""

_NOTHING_KNOWN = 0.5
"""Quality of every label of a species whose models are no better than chance."""

_TWO_LABELS = 0.5
"""Highest quality of a label that another field of the same clip contradicts: of two labels at most one is right."""


@dataclass(frozen=True)
class Judged:
    """What is thought of the labels of one species; ``odds`` are those of another label for the window's clip, shape (n,)."""

    doubt: Doubt
    quality: Quality
    odds: NDArray[np.float64]


def judge_windows(
    windows: pd.DataFrame, oof: pd.DataFrame, clips: pd.DataFrame, *, config: Config, blind: Collection[str] = ()
) -> pd.DataFrame:
    """Return the issues table without kinds and segments: a row for each predicted label, rank 1 the most doubtful.

    Windows are judged species by species, for their classes are different ones. A clip whose inspector names another action
    than its owner is an issue by itself: all its windows are flagged, and the inspector's action is suggested. Reviewed windows
    are never an issue: their quality is 1, and they are ranked behind all others. Of the species that are ``blind``, whose models
    are no better than chance, no label is doubted for what models say: all have a quality of one half, which tells nothing.
    """
    table = (
        windows[windows["label"].notna()]
        .merge(oof, on="window_id", how="inner", validate="one_to_one")
        .sort_values(["species", "clip_id", "start_frame"], kind="stable", ignore_index=True)
    )
    other = clips.set_index("clip_id")["other_label"]
    contradicted = other[other.notna() & (other != clips.set_index("clip_id")["label"])]
    parts = [
        _judge_species(part, contradicted, config=config, blind=species in blind)
        for species, part in table.groupby("species", sort=True)
    ]
    judged = pd.concat(parts, ignore_index=True)
    # Beside the windows that are judged, for at single precision others can reach a quality of 1 as well.
    ordered = judged[["label_quality", "window_id"]].assign(reviewed=table["reviewed"])
    order = ordered.sort_values(["reviewed", "label_quality", "window_id"], kind="stable").index
    rank = np.empty(len(judged), np.int64)
    rank[order] = np.arange(1, len(judged) + 1)
    return judged.assign(kind=text([None] * len(judged)), segment_id=text([None] * len(judged)), rank=rank)


def judge_labels(
    probabilities: NDArray[np.float64],
    labels: Labelled,
    group: NDArray[np.int64],
    taught: NDArray[np.bool_],
    *,
    config: Config,
) -> Judged:
    """Return the doubt in the labels of one species and their quality.

    Parameters
    ----------
    probabilities : float64, shape (n, classes)
        Out of fold.
    group : int64, shape (n,)
        Group of the folds, -1 for the hold-out.
    taught : bool, shape (n,)
        Which labels the networks were allowed to learn from.
    """
    doubt = doubt_labels(probabilities, labels)
    odds = odds_of_another_label(doubt.nearby, labels, group, seed=config.folds.seed)
    whole = wrong_as_a_whole(odds, share=config.issues.clip_error_rate)
    return Judged(doubt, estimate_quality(doubt, labels, taught, whole=whole), odds)


def _judge_species(part: pd.DataFrame, contradicted: pd.Series, *, config: Config, blind: bool) -> pd.DataFrame:
    columns = [c for c in part.columns if c.startswith(PROBABILITY_PREFIX) and part[c].notna().any()]
    classes = np.array([c.removeprefix(PROBABILITY_PREFIX) for c in columns], object)
    raw = part[columns].to_numpy(np.float64)
    labels = labels_of(part, classes=list(classes), config=config)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    group = np.where(part["split"] == "audit", pd.factorize(part["group"])[0], -1)
    found = judge_labels(probabilities, labels, group, part["taught"].to_numpy(bool), config=config)
    doubt, quality = found.doubt, found.quality

    suggested = classes[quality.suggested]
    another = part["clip_id"].map(contradicted).to_numpy(object)
    told_twice = pd.notna(another) & ~labels.fixed
    right = np.where(labels.fixed, 1.0, _NOTHING_KNOWN) if blind else quality.right
    right = np.where(told_twice, np.minimum(right, _TWO_LABELS), right)
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
            "suggested_label": text(np.where(told_twice, another, suggested)),
            "suggested_probability": doubt.nearby[np.arange(len(part)), quality.suggested].clip(0, 1).astype(np.float32),
            "label_quality": right.clip(0, 1).astype(np.float32),
            "second_opinion": _second_opinion(part, labels, alike=probabilities),
            "wrong_clip": wrong_as_a_whole(found.odds * (not blind), share=_SUSPECTED_CLIPS).astype(np.float32),
            "is_issue": (quality.flagged & (not blind)) | told_twice,
        }
    )


def _second_opinion(part: pd.DataFrame, labels: Labelled, *, alike: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the share of the audited windows whose label the networks alone doubt more: 0 the most doubtful, 1 what is fixed."""
    own = smooth(part[["network"]].to_numpy(np.float64), labels, alike=alike)[:, 0]
    mean = pd.Series(own[labels.audited]).groupby(labels.given[labels.audited]).mean()
    lift = own - mean.reindex(labels.given).to_numpy()
    others = np.sort(lift[labels.audited & ~labels.fixed])
    doubted = np.searchsorted(others, lift, "right") / max(1, labels.audited.sum())
    return np.where(labels.fixed, 1.0, doubted).astype(np.float32)
