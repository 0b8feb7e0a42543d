"""Which columns of a table are keypoints, which are their confidences, and which only look like keypoints.

Coordinates are named ``NAME_x`` and ``NAME_y``. So are boxes, velocities and whatever else has two components: these are no
places of a body, and a model that took them for some would measure bones between a nose and a speed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from data_schemas.animals import animals_in, name_parts
from data_schemas.confidences import confidence_columns
from data_schemas.tables import keypoints_of
from pipeline.readers.unseen import unseen_places

NOT_A_KEYPOINT = "not a keypoint, as its name tells: left out (name it in pose.skeleton if it is one)"
"""The note about a pair of columns that are no coordinates; its place is their name."""

_NO_PLACE_WORDS = (
    "bbox boundingbox bounding roi crop velocity velocities vel speed acceleration accel acc accelerometer gyro jerk heading "
    "direction orientation angle angular gradient flow displacement delta diff derivative momentum force scale resolution size "
    "width height std var variance sigma error residual dpi zoom"
)
_NO_PLACES = frozenset(_NO_PLACE_WORDS.split())
"""Words that mean something else than a place."""

_BOXES = (("w", "h"), ("width", "height"))
"""A width and a height beside two coordinates make them a corner of a box."""

_COMPUTED = frozenset(["centroid", "com", "cog", "barycenter", "barycentre", "mean", "median", "average"])


_WHO = (
    "annotator rater coder observer scorer labeler labeller expert reviewer individual individuals animal animals id "
    "track tracklet instance identity mouse rat fly fish bird dog cat pig cow subject object person camera cam view video "
    "file session trial"
)
_WHOSE = frozenset(_WHO.split())
"""Words for who or what a row is about."""
_NUMBERED = frozenset(["name", "number", "num", "no", "nr", "index", "idx", "code", "key"])


@dataclass(frozen=True)
class PoseFacts:
    """What a run took for keypoints.

    Attributes
    ----------
    keypoints : tuple of str
        In the order of the columns.
    left_out : tuple of str
        What looks like a keypoint, but is none: ``bbox``, ``velocity``.
    animals : dict
        The keypoints of each animal by its name, where names are of several; empty where they are of one only.
    unseen : tuple of (x, y)
        The places that stood for keypoints that were not seen, which are missing now.
    """

    keypoints: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    animals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unseen: tuple[tuple[float, float], ...] = ()


def pose_facts(columns: Iterable[str], notes: pd.DataFrame | None = None) -> PoseFacts:
    """Return what was taken for keypoints, from the columns of the frames table and the notes of reading."""
    keypoints = keypoints_of(list(columns))
    left_out = notes[notes["reason"].str.startswith(NOT_A_KEYPOINT)]["place"] if notes is not None else ()
    animals = {who: tuple(keypoints[i] for i in places) for who, places in animals_in(keypoints).items()}
    unseen = unseen_places(notes["reason"]) if notes is not None else ()
    return PoseFacts(keypoints, tuple(dict.fromkeys(left_out)), animals, unseen)


def likely_keypoints(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the keypoints that have both coordinates, without those whose names mean something else than a place."""
    known = set(columns)
    return tuple(name for name in keypoints_of(columns) if not _no_place(name, known))


def computed_keypoints(keypoints: Sequence[str]) -> list[str]:
    """Return the keypoints that look computed from the others: a centroid is a place, but no part that a pose estimator saw."""
    found = [name for name in keypoints if _COMPUTED & {word.lower() for word in name_parts(name)}]
    return found if len(found) < len(keypoints) else []


def pose_columns(columns: Sequence[str]) -> set[str]:
    """Return all columns of poses: coordinates, also of what is left out, and confidences."""
    names = keypoints_of(columns)
    return {f"{name}_{axis}" for name in names for axis in "xy"} | set(confidence_columns(columns, names).values())


def telling_columns(columns: Sequence[str]) -> set[str]:
    """Return the columns whose names say that they hold who or what a row is of: an animal, a rater, a camera."""
    poses = pose_columns(columns)
    return {column for column in columns if column not in poses and _tells_apart(column)}


def _tells_apart(column: str) -> bool:
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", column)] or [""]
    return words[-1] in _WHOSE or (words[0] in _WHOSE and words[-1] in _NUMBERED)


def _no_place(name: str, columns: set[str]) -> bool:
    """Tell whether two columns are no place in the picture, by the words of their name, or for a width and height beside them."""
    words = [word.lower() for word in name_parts(name)]
    if any({f"{name}_{a}", f"{name}_{b}"} <= columns for a, b in _BOXES):
        return True
    return bool(_NO_PLACES & set(words))
