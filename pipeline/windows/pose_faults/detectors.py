"""Keypoints that leap, stretch a bone or stand still: one detector each, from poses to a bool array (samples, keypoints)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.windows.pose_faults.motion import BoolArray, FloatArray, Poses, clip_median, earlier, length

GAP_SECONDS = 0.6
"""A keypoint is compared with where it was last seen, if that is not longer ago: in a second an animal can be anywhere."""

JUMP_SAMPLES = 2
"""A leap lasts at most this many samples: what stays away for longer has moved, or its bones are too long."""
JUMP_RADII = 0.8
"""Least leap, in the animal's radius, about a third of a body: shorter ones look like quick paws and tails."""
JUMP_SURE_RADII = 1.6
"""No part of an animal leaps so far and back in two samples, so that these count even where they come in rows."""
JUMP_TIMES_OWN = 4.0
"""Least leap, in the keypoint's own median step of the clip: a tail that wags all the time leaps all the time."""
JUMP_TIMES_BODY = 3.0
"""Least leap, in the median step of the animal's keypoints in that sample, the body's shift taken off."""
JUMP_RETURN = 0.5
"""A keypoint has come back when it is this share of the leap, or less, from where it was."""
JUMPS_NEARBY = 3
"""Samples of shorter leaps within a second on either side that are a motion (scratching, wagging), not a fault."""

BONE_MADS = 3.0
"""A bone is too long this many (normal-consistent) median deviations of the log length above the clip's median (at 4, one
injected fault in seven of the simulated ones is lost; at 6, every second)..."""
BONE_FACTOR = 1.8
"""...and at least this many times its median, because foreshortening alone changes a length by as much..."""
BONE_RADII = 0.8
"""...and longer by this many radii of the animal, because the relative length of a short bone is mostly jitter."""
BONE_SHARE = 0.5
"""A keypoint is to blame when at least this share of its visible bones is too long, and no less than at the bone's other end."""
_NORMAL = 1.4826

FROZEN_SECONDS = 2.0
"""Exactly the same coordinates for so long; a paw that bears weight stays for a second, and jitters."""
FROZEN_MOTION = 0.08
"""The rest moves when its median step over that time is at least this share of the animal's radius."""


def jumps(poses: Poses) -> BoolArray:
    """Return the keypoints that leap away from the body's motion and come back within :data:`JUMP_SAMPLES` samples."""
    before, step = _steps(poses, poses.xy - poses.drift)
    seen = before >= 0
    own = np.nan_to_num(clip_median(step, seen, poses.clip))
    least = np.maximum(JUMP_RADII * poses.size, JUMP_TIMES_OWN * own)
    for animal in poses.body.animals:
        columns = list(animal)
        least[:, columns] = np.maximum(least[:, columns], JUMP_TIMES_BODY * _row_median(step[:, columns], seen[:, columns]))
    leaping = seen & (step > least)
    away, sure = _there_and_back(poses, leaping, before=before, step=step)
    return away & (sure | (_count_around(away, poses.block, reach=max(1, round(poses.hz))) < JUMPS_NEARBY))


def _count_around(marked: BoolArray, block: NDArray[np.int32], *, reach: int) -> NDArray[np.int64]:
    """Return how many of the samples up to ``reach`` away in the same block are marked: shape (n, keypoints)."""
    total = np.concatenate([np.zeros((1, marked.shape[1]), np.int64), np.cumsum(marked, axis=0)])
    rows = np.arange(len(marked))
    low = np.maximum(rows - reach, np.searchsorted(block, block, "left"))
    high = np.minimum(rows + reach + 1, np.searchsorted(block, block, "right"))
    return np.asarray(total[high] - total[low])


