"""The classifier that other programs embed.

>>> from model.classifier import BehaviorClassifier
>>> classifier = BehaviorClassifier(classes=["SIT", "WALKRUN"], keypoints=["nose", "neck", "tail_start"])
>>> classifier.fit(poses, labels)              # (n, 5, 3, 2) coordinates, NaN where missing; n labels
>>> classifier.predict_proba(poses)            # (n, 2), each row sums to 1
>>> classifier.save("dog-model")
>>> classifier = BehaviorClassifier.load("dog-model")
>>> stream = classifier.stream(fps=30)
>>> for keypoints in camera:                   # (3, 2) a frame
...     for decision in stream.push(keypoints):
...         print(decision.start_ms, decision.label, decision.probability)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

import data_schemas
from data_schemas.errors import BundleError, ConfigError, DataError
from model.bundle import read_bundle, write_bundle
from model.card import ModelCard
from model.device import choose_device
from model.frames import FrameTable, clips_of, is_table
from model.lstm import WindowLSTM
from model.recipe import Recipe, make_recipe
from model.streaming import Clock, CutWindow, Decision, Stream, WindowCutter
from model.training import Progress, Windows, network_logits, train_network
from model.windowing import MISSING, SEEN, Samples, pose_radius

__all__ = ["BehaviorClassifier"]

_BLOCK = 32
"""Streams, windows and tables are predicted in blocks of one shape, so that they agree to the bit."""


class BehaviorClassifier:
    """Tell the action in windows of poses: one LSTM a view, their probabilities averaged.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, in the order of the columns of ``predict_proba``.
    keypoints : sequence of str
        Names of the keypoints, in the order of the arrays.
    steps : int
        Samples in a window.
    hz : float
        Samples a second.
    species : str
        The species it is for; kept in the bundle.
    max_gap_ms, max_keypoint_gap_ms : float
        The holes in the frames, and of one keypoint, that are bridged when windows are cut from frames; as in training.
    recipe : Recipe, optional
        How to build and train; the default preset where it is left out.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(
        self,
        classes: Sequence[str],
        keypoints: Sequence[str],
        *,
        steps: int = 5,
        hz: float = 5.0,
        species: str = "",
        max_gap_ms: float = 600.0,
        max_keypoint_gap_ms: float = 400.0,
        recipe: Recipe | None = None,
        device: str = "auto",
    ) -> None:
        self.classes = tuple(classes)
        self.keypoints = tuple(keypoints)
        self.clock = Clock(steps=steps, hz=hz, max_gap_ms=max_gap_ms, max_keypoint_gap_ms=max_keypoint_gap_ms)
        self.species = species
        self.recipe = recipe or make_recipe("default")
        self.device = choose_device(device)
        self.networks: list[WindowLSTM] = []

    @property
    def steps(self) -> int:
        """Return the number of samples in a window."""
        return self.clock.steps

    @property
    def hz(self) -> float:
        """Return the number of samples a second."""
        return self.clock.hz

    def fit(
        self,
        poses: ArrayLike,
        labels: Sequence[str],
        *,
        scale: ArrayLike | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> BehaviorClassifier:
        """Train on windows; the same seed on the same machine gives the same classifier.

        Parameters
        ----------
        poses : shape (n, steps, keypoints, 2)
            Coordinates in any unit; NaN where a keypoint is missing.
        labels : n names
            Each one of ``classes``.
        scale : shape (n,), optional
            The median pose radius of each window's clip; the window's own where it is left out.

        Raises
        ------
        DataError
            The arrays do not have these shapes, or a label is not one of ``classes``.
        """
        windows = self._windows(poses, scale)
        if len(labels) != len(windows) or not len(labels):
            raise DataError(
                f"{len(windows)} windows but {len(labels)} labels", hint="give one label for each of at least one window"
            )
        place = {name: i for i, name in enumerate(self.classes)}
        unknown = next((name for name in labels if name not in place), None)
        if unknown is not None:
            raise DataError(f"label {unknown!r} is not one of the classes", hint=f"classes: {', '.join(self.classes)}")
        return self.fit_windows(windows, np.array([place[name] for name in labels]), seed=seed, progress=progress)

    def fit_windows(
        self, windows: Windows, target: NDArray[np.int64], *, seed: int = 0, progress: Progress | None = None
    ) -> BehaviorClassifier:
        """Train on windows that are an index over a matrix of samples; ``target`` holds places in ``classes``."""
        self.networks = [
            train_network(
                windows, target, view=view, recipe=self.recipe, classes=len(self.classes), seed=seed + 7919 * i, progress=progress
            )
            for i, view in enumerate(self.recipe.views)
        ]
        return self

    def predict_proba(self, poses: ArrayLike | FrameTable, *, scale: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return probabilities of shape (n, classes).

        Parameters
        ----------
        poses : shape (n, steps, keypoints, 2), or a table of frames
            Windows; or a DataFrame from which one window a second is cut, as :meth:`decide` does, which also tells their times.
        scale : shape (n,), optional
            The median pose radius of each window's clip; the window's own where it is left out. One number for a table.

        Raises
        ------
        DataError
            The array does not have this shape, or the table lacks a keypoint.
        BundleError
            The classifier was neither fitted nor loaded.
        """
        if is_table(poses):
            decisions = self.decide(poses, scale=None if scale is None else float(np.asarray(scale)))
            return np.array([d.probabilities for d in decisions], np.float32).reshape(-1, len(self.classes))
        return self.predict_windows(self._windows(cast("ArrayLike", poses), scale), block=_BLOCK)

    def predict_windows(self, windows: Windows, *, block: int = 0) -> NDArray[np.float32]:
        """Return probabilities of shape (windows, classes); see :func:`model.training.network_logits` for ``block``."""
        if not self.networks:
            raise BundleError("this classifier has not been trained", hint="call fit, or load a bundle")
        parts = [_softmax(network_logits(network, windows, block=block)) for network in self.networks]
        return np.mean(parts, axis=0).astype(np.float32)  # type: ignore[no-any-return]

    def predict(self, poses: ArrayLike | FrameTable, *, scale: ArrayLike | None = None) -> list[str]:
        """Return the most probable class of each window; see :meth:`predict_proba` for what goes in."""
        return [self.classes[i] for i in self.predict_proba(poses, scale=scale).argmax(1)]

    def stream(self, *, fps: float = 30.0, hop: float = 1.0, scale: float | None = None) -> Stream:
        """Return a stream that takes keypoints frame by frame and decides once a second.

        Every window is decided by its own frames (and one on either side to interpolate with); nothing is carried over.

        Parameters
        ----------
        fps : float
            Frames a second, where frames come without a time of their own.
        hop : float
            Seconds from one decision to the next.
        scale : float, optional
            The animal's median pose radius in the units of the keypoints (see :func:`model.windowing.pose_radius`). Training
            takes that of the whole clip, which a stream does not know: that of the window stands in where it is left out.

        Raises
        ------
        DataError
            ``fps``, ``hop`` or ``scale`` is not a positive number.
        """
        for name, value in (("fps", fps), ("hop", hop), ("scale", 1.0 if scale is None else scale)):
            if not (math.isfinite(value) and value > 0):
                raise DataError(f"{name}: {value} is not a positive number", hint="30 frames a second and a hop of 1 are usual")
        cutter = WindowCutter(self.clock, len(self.keypoints), hop_ms=1000.0 * hop)
        return Stream(cutter, fps=fps, decide=lambda windows: self.decide_windows(windows, scale=scale))

    def decide_windows(self, windows: Sequence[CutWindow], *, scale: float | None = None) -> list[Decision]:
        """Decide windows that streams have cut (see :meth:`model.streaming.Stream.cut`), of one stream or of many at once."""
        if not windows:
            return []
        scales = None if scale is None else np.full(len(windows), scale, np.float32)
        probabilities = self.predict_proba(np.stack([w.poses for w in windows]), scale=scales)
        return [
            Decision(
                label=self.classes[int(p.argmax())],
                probability=float(p.max()),
                probabilities=p,
                start_ms=w.start_ms,
                end_ms=w.end_ms,
                start_frame=w.start_frame,
                end_frame=w.end_frame,
                visible=w.visible,
            )
            for w, p in zip(windows, probabilities, strict=True)
        ]

    def decide(
        self, frames: ArrayLike | FrameTable, *, fps: float = 30.0, hop: float = 1.0, scale: float | None = None
    ) -> list[Decision]:
        """Decide recorded frames just as a stream would.

        Parameters
        ----------
        frames : shape (frames, keypoints, 2), or a table of frames
            One clip as an array, or a DataFrame with the columns that :func:`model.frames.clips_of` names.
        fps, hop, scale
            See :meth:`stream`.

        Raises
        ------
        DataError
            The shape is another, the table lacks a keypoint, or the times of a clip do not rise.
        """
        if not is_table(frames):
            stream = self.stream(fps=fps, hop=hop, scale=scale)
            return stream.extend(cast("ArrayLike", frames)) + stream.flush()
        found: list[Decision] = []
        for clip in clips_of(frames, self.keypoints, fps=fps):
            stream = self.stream(fps=fps, hop=hop, scale=scale)
            found += [replace(d, clip_id=clip.clip_id) for d in stream.extend(clip.xy, clip.time_ms) + stream.flush()]
        return found

    def card(self) -> ModelCard:
        """Return what the classifier knows of itself; whoever trained it adds data, figures and limits with ``replace``."""
        species = f" of {self.species}" if self.species else ""
        return ModelCard(
            name=f"Behaviour{species} from keypoints",
            summary=f"Tells {len(self.classes)} actions{species} apart in windows of {self.steps} poses, {self.hz:g} a second.",
            classes=dict.fromkeys(self.classes),
            inputs={"keypoints": ", ".join(self.keypoints), **asdict(self.clock)},
            training={"pose-audit": data_schemas.__version__, **asdict(self.recipe)},
        )

    def save(self, folder: str | Path, *, card: ModelCard | None = None, made_from: str = "") -> None:
        """Write a bundle (see :mod:`model.bundle`) with a model card; :meth:`card` is taken where none is given.

        ``made_from`` is kept in the bundle: a hash of what it was trained on, for whoever may have to train it again.
        """
        if not self.networks:
            raise BundleError("this classifier has not been trained", hint="call fit before save")
        facts = {
            "pose_audit": data_schemas.__version__,
            "species": self.species,
            "classes": self.classes,
            "keypoints": self.keypoints,
            **asdict(self.clock),
            "recipe": asdict(self.recipe),
            **({"made_from": made_from} if made_from else {}),
        }
        weights = {
            f"{i}.{name}": value for i, network in enumerate(self.networks) for name, value in network.state_dict().items()
        }
        write_bundle(Path(folder), facts, weights=weights, card=(card or self.card()).markdown())

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto") -> BehaviorClassifier:
        """Read a bundle.

        Raises
        ------
        BundleError
            It is damaged, is no bundle, or was written by a newer version.
        """
        choose_device(device)
        facts, weights = read_bundle(Path(folder))
        try:
            self = cls(
                _names(facts["classes"]),
                _names(facts["keypoints"]),
                **{name: facts[name] for name in ("steps", "hz", "species", "max_gap_ms", "max_keypoint_gap_ms")},
                recipe=Recipe(**{**facts["recipe"], "views": tuple(facts["recipe"]["views"])}),
                device=device,
            )
            self.networks = [self._network(i, weights) for i in range(len(self.recipe.views))]
        except (KeyError, TypeError, ValueError, RuntimeError, ConfigError) as error:
            raise BundleError(
                f"{Path(folder) / 'model.json'}: does not fit its weights, or this version: {error}",
                hint="train it again with this version of pose-audit, or update pose-audit",
            ) from error
        return self

    def _network(self, place: int, weights: Mapping[str, Tensor]) -> WindowLSTM:
        """Build one view's network around its weights; sizes that a bundle claims but does not hold cost no memory."""
        own = {name.partition(".")[2]: value for name, value in weights.items() if name.startswith(f"{place}.")}
        with torch.device("meta"):
            network = WindowLSTM(
                self.recipe.views[place],
                self.recipe,
                keypoints=len(self.keypoints),
                steps=self.steps,
                classes=len(self.classes),
            )
        network.load_state_dict(own, assign=True)
        return network.float().to(self.device).eval()

    def _windows(self, poses: ArrayLike, scale: ArrayLike | None) -> Windows:
        xy = np.array(poses, np.float32)
        expected = (self.steps, len(self.keypoints), 2)
        if xy.ndim != 4 or xy.shape[1:] != expected:
            raise DataError(
                f"expected poses of shape (n, {', '.join(map(str, expected))}), got {xy.shape}",
                hint="axes are windows, steps, keypoints, and x before y",
            )
        shown = np.isfinite(xy).all(axis=3)
        xy[~shown] = 0.0
        flat, seen = xy.reshape(-1, *expected[1:]), shown.reshape(-1, expected[1])
        if scale is None:
            radius = pose_radius(flat, seen).reshape(len(xy), self.steps)
            usable = np.isfinite(radius) & (radius > 0)
            scale = np.array([np.median(r[u]) if u.any() else 1.0 for r, u in zip(radius, usable, strict=True)])
        samples = Samples(
            xy=flat,
            state=np.where(seen, SEEN, MISSING).astype(np.uint8),
            frame_number=np.arange(len(flat), dtype=np.int32),
            run=np.repeat(np.arange(len(xy), dtype=np.int32), self.steps),
            scale=np.repeat(np.asarray(scale, np.float32), self.steps),
        )
        first = np.arange(len(xy), dtype=np.int64) * self.steps
        return Windows.of(samples, first, steps=self.steps, device=self.device)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities; of a row alone the same as among others, which those of PyTorch are not to the last bit."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def _names(names: Any) -> tuple[str, ...]:
    """Return names that a bundle gives, each of them once."""
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
        raise ValueError(f"{names!r} are no names")
    return tuple(names)
