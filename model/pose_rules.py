"""Which keypoints training took as missing and which poses as bad, so that prediction does the same."""

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
    """Which keypoints count as missing although they have coordinates, and which windows are of bad pose: not trained on.

    Attributes
    ----------
    min_confidence : float
        Keypoints whose confidence, 0..1, is below are missing; those that reach it or are unknown (NaN) are not.
    unseen : tuple of (x, y)
        Keypoints at exactly one of these places are missing: the pose estimator of the training data put there what it missed.
    min_visible : float
        A window is of bad pose where a smaller share of its keypoints, 0..1, is shown (seen or interpolated) and plausible.
    find_faults : bool
        Whether implausible keypoints were looked for, in whole clips: a stream cannot.
    max_implausible : float
        A window is of bad pose where a larger share of its shown keypoints, 0..1, is implausible.
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
                f"no keypoints can be taken as missing by {self}", hint="a confidence is from 0 to 1, a place is x and y"
            )
        if not (0 <= self.min_visible <= 1 and 0 <= self.max_implausible <= 1):
            raise ConfigError(f"no pose can be called bad by {self}", hint="min_visible and max_implausible are from 0 to 1")

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> PoseRules:
        """Return the rules that a bundle declares; what those of earlier versions do not declare is as by default."""
        declared = facts.get("pose_rules", {})
        return cls(
            float(declared.get("min_confidence", 0.0)),
            tuple((float(x), float(y)) for x, y in declared.get("unseen", ())),
            float(declared.get("min_visible", cls.min_visible)),
            bool(declared.get("find_faults", cls.find_faults)),
            float(declared.get("max_implausible", cls.max_implausible)),
            _pairs(declared.get("edges")),
            _pairs(declared.get("left_right")),
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
        """Return the warning for keypoints that come without confidence."""
        return (
            f"the model was trained on keypoints of confidence {self.min_confidence:g} and more; without a confidence all that "
            "have coordinates count as seen"
        )

    def missing(self, xy: NDArray[np.floating], confidence: ArrayLike | None = None) -> NDArray[np.bool_]:
        """Return which keypoints count as missing, shape (..., keypoints), besides those that are NaN.

        Parameters
        ----------
        xy : shape (..., keypoints, 2)
            In the units of ``unseen``, those of the source.
        confidence : shape (..., keypoints) or one number, optional
            0..1; NaN where unknown, which is not missing.

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


def _pairs(declared: Any) -> Pairs | None:
    return None if declared is None else tuple((str(a), str(b)) for a, b in declared)