def _steps(poses: Poses, place: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the row where each shown keypoint was seen last (-1: not lately, or not shown), and how far from it."""
    before = earlier(poses.shown, poses.block, within=max(1, round(GAP_SECONDS * poses.hz)))
    before = np.where(poses.shown, before, -1)
    moved = place - place[np.maximum(before, 0), np.arange(before.shape[1])]
    return before, length(moved)


def _row_median(values: FloatArray, known: BoolArray) -> FloatArray:
    """Return the (lower) median of the known values of each row: shape (n, 1); 0 where none is known."""
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    middle = np.maximum(known.sum(axis=1, keepdims=True) - 1, 0) // 2
    median = np.take_along_axis(ordered, middle, axis=1)
    return np.where(np.isfinite(median), median, 0).astype(np.float32)


def _there_and_back(
    poses: Poses, leaping: BoolArray, *, before: NDArray[np.int64], step: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Return where a keypoint is away between a leap and a leap back, and where these are too long for any animal."""
    place = poses.xy - poses.drift
    away, sure = np.zeros_like(leaping), np.zeros_like(leaping)
    # Only the leaps are looked at, each as the leap back: from there along the sightings of that keypoint to the leap out.
    back, column = np.nonzero(leaping)
    path: list[NDArray[np.int64]] = []
    for _ in range(JUMP_SAMPLES):
        last = path[-1] if path else back
        first = np.where(last >= 0, before[last, column], -1)
        path.append(first)
        origin = before[first, column]
        home = length(place[back, column] - place[origin, column])
        least = np.minimum(step[back, column], step[first, column])
        found = (first >= 0) & leaping[first, column] & (home <= JUMP_RETURN * least)
        long = found & (least > JUMP_SURE_RADII * poses.size[back, column])
        for rows in path:
            away[rows[found], column[found]] = True
            sure[rows[long], column[long]] = True
    return away, sure


def stretched_bones(poses: Poses) -> BoolArray:
    """Return the keypoints at the end of bones that are far longer than is usual in their clip.

    Only too long counts: seen from the front a bone is as short as it likes.
    """
    n, keypoints = poses.shown.shape
    bones, too_long = np.zeros((n, keypoints), np.int16), np.zeros((n, keypoints), np.int16)
    stretched = np.zeros((n, len(poses.body.bones)), bool)
    for place, (a, b) in enumerate(poses.body.bones):
        seen = poses.shown[:, a] & poses.shown[:, b]
        stretched[:, place] = seen & _too_long(poses, a, b, seen=seen)
        for end in (a, b):
            bones[:, end] += seen
            too_long[:, end] += stretched[:, place]
    share = too_long / np.maximum(bones, 1)
    found = np.zeros((n, keypoints), bool)
    for place, (a, b) in enumerate(poses.body.bones):
        for end, other in ((a, b), (b, a)):
            found[:, end] |= stretched[:, place] & (share[:, end] >= np.maximum(share[:, other], BONE_SHARE))
    return found


def _too_long(poses: Poses, a: int, b: int, *, seen: BoolArray) -> BoolArray:
    size = poses.size[:, a]
    long = length(poses.xy[:, a] - poses.xy[:, b])
    # A hundredth of the radius stands for keypoints on one pixel, whose logarithm would be endless.
    log = np.log(np.maximum(long, 0.01 * size))
    usual = clip_median(log[:, None], seen[:, None], poses.clip)[:, 0]
    spread = _NORMAL * clip_median(np.abs(log - usual)[:, None], seen[:, None], poses.clip)[:, 0]
    with np.errstate(invalid="ignore"):
        least = np.maximum(np.exp(usual + np.maximum(BONE_MADS * spread, np.log(BONE_FACTOR))), np.exp(usual) + BONE_RADII * size)
        return np.asarray(long > least)


def frozen_points(poses: Poses) -> BoolArray:
    """Return the keypoints that keep exactly the same coordinates for :data:`FROZEN_SECONDS` while the rest moves."""
    same = np.zeros_like(poses.shown)
    same[1:] = poses.shown[1:] & poses.shown[:-1] & (poses.xy[1:] == poses.xy[:-1]).all(axis=2)
    same &= poses.follows[:, None]
    rest = _motion_of_the_rest(poses)
    rows = np.arange(len(same))[:, None]
    # The row at which each stretch of equal samples starts, and the motion of the rest added up since then.
    start = np.maximum.accumulate(np.where(same, 0, rows), axis=0)
    end = np.minimum.accumulate(np.where(np.roll(same, -1, axis=0), len(same), rows)[::-1], axis=0)[::-1]
    total = np.cumsum(rest, axis=0)
    column = np.arange(same.shape[1])
    steps = end - start
    moved = (total[end, column] - total[start, column]) / np.maximum(steps, 1)
    return np.asarray(poses.shown & (steps >= round(FROZEN_SECONDS * poses.hz)) & (moved >= FROZEN_MOTION))


def _motion_of_the_rest(poses: Poses) -> FloatArray:
    """Return the median step of each keypoint's animal since the sample before, in radii: shape (n, keypoints)."""
    step = np.zeros(poses.shown.shape, np.float32)
    step[1:] = length(np.diff(poses.xy, axis=0))
    known = poses.shown.copy()
    known[1:] &= poses.shown[:-1]
    known &= poses.follows[:, None]
    motion = np.zeros_like(step)
    for animal in poses.body.animals:
        columns = list(animal)
        motion[:, columns] = _row_median(step[:, columns], known[:, columns]) / poses.size[:, columns]
    return motion
