"""From out-of-fold probabilities to the issues table: quality, suggestion and flag of every window."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import PROBABILITY_PREFIX, text
from pipeline.detection.clip_labels import clip_error_odds, clip_error_probability
from pipeline.detection.label_quality import LabelQuality, estimate_quality
from pipeline.detection.label_scores import LabelScores, class_centred, probability_of, score_labels
from pipeline.detection.smoothing import WindowLabels, labels_of, smooth

_SUSPECTED_CLIPS = 0.05
"""Share of wrong clips by which a clip is called one, so that all worth a look get the kind; quality believes in fewer."""

_UNKNOWN = 0.5
"""Quality of every label of a species whose models are no better than chance."""

_TWO_LABELS = 0.5
"""Highest quality of a label that another field of the same clip contradicts: of two labels at most one is right."""


@dataclass(frozen=True)
class LabelEstimates:
    """What is estimated of the labels of one species.

    ``clip_odds``, shape (n,), are those of another label for the window's clip, 0 and up.
    """

    scores: LabelScores
    quality: LabelQuality
    clip_odds: NDArray[np.float64]


def find_label_issues(
    windows: pd.DataFrame, oof: pd.DataFrame, clips: pd.DataFrame, *, config: Config, untrusted: Collection[str] = ()
) -> pd.DataFrame:
    """Return the issues table without kinds and segments: a row for each predicted label, rank 1 that of lowest quality.

    Labels are assessed species by species, for their classes are different ones. A clip whose inspector names another action
    than its owner is an issue by itself: all its windows are flagged, and the inspector's action is suggested. Reviewed windows
    are never an issue: their quality is 1, and they are ranked behind all others. Of the species that are ``untrusted``, whose
    models are no better than chance, no label is flagged for what models predict: all have a quality of one half, which tells
    nothing.
    """
    table = (
        windows[windows["label"].notna()]
        .merge(oof, on="window_id", how="inner", validate="one_to_one")
        .sort_values(["species", "clip_id", "start_frame"], kind="stable", ignore_index=True)
    )
    other = clips.set_index("clip_id")["other_label"]
    contradicted = other[other.notna() & (other != clips.set_index("clip_id")["label"])]
    parts = [
        _issues_of_species(part, contradicted, config=config, trusted=species not in untrusted)
        for species, part in table.groupby("species", sort=True)
    ]
    found = pd.concat(parts, ignore_index=True)
    # Beside the windows that are ranked, for at single precision others can reach a quality of 1 as well.
    ordered = found[["label_quality", "window_id"]].assign(reviewed=table["reviewed"])
    order = ordered.sort_values(["reviewed", "label_quality", "window_id"], kind="stable").index
    rank = np.empty(len(found), np.int64)
    rank[order] = np.arange(1, len(found) + 1)
    nothing = text([None] * len(found))
    return found.assign(kind=nothing, segment_id=nothing, rank=rank)


def assess_labels(
    probabilities: NDArray[np.float64],
    labels: WindowLabels,
    group: NDArray[np.int64],
    kept: NDArray[np.bool_],
    *,
    config: Config,
) -> LabelEstimates:
    """Return the scores of the labels of one species and their quality.

    Parameters
    ----------
    probabilities : float64, shape (n, classes)
        Out of fold.
    group : int64, shape (n,)
        Group of the folds, -1 for the hold-out.
    kept : bool, shape (n,)
        Which labels cleaning kept for the networks.
    """
    scores = score_labels(probabilities, labels)
    odds = clip_error_odds(scores.smoothed, labels, group, seed=config.folds.seed)
    clip_error = clip_error_probability(odds, share=config.issues.clip_error_rate)
    return LabelEstimates(scores, estimate_quality(scores, labels, kept, clip_error=clip_error), odds)


def _issues_of_species(part: pd.DataFrame, contradicted: pd.Series, *, config: Config, trusted: bool) -> pd.DataFrame:
    columns = [c for c in part.columns if c.startswith(PROBABILITY_PREFIX) and part[c].notna().any()]
    classes = np.array([c.removeprefix(PROBABILITY_PREFIX) for c in columns], object)
    raw = part[columns].to_numpy(np.float64)
    labels = labels_of(part, classes=list(classes), config=config)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    group = np.where(part["split"] == "audit", pd.factorize(part["group"])[0], -1)
    found = assess_labels(probabilities, labels, group, part["used_for_training"].to_numpy(bool), config=config)
    scores, quality = found.scores, found.quality

    suggested = classes[quality.suggested]
    another = part["clip_id"].map(contradicted).to_numpy(object)
    two_labels = pd.notna(another) & ~labels.reviewed
    right = quality.probability if trusted else np.where(labels.reviewed, 1.0, _UNKNOWN)
    right = np.where(two_labels, np.minimum(right, _TWO_LABELS), right)
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
            "suggested_label": text(np.where(two_labels, another, suggested)),
            "suggested_probability": probability_of(scores.smoothed, quality.suggested).clip(0, 1).astype(np.float32),
            "label_quality": right.clip(0, 1).astype(np.float32),
            "second_opinion": _second_opinion(part, labels, guide=probabilities),
            "wrong_clip": clip_error_probability(found.clip_odds * trusted, share=_SUSPECTED_CLIPS).astype(np.float32),
            "is_issue": (quality.flagged & trusted) | two_labels,
        }
    )


def _second_opinion(part: pd.DataFrame, labels: WindowLabels, *, guide: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the rank of each label by the networks alone, as a share of the audited windows, shape (n,).

    0 is the lowest class-adjusted self-confidence, 1 the highest, or a reviewed label.
    """
    own = smooth(part[["network"]].to_numpy(np.float64), labels, guide=guide)[:, 0]
    adjusted = class_centred(own, labels.given, labels.audited)
    others = np.sort(adjusted[labels.audited & ~labels.reviewed])
    rank = np.searchsorted(others, adjusted, "right") / max(1, labels.audited.sum())
    return np.where(labels.reviewed, 1.0, rank).astype(np.float32)
