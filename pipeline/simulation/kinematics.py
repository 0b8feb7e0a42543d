"""From degrees of freedom to keypoints in space, and from there to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.simulation.actions import DEGREES
from pipeline.simulation.bodies import Animal

FloatArray = NDArray[np.float64]
_INDEX = {name: i for i, name in enumerate(DEGREES)}
_CROUCH = 0.1


def keypoints_in_space(animal: Animal, degrees: FloatArray, *, time: FloatArray) -> FloatArray:
    """Return the 15 keypoints of AI-Hub #59 at each time: shape (times, 15, 3), in trunk lengths, z up, on the floor.

    Parameters
    ----------
    degrees : shape (times, len(DEGREES))
        See :mod:`pipeline.simulation.actions`.
    time : shape (times,)
        Seconds; speed and turn are integrated over it.
    """
    d = {name: degrees[:, i] for name, i in _INDEX.items()}
    body = _body(animal, d)
    body = _rotate(body, d["roll"], axes=(1, 2))
    body = _rotate(body, -d["pitch"], axes=(2, 0))
    # The lowest part of the body rests on the floor; a tail that would hang below it lies on it.
    body[..., 2] -= body[:, :14, 2].min(axis=1, keepdims=True)
    body[:, 14, 2] = np.maximum(body[:, 14, 2], 0.0)
    step = np.diff(time, prepend=time[0])
    heading = np.cumsum(d["turn"] * step)
    place = np.cumsum(np.stack([d["speed"] * np.cos(heading), d["speed"] * np.sin(heading)], axis=1) * step[:, None], axis=0)
    body = _rotate(body, heading, axes=(0, 1))
    body[..., :2] += place[:, None]
    body[..., 0] += d["thrust"][:, None]
    return body


def _body(animal: Animal, d: dict[str, FloatArray]) -> FloatArray:
    """Return the keypoints with the trunk along x, before it is rolled and pitched."""
    zero = np.zeros(len(d["roll"]))
    w = animal.width
    length = 1.0 - 0.22 * d["arch"]
    points = np.zeros((len(zero), 15, 3))
    tail_start, neck = _point(zero, zero, zero), _point(length + d["reach"] * 0.3, zero, 0.05 - 0.1 * d["arch"])
    direction = _direction(d["head_pitch"], d["head_yaw"])
    forehead = neck + (animal.neck + d["reach"])[:, None] * direction
    down = _direction(d["head_pitch"] - 0.9, d["head_yaw"])
    nose = forehead + animal.head * down
    points[:, 0], points[:, 1] = nose, forehead
    points[:, 2] = forehead + 0.92 * animal.head * _direction(d["head_pitch"] - 1.25, d["head_yaw"])
    points[:, 3] = forehead + 0.66 * animal.head * _direction(d["head_pitch"] - 1.4, d["head_yaw"])
    points[:, 4], points[:, 13] = neck, tail_start
    fore, hind = (0.86, animal.front_leg), (0.1, animal.back_leg)
    for column, leg, (x, reach) in ((5, "fr", fore), (6, "fl", fore), (9, "br", hind), (10, "bl", hind)):
        side = -1.0 if leg.endswith("r") else 1.0
        root = _point(x * length, side * w + zero, 0.22 * d["arch"] - _CROUCH)
        extent = reach * (1 - np.clip(d[f"fold_{leg}"], -0.1, 0.95))
        swing, splay = d[f"swing_{leg}"], d[f"splay_{leg}"]
        points[:, column] = root
        foot = np.stack([np.sin(swing), side * np.sin(splay) * np.cos(swing), -np.cos(swing) * np.cos(splay)], axis=1)
        points[:, column + 2] = root + extent[:, None] * foot
    back = _direction(d["tail_pitch"], d["tail_yaw"])
    points[:, 14] = tail_start + animal.tail * back * np.array([-1.0, 1.0, 1.0])
    return points


def _point(x: FloatArray, y: FloatArray, z: FloatArray | float) -> FloatArray:
    return np.stack([x, y, np.broadcast_to(z, x.shape)], axis=1)


def _direction(pitch: FloatArray, yaw: FloatArray) -> FloatArray:
    return np.stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)], axis=1)


def _rotate(points: FloatArray, angle: FloatArray, *, axes: tuple[int, int]) -> FloatArray:
    a, b = axes
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = points.copy()
    turned[..., a] = cos * points[..., a] - sin * points[..., b]
    turned[..., b] = sin * points[..., a] + cos * points[..., b]
    return turned


@dataclass(frozen=True)
class Camera:
    """A hand-held camera: angles in radians, ``pixels`` a trunk length, the picture's size, and a slow drift."""

    azimuth: float
    elevation: float
    pixels: float
    width: int
    height: int
    drift: FloatArray

    def project(self, points: FloatArray, *, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return pixels of shape (times, points, 2) and depths of shape (times, points), larger is farther."""
        cos, sin = np.cos(self.azimuth), np.sin(self.azimuth)
        across = cos * points[..., 0] + sin * points[..., 1]
        along = -sin * points[..., 0] + cos * points[..., 1]
        up = np.cos(self.elevation) * points[..., 2] + np.sin(self.elevation) * along
        depth = np.cos(self.elevation) * along - np.sin(self.elevation) * points[..., 2]
        near = 1 / (1 + 0.08 * np.clip(depth, -4, 8))
        # The person with the camera follows the animal, with a delay.
        middle_x, middle_y = _followed(across.mean(axis=1), time), _followed(up.mean(axis=1), time)
        shake = self.drift[0] * np.sin(2 * np.pi * self.drift[2] * time + self.drift[1])
        x = self.width / 2 + self.pixels * (near * (across - middle_x[:, None]) + 0.12 * shake[:, None])
        y = self.height * 0.58 - self.pixels * (near * (up - middle_y[:, None]) + 0.05 * shake[:, None])
        return np.stack([x, y], axis=-1), depth


def _followed(place: FloatArray, time: FloatArray) -> FloatArray:
    followed = np.empty_like(place)
    held = place[0]
    weight = np.clip(np.diff(time, prepend=time[0]) * 1.2, 0, 1)
    for i, (now, w) in enumerate(zip(place, weight, strict=True)):
        held = held + w * (now - held)
        followed[i] = held
    return followed


def make_camera(rng: np.random.Generator) -> Camera:
    """Return a camera beside, before or behind the animal, a little above it."""
    width, height = ((1080, 1920), (720, 1280), (1920, 1080), (1280, 720))[int(rng.choice(4, p=[0.45, 0.3, 0.15, 0.1]))]
    side = rng.choice([0.0, np.pi])
    return Camera(
        azimuth=float(side + rng.normal(0, 0.35)),
        elevation=float(rng.uniform(0.05, 0.45)),
        pixels=float(min(width, height) * rng.uniform(0.26, 0.46)),
        width=width,
        height=height,
        drift=np.array([rng.uniform(0, 1), rng.uniform(0, 6.3), rng.uniform(0.05, 0.2)]),
    )
