"""Base learners: quick models, cheap enough to be trained anew in every cleaning iteration. Their mean is the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.kernel_ridge import predict_left_out
from model.summaries import context

FloatArray = NDArray[np.float32]


class BaseLearner(Protocol):
    """Predicts every window by a model that never saw its group. It is pickled, and works alone in a process of one thread."""

    @property
    def name(self) -> str:
        """Name it, for tables of results."""

    def features(self, summaries: Mapping[str, FloatArray], block: NDArray[np.int64]) -> FloatArray:
        """Return what it reads, shape (n, features); asked once, for all iterations.

        Parameters
        ----------
        summaries : mapping of str to float32, shape (n, columns)
            The standardised blocks of :func:`model.summaries.summarise_windows`.
        block : int64, shape (n,)
            Contiguous block of each window, ascending: only windows of one block are neighbours.
        """

    def predict_left_out(
        self, features: FloatArray, target: NDArray[np.int64], *, classes: int, fold: NDArray[np.int64], seed: int
    ) -> FloatArray:
        """Return class probabilities of all windows by models that did not see their fold, shape (n, classes).

        Parameters
        ----------
        target : int64, shape (n,)
            The class that each window is trained as, -1 where it does not train.
        fold : int64, shape (n,)
            Fold of each window; -1 trains nothing, and is predicted by what all folds train.
        """


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression (:mod:`model.kernel_ridge`) on some blocks of summaries.

    Attributes
    ----------
    blocks : tuple of str
        The summaries that it reads.
    reaches : tuple of int
        It reads their means over so many windows on either side as well: 3 and 9 are about 1.4 and 3.8 seconds at 5 Hz.
    """

    name: str
    blocks: tuple[str, ...]
    reaches: tuple[int, ...] = ()

    def features(self, summaries: Mapping[str, FloatArray], block: NDArray[np.int64]) -> FloatArray:
        """Return the blocks side by side, and their means over neighbours."""
        return context(np.concatenate([summaries[b] for b in self.blocks], axis=1), block, reaches=self.reaches)

    def predict_left_out(
        self, features: FloatArray, target: NDArray[np.int64], *, classes: int, fold: NDArray[np.int64], seed: int
    ) -> FloatArray:
        """Return out-of-fold probabilities at the penalty that predicts the given labels of other groups best."""
        return predict_left_out(features, target, classes=classes, fold=fold, training_mask=target >= 0, seed=seed)


BASE_LEARNERS: tuple[BaseLearner, ...] = (
    KernelRidge("pairs", ("distance",)),
    KernelRidge("space", ("distance", "nearest", "farthest", "closing", "turning", "seen"), reaches=(3,)),
    KernelRidge(
        "motion", ("turning", "closing", "spread", "trend", "speed", "fastest", "way", "own_speed", "body_speed", "seen")
    ),
    KernelRidge("context", ("distance",), reaches=(3, 9)),
)
"""The ensemble: each is a different look at the same windows, and their mean is better than the best of them."""
