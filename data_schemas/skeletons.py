"""Skeletons: the keypoints of a body, the edges between them, left-right pairs and the body's axis.

A skeleton is a TOML file (``data_schemas/skeletons`` holds the built-in ones; users name their own)::

    name = "aihub59"
    keypoints = ["nose", "neck", "tail_start"]
    edges = [["nose", "neck"], ["neck", "tail_start"]]
    left_right = []                        # pairs, left first
    body_axis = ["tail_start", "neck"]     # from the back to the front
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_schemas.labels import built_in, load_named


@dataclass(frozen=True)
class Skeleton:
    """Keypoint names in column order; edges, left-right pairs and axis as indices into them."""

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    left_right: tuple[tuple[int, int], ...] = ()
    body_axis: tuple[int, int] | None = None

    def named(self, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[str, str], ...]:
        """Return edges or left-right pairs by the names of their keypoints."""
        return tuple((self.keypoints[a], self.keypoints[b]) for a, b in pairs)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the coordinate columns of the frames table, x before y, in keypoint order."""
        return tuple(f"{k}_{axis}" for k in self.keypoints for axis in ("x", "y"))


def skeleton_of(keypoints: Iterable[str]) -> Skeleton:
    """Build a skeleton from keypoint names alone: no edges; pairs where names differ only by left and right."""
    names = tuple(keypoints)
    place = {n: i for i, n in enumerate(names)}
    pairs = tuple(
        (i, place[n.replace("left", "right")]) for n, i in place.items() if "left" in n and n.replace("left", "right") in place
    )
    return Skeleton(name="custom", keypoints=names, left_right=pairs)


def choose_skeleton(keypoints: Iterable[str], *, wanted: str = "auto") -> Skeleton:
    """Return the wanted skeleton; for ``auto`` the built-in one with just these keypoints, else :func:`skeleton_of` them.

    Raises
    ------
    ConfigError
        See :func:`load_skeleton`.
    """
    if wanted != "auto":
        return load_skeleton(wanted)
    names = tuple(keypoints)
    known = (load_skeleton(name) for name in built_in("skeletons"))
    return next((s for s in known if s.keypoints == names), skeleton_of(names))


def load_skeleton(name_or_path: str | Path) -> Skeleton:
    """Read a built-in skeleton by name, or a user's own TOML file.

    Raises
    ------
    ConfigError
        The name is not known, or the file cannot be read or names a keypoint that it does not list.
    """
    layout = "give name, keypoints, and edges, left_right and body_axis as pairs of keypoint names"
    return load_named(name_or_path, folder="skeletons", what="skeleton", build=_skeleton, layout=layout)


def _skeleton(data: Mapping[str, Any]) -> Skeleton:
    keypoints = tuple(data["keypoints"])
    place = {name: i for i, name in enumerate(keypoints)}
    if len(place) != len(keypoints):
        raise ValueError("a keypoint is listed twice")

    def pairs(key: str) -> tuple[tuple[int, int], ...]:
        return tuple((place[a], place[b]) for a, b in data.get(key, ()))

    axis = data.get("body_axis")
    return Skeleton(
        name=str(data["name"]),
        keypoints=keypoints,
        edges=pairs("edges"),
        left_right=pairs("left_right"),
        body_axis=(place[axis[0]], place[axis[1]]) if axis else None,
    )
