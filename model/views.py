"""Views: what a network sees of a window.

A view turns poses into one feature vector a step and forgets what should not matter (where the camera stood, how large the animal
is). ``frame`` is the original recipe's per-frame min-max and forgets all motion of the body; the others keep motion and scale
relative to the clip. All work on tensors, on any device, and on arrays of numpy alike (for :mod:`model.forward`), and give 0
where a keypoint is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["VIEWS", "View", "view_size"]

_TINY = 1e-6

Array: TypeAlias = Any
"""A tensor of PyTorch or an array of numpy; all that go into a view are of one of the two, and so is what comes out."""

View: TypeAlias = Callable[[Array, Array, Array], Array]
"""(xy (b, t, k, 2), shown bool (b, t, k), scale (b,)) -> features (b, t, f)."""


def frame(xy: Array, shown: Array, _scale: Array) -> Array:
    """Scale each frame to its own keypoint box, per axis, to 0..1 (the original recipe; a box without size gives 0).

    Returns shape (b, t, 2 k).
    """
    of = _namespace(xy)
    seen = shown[..., None]
    low = of.amin(of.where(seen, xy, math.inf), 2)[:, :, None]
    size = of.amax(of.where(seen, xy, -math.inf), 2)[:, :, None] - low
    boxed = of.where(size > _TINY, (xy - low) / size, 0.0)
    return _flat(of.where(seen, boxed, 0.0))


def body(xy: Array, shown: Array, scale: Array) -> Array:
    """Centre each frame on its own keypoints, over the clip's median pose radius; add its motion since the last step.

    About -2..2, in pose radii. Returns shape (b, t, 2 k + 2).
    """
    centred, centre = _centred(xy, shown, scale)
    return _namespace(xy).concat([_flat(centred), _steps(centre, shown, scale)], 2)


def aligned(xy: Array, shown: Array, scale: Array) -> Array:
    """``body``, turned so that the principal axis of the window's keypoints lies along x: the camera's roll is forgotten.

    Of the two ways to lie along an axis, the one that turns the picture less is taken. Returns shape (b, t, 2 k + 2).
    """
    of = _namespace(xy)
    centred, centre = _centred(xy, shown, scale)
    x, y = centred[..., 0], centred[..., 1]
    angle = 0.5 * of.atan2(2 * (x * y).sum((1, 2)), (x * x - y * y).sum((1, 2)))
    cos, sin = of.cos(angle)[:, None, None], of.sin(angle)[:, None, None]
    turned = of.stack([x * cos + y * sin, y * cos - x * sin], -1)
    moved = _steps(centre, shown, scale)
    dx, dy = moved[..., 0:1], moved[..., 1:2]
    return of.concat([_flat(turned), dx * cos + dy * sin, dy * cos - dx * sin], 2)


def distances(xy: Array, shown: Array, scale: Array) -> Array:
    """Log distances between all pairs of keypoints, over the clip's median pose radius: blind to place and turn.

    From -3 (at one place) to about 1.4 (four radii apart). Returns shape (b, t, k (k - 1) / 2).
    """
    of = _namespace(xy)
    first, second = _choosers(xy)
    # Selecting from one axis at a time is several times faster than indexing points.
    dx, dy = (first(axis) - second(axis) for axis in (xy[..., 0], xy[..., 1]))
    # Not hypot, which has no counterpart in ONNX.
    gap = of.sqrt(dx * dx + dy * dy) / scale[:, None, None]
    return of.where(first(shown) & second(shown), of.log(gap + 0.05), 0.0)


def _namespace(values: Array) -> Any:
    """Return the module whose functions work on ``values``; those used here take the same arguments in both."""
    return torch if isinstance(values, Tensor) else np


def _flat(values: Array) -> Array:
    """Return shape (b, t, k x 2) for (b, t, k, 2)."""
    return values.reshape(*values.shape[:2], -1)


def _centred(xy: Array, shown: Array, scale: Array) -> tuple[Array, Array]:
    of = _namespace(xy)
    seen = shown[..., None]
    # Counted as numbers of the kind that coordinates are, so that numpy does not go over to double precision. Where none is seen
    # there is no centre, and nothing that is left of it.
    centre = (xy * seen).sum(2) / seen.sum(2, dtype=of.float32)
    centred = of.where(seen, (xy - centre[:, :, None]) / scale[:, None, None, None], 0.0)
    return centred, centre


def _steps(centre: Array, shown: Array, scale: Array) -> Array:
    of = _namespace(centre)
    any_seen = shown.any(2)
    both = (any_seen[:, 1:] & any_seen[:, :-1])[..., None]
    moved = of.where(both, (centre[:, 1:] - centre[:, :-1]) / scale[:, None, None], 0.0)
    return of.concat([of.zeros_like(centre[:, :1]), moved], 1)


def _choosers(xy: Array) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Return what takes the first and what takes the second keypoint of every pair, (b, t, k) to (b, t, pairs)."""
    a, b = _pairs(xy.shape[2])
    if not isinstance(xy, Tensor):
        return lambda values: values.take(a, 2), lambda values: values.take(b, 2)
    at = torch.tensor(np.array([a, b]), device=xy.device)
    return lambda values: values.index_select(2, at[0]), lambda values: values.index_select(2, at[1])


@lru_cache(maxsize=16)
def _pairs(keypoints: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = np.array(list(combinations(range(keypoints), 2)), np.int64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


VIEWS: dict[str, View] = {"frame": frame, "body": body, "aligned": aligned, "distances": distances}


def view_size(view: str, keypoints: int) -> int:
    """Return the number of features a step that a view gives for so many keypoints."""
    return {
        "frame": 2 * keypoints,
        "body": 2 * keypoints + 2,
        "aligned": 2 * keypoints + 2,
        "distances": keypoints * (keypoints - 1) // 2,
    }[view]
