"""How many injected faults of keypoints come back, and how many keypoints are called implausible that are not. All simulated.

    python -m benchmarks.plausibility [--clips 400] [--seed 77]

Faults are injected into copies of simulated clips, one kind at a time. Prints a Markdown table; the last lines are of motions
that are no faults, and of the speed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe
from benchmarks.simulated import sampled_clips
from data_schemas.skeletons import Skeleton, load_skeleton, skeleton_of
from model.windowing import MISSING, Samples, concatenate, cut
from pipeline.simulation import simulate_clips
from pipeline.simulation.difficulty import Difficulty
from pipeline.windows.pose_faults.motion import body_of
from pipeline.windows.pose_faults.plausibility import FAULTS, find_faults, window_faults

STEPS, HZ = 5, 5.0
SKELETON = load_skeleton("aihub59")


@dataclass(frozen=True)
class Sample:
    """Simulated clips on the time grid, and the clip of each sample."""

    samples: Samples
    clip: NDArray[np.int32]
    skeleton: Skeleton = SKELETON


@dataclass(frozen=True)
class InjectedFaults:
    """A copy with faults: ``event`` numbers them from 1, shape (n, keypoints), 0 where none was injected."""

    sample: Sample
    event: NDArray[np.int64]


def simulated(clips: int, *, seed: int, misplaced: float) -> Sample:
    """Return simulated clips, with this share of keypoints misplaced by the simulator itself."""
    found = sampled_clips(simulate_clips(clips, seed=seed, difficulty=Difficulty(misplaced=misplaced)))
    return Sample(found.samples, found.clip)


def two_animals(sample: Sample) -> Sample:
    """Put every second clip's animal beside the one before it: ``one_nose ... two_tail_end``, three to five radii apart."""
    bounds = np.flatnonzero(np.diff(sample.clip, prepend=-1, append=-1))
    parts = []
    for (a, b), (c, d) in list(zip(pairwise(bounds), pairwise(bounds[1:]), strict=False))[::2]:
        length = min(b - a, d - c)
        s = sample.samples
        gap = 3 + 2 * (a % 7) / 7
        # Both are brought to the size and the place of the first.
        ratio = s.scale[a] / s.scale[c]
        beside = (s.xy[c : c + length] - s.xy[c : c + length].mean(axis=(0, 1))) * ratio + s.xy[a : a + length].mean(axis=(0, 1))
        beside = beside + np.array([gap * s.scale[a], 0], np.float32)
        state = np.concatenate([s.state[a : a + length], s.state[c : c + length]], axis=1)
        xy = np.where(state[..., None] == MISSING, 0, np.concatenate([s.xy[a : a + length], beside], axis=1)).astype(np.float32)
        parts.append(Samples(xy, state, s.frame_number[a : a + length], np.zeros(length, np.int32), s.scale[a : a + length]))
    names = [f"{who}_{k}" for who in ("one", "two") for k in SKELETON.keypoints]
    clip = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p) for p in parts])
    return Sample(concatenate(parts), clip, skeleton_of(names))


Change = Callable[["Scene"], list[tuple[slice, list[int]]]]
"""Plants faults in place, and returns their spans and keypoints."""


@dataclass(frozen=True)
class Scene:
    """One block of samples to inject faults into."""

    xy: NDArray[np.float32]
    state: NDArray[np.uint8]
    radius: float
    skeleton: Skeleton
    rng: np.random.Generator

    def away(self, low: float, high: float) -> NDArray[np.float32]:
        """Return a vector in any direction, between so many radii long."""
        angle, far = self.rng.uniform(0, 2 * np.pi), self.radius * self.rng.uniform(low, high)
        return np.array([np.cos(angle) * far, np.sin(angle) * far], np.float32)

    def rows(self, start: int, low: int, high: int) -> slice:
        """Return a span from ``start`` of ``low`` to ``high`` samples."""
        return slice(start, start + int(self.rng.integers(low, high + 1)))

    def keypoint(self) -> int:
        """Return any keypoint."""
        return int(self.rng.integers(self.xy.shape[1]))


def inject(sample: Sample, change: Change, *, seed: int) -> InjectedFaults:
    """Return a copy in which every block of at least eight seconds got what ``change`` injects."""
    rng = np.random.default_rng(seed)
    xy, state = sample.samples.xy.copy(), sample.samples.state.copy()
    event = np.zeros(state.shape, np.int64)
    bounds = np.flatnonzero(np.diff(sample.samples.block, prepend=-1, append=-1))
    count = 0
    for a, b in pairwise(bounds):
        if b - a < 8 * HZ:
            continue
        scene = Scene(xy[a:b], state[a:b], float(sample.samples.scale[a]), sample.skeleton, rng)
        for rows, columns in change(scene):
            count += 1
            event[a:b][rows, columns] = count
    shown = state > MISSING
    copy = replace(sample.samples, xy=np.where(shown[..., None], xy, 0), state=state)
    return InjectedFaults(replace(sample, samples=copy), event * shown)


def leap(scene: Scene) -> list[tuple[slice, list[int]]]:
    """Put a keypoint one to three radii away for one or two samples, three times."""
    injected = []
    for start in (5, 15, 25):
        rows, k = scene.rows(start, 1, 2), scene.keypoint()
        scene.xy[rows, k] += scene.away(1, 3)
        injected.append((rows, [k]))
    return injected


