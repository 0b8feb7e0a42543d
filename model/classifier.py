"""The classifier that other programs embed.

>>> from model.classifier import BehaviorClassifier
>>> classifier = BehaviorClassifier(classes=["SIT", "WALKRUN"], keypoints=["nose", "neck", "tail_start"])
>>> classifier.fit(poses, labels)              # (n, 5, 3, 2) coordinates, NaN where missing; n labels
>>> classifier.predict_proba(poses)            # (n, 2), each row sums to 1
>>> classifier.save("dog-model")
>>> BehaviorClassifier.load("dog-model")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import data_schemas
from data_schemas.errors import BundleError, DataError
from model.bundle import read_bundle, write_bundle
from model.device import choose_device
from model.lstm import WindowLSTM
from model.recipe import Recipe, make_recipe
from model.training import Progress, Windows, network_logits, train_network
from model.windowing import MISSING, SEEN, Samples, pose_radius

__all__ = ["BehaviorClassifier"]


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
        recipe: Recipe | None = None,
        device: str = "auto",
    ) -> None:
        self.classes = tuple(classes)
        self.keypoints = tuple(keypoints)
        self.steps = steps
        self.hz = hz
        self.species = species
        self.recipe = recipe or make_recipe("default")
        self.device = choose_device(device)
        self.networks: list[WindowLSTM] = []

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

    def predict_proba(self, poses: ArrayLike, *, scale: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return probabilities of shape (n, classes) for poses of shape (n, steps, keypoints, 2).

        Raises
        ------
        DataError
            The array does not have this shape.
        BundleError
            The classifier was neither fitted nor loaded.
        """
        return self.predict_windows(self._windows(poses, scale))

    def predict_windows(self, windows: Windows) -> NDArray[np.float32]:
        """Return probabilities of shape (windows, classes)."""
        if not self.networks:
            raise BundleError("this classifier has not been trained", hint="call fit, or load a bundle")
        parts = [torch.softmax(torch.from_numpy(network_logits(n, windows)), dim=1) for n in self.networks]
        return torch.stack(parts).mean(0).numpy()

    def predict(self, poses: ArrayLike, *, scale: ArrayLike | None = None) -> list[str]:
        """Return the most probable class of each window."""
        return [self.classes[i] for i in self.predict_proba(poses, scale=scale).argmax(1)]

    def save(self, folder: str | Path) -> None:
        """Write a bundle (see :mod:`model.bundle`)."""
        card = {
            "pose_audit": data_schemas.__version__,
            "species": self.species,
            "classes": self.classes,
            "keypoints": self.keypoints,
            "steps": self.steps,
            "hz": self.hz,
            "recipe": asdict(self.recipe),
        }
        weights = {
            f"{i}.{name}": value for i, network in enumerate(self.networks) for name, value in network.state_dict().items()
        }
        write_bundle(Path(folder), card, weights=weights)

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto") -> BehaviorClassifier:
        """Read a bundle.

        Raises
        ------
        BundleError
            It is damaged, or was written by a newer version.
        """
        card, weights = read_bundle(Path(folder))
        try:
            recipe = Recipe(**{**card["recipe"], "views": tuple(card["recipe"]["views"])})
            self = cls(
                card["classes"],
                card["keypoints"],
                steps=card["steps"],
                hz=card["hz"],
                species=card["species"],
                recipe=recipe,
                device=device,
            )
            for i, view in enumerate(recipe.views):
                network = WindowLSTM(view, recipe, keypoints=len(self.keypoints), steps=self.steps, classes=len(self.classes))
                own = {name.partition(".")[2]: value for name, value in weights.items() if name.startswith(f"{i}.")}
                network.load_state_dict(own)
                self.networks.append(network.to(self.device).eval())
        except (KeyError, TypeError, RuntimeError) as error:
            raise BundleError(
                f"{folder}: model.json and the weights do not fit together: {error}", hint="write the bundle again"
            ) from error
        return self

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
