"""The 25 actions as motions: what every joint does over time.

A motion gives, for times in seconds, the degrees of freedom that :mod:`pipeline.simulation.kinematics` turns into keypoints.
Angles are in radians, lengths in trunk lengths. ``pitch`` lifts the front of the body, ``roll`` turns it onto its side (pi: on
its back), ``fold_*`` draws a leg up (0 straight, 1 hidden), ``swing_*`` moves it forward, ``tail_pitch`` lifts the tail, ``arch``
bends the back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEGS = ("fr", "fl", "br", "bl")
DEGREES = (
    "speed", "turn", "pitch", "roll", "arch", "head_pitch", "head_yaw", "reach", "tail_pitch", "tail_yaw", "thrust",
    *(f"{kind}_{leg}" for kind in ("swing", "fold", "splay") for leg in LEGS),
)  # fmt: skip

Pose = dict[str, FloatArray | float]


@dataclass(frozen=True)
class Style:
    """How this animal does this bout: tempo and vigour scale motions, ``side`` is the leg it prefers, ``phase`` its start."""

    tempo: float
    vigour: float
    side: int
    phase: float
    variant: float
    slow: Callable[[FloatArray, int], FloatArray]


Motion = Callable[[FloatArray, Style], Pose]


def _wave(t: FloatArray, s: Style, *, hz: float, shift: float = 0.0) -> FloatArray:
    return np.asarray(np.sin(2 * np.pi * (hz * s.tempo * t + s.phase + shift)))


def _legs(**values: FloatArray | float) -> Pose:
    """Give every leg, the front or the back legs (``fold_f``, ``swing_b``), or all (``fold``) the same value."""
    pose: Pose = {}
    for name, value in values.items():
        kind, _, which = name.partition("_")
        for leg in LEGS:
            if not which or leg.startswith(which):
                pose[f"{kind}_{leg}"] = value
    return pose


def _lead(s: Style, *, front: bool = True) -> str:
    return ("f" if front else "b") + ("r" if s.side > 0 else "l")


def _stand() -> Pose:
    return {"tail_pitch": 0.1, "head_pitch": 0.5}


def _sitting(pitch: float = 0.75) -> Pose:
    return {"pitch": pitch, "head_pitch": 0.15, "tail_pitch": -0.5, **_legs(fold_b=0.72, swing_b=0.5, swing_f=-0.45)}


def walk(t: FloatArray, s: Style) -> Pose:
    """Walk or run: diagonal legs together."""
    hz, size = 1.3 + 0.9 * s.variant, 0.4 * s.vigour
    a, b = _wave(t, s, hz=hz), _wave(t, s, hz=hz, shift=0.5)
    lift_a, lift_b = 0.25 * np.maximum(_wave(t, s, hz=hz, shift=0.25), 0), 0.25 * np.maximum(_wave(t, s, hz=hz, shift=0.75), 0)
    legs = {"swing_fr": size * a, "swing_bl": size * a, "swing_fl": size * b, "swing_br": size * b}
    folds = {"fold_fr": lift_a, "fold_bl": lift_a, "fold_fl": lift_b, "fold_br": lift_b}
    return _stand() | legs | folds | {"speed": (0.7 + 1.1 * s.variant) * s.vigour, "turn": 0.25 * s.slow(t, 0)}


def turn(t: FloatArray, s: Style) -> Pose:
    """Turn in circles."""
    return walk(t, s) | {"speed": 0.45, "turn": s.side * (2.2 + 1.6 * s.variant), "head_yaw": 0.5 * s.side}


def sit(t: FloatArray, s: Style) -> Pose:
    """Sit, and look about."""
    return _sitting() | {"head_yaw": 0.25 * s.slow(t, 1)}


def body_lower(t: FloatArray, s: Style) -> Pose:
    """Lie low on the belly, front legs forward."""
    return {"head_pitch": 0.35 + 0.2 * s.variant, "tail_pitch": -0.1, **_legs(fold_b=0.8, fold_f=0.78, swing_f=0.6)}


def get_down(t: FloatArray, s: Style) -> Pose:
    """Lie flat, head down."""
    return {"head_pitch": -0.15 + 0.15 * s.variant, "tail_pitch": -0.05, **_legs(fold=0.86)}


def crouch(t: FloatArray, s: Style) -> Pose:
    """Crouch with hidden paws, head up."""
    return {"pitch": 0.18, "head_pitch": 0.5, "tail_pitch": -0.15, "tail_yaw": 0.8 * s.side, **_legs(fold=0.8)}


def belly_up(t: FloatArray, s: Style) -> Pose:
    """Lie on the back, belly shown."""
    wiggle = _wave(t, s, hz=0.6)
    roll = s.side * (2.55 + 0.25 * s.vigour * wiggle)
    return {"roll": roll, "head_pitch": -0.2, "head_yaw": 0.2 * wiggle, **_legs(fold=0.45, splay=0.35, swing=0.15 * wiggle)}


def on_side(t: FloatArray, s: Style) -> Pose:
    """Lie on the side, at rest."""
    return {
        "roll": s.side * 1.4,
        "head_pitch": 0.1,
        "tail_yaw": 0.2 * s.slow(t, 1),
        **_legs(fold=0.25, swing_f=0.3, swing_b=-0.2),
    }


def roll_over(t: FloatArray, s: Style) -> Pose:
    """Roll from side to side."""
    angle = s.side * (2.1 + 0.95 * s.vigour * _wave(t, s, hz=0.45))
    return {
        "roll": angle,
        "head_yaw": 0.4 * _wave(t, s, hz=0.45, shift=0.2),
        **_legs(fold=0.4, splay=0.3, swing=0.3 * _wave(t, s, hz=0.9)),
    }


def scratch(t: FloatArray, s: Style) -> Pose:
    """Scratch with a back leg, head bent to it."""
    leg = _lead(s, front=False)
    strokes = _wave(t, s, hz=4.3)
    moving: Pose = {f"swing_{leg}": 1.1 + 0.35 * s.vigour * strokes, f"fold_{leg}": 0.35 + 0.15 * strokes, f"splay_{leg}": 0.5}
    return _sitting(0.6) | moving | {"head_yaw": 0.9 * s.side, "head_pitch": 0.1, "roll": -0.25 * s.side}


def shake(t: FloatArray, s: Style) -> Pose:
    """Shake the whole body."""
    quick = _wave(t, s, hz=4.4)
    return _stand() | {
        "roll": 0.45 * s.vigour * quick,
        "head_yaw": -0.5 * s.vigour * quick,
        "tail_yaw": -0.6 * quick,
        "head_pitch": 0.2,
    }


def feet_up(t: FloatArray, s: Style) -> Pose:
    """Stand on the hind legs, both front paws up."""
    waving = _wave(t, s, hz=1.2)
    return {
        "pitch": 1.0,
        "head_pitch": 0.2,
        "tail_pitch": -0.4,
        **_legs(fold_b=0.3, swing_f=0.9 + 0.3 * s.vigour * waving, fold_f=0.45),
    }


def foot_up(t: FloatArray, s: Style) -> Pose:
    """Raise one front paw."""
    leg = _lead(s)
    waving = _wave(t, s, hz=1.0)
    return _sitting(0.65) | {
        f"swing_{leg}": 0.9 + 0.35 * s.vigour * waving,
        f"fold_{leg}": 0.3 - 0.15 * waving,
        "head_yaw": 0.1 * s.side,
    }


def head_push(t: FloatArray, s: Style) -> Pose:
    """Push the head forward, again and again."""
    push = 0.5 + 0.5 * _wave(t, s, hz=0.8)
    base = _sitting(0.55) if s.variant < 0.4 else _stand()
    return base | {"reach": 0.35 * s.vigour * push, "head_pitch": 0.25 - 0.4 * push, "head_yaw": 0.35 * _wave(t, s, hz=0.4)}


def mount(t: FloatArray, s: Style) -> Pose:
    """Mount: front raised and holding, hips thrusting."""
    thrust = _wave(t, s, hz=2.1)
    return {
        "pitch": 0.6,
        "thrust": 0.12 * s.vigour * thrust,
        "head_pitch": 0.1,
        "tail_pitch": 0.1,
        **_legs(swing_f=0.8, fold_f=0.4, fold_b=0.15),
    }


def wag(t: FloatArray, s: Style) -> Pose:
    """Tail up and wagging, standing."""
    return _stand() | {"tail_pitch": 0.95, "tail_yaw": 0.7 * s.vigour * _wave(t, s, hz=2.6)}


def tail_low(t: FloatArray, s: Style) -> Pose:
    """Tail down, head low, standing."""
    return _stand() | {"tail_pitch": -0.9, "head_pitch": 0.1, "speed": 0.15 * s.variant}


def swing_tail(t: FloatArray, s: Style) -> Pose:
    """Swing the tail slowly, sitting or standing."""
    base = _sitting(0.6) if s.variant < 0.5 else _stand()
    return base | {"tail_pitch": 0.35 if s.variant >= 0.5 else -0.25, "tail_yaw": 0.95 * s.vigour * _wave(t, s, hz=0.9)}


def arch_back(t: FloatArray, s: Style) -> Pose:
    """Arch the back on straight legs, tail up."""
    return {"arch": 0.75, "head_pitch": -0.1, "tail_pitch": 1.1, "speed": 0.1, **_legs(swing_f=-0.15, swing_b=0.25)}


def arm_stretch(t: FloatArray, s: Style) -> Pose:
    """Reach out with a paw and swipe."""
    leg, strokes = _lead(s), _wave(t, s, hz=1.5)
    base = crouch(t, s) if s.variant < 0.5 else _sitting(0.5)
    return base | {
        f"swing_{leg}": 1.1 + 0.6 * s.vigour * strokes,
        f"fold_{leg}": 0.15,
        "head_pitch": 0.3,
        "reach": 0.05 * strokes,
    }


def knead(t: FloatArray, s: Style) -> Pose:
    """Knead with both front paws in turn."""
    right, left = _wave(t, s, hz=1.1), _wave(t, s, hz=1.1, shift=0.5)
    size = 0.3 * s.vigour
    paws = {
        "swing_fr": 0.5 + size * right,
        "swing_fl": 0.5 + size * left,
        "fold_fr": 0.5 + size * left,
        "fold_fl": 0.5 + size * right,
    }
    return crouch(t, s) | paws | {"head_pitch": 0.25}


def groom(t: FloatArray, s: Style) -> Pose:
    """Groom: a paw at the mouth, or the head at the flank."""
    nod = _wave(t, s, hz=1.9)
    if s.variant < 0.5:
        leg = _lead(s)
        paw: Pose = {f"swing_{leg}": 1.2, f"fold_{leg}": 0.5 + 0.1 * nod}
        return _sitting(0.6) | paw | {"head_pitch": -0.35 + 0.2 * s.vigour * nod}
    return _sitting(0.5) | {"head_yaw": s.side * (1.5 + 0.25 * s.vigour * nod), "head_pitch": -0.4 + 0.15 * nod}


ACTIONS: dict[str, dict[str, Motion]] = {
    "DOG": {
        "BODYLOWER": body_lower, "BODYSCRATCH": scratch, "BODYSHAKE": shake, "FEETUP": feet_up, "FOOTUP": foot_up,
        "HEADING": head_push,
        "LYING": belly_up, "MOUNTING": mount, "SIT": sit, "TAILING": wag, "TAILLOW": tail_low, "TURN": turn, "WALKRUN": walk,
    },
    "CAT": {
        "ARCH": arch_back, "ARMSTRETCH": arm_stretch, "FOOTPUSH": knead, "GETDOWN": get_down, "GROOMING": groom,
        "HEADING": head_push,
        "LAYDOWN": on_side, "LYING": belly_up, "ROLL": roll_over, "SITDOWN": crouch, "TAILING": swing_tail, "WALKRUN": walk,
    },
}  # fmt: skip

TRANSITIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "DOG": {
        "BODYLOWER": ("SIT", "LYING", "WALKRUN"), "BODYSCRATCH": ("SIT", "BODYSHAKE", "WALKRUN"),
        "BODYSHAKE": ("WALKRUN", "TAILING", "SIT"),
        "FEETUP": ("WALKRUN", "TAILING", "SIT"), "FOOTUP": ("SIT", "HEADING", "TAILING"),
        "HEADING": ("TAILING", "SIT", "WALKRUN"),
        "LYING": ("BODYLOWER", "WALKRUN", "SIT"), "MOUNTING": ("WALKRUN", "FEETUP", "TAILING"),
        "SIT": ("WALKRUN", "BODYLOWER", "FOOTUP"),
        "TAILING": ("WALKRUN", "SIT", "HEADING"), "TAILLOW": ("WALKRUN", "BODYLOWER", "SIT"),
        "TURN": ("WALKRUN", "TAILING", "BODYLOWER"),
        "WALKRUN": ("TAILING", "SIT", "TURN"),
    },
    "CAT": {
        "ARCH": ("WALKRUN", "HEADING", "TAILING"), "ARMSTRETCH": ("SITDOWN", "LAYDOWN", "WALKRUN"),
        "FOOTPUSH": ("SITDOWN", "GETDOWN", "GROOMING"),
        "GETDOWN": ("SITDOWN", "WALKRUN", "LAYDOWN"), "GROOMING": ("SITDOWN", "TAILING", "LAYDOWN"),
        "HEADING": ("WALKRUN", "TAILING", "ARCH"),
        "LAYDOWN": ("ROLL", "GETDOWN", "GROOMING"), "LYING": ("ROLL", "LAYDOWN", "GROOMING"),
        "ROLL": ("LYING", "LAYDOWN", "WALKRUN"),
        "SITDOWN": ("GROOMING", "GETDOWN", "WALKRUN"), "TAILING": ("SITDOWN", "WALKRUN", "HEADING"),
        "WALKRUN": ("TAILING", "HEADING", "SITDOWN"),
    },
}  # fmt: skip
"""What an animal is likely to do before and after an action, the likeliest first."""


def perform(species: str, action: str, *, time: FloatArray, style: Style) -> FloatArray:
    """Return the degrees of freedom of an action at these times: shape (times, len(DEGREES))."""
    pose = ACTIONS[species][action](time, style)
    return np.stack([np.broadcast_to(np.asarray(pose.get(name, 0.0), np.float64), time.shape) for name in DEGREES], axis=1)
