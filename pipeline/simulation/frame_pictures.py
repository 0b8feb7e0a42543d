"""Draw a frame: a room, and a cat or dog of filled shapes where the keypoints really are."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.simulation.bodies import Animal
from pipeline.simulation.kinematics import Camera

LONGEST_SIDE = 320
"""Pictures are drawn at this size; keypoints stay in pixels of the full video (``metadata.width``, ``height``)."""

FloatArray = NDArray[np.float64]
Colour = tuple[int, int, int]

_NOSE, _FOREHEAD, _END_MOUTH, _NECK, _TAIL, _TIP = 0, 1, 2, 4, 13, 14
_LEGS = ((5, 7), (6, 8), (9, 11), (10, 12))
_WALLS: tuple[Colour, ...] = ((226, 221, 212), (214, 220, 224), (222, 216, 222), (218, 224, 214))
_FLOORS: tuple[Colour, ...] = ((186, 164, 138), (170, 152, 132), (178, 172, 160), (160, 140, 120))


def draw_frame(animal: Animal, camera: Camera, *, points: FloatArray, depth: FloatArray) -> bytes:
    """Return one frame as JPEG.

    Parameters
    ----------
    points : shape (15, 2)
        Pixels of the full video.
    depth : shape (15,)
        Larger is farther; far parts are drawn first.
    """
    scale = LONGEST_SIDE / max(camera.width, camera.height)
    size = (round(camera.width * scale), round(camera.height * scale))
    picture = _room(size, animal.number % len(_WALLS)).copy()
    draw = ImageDraw.Draw(picture)
    unit = camera.pixels * scale
    _draw_animal(draw, animal, points * scale, depth=depth, unit=unit)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=80)
    return written.getvalue()


@lru_cache(maxsize=64)
def _room(size: tuple[int, int], kind: int) -> Image.Image:
    """Return a wall that darkens upwards, a floor, and a skirting board."""
    width, height = size
    horizon = int(height * 0.56)
    shade = np.linspace(0.9, 1.02, horizon)[:, None, None] * np.array(_WALLS[kind])
    ground = np.linspace(0.94, 1.06, height - horizon)[:, None, None] * np.array(_FLOORS[kind])
    column = np.concatenate([shade, ground]).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(column, (height, width, 3))))
    ImageDraw.Draw(picture).rectangle((0, horizon - 4, width, horizon), fill=(240, 236, 228))
    return picture


def _draw_animal(draw: ImageDraw.ImageDraw, animal: Animal, p: FloatArray, *, depth: FloatArray, unit: float) -> None:
    coat, dark, light = animal.coat, _shade(animal.coat, 0.72), _shade(animal.coat, 1.14)
    foot = float(p[:, 1].max())
    left, right = float(p[[_NECK, _TAIL], 0].min()) - 0.1 * unit, float(p[[_NECK, _TAIL], 0].max()) + 0.1 * unit
    draw.ellipse((left, foot - 0.04 * unit, right, foot + 0.08 * unit), fill=(120, 104, 88))
    far_first = sorted(_LEGS, key=lambda leg: -float(depth[leg[0]]))
    for root, paw in far_first[:2]:
        _limb(draw, p[root], p[paw], width=(0.15, 0.08), unit=unit, fill=dark)
    _limb(draw, p[_TAIL], p[_TIP], width=(0.08, 0.05) if animal.species == "CAT" else (0.1, 0.05), unit=unit, fill=dark)
    _limb(draw, p[_TAIL], p[_NECK], width=(0.36, 0.33), unit=unit, fill=coat)
    for root, paw in far_first[2:]:
        _limb(draw, p[root], p[paw], width=(0.18, 0.09), unit=unit, fill=light)
    _limb(draw, p[_NECK], p[_FOREHEAD], width=(0.26, 0.22), unit=unit, fill=coat)
    _draw_head(draw, animal, p, unit=unit)


def _draw_head(draw: ImageDraw.ImageDraw, animal: Animal, p: FloatArray, *, unit: float) -> None:
    coat, dark, light = animal.coat, _shade(animal.coat, 0.66), _shade(animal.coat, 1.14)
    forehead, nose = p[_FOREHEAD], p[_NOSE]
    along = nose - forehead
    length = float(np.hypot(*along)) or 1.0
    along = along / length
    across = np.array([-along[1], along[0]])
    radius = max(0.62 * animal.head * unit, 3.0)
    for side in (-1, 1):
        root = forehead + side * 0.7 * radius * across - 0.3 * radius * along
        if animal.species == "CAT":
            tip = root + side * 0.35 * radius * across - 0.95 * radius * along
        else:
            tip = root + side * 0.75 * radius * across + 0.75 * radius * along
        base = 0.38 * radius * across
        draw.polygon([tuple(root - base), tuple(root + base), tuple(tip)], fill=dark)
    _disc(draw, forehead, radius, fill=coat)
    _limb(draw, forehead + 0.3 * radius * along, nose, width=(0.17, 0.1), unit=unit, fill=light)
    _disc(draw, nose, max(0.16 * radius, 1.6), fill=(40, 34, 34))
    for side in (-1, 1):
        _disc(draw, forehead + 0.25 * radius * along + side * 0.36 * radius * across, max(0.11 * radius, 1.1), fill=(30, 28, 28))


def _limb(
    draw: ImageDraw.ImageDraw, start: FloatArray, end: FloatArray, *, width: tuple[float, float], unit: float, fill: Colour
) -> None:
    """Draw a tapering limb with round ends; widths in trunk lengths."""
    first, last = max(width[0] * unit / 2, 1.0), max(width[1] * unit / 2, 1.0)
    along = end - start
    length = float(np.hypot(*along))
    if length > 1e-6:
        across = np.array([-along[1], along[0]]) / length
        corners = (start + first * across, end + last * across, end - last * across, start - first * across)
        draw.polygon([tuple(c) for c in corners], fill=fill)
    _disc(draw, start, first, fill=fill)
    _disc(draw, end, last, fill=fill)


def _disc(draw: ImageDraw.ImageDraw, centre: FloatArray, radius: float, *, fill: Colour) -> None:
    x, y = float(centre[0]), float(centre[1])
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, round(c * factor)) for c in colour)
    return r, g, b
