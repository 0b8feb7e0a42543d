"""The windows of one species as a training set: labels, groups, and which windows may train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from model.recipe import Recipe, make_recipe
from pipeline.detection.smoothing import WindowLabels, labels_of
from pipeline.windows.folds import classes_of, deal_groups, training_mask


@dataclass(frozen=True)
class TrainingSet:
    """The windows of one species.

    Attributes
    ----------
    labels : WindowLabels
        Given classes (-1: none), clips, valid poses, and which labels are reviewed.
    group : int64, shape (n,)
        Group of the folds.
    audited : bool, shape (n,)
        False for the hold-out, which trains nothing and is predicted by what all others train.
    train_mask : bool, shape (n,)
        Audited windows that may train: labelled, not mixed, no bad pose.
    classes : int
    folds : int
    seed : int
    """

    labels: WindowLabels
    group: NDArray[np.int64]
    audited: NDArray[np.bool_]
    train_mask: NDArray[np.bool_]
    classes: int
    folds: int
    seed: int

    @property
    def labelled(self) -> NDArray[np.int64]:
        """Return the rows of the windows that have a label; the others are predicted, and have no score."""
        return np.flatnonzero(self.labels.given >= 0)

    def seed_of(self, *, repeat: int = 0, iteration: int = 0, member: int = 0) -> int:
        """Return the seed of a deal of folds, or of a base learner (``member``) that is trained on them."""
        return self.seed + 1000 * repeat + 100 * iteration + member

    def deal(self, target: NDArray[np.int64], *, count: int, seed: int) -> NDArray[np.int64]:
        """Return the fold of each window, by the windows that train as a class; -1 where none of its group does."""
        return deal_groups(target, self.group, target >= 0, count=count, seed=seed)

    def subset(self, rows: NDArray[np.int64]) -> TrainingSet:
        """Return some of the windows; of whole groups all or all that are labelled, so that folds stay apart."""
        return replace(
            self,
            labels=self.labels.subset(rows),
            group=self.group[rows],
            audited=self.audited[rows],
            train_mask=self.train_mask[rows],
        )


@dataclass(frozen=True)
class Species:
    """The windows of one species that are predicted.

    Attributes
    ----------
    name : str
    classes : list of str
        Sorted.
    rows : int64, shape (n,)
        Rows of the windows table.
    training : TrainingSet
    """

    name: str
    classes: list[str]
    rows: NDArray[np.int64]
    training: TrainingSet


def recipe_of(config: Config) -> Recipe:
    """Return the recipe that the configuration asks for."""
    keys = config.model.model_dump()
    return make_recipe(keys.pop("preset"), **keys)


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
        training = TrainingSet(
            labels=labels_of(own, classes=classes, config=config),
            group=pd.factorize(own["group"])[0].astype(np.int64),
            audited=audited,
            train_mask=(own["split"] == "audit").to_numpy() & training_mask(own),
            classes=len(classes),
            folds=config.folds.count,
            seed=config.folds.seed,
        )
        yield Species(name=str(name), classes=classes, rows=rows, training=training)
