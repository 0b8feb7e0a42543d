"""Looks of classes: distinguished by everybody, within each species, whatever else may be chosen."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.colours import class_looks

# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def lab(colour: str, sight: str) -> np.ndarray:
    """Return a colour in CIELAB as somebody sees it."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in np.array(_XYZ) @ seen / [0.95047, 1, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(one: np.ndarray, other: np.ndarray) -> float:
    """Return the difference of two colours (Sharma, Wu and Dalal 2005)."""
    mean = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    (l1, a1, b1), (l2, a2, b2) = one * [1, stretch, 1], other * [1, stretch, 1]
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180
    hue = (h1 + turn / 2) % 360
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weights = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(w * np.cos(np.radians(k * hue + shift)) for w, k, shift in weights)
    d_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    d_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return float(np.sqrt(d_light**2 + d_chroma**2 + d_hue**2 - bend * d_chroma * d_hue))


def test_the_difference_is_that_of_the_published_pairs():
    published = (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    )
    for one, other, difference in published:
        assert ciede2000(np.array(one), np.array(other)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("sight", list(SIGHT))
def test_no_two_classes_of_a_species_look_alike(sight):
    classes = {"DOG": [f"d{i}" for i in range(30)], "CAT": [f"c{i}" for i in range(21)]}
    looks = class_looks(classes, {"DOG": ["other"], "CAT": ["other"]})
    for names in classes.values():
        for one, other in combinations([*names, "other"], 2):
            a, b = looks[one], looks[other]
            difference = ciede2000(lab(a.colour, sight), lab(b.colour, sight))
            assert a.cue != b.cue or difference >= 12, (one, other, difference)
    assert sum(look.cue == 0 for look in looks.values()) == 2 * 19 - 1


@given(st.dictionaries(st.sampled_from("AB"), st.lists(st.integers(0, 60).map(str), max_size=45), min_size=1), st.randoms())
def test_looks_are_distinct_and_the_same_in_every_order(classes, random):
    looks = class_looks(classes, {s: ["other"] for s in classes})
    for names in classes.values():
        own = {*names, "other"}
        assert len({looks[name] for name in own}) == len(own)
    mixed = {s: random.sample(names, len(names)) for s, names in reversed(classes.items())}
    assert class_looks(mixed, {s: ["other"] for s in classes}) == looks


def test_what_may_be_chosen_follows_what_occurs():
    assert class_looks({"A": ["b", "c"]}, {"A": ["a", "b"]})["b"] == class_looks({"A": ["b", "c"]})["b"]
