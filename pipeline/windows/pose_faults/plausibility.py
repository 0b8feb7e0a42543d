"""Pose before label: keypoints that cannot be right are found first, so that no label is called wrong because of them.

A network that is shown a leaping paw gives the label a low probability; so does the person it asks. Here every sample's
keypoints are compared with the same clip: its motion, its scale, its bones. All functions are pure and work on all clips at
once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from data_schemas.tables import POSE_FAULTS
from model.windowing import MISSING, Samples
from pipeline.windows.pose_faults.detectors import frozen_points, jumps, stretched_bones
from pipeline.windows.pose_faults.motion import Body, Poses
from pipeline.windows.pose_faults.swaps import identity_swaps, left_right_swaps

FAULTS = POSE_FAULTS[1:]
"""The faults of a keypoint (all but ``missing``), as :func:`find_faults` numbers them: 1 is the first, 0 is none."""
# The more telling reason wins where several hold: an exchange is also a leap, and a leap stretches bones.
_BY_PRECEDENCE = ("bone_length", "jump", "frozen", "swap", "identity_swap")
_BLOCK = 50_000
"""Samples that are looked at together."""
_DETECTORS = {
    "jump": jumps,
    "bone_length": stretched_bones,
    "swap": left_right_swaps,
    "frozen": frozen_points,
    "identity_swap": identity_swaps,
}


def find_faults(samples: Samples, clip: NDArray[np.int32], *, body: Body, hz: float) -> NDArray[np.uint8]:
    """Return the fault of every sampled keypoint: uint8, shape (n, keypoints).

    0 is none, else it is the place in :data:`FAULTS`, from 1: ``find_faults(...) > 0`` are the implausible keypoints. Missing
    keypoints have no fault.

    Parameters
    ----------
    samples : Samples
        All clips one after the other.
    clip : int32, shape (n,)
        The clip of each sample.
    body : Body
        See :func:`pipeline.windows.pose_faults.motion.body_of`.
    hz : float
        Samples a second.
    """
    found = np.zeros(samples.state.shape, np.uint8)
    for rows in _blocks(clip):
        poses = Poses.of(samples, clip, rows=rows, body=body, hz=hz)
        for name in _BY_PRECEDENCE:
            found[rows][_DETECTORS[name](poses)] = FAULTS.index(name) + 1
    return found


def _blocks(clip: NDArray[np.int32]) -> Iterator[slice]:
    """Yield spans of whole clips of about :data:`_BLOCK` samples, so that memory does not grow with the source."""
    if not len(clip):
        return
    ends = np.append(np.flatnonzero(np.diff(clip)) + 1, len(clip))
    last = np.append(np.flatnonzero(np.diff(ends // _BLOCK)), len(ends) - 1)
    start = 0
    for end in ends[last].tolist():
        yield slice(start, end)
        start = end


def window_faults(
    faults: NDArray[np.uint8],
    state: NDArray[np.uint8],
    first: NDArray[np.int64],
    *,
    steps: int,
    min_visible: float,
    max_implausible: float,
) -> NDArray[np.object_]:
    """Return why each window's pose is bad, or None: the rule behind ``bad_pose``.

    A window is lost when plausible keypoints are less than ``min_visible`` of all, or implausible ones more than
    ``max_implausible`` of those that are visible, both counted over its samples. So one keypoint that leaps in one sample does
    no harm, while two animals exchanged inside the window (all keypoints of two samples in five) are too much.

    Parameters
    ----------
    faults, state : uint8, shape (n, keypoints)
        From :func:`find_faults`, and the samples' state.
    first : int64, shape (windows,)
        The row of each window's first sample.

    Returns
    -------
    object, shape (windows,)
        None, ``"missing"`` or the commonest of :data:`FAULTS` in the window.
    """
    kinds = [_count(state == MISSING, first, steps)]
    kinds += [_count(faults == number, first, steps) for number in range(1, len(FAULTS) + 1)]
    counts = np.stack(kinds, axis=1)
    total = steps * state.shape[1]
    missing, implausible = counts[:, 0], counts[:, 1:].sum(axis=1)
    too_few = (total - missing - implausible) / max(total, 1) < min_visible
    too_many = implausible > max_implausible * np.maximum(total - missing, 1)
    # Where faults alone would do, the faults are the reason, however much is missing besides.
    reason = np.where(too_many, counts[:, 1:].argmax(axis=1) + 1, counts.argmax(axis=1))
    names: NDArray[np.object_] = np.array(POSE_FAULTS, object)[reason]
    names[~(too_few | too_many)] = None
    return names


def _count(marked: NDArray[np.bool_], first: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    total = np.concatenate([[0], np.cumsum(marked.sum(axis=1))])
    return np.asarray(total[first + steps] - total[first], np.int64)
