"""How hard the simulated task is: every number that decides it, in one place. Frozen with the simulator's version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difficulty:
    """Spread between animals and bouts, and the faults of the keypoints.

    Attributes
    ----------
    animal_spread, bout_spread : float
        Standard deviation of posture angles (radians) between animals and between bouts of one animal.
    restlessness : float
        How far head and weight wander within a bout (radians).
    pause_share : float
        Share of the time in which a moving animal hardly moves.
    jitter : float
        Standard deviation of a keypoint's place, in trunk lengths.
    misplaced : float
        Share of keypoints put somewhere else on the body.
    hidden_near, hidden_far : float
        Share of keypoints of the near and the far side that are null.
    """

    animal_spread: float = 0.04
    bout_spread: float = 0.04
    restlessness: float = 0.05
    pause_share: float = 0.12
    jitter: float = 0.042
    misplaced: float = 0.01
    hidden_near: float = 0.02
    hidden_far: float = 0.08
