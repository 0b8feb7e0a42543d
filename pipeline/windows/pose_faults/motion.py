"""How keypoints move from sample to sample, and what is usual in a clip: the arithmetic that the detectors rest on.

Everything is measured with lengths and geometric medians, so that a clip that is shifted, enlarged or turned gives the
same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.animals import animals_in
from data_schemas.skeletons import Skeleton
from model.windowing import MISSING, Samples

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_ENOUGH_FOR_A_SHIFT = 3
"""Of two keypoints nobody can say which one moved, so that a shift of the body needs three."""
_ROUNDS = 6
"""Rounds of reweighting for the geometric median; with these an outlier among four points moves it by less than a hundredth."""


@dataclass(frozen=True)
class Body:
    """What is known of the keypoints, as indices.

    Attributes
    ----------
    animals : tuple of tuple of int
        The keypoints of each animal; where there are several, the same part has the same place in each.
    bones : tuple of (int, int)
        The skeleton's edges; all pairs of keypoints within an animal where it has none.
    left_right : tuple of (int, int)
        Pairs of keypoints that a tracker may exchange.
    """

    animals: tuple[tuple[int, ...], ...]
    bones: tuple[tuple[int, int], ...]
    left_right: tuple[tuple[int, int], ...]


def body_of(skeleton: Skeleton, keypoints: tuple[str, ...] | None = None) -> Body:
    """Return what the skeleton says about these keypoints (its own, in its order, where they are not given).

    Several animals are known by their names, see :func:`data_schemas.animals.animals_in`.
    """
    names = keypoints or skeleton.keypoints
    place = {name: i for i, name in enumerate(names)}

    def here(pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((place[a], place[b]) for a, b in skeleton.named(pairs) if a in place and b in place)

    animals = tuple(animals_in(names).values()) or (tuple(range(len(names))),)
    pairs = tuple((a, b) for animal in animals for i, a in enumerate(animal) for b in animal[i + 1 :])
    return Body(animals=animals, bones=here(skeleton.edges) or pairs, left_right=here(skeleton.left_right))


@dataclass(frozen=True)
class Poses:
    """The samples as the detectors look at them.

    Attributes
    ----------
    xy : float32, shape (n, keypoints, 2)
        Coordinates in pixels; 0 where missing.
    shown : bool, shape (n, keypoints)
    clip, block : int32, shape (n,)
        The clip of each sample; samples of one block follow each other without a gap.
    body : Body
    hz : float
        Samples a second.
    """

    xy: FloatArray
    shown: BoolArray
    clip: NDArray[np.int32]
    block: NDArray[np.int32]
    body: Body
    hz: float

    @classmethod
    def of(cls, samples: Samples, clip: NDArray[np.int32], *, rows: slice, body: Body, hz: float) -> Poses:
        """Look at these rows of the samples."""
        return cls(samples.xy[rows], samples.state[rows] > MISSING, clip[rows], samples.block[rows], body, hz)

    @cached_property
    def follows(self) -> BoolArray:
        """Return which samples follow the one before them in the same block: shape (n,)."""
        return np.concatenate([np.zeros(min(1, len(self.block)), bool), self.block[1:] == self.block[:-1]])

    @cached_property
    def size(self) -> FloatArray:
        """Return each animal's usual radius in each sample's clip: shape (n, keypoints); 1 where it is never seen.

        ``Samples.scale`` will not do where two animals share a skeleton: it grows with the distance between them.
        """
        sizes = np.ones(self.shown.shape, np.float32)
        for animal in self.body.animals:
            columns = list(animal)
            middle, known = geometric_median(self.xy[:, columns], self.shown[:, columns])
            distance = length(self.xy[:, columns] - middle[:, None])
            count = np.maximum(self.shown[:, columns].sum(axis=1), 1)
            radius = np.sqrt((distance**2 * self.shown[:, columns]).sum(axis=1) / count)
            usual = clip_median(radius[:, None], known[:, None] & (radius[:, None] > 0), self.clip)
            sizes[:, columns] = np.where(np.isfinite(usual), usual, 1.0)
        return sizes

    @cached_property
    def drift(self) -> FloatArray:
        """Return how far each keypoint's animal has been shifted so far, by camera or by foot: shape (n, keypoints, 2)."""
        total = np.zeros_like(self.xy)
        for animal in self.body.animals:
            columns = list(animal)
            total[:, columns] = np.cumsum(body_shift(self, columns), axis=0, dtype=np.float64)[:, None]
        return total


def length(vectors: FloatArray) -> FloatArray:
    """Return the lengths of vectors of shape (..., 2); several times faster than numpy's norm over so short an axis."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(np.sqrt(x * x + y * y))


def geometric_median(points: FloatArray, shown: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Return the point with the least sum of distances to the shown points of each row (Weiszfeld 1937), and where it is known.

    Parameters
    ----------
    points : shape (n, m, 2)
    shown : shape (n, m)
    """
    known = shown.sum(axis=1) >= _ENOUGH_FOR_A_SHIFT
    weight = shown.astype(np.float32)
    middle = np.zeros((len(points), 2), np.float32)
    for _ in range(_ROUNDS):
        total = np.maximum(weight.sum(axis=1), 1e-20)
        middle = np.einsum("nmc,nm->nc", points, weight) / total[:, None]
        distance = length(points - middle[:, None])
        typical = (distance * shown).sum(axis=1) / np.maximum(shown.sum(axis=1), 1)
        weight = shown / np.maximum(distance, 1e-3 * typical[:, None] + 1e-12)
    return np.where(known[:, None], middle, 0.0).astype(np.float32), known


def body_shift(poses: Poses, columns: list[int]) -> FloatArray:
    """Return the step that most of these keypoints made together since the sample before: shape (n, 2); 0 where unknown.

    One keypoint that leaps does not move it; a camera that is swung moves it alone.
    """
    step = np.diff(poses.xy[:, columns], axis=0, prepend=poses.xy[:1, columns])
    both = poses.shown[:, columns].copy()
    both[1:] &= poses.shown[:-1, columns]
    shift, _ = geometric_median(step, both & poses.follows[:, None])
    return shift


def earlier(shown: BoolArray, block: NDArray[np.int32], *, within: int) -> NDArray[np.int64]:
    """Return the row where each column was last shown, at most ``within`` samples before in the same block; -1 where it was not.

    Parameters
    ----------
    shown : shape (n, m)
    """
    rows = np.arange(len(shown))[:, None]
    last = np.full(shown.shape, -1, np.int64)
    last[1:] = np.maximum.accumulate(np.where(shown, rows, -1), axis=0)[:-1]
    usable = (last >= 0) & (rows - last <= within) & (block[np.maximum(last, 0)] == block[:, None])
    return np.where(usable, last, -1)


def clip_median(values: FloatArray, known: BoolArray, clip: NDArray[np.int32]) -> FloatArray:
    """Return the median of the known values of each clip, laid out over its samples: shape (n, m); NaN where none is known."""
    table = pd.DataFrame(np.where(known, values, np.nan))
    codes, _ = pd.factorize(clip)
    medians = table.groupby(codes, sort=False).median().to_numpy(np.float32)
    return np.asarray(medians[codes], np.float32)
