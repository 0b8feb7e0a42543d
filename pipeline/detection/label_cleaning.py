"""What the quick voices say of the windows of a species, and which labels they trust.

::

    windows ── species ── labels to doubt, groups, splits ── passes (pipeline.detection.cleaning_passes) ── voices, repaired
    labels
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from model.recipe import Recipe, make_recipe
from model.summaries import VOICES, context, summarise_windows
from model.windowing import Samples
from pipeline.detection.cleaning_passes import REPAIRS, Heard, Lesson, batches, run_passes
from pipeline.detection.lstm_jobs import Parts
from pipeline.detection.smoothing import Labelled
from pipeline.windows.cutting import contiguous_blocks
from pipeline.windows.folds import classes_of, teaching_windows

__all__ = ["Species", "labels_of", "listen", "most_passes", "recipe_of", "species_of"]

_REACHES = (3, 9)
"""Windows on either side that the voice of the context looks at, about 1.4 and 3.8 seconds at 5 Hz; the first for space."""


_KEPT = ("probabilities", "kept", "teaching", "first")
"""What of the passes is kept, so that an interrupted run need not repeat them."""


@dataclass(frozen=True)
class Species:
    """The windows of one species that are predicted, as rows of the windows table, and what they teach.

    Attributes
    ----------
    name : str
    classes : list of str
        Sorted.
    rows : int64, shape (n,)
        Rows of the windows table.
    lesson : Lesson
        See :mod:`pipeline.detection.cleaning_passes`.
    """

    name: str
    classes: list[str]
    rows: NDArray[np.int64]
    lesson: Lesson


def recipe_of(config: Config) -> Recipe:
    """Return the recipe that the configuration asks for."""
    keys = config.model.model_dump()
    return make_recipe(keys.pop("preset"), **keys)


def labels_of(windows: pd.DataFrame, *, classes: list[str], config: Config) -> Labelled:
    """Return the labels of windows of one species, -1 for none; the windows lie by clip and time."""
    return Labelled(
        given=pd.Categorical(windows["target"], categories=classes).codes.astype(np.int64),
        clip=pd.factorize(windows["clip_id"])[0].astype(np.int64),
        block=contiguous_blocks(windows, config=config),
        audited=(windows["split"] == "audit").to_numpy(bool),
        votes=~windows["bad_pose"].to_numpy(bool),
        fixed=windows["reviewed"].to_numpy(bool),
        sigma=config.issues.smooth_seconds * config.windows.hz / config.windows.stride,
    )


def most_passes(recipe: Recipe) -> int:
    """Return the most passes that a species takes."""
    return recipe.cleaning_iterations + REPAIRS if recipe.cleaning_iterations else 0


def species_of(windows: pd.DataFrame, *, config: Config) -> Iterator[Species]:
    """Yield every species that has classes to tell apart, with the windows of its audit and its hold-out, and the unlabelled."""
    for name, of_species in windows.groupby("species"):
        classes = classes_of(of_species)
        if not classes:
            continue
        rows = np.flatnonzero((windows["species"] == name).to_numpy() & (windows["split"] != "left_out").to_numpy())
        own = windows.iloc[rows]
        # Windows without a label go with their group.
        audited = ~own["group"].isin(own.loc[own["split"] == "holdout", "group"].unique()).to_numpy(bool)
        lesson = Lesson(
            labels=labels_of(own, classes=classes, config=config),
            group=pd.factorize(own["group"])[0].astype(np.int64),
            audited=audited,
            teaches=(own["split"] == "audit").to_numpy() & teaching_windows(own),
            classes=len(classes),
            folds=config.folds.count,
            seed=config.folds.seed,
        )
        yield Species(name=str(name), classes=classes, rows=rows, lesson=lesson)


def listen(
    species: Species,
    samples: Samples,
    *,
    first: NDArray[np.int64],
    config: Config,
    parts: Parts,
    workers: joblib.Parallel,
    advance: Callable[[], None],
) -> Heard:
    """Return what the quick voices say and which labels they trust; all labels where the recipe makes no passes."""
    lesson, most = species.lesson, recipe_of(config).cleaning_iterations
    if not most:
        teaching = np.where(lesson.teaches, lesson.labels.given, -1)
        nothing = np.zeros((len(species.rows), 0), np.float32)
        return Heard(nothing, kept=lesson.teaches, teaching=teaching, changed=[], first=nothing)
    arrays = ((what, parts.read_array(f"{species.name}-{what}")) for what in _KEPT)
    known = {what: array for what, array in arrays if array is not None}
    if len(known) == len(_KEPT):
        return Heard(**known, changed=[])
    said: dict[str, NDArray[Any]] = {
        "probabilities": np.zeros((len(species.rows), lesson.classes), np.float32),
        "kept": lesson.teaches.copy(),
        "teaching": np.full(len(species.rows), -1, np.int64),
        "first": np.zeros((len(species.rows), lesson.classes), np.float32),
    }
    changed: list[float] = []
    for rows in batches(lesson):
        part = lesson.of(rows)
        blocks = summarise_windows(samples, first[species.rows[rows]], steps=config.windows.steps, reference=part.audited)
        voices = {voice: np.concatenate([blocks[b] for b in names], axis=1) for voice, names in VOICES.items()}
        voices["space"] = context(voices["space"], part.labels.block, reaches=_REACHES[:1])
        voices["context"] = context(blocks["distance"], part.labels.block, reaches=_REACHES)
        of_batch = run_passes(voices, part, most=most, workers=workers, progress=advance)
        for what, array in said.items():
            array[rows] = getattr(of_batch, what)
        changed = max(changed, of_batch.changed, key=len)
    for what, array in said.items():
        parts.write_array(f"{species.name}-{what}", array)
    return Heard(**said, changed=changed)
