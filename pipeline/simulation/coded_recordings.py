"""Simulated recordings that a person coded frame by frame, with the faults of such codings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from data_schemas.skeletons import load_skeleton
from pipeline.simulation.actions import TRANSITIONS
from pipeline.simulation.bodies import Animal, make_animals
from pipeline.simulation.clips import action_at, annotate, film
from pipeline.simulation.difficulty import Difficulty
from pipeline.simulation.kinematics import make_camera
from pipeline.simulation.script import Bout

_FPS = 30.0
_SHIFT = 0.3
_MISSED, _CONFUSED = 0.08, 0.03
_SHORT = 2.0


def simulate_recordings(count: int, *, seed: int = 0) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield recordings of 60-180 s at 30 frames a second: the table as coded, and the truth.

    The coder's boundaries lie a few tenths of a second off, short bouts are missed or made up, and some bouts are taken for
    another action.
    """
    difficulty = Difficulty()
    for species, number in (("DOG", count - count // 2), ("CAT", count // 2)):
        animals = make_animals(species, max(4, round(number / 3)), seed=seed, spread=difficulty.animal_spread)
        for i in range(number):
            rng = np.random.default_rng([seed, 5, species == "CAT", i])
            yield _recording(f"{species.lower()}-recording-{i:04d}", animals[i % len(animals)], rng=rng, difficulty=difficulty)


def _recording(
    name: str, animal: Animal, *, rng: np.random.Generator, difficulty: Difficulty
) -> tuple[pd.DataFrame, pd.DataFrame]:
    bouts = _day(animal.species, float(rng.uniform(60, 180)), rng)
    number = np.arange(int(bouts[-1].end * _FPS))
    time = number / _FPS
    camera = make_camera(rng)
    shown, depth = film(animal, bouts, time=time, camera=camera, rng=rng, difficulty=difficulty)
    keypoints = annotate(shown, depth, camera=camera, rng=rng, difficulty=difficulty)
    columns = load_skeleton("aihub59").columns
    table = pd.DataFrame(keypoints.reshape(len(number), -1).astype(np.float32), columns=list(columns))
    facts = {
        "clip_id": name,
        "subject_id": f"{animal.species.lower()}{animal.number:03d}",
        "recording_id": name,
        "species": animal.species,
        "frame_number": number.astype(np.int32),
        "timestamp_ms": np.rint(time * 1000).astype(np.int32),
        "frame_label": action_at(_coded(bouts, animal.species, rng), time),
    }
    truth = pd.DataFrame({"clip_id": name, "frame_number": number.astype(np.int32), "true_label": action_at(bouts, time)})
    return pd.concat([pd.DataFrame(facts, index=table.index), table], axis=1), truth


def _day(species: str, seconds: float, rng: np.random.Generator) -> tuple[Bout, ...]:
    """Let one action follow another as they are likely to, each for 1 to 12 seconds."""
    bouts: list[Bout] = []
    action, now = str(rng.choice(list(TRANSITIONS[species]))), 0.0
    while now < seconds:
        end = now + float(1 + rng.gamma(2.0, 2.0))
        bouts.append(Bout(action, now, end))
        likely = TRANSITIONS[species][action]
        others = [a for a in TRANSITIONS[species] if a != action]
        action, now = str(rng.choice(likely, p=[0.5, 0.3, 0.2]) if rng.random() < 0.6 else rng.choice(others)), end
    return tuple(bouts)


def _coded(bouts: tuple[Bout, ...], species: str, rng: np.random.Generator) -> tuple[Bout, ...]:
    """Return the bouts as a coder would: boundaries shifted, short bouts missed, extra ones made up, some confused."""
    actions = list(TRANSITIONS[species])
    shift = np.concatenate([[0.0], rng.normal(0, _SHIFT, len(bouts) - 1), [0.0]])
    coded: list[Bout] = []
    for i, bout in enumerate(bouts):
        start, end = bout.start + shift[i], bout.end + shift[i + 1]
        short = bout.end - bout.start < _SHORT
        if coded and short and rng.random() < _MISSED * 4:
            coded[-1] = Bout(coded[-1].action, coded[-1].start, end)
            continue
        action = str(rng.choice([a for a in actions if a != bout.action])) if rng.random() < _CONFUSED else bout.action
        if end - start > 6 and rng.random() < _MISSED:
            middle, length = float(rng.uniform(start + 1, end - 2)), float(rng.uniform(0.4, 1.2))
            extra = str(rng.choice(TRANSITIONS[species][bout.action]))
            coded += [Bout(action, start, middle), Bout(extra, middle, middle + length), Bout(action, middle + length, end)]
        else:
            coded.append(Bout(action, start, max(end, start)))
    return tuple(coded)
