"""Labels to doubt, and the average over their neighbours in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Labelled", "smooth"]

FloatArray = NDArray[np.float64]

_ALIKE = 0.4
"""Distance at which a neighbour's weight has fallen to 1/e: the share of the probability that lies with other classes."""

_GLANCE = 0.3
"""Width, as a share of the whole average's, of the shorter one by which windows are compared: single ones are too noisy."""


@dataclass(frozen=True)
class Labelled:
    """Labels to doubt. A clip's windows lie together, in order of time.

    Attributes
    ----------
    given : int64, shape (n,)
        Given class.
    clip : int64, shape (n,)
        Clip of each window, as a number.
    block : int64, shape (n,)
        Windows of one clip that follow each other without a gap, ascending: only these are neighbours.
    audited : bool, shape (n,)
        False for the hold-out: it is judged by what is estimated from the others, and changes no estimate.
    votes : bool, shape (n,)
        False for windows of bad pose: they are judged by their neighbours and change nobody's score.
    fixed : bool, shape (n,)
        Labels that people gave: right by definition.
    sigma : float
        Standard deviation of the average in time, in windows.
    """

    given: NDArray[np.int64]
    clip: NDArray[np.int64]
    block: NDArray[np.int64]
    audited: NDArray[np.bool_]
    votes: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    sigma: float

    def of(self, rows: NDArray[np.int64]) -> Labelled:
        """Return the labels of some of the windows, in order: whole clips, but for those without a label, which part a block."""
        names = ("given", "clip", "audited", "votes", "fixed")
        new = (np.diff(self.block[rows], prepend=-1) != 0) | (np.diff(rows, prepend=-1) > 1)
        return replace(self, block=np.cumsum(new), **{name: getattr(self, name)[rows] for name in names})


def smooth(values: NDArray[np.floating], labels: Labelled, *, alike: NDArray[np.floating] | None = None) -> FloatArray:
    """Return the average over neighbouring windows without a gap between that have a vote and look alike.

    A neighbour weighs by a Gaussian in time and by another in how much its class probabilities differ, so that where a behaviour
    clearly changes neither side speaks for the other, and where a model wavers many windows are heard (a bilateral filter,
    Tomasi & Manduchi 1998).

    Parameters
    ----------
    values : shape (n, columns)
    alike : shape (n, classes), optional
        Class probabilities to compare windows by; the values themselves where they are not given.

    Returns
    -------
    float64, shape (n, columns)
        The values as they are where no neighbour has a vote.
    """
    seen = _average(values if alike is None else alike, replace(labels, sigma=_GLANCE * labels.sigma), seen=None)
    return _average(values, labels, seen=seen)


def _average(values: NDArray[np.floating], labels: Labelled, *, seen: FloatArray | None) -> FloatArray:
    vote = labels.votes.astype(np.float64)
    voting = np.where(labels.votes[:, None], values, 0.0).astype(np.float64)
    total, mass = voting.copy(), vote.copy()
    for away, near in _weights(labels, seen):
        total[away:] += near[:, None] * voting[:-away]
        total[:-away] += near[:, None] * voting[away:]
        mass[away:] += near * vote[:-away]
        mass[:-away] += near * vote[away:]
    heard = mass > 0
    return np.where(heard[:, None], total / np.where(heard, mass, 1.0)[:, None], values)


def _weights(labels: Labelled, seen: FloatArray | None) -> Iterator[tuple[int, FloatArray]]:
    """Yield each distance in windows, and what two windows so far apart weigh to each other, shape (n - distance,)."""
    block = labels.block
    for away in range(1, min(int(3 * labels.sigma) + 1, len(block))):
        near = np.exp(-0.5 * (away / labels.sigma) ** 2) * (block[away:] == block[:-away])
        if seen is not None:
            apart = np.abs(seen[away:] - seen[:-away]).sum(axis=1) / 2
            near *= np.exp(-((apart / _ALIKE) ** 2))
        yield away, near