def stretch(scene: Scene) -> list[tuple[slice, list[int]]]:
    """Put a keypoint two to four radii away for one to three seconds."""
    rows, k = scene.rows(8, 5, 15), scene.keypoint()
    scene.xy[rows, k] += scene.away(2, 4)
    return [(rows, [k])]


def swap_pair(scene: Scene, *, least: float = 0.0) -> list[tuple[slice, list[int]]]:
    """Exchange a left-right pair for one to three seconds, if it lies at least ``least`` radii apart when it is exchanged."""
    rows = scene.rows(8, 5, 15)
    pairs = scene.skeleton.left_right
    left, right = pairs[int(scene.rng.integers(len(pairs)))]
    apart = np.linalg.norm(scene.xy[rows, left] - scene.xy[rows, right], axis=1)
    known = (scene.state[rows][:, [left, right]] > MISSING).all(axis=1)
    if not known.any() or np.median(apart[known]) < least * scene.radius:
        return []
    scene.xy[rows, left], scene.xy[rows, right] = scene.xy[rows, right].copy(), scene.xy[rows, left].copy()
    scene.state[rows, left], scene.state[rows, right] = scene.state[rows, right].copy(), scene.state[rows, left].copy()
    return [(rows, [left, right])]


def freeze(scene: Scene) -> list[tuple[slice, list[int]]]:
    """Hold a keypoint for three to five seconds."""
    rows, k = scene.rows(8, 15, 25), scene.keypoint()
    scene.xy[rows, k] = scene.xy[rows.start, k]
    return [(rows, [k])]


def exchange(scene: Scene) -> list[tuple[slice, list[int]]]:
    """Exchange two animals from a sample on; the samples on both sides are the ones to find."""
    start = int(scene.rng.integers(10, len(scene.xy) - 10))
    half = scene.xy.shape[1] // 2
    for array in (scene.xy, scene.state):
        array[start:] = np.roll(array[start:], half, axis=1)
    return [(slice(start - 1, start + 1), list(range(2 * half)))]


def jerk(scene: Scene) -> list[tuple[slice, list[int]]]:
    """Jerk the camera away and back for a sample, three times, while it pans; no fault."""
    for start in (5, 15, 25):
        scene.xy[start] += scene.away(2, 6)
    scene.xy[:] += (np.arange(len(scene.xy), dtype=np.float32) * 0.5 * scene.radius)[:, None, None]
    return []


def row(name: str, injected: InjectedFaults, *, kind: str | None) -> str:
    """Return one line of the table."""
    sample = injected.sample
    faults = find_faults(sample.samples, sample.clip, body=body_of(sample.skeleton), hz=HZ)
    first = cut(sample.samples.block, steps=STEPS)
    lost = window_faults(faults, sample.samples.state, first, steps=STEPS, min_visible=0.2, max_implausible=0.25)
    event, shown = injected.event, sample.samples.state > MISSING
    size = np.bincount(event.ravel())[1:]
    found = np.bincount(event.ravel(), (faults > 0).ravel())[1:]
    named = np.bincount(event.ravel(), (faults == (FAULTS.index(kind) + 1 if kind else 0)).ravel())[1:]
    events = int((size > 0).sum())
    cells = ["-", "-", "-"]
    if events:
        half = (2 * found[size > 0] >= size[size > 0]).mean()
        cells = [f"{half:.0%}", f"{found.sum() / size.sum():.0%}", f"{named.sum() / max(found.sum(), 1):.0%}"]
    false = (faults > 0)[shown & (event == 0)].mean()
    return f"| {name} | {events or '-'} | {' | '.join(cells)} | {1000 * false:.2f} | {np.mean(lost != None):.2%} |"  # noqa: E711


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--seed", type=int, default=77)
    given = parser.parse_args()
    clean = simulated(given.clips, seed=given.seed, misplaced=0.0)
    pair = two_animals(clean)
    print(f"{describe()}; {given.clips} simulated clips, seed {given.seed}\n")
    print("| injected (simulated) | faults | found | keypoints marked | named right | false per 1,000 keypoints | windows bad |")
    print("|---|---|---|---|---|---|---|")
    nothing = np.zeros(clean.samples.state.shape, np.int64)
    print(row("nothing", InjectedFaults(clean, nothing), kind=None))
    print(row("camera jerked and panned", inject(clean, jerk, seed=1), kind=None))
    for name, change, kind in (
        ("jump, 1-3 radii, 1-2 samples", leap, "jump"),
        ("keypoint 2-4 radii off for 1-3 s", stretch, "bone_length"),
        ("left-right pair exchanged for 1-3 s", swap_pair, "swap"),
        ("... at least 0.6 radii apart", partial(swap_pair, least=0.6), "swap"),
        ("keypoint frozen for 3-5 s", freeze, "frozen"),
    ):
        print(row(name, inject(clean, change, seed=2), kind=kind))
    print(row("two animals, nothing", InjectedFaults(pair, np.zeros(pair.samples.state.shape, np.int64)), kind=None))
    print(row("two animals exchanged", inject(pair, exchange, seed=3), kind="identity_swap"))
    usual = simulated(given.clips, seed=given.seed, misplaced=Difficulty().misplaced)
    print(row("the sample of `audit demo` (1 % misplaced)", InjectedFaults(usual, nothing[: len(usual.samples)]), kind=None))
    started = time.perf_counter()
    find_faults(usual.samples, usual.clip, body=body_of(SKELETON), hz=HZ)
    print(f"\n{len(usual.samples)} samples of 15 keypoints in {time.perf_counter() - started:.2f} s, one process.")


if __name__ == "__main__":
    main()
