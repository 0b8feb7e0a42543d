"""How many windows a second one core predicts: one stream frame by frame, many streams together, and one stream in bulk.

    python -m benchmarks.streaming [--seconds 600] [--streams 64] [--keypoints 15] [--classes 12]

Weights are random: speed does not depend on them. Frames come at 30 a second, a tenth of the keypoints missing; taking and
cutting them is counted. A window starts every second, and in the second column every fifth of one (overlapping windows). Rows
"by PyTorch" call the networks themselves instead of :mod:`model.forward`, so that they say what that module is worth.
Seconds are those of the processor, on one thread, so that other work on the machine counts less. Prints a table.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe
from model.classifier import BehaviorClassifier
from model.lstm import WindowLSTM
from model.recipe import PRESETS

REPEATS = 5


def untrained(preset: str, *, keypoints: int, classes: int, kind: type[BehaviorClassifier]) -> BehaviorClassifier:
    recipe = PRESETS[preset]
    names = [f"k{i}" for i in range(keypoints)]
    made = kind([f"c{i}" for i in range(classes)], names, recipe=recipe, device="cpu")
    made.networks = [WindowLSTM(v, recipe, keypoints=keypoints, steps=5, classes=classes).eval() for v in recipe.views]
    return made


class ByTorch(BehaviorClassifier):
    """Predict arrays by PyTorch instead of :mod:`model.forward`."""

    @torch.inference_mode()
    def predict_proba(self, poses: Any, *, scale: Any = None) -> NDArray[np.float32]:
        """Return the mean of the networks' probabilities, shape (n, classes)."""
        windows = [torch.from_numpy(np.require(array, requirements=["C", "W"])) for array in self._raw(poses, scale)]
        return torch.stack([torch.softmax(network(*windows), dim=1) for network in self.networks]).mean(0).numpy()


def simulated_frames(frames: int, keypoints: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    xy = (rng.normal(300, 80, (1, keypoints, 2)) + rng.normal(0, 1, (frames, keypoints, 2)).cumsum(0)).astype(np.float32)
    xy[rng.random((frames, keypoints)) < 0.1] = np.nan
    return xy


def many_streams(model: BehaviorClassifier, frames: NDArray[np.float32], streams: int) -> int:
    """Feed all streams a frame in turn and predict what is ready together, as a server of many cameras would."""
    sources = [model.stream() for _ in range(streams)]
    predicted = 0
    for keypoints in frames[: len(frames) // streams]:
        predicted += len(model.predict_cut_windows([w for stream in sources for w in stream.cut(keypoints)]))
    return predicted


def in_bulk(model: BehaviorClassifier, frames: NDArray[np.float32]) -> int:
    return len(model.stream().extend(frames))


def frame_by_frame(model: BehaviorClassifier, frames: NDArray[np.float32], stride_s: float) -> int:
    stream = model.stream(stride_s=stride_s)
    return sum(len(stream.push(keypoints)) for keypoints in frames)


def rate(work: Callable[[], int]) -> float:
    """Return the median of windows per second of processor time."""
    work()
    rates = []
    for _ in range(REPEATS):
        started = time.process_time()
        windows = work()
        rates.append(windows / (time.process_time() - started))
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--keypoints", type=int, default=15)
    parser.add_argument("--classes", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    frames = simulated_frames(30 * options.seconds, options.keypoints)
    print(f"{describe()}; {options.keypoints} keypoints, {options.classes} classes, one thread\n")
    ways = {
        "frame by frame, stride 1 s": lambda m: frame_by_frame(m, frames[: len(frames) // 2], 1.0),
        "frame by frame, stride 0.2 s": lambda m: frame_by_frame(m, frames[: len(frames) // 5], 0.2),
        f"{options.streams} streams together": lambda m: many_streams(m, frames, options.streams),
        "in bulk (`extend`)": lambda m: in_bulk(m, frames),
    }
    print("| preset | " + " | ".join(ways) + " |")
    print("|---" * (len(ways) + 1) + "|")
    for preset in PRESETS:
        for kind, named in ((BehaviorClassifier, preset), (ByTorch, f"{preset} by PyTorch")):
            model = untrained(preset, keypoints=options.keypoints, classes=options.classes, kind=kind)
            found = [rate(functools.partial(way, model)) for way in ways.values()]
            print(f"| {named} | " + " | ".join(f"{value:,.0f} windows/s" for value in found) + " |", flush=True)


if __name__ == "__main__":
    main()
