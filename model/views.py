"""Views: what a network sees of a window.

A view turns poses into one feature vector a step and forgets what should not matter (where the camera stood, how large the animal
is). ``frame`` is the original recipe's per-frame min-max and forgets all motion of the body; the others keep motion and scale
relative to the clip. All work on tensors, on any device, and give 0 where a keypoint is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

__all__ = ["VIEWS", "view_size"]

_TINY = 1e-6

View = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(xy (b, t, k, 2), shown bool (b, t, k), scale (b,)) -> features (b, t, f)."""


def frame(xy: Tensor, shown: Tensor, _scale: Tensor) -> Tensor:
    """Scale each frame to its own keypoint box, per axis, to 0..1 (the original recipe; a box without size gives 0).

    Returns shape (b, t, 2 k).
    """
    seen = shown[..., None]
    low = torch.where(seen, xy, torch.inf).amin(dim=2, keepdim=True)
    size = torch.where(seen, xy, -torch.inf).amax(dim=2, keepdim=True) - low
    boxed = torch.where(size > _TINY, (xy - low) / size, 0.0)
    return torch.where(seen, boxed, 0.0).flatten(2)


def body(xy: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
    """Centre each frame on its own keypoints, over the clip's median pose radius; add its motion since the last step.

    Returns shape (b, t, 2 k + 2).
    """
    centred, centre = _centred(xy, shown, scale)
    return torch.cat([centred.flatten(2), _steps(centre, shown, scale)], dim=2)


def aligned(xy: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
    """``body``, turned so that the principal axis of the window's keypoints lies along x: the camera's roll is forgotten.

    Of the two ways to lie along an axis, the one that turns the picture less is taken. Returns shape (b, t, 2 k + 2).
    """
    centred, centre = _centred(xy, shown, scale)
    x, y = centred[..., 0], centred[..., 1]
    angle = 0.5 * torch.atan2(2 * (x * y).sum((1, 2)), (x * x - y * y).sum((1, 2)))
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    turned = torch.stack([x * cos + y * sin, y * cos - x * sin], dim=-1)
    moved = _steps(centre, shown, scale)
    dx, dy = moved[..., 0:1], moved[..., 1:2]
    return torch.cat([turned.flatten(2), dx * cos + dy * sin, dy * cos - dx * sin], dim=2)


def distances(xy: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
    """Log distances between all pairs of keypoints, over the clip's median pose radius: blind to place and turn.

    Returns shape (b, t, k (k - 1) / 2).
    """
    a, b = _pairs(xy.shape[2], xy.device)
    # Selecting from one axis at a time is several times faster than indexing points.
    dx, dy = (axis.index_select(2, a) - axis.index_select(2, b) for axis in xy.unbind(-1))
    # Not torch.hypot, which has no counterpart in ONNX.
    gap = (dx * dx + dy * dy).sqrt() / scale[:, None, None]
    return torch.where(shown.index_select(2, a) & shown.index_select(2, b), torch.log(gap + 0.05), 0.0)


def _centred(xy: Tensor, shown: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    seen = shown[..., None]
    centre = (xy * seen).sum(2) / seen.sum(2).clamp(min=1)
    centred = torch.where(seen, (xy - centre[:, :, None]) / scale[:, None, None, None], 0.0)
    return centred, centre


def _steps(centre: Tensor, shown: Tensor, scale: Tensor) -> Tensor:
    any_seen = shown.any(2)
    both = (any_seen[:, 1:] & any_seen[:, :-1])[..., None]
    moved = torch.where(both, (centre[:, 1:] - centre[:, :-1]) / scale[:, None, None], 0.0)
    return torch.cat([torch.zeros_like(centre[:, :1]), moved], dim=1)


def _pairs(keypoints: int, device: torch.device) -> tuple[Tensor, Tensor]:
    pairs = torch.tensor(list(combinations(range(keypoints), 2)), dtype=torch.long, device=device).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


VIEWS: dict[str, View] = {"frame": frame, "body": body, "aligned": aligned, "distances": distances}


def view_size(view: str, keypoints: int) -> int:
    """Return the number of features a step that a view gives for so many keypoints."""
    return {
        "frame": 2 * keypoints,
        "body": 2 * keypoints + 2,
        "aligned": 2 * keypoints + 2,
        "distances": keypoints * (keypoints - 1) // 2,
    }[view]
