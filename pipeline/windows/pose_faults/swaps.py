"""Keypoints under each other's name: left for right, one animal for the other. Reported, not repaired."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.windows.pose_faults.motion import BoolArray, FloatArray, Poses, clip_median, earlier, length

GAP_SECONDS = 0.6
"""Poses on either side of a gap are compared if it is no longer."""

SWAP_GAIN = 0.35
"""An exchange leaves, swapped back, this share of the pair's motion or less: quick legs leave more."""
SWAP_RADII = 0.4
"""Least distance between left and right, in the animal's radius: closer together their exchange is hidden by the jitter, and
makes little difference."""
SWAP_TIMES_OWN = 3.0
"""Least change of the pair, in its own median change in the clip: the legs of a walking animal change places all the time."""
SWAP_HELD = 3
"""Samples for which a pair stands right before an exchange, and stays exchanged: shorter leaps are jumps."""
SWAP_STEADY = 0.3
"""While it stands it stays within this share of the exchange: the legs of a walking animal never do for three samples."""

IDENTITY_GAIN = 0.35
"""Two animals were exchanged when that leaves this share of the motion or less."""
IDENTITY_SHARE = 0.8
"""Share of the parts seen in both animals that must each lie nearer to the other's place: one stray keypoint may disagree."""
IDENTITY_PARTS = 2
"""Least number of such parts."""
IDENTITY_RADII = 1.0
"""Least distance between the animals before and after, in radii of an animal: in a huddle nobody can distinguish them."""


def left_right_swaps(poses: Poses) -> BoolArray:
    """Return the keypoints of left-right pairs while they are exchanged.

    The vector from right to left turns round from one sample to the next: reversed, it hardly changes. Of the stretches between
    such turns in a block, those of the rarer direction are the exchanged ones. A vector is free of the camera and of the
    animal's path; a turning animal turns it bit by bit.
    """
    found = np.zeros_like(poses.shown)
    for left, right in poses.body.left_right:
        seen = poses.shown[:, left] & poses.shown[:, right]
        turned = _reversals(poses, poses.xy[:, left] - poses.xy[:, right], size=poses.size[:, left], seen=seen)
        exchanged = _rarer_side(turned, seen=seen, block=poses.block)
        found[:, left] |= exchanged
        found[:, right] |= exchanged
    return found


def _reversals(poses: Poses, vector: FloatArray, *, size: FloatArray, seen: BoolArray) -> BoolArray:
    """Return the samples at which a pair's vector has turned round since it was last seen, and holds still before and after."""
    before: NDArray[np.int64] = earlier(seen[:, None], poses.block, within=max(1, round(GAP_SECONDS * poses.hz)))[:, 0]
    known = seen & (before >= 0)
    last = vector[np.maximum(before, 0)]
    change, remains = length(vector - last), length(vector + last)
    own = np.nan_to_num(clip_median(change[:, None], known[:, None], poses.clip)[:, 0])
    shorter = np.minimum(length(vector), length(last))
    turned = known & (remains <= SWAP_GAIN * change) & (change >= SWAP_TIMES_OWN * own) & (shorter >= SWAP_RADII * size)
    rows: NDArray[np.int64] = np.flatnonzero(turned)
    steady = _steady(vector, rows, seen=seen, block=poses.block, change=change[rows], forward=True)
    steady &= _steady(vector, before[rows], seen=seen, block=poses.block, change=change[rows], forward=False)
    kept = np.zeros(len(seen), bool)
    kept[rows] = steady
    return kept


def _steady(
    vector: FloatArray, rows: NDArray[np.int64], *, seen: BoolArray, block: NDArray[np.int32], change: FloatArray, forward: bool
) -> BoolArray:
    """Return for which rows the pair is seen in the samples that follow (or come before), and hardly changes over them."""
    steady, sightings = np.ones(len(rows), bool), np.zeros(len(rows), np.int64)
    for distance in range(1, SWAP_HELD):
        other = np.clip(rows + (distance if forward else -distance), 0, len(block) - 1)
        there = seen[other] & (block[other] == block[rows]) & (other != rows)
        sightings += there
        steady &= ~there | (length(vector[other] - vector[rows]) <= SWAP_STEADY * change)
    return np.asarray(steady & (sightings > 0))


def _rarer_side(turned: BoolArray, *, seen: BoolArray, block: NDArray[np.int32]) -> BoolArray:
    """Return the seen samples of the direction that is rarer in their block; the later one where both are as common."""
    if not turned.any():
        return np.zeros_like(turned)
    start = np.searchsorted(block, block, "left")
    total = np.cumsum(turned)
    odd = (total - total[start]) % 2 == 1
    codes = np.unique(block, return_inverse=True)[1]
    seen_odd, seen_all = np.bincount(codes, odd & seen), np.bincount(codes, seen)
    rarer_is_odd = (2 * seen_odd <= seen_all)[codes]
    several = (np.bincount(codes, turned) > 0)[codes]
    return np.asarray(seen & several & (odd == rarer_is_odd))


def identity_swaps(poses: Poses) -> BoolArray:
    """Return the keypoints of two animals on either side of an exchange of all their keypoints.

    Which of them is called the first does not matter to a window before or after; one that spans the exchange shows two
    animals leaping through each other. So only the samples on both sides are marked.
    """
    found = np.zeros_like(poses.shown)
    animals = poses.body.animals
    for i, one in enumerate(animals):
        for other in animals[i + 1 :]:
            columns = np.array([*one, *other], np.int64)
            exchanged, before = _exchanges(poses, list(one), list(other))
            found[np.ix_(exchanged, columns)] = True
            found[np.ix_(before[exchanged], columns)] = True
    return found & poses.shown


def _exchanges(poses: Poses, one: list[int], other: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows at which the animals have been exchanged since the sample before, and the row before each row."""
    n = len(poses.block)
    before = np.where(poses.follows, np.arange(n) - 1, 0)
    both = poses.shown[:, one] & poses.shown[:, other]
    both = both & both[before] & poses.follows[:, None]
    a, b = poses.xy[:, one], poses.xy[:, other]
    kept = length(a - a[before]) + length(b - b[before])
    swapped = length(a - b[before]) + length(b - a[before])
    apart = length(a - b)
    parts = both.sum(axis=1)
    size = np.minimum(poses.size[:, one[0]], poses.size[:, other[0]])

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray((values * both).sum(axis=1) / np.maximum(parts, 1))

    nearer = mean((swapped < kept).astype(np.float32))
    found = (parts >= IDENTITY_PARTS) & (mean(swapped) <= IDENTITY_GAIN * mean(kept)) & (nearer >= IDENTITY_SHARE)
    found &= np.minimum(mean(apart), mean(apart[before])) >= IDENTITY_RADII * size
    return np.flatnonzero(found), before
