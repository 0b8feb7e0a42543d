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

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

import data_schemas
from data_schemas.errors import BundleError, ConfigError, DataError
from data_schemas.progress import Progress
from data_schemas.renamed_keys import as_named_now
from model.bundle import read_bundle, write_bundle
from model.card import ModelCard
from model.deciding import Decider
from model.device import choose_device
from model.lstm import WindowLSTM
from model.pose_rules import PoseRules
from model.recipe import Recipe, make_recipe
from model.streaming import Clock
from model.training import Windows, network_logits, train_network, view_seed
from model.windowing import MISSING, SEEN, Samples

__all__ = ["BehaviorClassifier"]


class BehaviorClassifier(Decider):
    """Tell the action in windows of poses: one LSTM a view, their probabilities averaged.

    How it predicts and decides is :class:`model.deciding.Decider`'s; here it is trained, saved and loaded.

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
    rules : PoseRules, optional
        Which keypoints counted as missing in training although they had coordinates, and which poses as bad; so they do again.
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
        rules: PoseRules | None = None,
        recipe: Recipe | None = None,
        device: str = "auto",
    ) -> None:
        clock = Clock(steps=steps, hz=hz, max_gap_ms=max_gap_ms, max_keypoint_gap_ms=max_keypoint_gap_ms)
        super().__init__(classes, keypoints, clock=clock, rules=rules)
        self.species = species
        self.recipe = recipe or make_recipe("default")
        self.device = choose_device(device)

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
        windows = self._indexed(poses, scale)
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
                windows,
                target,
                view=view,
                recipe=self.recipe,
                classes=len(self.classes),
                seed=view_seed(seed, i),
                progress=progress,
            )
            for i, view in enumerate(self.recipe.views)
        ]
        return self

    def predict_windows(self, windows: Windows) -> NDArray[np.float32]:
        """Return probabilities of shape (windows, classes), computed by PyTorch on the device of the windows.

        Made for very many windows at once, as an index over one matrix; :meth:`predict_proba` differs from it by rounding.
        """
        parts = [_softmax(network_logits(network, windows)) for network in self._trained()]
        return np.mean(parts, axis=0).astype(np.float32)  # type: ignore[no-any-return]

    def card(self) -> ModelCard:
        """Return what the classifier knows of itself; whoever trained it adds data, figures and limits with ``replace``."""
        species = f" of {self.species}" if self.species else ""
        return ModelCard(
            name=f"Behaviour{species} from keypoints",
            summary=f"Tells {len(self.classes)} actions{species} apart in windows of {self.steps} poses, {self.hz:g} a second.",
            classes=dict.fromkeys(self.classes),
            inputs={"keypoints": ", ".join(self.keypoints), **asdict(self.clock), **self.rules.shown},
            training={"pose-audit": data_schemas.__version__, **asdict(self.recipe)},
        )

    def save(self, folder: str | Path, *, card: ModelCard | None = None, made_from: str = "") -> None:
        """Write a bundle (see :mod:`model.bundle`) with a model card; :meth:`card` is taken where none is given.

        ``made_from`` is kept in the bundle: a hash of what it was trained on, for whoever may have to train it again.
        """
        networks = self._trained()
        facts = {
            "pose_audit": data_schemas.__version__,
            "species": self.species,
            "classes": self.classes,
            "keypoints": self.keypoints,
            **asdict(self.clock),
            "pose_rules": asdict(self.rules),
            "recipe": asdict(self.recipe),
            **({"made_from": made_from} if made_from else {}),
        }
        weights = {f"{i}.{name}": value for i, network in enumerate(networks) for name, value in network.state_dict().items()}
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
                rules=PoseRules.of(facts),
                recipe=Recipe(**{**as_named_now("model", facts["recipe"])[0], "views": tuple(facts["recipe"]["views"])}),
                device=device,
            )
            self.networks = [self._network(i, weights) for i in range(len(self.recipe.views))]
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, ConfigError) as error:
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

    def _indexed(self, poses: ArrayLike, scale: ArrayLike | None) -> Windows:
        """Lay windows one after the other, as an index over the matrix of their samples."""
        xy, shown, radius = self._raw(poses, scale)
        samples = Samples(
            xy=xy.reshape(-1, *xy.shape[2:]),
            state=np.where(shown, SEEN, MISSING).astype(np.uint8).reshape(-1, xy.shape[2]),
            frame_number=np.arange(len(xy) * self.steps, dtype=np.int32),
            run=np.repeat(np.arange(len(xy), dtype=np.int32), self.steps),
            scale=np.repeat(radius, self.steps),
        )
        return Windows.of(samples, np.arange(len(xy), dtype=np.int64) * self.steps, steps=self.steps, device=self.device)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def _names(names: Any) -> tuple[str, ...]:
    """Return names that a bundle gives, each of them once."""
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
        raise ValueError(f"{names!r} are no names")
    return tuple(names)
