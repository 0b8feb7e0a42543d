"""What training took for missing, so that whoever predicts takes the same for missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas.errors import ConfigError, DataError

__all__ = ["PoseRules"]


@dataclass(frozen=True)
class PoseRules:
    """Which keypoints count as missing although they have coordinates.

    Attributes
    ----------
    min_confidence : float
        Those whose confidence is below; an unknown one (NaN) is not.
    unseen : tuple of (x, y)
        Those at exactly one of these places, at which the pose estimator of the training data put what it did not see.
    """

    min_confidence: float = 0.0
    unseen: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no confidence and no place."""
        if not 0 <= self.min_confidence < 1 or not all(len(p) == 2 and all(map(math.isfinite, p)) for p in self.unseen):
            raise ConfigError(
                f"no keypoints can be told missing by {self}", hint="a confidence is from 0 to 1, a place is x and y"
            )

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> PoseRules:
        """Return the rules that a bundle's facts tell of; bundles of earlier versions tell of none."""
        told = facts.get("pose_rules", {})
        return cls(float(told.get("min_confidence", 0.0)), tuple((float(x), float(y)) for x, y in told.get("unseen", ())))

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
