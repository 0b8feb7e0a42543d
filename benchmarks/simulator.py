"""How hard the simulated sample is: networks trained on the true labels, tested on animals that they did not see.

python -m benchmarks.simulator [--clips 400 2000]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.machine import describe
from benchmarks.simulated import sampled_clips
from model.recipe import PRESETS, Recipe
from model.training import Windows, network_logits, train_network
from model.windowing import Samples, cut
from pipeline.simulation import SIMULATOR_VERSION, SimulatedClip, simulate_clips
from pipeline.windows.frame_index import FrameIndex

STEPS = 5


def true_windows(
    clips: list[SimulatedClip],
) -> tuple[Samples, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Return samples, first rows, classes and animals of all windows, and the names of the classes."""
    sampled = sampled_clips(clips)
    samples, first = sampled.samples, cut(sampled.samples.block, steps=STEPS)
    clip = sampled.clip[first]
    lengths = [len(c.frame_number) for c in clips]
    index = FrameIndex.of_codes(np.repeat(np.arange(len(clips)), lengths), np.concatenate([c.frame_number for c in clips]))
    names, codes = np.unique([action for c in clips for action in c.truth], return_inverse=True)
    spans = index.spans(clip, samples.frame_number[first], samples.frame_number[first + STEPS - 1])
    animal = np.array([c.plan.animal.number for c in clips])[clip]
    return samples, first, spans.commonest(codes).code, animal, names.tolist()


def accuracy(clips: list[SimulatedClip], recipe: Recipe) -> float:
    """Return the accuracy on a quarter of the animals after training on the truth of the others."""
    samples, first, target, animal, names = true_windows(clips)
    train, test = next(GroupKFold(4).split(target, target, animal))
    view = recipe.views[0]
    fitted = train_network(
        Windows.of(samples, first[train], steps=STEPS), target[train], view=view, recipe=recipe, classes=len(names), seed=0
    )
    predicted = network_logits(fitted, Windows.of(samples, first[test], steps=STEPS)).argmax(axis=1)
    return float((predicted == target[test]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[400, 2000])
    parser.add_argument("--epochs", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"simulated, version {SIMULATOR_VERSION}, seed 0; {describe()}\n")
    print("| clips | wrong frames | seconds to simulate | species | body view | frame min-max |\n|---|---|---|---|---|---|")
    for count in given.clips:
        started = time.perf_counter()
        clips = list(simulate_clips(count))
        seconds = time.perf_counter() - started
        wrong = np.mean([t != c.script.label for c in clips for t in c.truth])
        for species in ("DOG", "CAT"):
            own = [c for c in clips if c.plan.animal.species == species]
            recipes = [
                replace(PRESETS["default"], views=(v,), epochs=given.epochs, min_optimizer_steps=400) for v in ("body", "frame")
            ]
            body, frame = (accuracy(own, r) for r in recipes)
            print(f"| {count} | {wrong:.1%} | {seconds:.1f} | {species} | {body:.3f} | {frame:.3f} |", flush=True)


if __name__ == "__main__":
    main()
