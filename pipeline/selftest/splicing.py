"""Splice a segment of one clip's poses into another clip so that neither seam gives it away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FEWEST_SHARED = 2
_LARGEST_RATIO = 2.0

Poses = NDArray[np.float32]


@dataclass(frozen=True)
class SplicedSegment:
    """Poses that fit their place (float32, shape (n, keypoints, 2)), and how far all that follows must move (shape (2,))."""

    xy: Poses
    shift: NDArray[np.float64]


def poses_at(time: NDArray[np.integer], xy: Poses, *, at: NDArray[np.floating]) -> Poses:
    """Return poses at the times ``at``, linear between frames; a keypoint that either frame lacks stays missing.

    Parameters
    ----------
    time : shape (frames,)
        Not decreasing, in ms; ``at`` lies within.
    xy : float32, shape (frames, keypoints, 2)
        NaN where missing.
    """
    after = np.clip(np.searchsorted(time, at, "left"), 1, max(len(time) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(time) - 1)
    width = np.maximum(time[after] - time[before], 1)
    weight = np.clip((at - time[before]) / width, 0.0, 1.0)[:, None, None]
    mixed = (1 - weight) * xy[before] + weight * xy[after]
    # At a frame's own time its neighbour does not count, missing or not.
    exact = np.where(weight == 0, xy[before], np.where(weight == 1, xy[after], mixed))
    return exact.astype(np.float32)


def fit_segment(donor: Poses, *, start: Poses, end: Poses, progress: NDArray[np.floating]) -> SplicedSegment | None:
    """Move and scale donor poses so that their centre and size are the host's at both seams.

    The first pose gets the centre and size of ``start``. From there on it moves as the donor moved; its scale glides to the one
    that meets the size of ``end``. The host goes on from where the segment ends (:attr:`SplicedSegment.shift` is to be
    added to all later frames): bending the segment's path back instead would let a sitting animal slide. Centre and size are
    those of the keypoints that both poses show.

    Parameters
    ----------
    donor : float32, shape (n, keypoints, 2)
        NaN where missing.
    start, end : float32, shape (keypoints, 2)
        The host's own poses at the first and the last frame that are replaced.
    progress : shape (n,)
        Time of each pose as a share of the stretch, 0 to 1.

    Returns
    -------
    SplicedSegment or None
        None where a seam shows fewer than two common keypoints, or the sizes differ by more than a factor of two.
    """
    at_start, at_end = _meet(donor[0], start), _meet(donor[-1], end)
    if at_start is None or at_end is None:
        return None
    from_centre, to_centre, first_ratio = at_start
    scale = first_ratio * (at_end[2] / first_ratio) ** np.asarray(progress, np.float64)
    fitted = to_centre + scale[:, None, None] * (donor - from_centre)
    left_at = to_centre + scale[-1] * (at_end[0] - from_centre)
    return SplicedSegment(fitted.astype(np.float32), left_at - at_end[1])


def _meet(donor: Poses, host: Poses) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
    """Return the centres of two poses over the keypoints that both show, and the host's size over the donor's."""
    shared = np.isfinite(donor).all(axis=1) & np.isfinite(host).all(axis=1)
    if shared.sum() < _FEWEST_SHARED:
        return None
    ours, theirs = donor[shared].astype(np.float64), host[shared].astype(np.float64)
    sizes = [float(np.sqrt(((p - p.mean(axis=0)) ** 2).sum(axis=1).mean())) for p in (ours, theirs)]
    if min(sizes) <= 0 or not 1 / _LARGEST_RATIO <= sizes[1] / sizes[0] <= _LARGEST_RATIO:
        return None
    return ours.mean(axis=0), theirs.mean(axis=0), sizes[1] / sizes[0]
