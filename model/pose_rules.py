"""What training took for missing and for a bad pose, so that whoever predicts does the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas.errors import ConfigError, DataError

__all__ = ["PoseRules"]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PoseRules:
    """Which keypoints count as missing although they have coordinates, and which windows are of bad pose: those taught nothing.

    Attributes
    ----------
    min_confidence : float
        Missing are those whose confidence is below; an unknown one (NaN) is not.
    unseen : tuple of (x, y)
        Missing are those at exactly one of these places, where the pose estimator of the training data put what it did not see.
    min_visible : float
        A pose is bad where a smaller share of a window's keypoints is shown (seen or interpolated) and plausible.
    find_faults : bool
        Whether implausible keypoints were looked for, in whole clips: a stream cannot.
    max_implausible : float
        A pose is bad where a larger share of the shown keypoints is implausible.
    edges, left_right : tuple of pairs of names, optional
        The bones and pairs by which they were looked for; None where that is not known.
    """

    min_confidence: float = 0.0
    unseen: tuple[tuple[float, float], ...] = ()
    min_visible: float = 0.2
    find_faults: bool = True
    max_implausible: float = 0.25
    edges: Pairs | None = None
    left_right: Pairs | None = None

    def __post_init__(self) -> None:
        """Refuse what is no confidence, no place and no share."""
        if not 0 <= self.min_confidence < 1 or not all(len(p) == 2 and all(map(math.isfinite, p)) for p in self.unseen):
            raise ConfigError(
                f"no keypoints can be told missing by {self}", hint="a confidence is from 0 to 1, a place is x and y"
            )
        if not (0 <= self.min_visible <= 1 and 0 <= self.max_implausible <= 1):
            raise ConfigError(f"no pose can be told bad by {self}", hint="min_visible and max_implausible are from 0 to 1")

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> PoseRules:
        """Return the rules that a bundle's facts tell of; what those of earlier versions do not tell is as by default."""
        told = facts.get("pose_rules", {})
        return cls(
            float(told.get("min_confidence", 0.0)),
            tuple((float(x), float(y)) for x, y in told.get("unseen", ())),
            float(told.get("min_visible", cls.min_visible)),
            bool(told.get("find_faults", cls.find_faults)),
            float(told.get("max_implausible", cls.max_implausible)),
            _pairs(told.get("edges")),
            _pairs(told.get("left_right")),
        )

    @property
    def shown(self) -> dict[str, Any]:
        """Return the rules for people to read: without the bones, which may be many."""
        return {name: value for name, value in asdict(self).items() if name not in ("edges", "left_right")}

    @property
    def needs_confidence(self) -> bool:
        """Tell whether only the confidence of keypoints can say which of them count."""
        return self.min_confidence > 0

    @property
    def unmet(self) -> str:
        """Return what is to be said where keypoints come without confidence."""
        return (
            f"the model learnt from keypoints of confidence {self.min_confidence:g} and more; without a confidence all that have "
            "coordinates count as seen"
        )

    def missing(self, xy: NDArray[np.floating], confidence: ArrayLike | None = None) -> NDArray[np.bool_]:
        """Return which keypoints count as missing, besides those that are NaN.

        Parameters
        ----------
        xy : shape (..., keypoints, 2)
        confidence : shape (..., keypoints) or one number, optional
            NaN where unknown.

        Raises
        ------
        DataError
            The confidence has another shape, or is no number.
        """
        found = np.zeros(xy.shape[:-1], bool)
        for x, y in self.unseen:
            found |= (xy[..., 0] == np.float32(x)) & (xy[..., 1] == np.float32(y))
        if confidence is not None and self.needs_confidence:
            try:
                found |= np.broadcast_to(np.asarray(confidence, np.float64), found.shape) < self.min_confidence
            except (TypeError, ValueError) as error:
                raise DataError(
                    f"confidence is not one number for each of {xy.shape[-2]} keypoints: {error}",
                    hint="give a number a keypoint, NaN where it is unknown, or one for all",
                ) from error
        return found

    def applied(self, xy: NDArray[np.float32], confidence: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return coordinates with NaN where a keypoint counts as missing (see :meth:`missing`)."""
        if not self.unseen and (confidence is None or not self.needs_confidence):
            return xy
        return np.where(self.missing(xy, confidence)[..., None], np.float32(np.nan), xy)


def _pairs(told: Any) -> Pairs | None:
    return None if told is None else tuple((str(a), str(b)) for a, b in told)
