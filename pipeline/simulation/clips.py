"""Simulate clips in memory: keypoints as an annotator would give them, the labels, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.simulation.actions import ACTIONS, DEGREES, Style, perform
from pipeline.simulation.bodies import Animal, make_animals
from pipeline.simulation.difficulty import Difficulty
from pipeline.simulation.kinematics import Camera, keypoints_in_space, make_camera
from pipeline.simulation.script import Bout, Script, write_script

FloatArray = NDArray[np.float64]
_CLIPS_PER_ANIMAL = 6
_BLEND = 0.35
_RATES = (30.0, 30.0, 30.0, 29.97, 25.0, 24.0, 15.0)
_STYLED = [
    DEGREES.index(n) for n in ("pitch", "roll", "head_pitch", "head_yaw", "tail_pitch", "tail_yaw", "swing_fr", "swing_fl")
]
_RIGHT = np.array([5, 7, 9, 11])
_LEFT = np.array([6, 8, 10, 12])


@dataclass(frozen=True)
class Plan:
    """What one clip shall be; everything else follows from it and the seed."""

    number: int
    animal: Animal
    action: str
    seed: int
    contamination: float
    difficulty: Difficulty = field(default_factory=Difficulty)


@dataclass(frozen=True)
class SimulatedClip:
    """A simulated clip.

    Attributes
    ----------
    frame_number, timestamp_ms : shape (frames,)
        As AI-Hub #59 counts them: floor(k fps / 5), and milliseconds.
    keypoints : float64, shape (frames, 15, 2)
        What an annotator gave: noisy, with NaN where hidden.
    shown : float64, shape (frames, 15, 2); depth : shape (frames, 15)
        Where the keypoints really are in the picture, and how far away; for drawing.
    truth : list of str
        The action of every frame.
    """

    plan: Plan
    script: Script
    camera: Camera
    fps: float
    frame_number: NDArray[np.int64]
    timestamp_ms: NDArray[np.int64]
    keypoints: FloatArray
    shown: FloatArray
    depth: FloatArray
    truth: list[str]


def plan_clips(clips: int, *, seed: int, contamination: float = 0.25, difficulty: Difficulty | None = None) -> list[Plan]:
    """Plan dogs and cats in halves, every class as often as the others and shown by as many animals as there are clips for."""
    hard = difficulty or Difficulty()
    plans: list[Plan] = []
    for species, count in (("DOG", clips // 2), ("CAT", clips - clips // 2)):
        animals = make_animals(species, max(6, round(count / _CLIPS_PER_ANIMAL)), seed=seed, spread=hard.animal_spread)
        rng = np.random.default_rng([seed, 2, species == "CAT"])
        actions = list(ACTIONS[species])
        order = [actions[i % len(actions)] for i in range(count)]
        turn = {a: rng.permutation(len(animals)) for a in actions}
        for i, action in enumerate(order):
            animal = animals[int(turn[action][(i // len(actions)) % len(animals)])]
            plans.append(Plan(len(plans), animal, action, seed, contamination, hard))
    return plans


def simulate_clips(
    clips: int, *, seed: int = 0, contamination: float = 0.25, difficulty: Difficulty | None = None
) -> Iterator[SimulatedClip]:
    """Yield simulated clips; the same arguments give the same clips."""
    for plan in plan_clips(clips, seed=seed, contamination=contamination, difficulty=difficulty):
        yield simulate_clip(plan)


def simulate_clip(plan: Plan) -> SimulatedClip:
    """Simulate one clip at 5 annotated frames a second."""
    rng = np.random.default_rng([plan.seed, 3, plan.number])
    fps = float(rng.choice(_RATES))
    frames = int(rng.integers(60, 111)) if rng.random() > 0.05 else int(rng.integers(8, 40))
    number = np.floor(np.arange(frames) * fps / 5).astype(np.int64)
    time = number / fps
    script = write_script(
        rng, species=plan.animal.species, action=plan.action, seconds=float(time[-1]) + 0.2, contamination=plan.contamination
    )
    camera = make_camera(rng)
    shown, depth = film(plan.animal, script.bouts, time=time, camera=camera, rng=rng, difficulty=plan.difficulty)
    keypoints = annotate(shown, depth, camera=camera, rng=rng, difficulty=plan.difficulty)
    kept = _kept_frames(rng, frames)
    truth = action_at(script.bouts, time)
    return SimulatedClip(
        plan=plan,
        script=script,
        camera=camera,
        fps=fps,
        frame_number=number[kept],
        timestamp_ms=np.rint(time[kept] * 1000).astype(np.int64),
        keypoints=keypoints[kept],
        shown=shown[kept],
        depth=depth[kept],
        truth=[truth[i] for i in np.flatnonzero(kept)],
    )


def film(
    animal: Animal, bouts: tuple[Bout, ...], *, time: FloatArray, camera: Camera, rng: np.random.Generator, difficulty: Difficulty
) -> tuple[FloatArray, FloatArray]:
    """Let an animal do its bouts before a camera; return pixels (times, 15, 2) and depths (times, 15)."""
    slow = _Slow(rng)
    degrees, weight = np.zeros((len(time), len(DEGREES))), np.zeros(len(time))
    for bout in bouts:
        style = Style(
            tempo=animal.tempo * float(np.exp(rng.normal(0, 0.5 * difficulty.bout_spread))),
            vigour=animal.vigour * float(np.exp(rng.normal(0, difficulty.bout_spread))),
            side=int(rng.choice([-1, 1])),
            phase=float(rng.random()),
            variant=float(rng.random()),
            slow=slow,
        )
        here = np.clip(np.minimum(time - bout.start, bout.end - time) / _BLEND + 0.5, 0, 1)
        rows = np.flatnonzero(here > 0)
        if not len(rows):
            continue
        done = perform(animal.species, bout.action, time=time[rows], style=style)
        done = _with_pauses(done, time[rows], style, rng=rng, difficulty=difficulty)
        done[:, _STYLED] += animal.posture + rng.normal(0, difficulty.bout_spread, len(_STYLED))
        degrees[rows] += here[rows, None] * done
        weight[rows] += here[rows]
    degrees /= np.maximum(weight, 1e-9)[:, None]
    for i, name in enumerate(("head_yaw", "head_pitch", "pitch", "tail_yaw", "swing_fr", "swing_fl")):
        degrees[:, DEGREES.index(name)] += (
            difficulty.restlessness * (2.0 if name in ("head_yaw", "tail_yaw") else 1.0) * slow(time, 2 + i)
        )
    return camera.project(keypoints_in_space(animal, degrees, time=time), time=time)


def annotate(
    shown: FloatArray, depth: FloatArray, *, camera: Camera, rng: np.random.Generator, difficulty: Difficulty
) -> FloatArray:
    """Return keypoints as an annotator gives them: whole pixels, jittered, misplaced now and then, NaN where hidden."""
    frames = len(shown)
    points = shown + rng.normal(0, difficulty.jitter * camera.pixels, shown.shape)
    elsewhere = rng.random((frames, 15)) < difficulty.misplaced
    other = np.take_along_axis(shown, rng.integers(0, 15, (frames, 15))[..., None], axis=1)
    points = np.where(elsewhere[..., None], other, points)
    far_is_right = depth[:, _RIGHT].mean(axis=1) > depth[:, _LEFT].mean(axis=1)
    share = np.full((frames, 15), difficulty.hidden_near)
    share[np.ix_(far_is_right, _RIGHT)] = difficulty.hidden_far
    share[np.ix_(~far_is_right, _LEFT)] = difficulty.hidden_far
    # What is hidden stays hidden for a while: one draw in four is new, the others follow the frame before.
    draw = rng.random((frames, 15))
    fresh = rng.random((frames, 15)) < 0.25
    fresh[0] = True
    last = np.maximum.accumulate(np.where(fresh, np.arange(frames)[:, None], 0), axis=0)
    hidden = np.take_along_axis(draw, last, axis=0) < share
    points = np.where(hidden[..., None], np.nan, points)
    return np.asarray(np.rint(points), np.float64)


def action_at(bouts: tuple[Bout, ...], time: FloatArray) -> list[str]:
    """Return the action of each time."""
    place = np.searchsorted([b.end for b in bouts], time, side="right").clip(max=len(bouts) - 1)
    return [bouts[i].action for i in place]


def _with_pauses(
    done: FloatArray, time: FloatArray, style: Style, *, rng: np.random.Generator, difficulty: Difficulty
) -> FloatArray:
    """Let the animal hold still now and then: its motion shrinks to the mean of the bout."""
    wave = np.sin(2 * np.pi * (time / rng.uniform(2.5, 5) + style.phase))
    still = np.clip((wave - np.cos(np.pi * difficulty.pause_share)) * 8, 0, 1)[:, None]
    held: FloatArray = (1 - still) * done + still * done.mean(axis=0)
    for name in ("speed", "turn"):
        column = DEGREES.index(name)
        held[:, column] = (1 - 0.9 * still[:, 0]) * done[:, column]
    return held


def _kept_frames(rng: np.random.Generator, frames: int) -> NDArray[np.bool_]:
    """Return which frames exist: a quarter of the clips miss one to three sampled frames here and there."""
    kept = np.ones(frames, bool)
    if frames > 20 and rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            start = int(rng.integers(0, frames - 3))
            kept[start : start + int(rng.integers(1, 4))] = False
    return kept


class _Slow:
    """Slow wandering without a period that shows: a sum of three sines for each channel."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rate = rng.uniform(0.05, 0.45, (8, 3))
        self._phase = rng.uniform(0, 2 * np.pi, (8, 3))

    def __call__(self, time: FloatArray, channel: int) -> FloatArray:
        angle = 2 * np.pi * self._rate[channel] * time[:, None] + self._phase[channel]
        wandering: FloatArray = np.sin(angle).mean(axis=1) * 1.2
        return wandering
