"""What labels may teach once the passes have judged them, without any network."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.tables import text
from model.windowing import Samples
from pipeline.detection.cleaning_passes import Heard
from pipeline.detection.label_cleaning import Species, listen, species_of
from pipeline.detection.label_quality import estimate_quality
from pipeline.detection.label_scores import doubt_labels, outvoted
from pipeline.detection.lstm_jobs import Parts

__all__ = ["trust_labels"]

_EVEN = 0.5


def trust_labels(windows: pd.DataFrame, samples: Samples, *, config: Config, parts: Parts) -> pd.DataFrame:
    """Return the class that each window may teach: window_id and teaching, null for none.

    It is the window's own label unless what the voices said last makes it more likely wrong than right; then it is the label that
    they suggest. Without passes it is the label as given.

    Parameters
    ----------
    windows
        As they are labelled now; ``reviewed`` tells which labels are fixed.
    """
    first = windows["first_sample"].to_numpy(np.int64)
    told = []
    with joblib.Parallel(n_jobs=config.run.jobs or -1, mmap_mode="c") as workers:
        for species in species_of(windows, config=config):
            heard = listen(species, samples, first=first, config=config, parts=parts, workers=workers, advance=lambda: None)
            teaching = text([species.classes[c] if c >= 0 else None for c in _teaching(species, heard)])
            told.append(pd.DataFrame({"window_id": windows["window_id"].iloc[species.rows].array, "teaching": teaching}))
    return pd.concat(told, ignore_index=True)


def _teaching(species: Species, heard: Heard) -> NDArray[np.int64]:
    if not heard.probabilities.shape[1]:
        return heard.teaching
    teaching, rows = np.full(len(species.rows), -1, np.int64), species.lesson.labelled
    lesson = species.lesson.of(rows)
    said = heard.probabilities[rows].astype(np.float64)
    doubt = doubt_labels(said / said.sum(axis=1, keepdims=True), lesson.labels)
    quality = estimate_quality(doubt, lesson.labels, heard.kept[rows], count=outvoted)
    judged = np.where(quality.right < _EVEN, quality.suggested, lesson.labels.given)
    teaching[rows] = np.where(lesson.teaches, judged, -1)
    return teaching
