"""Animals: a body of its own, a way of moving, and the facts by which AI-Hub #59 would know it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BREEDS = {
    "DOG": ("말티즈", "푸들", "포메라니안", "시츄", "비숑 프리제", "진돗개", "웰시코기", "골든 리트리버", "믹스견", "닥스훈트"),
    "CAT": (
        "코리안 숏헤어",
        "페르시안",
        "러시안 블루",
        "샴",
        "스코티시 폴드",
        "노르웨이숲",
        "벵갈",
        "먼치킨",
        "랙돌",
        "아비시니안",
    ),
}
_COATS = (
    (196, 164, 120),
    (120, 92, 70),
    (232, 226, 214),
    (70, 66, 66),
    (168, 168, 172),
    (206, 140, 84),
    (148, 118, 88),
    (92, 84, 92),
)


@dataclass(frozen=True)
class Animal:
    """One simulated animal; lengths in trunk lengths, angles in radians.

    ``posture`` shifts, ``tempo`` and ``vigour`` scale all that it does: two animals sit in two ways.
    """

    number: int
    species: str
    breed: str
    gender: str
    age: int
    date: str
    front_leg: float
    back_leg: float
    width: float
    neck: float
    head: float
    tail: float
    posture: np.ndarray
    tempo: float
    vigour: float
    coat: tuple[int, int, int]


def make_animals(species: str, count: int, *, seed: int, spread: float) -> list[Animal]:
    """Return animals that differ in body and in style; no two share date, breed, gender and age.

    Parameters
    ----------
    spread : float
        How much they differ in style (see :class:`pipeline.simulation.difficulty.Difficulty`).
    """
    animals = []
    for number in range(count):
        rng = np.random.default_rng([seed, 1, species == "CAT", number])
        cat = species == "CAT"
        front = rng.uniform(0.42, 0.6) if cat else rng.uniform(0.38, 0.8)
        animals.append(
            Animal(
                number=number,
                species=species,
                breed=str(rng.choice(_BREEDS[species])),
                gender=str(rng.choice(["MALE", "FEMALE"])),
                age=int(rng.integers(1, 15)),
                # Every animal is filmed on a day of its own, so the four facts together name it.
                date=f"{2020 + (number // 300):04d}{1 + number // 25 % 12:02d}{1 + number % 25:02d}",
                front_leg=front,
                back_leg=front * rng.uniform(0.92, 1.1),
                width=rng.uniform(0.12, 0.2),
                neck=rng.uniform(0.2, 0.3) if cat else rng.uniform(0.24, 0.4),
                head=rng.uniform(0.16, 0.22) if cat else rng.uniform(0.2, 0.32),
                tail=rng.uniform(0.6, 0.95) if cat else rng.uniform(0.25, 0.7),
                posture=rng.normal(0, spread, 8),
                tempo=float(np.exp(rng.normal(0, 0.8 * spread))),
                vigour=float(np.exp(rng.normal(0, 1.2 * spread))),
                coat=_COATS[int(rng.integers(len(_COATS)))],
            )
        )
    return animals
