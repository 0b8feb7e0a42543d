"""The classifier that other programs embed.

>>> from model.classifier import BehaviorClassifier
>>> classifier = BehaviorClassifier(classes=["SIT", "WALKRUN"], keypoints=["nose", "neck", "tail_start"])
>>> classifier.fit(poses, labels)              # (n, 5, 3, 2) coordinates, NaN where missing; n labels
>>> classifier.predict_proba(poses)            # (n, 2), each row sums to 1
>>> classifier.save("dog-model")
>>> classifier = BehaviorClassifier.load("dog-model")
>>> stream = classifier.stream(fps=30)
>>> for keypoints in camera:                   # (3, 2) a frame
...     for prediction in stream.push(keypoints):
...         print(prediction.start_ms, prediction.label, prediction.probability)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import data_schemas
from data_schemas.errors import BundleError, ConfigError, DataError
from data_schemas.progress import Progress
from data_schemas.renamed_keys import as_named_now, warn_of_earlier_version
from model.bundle import FINGERPRINT, read_bundle, write_bundle
from model.card import ModelCard
from model.device import choose_device
from model.forward import ForwardPass
from model.frames import FrameTable, clips_of, is_table
from model.lstm import WindowLSTM
from model.pose_rules import PoseRules
from model.recipe import Recipe, make_recipe
from model.streaming import CutWindow, Prediction, Stream, TimeGrid, WindowCutter
from model.training import Windows, network_logits, train_network, view_seed
from model.windowing import MISSING, SEEN, Samples, window_scale

__all__ = ["BehaviorClassifier"]

FloatArray = NDArray[np.float32]


class BehaviorClassifier:
    """Tell the action in windows of poses: one LSTM a view, their probabilities averaged.

    Arrays, tables and streams of the same frames give the same probabilities to the bit.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, in the order of the columns of ``predict_proba``.
    keypoints : sequence of str
        Names of the keypoints, in the order of the arrays.
    steps, hz, max_gap_ms, max_keypoint_gap_ms
        How windows are cut from frames, as in training; see :class:`model.streaming.TimeGrid`.
    species : str
        The species it is for; kept in the bundle.
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
        self.classes = tuple(classes)
        self.keypoints = tuple(keypoints)
        self.grid = TimeGrid(steps=steps, hz=hz, max_gap_ms=max_gap_ms, max_keypoint_gap_ms=max_keypoint_gap_ms)
        self.steps, self.hz = steps, hz
        self.rules = rules or PoseRules()
        self.species = species
        self.recipe = recipe or make_recipe("default")
        self.device = choose_device(device)
        self.networks = ()

    @property
    def networks(self) -> tuple[WindowLSTM, ...]:
        """Return the networks, one a view. Set them anew after changing their weights, for predictions are made with copies."""
        return self._networks

    @networks.setter
    def networks(self, networks: Sequence[WindowLSTM]) -> None:
        self._networks = tuple(networks)
        self._pass: ForwardPass | None = None

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
            The median pose radius of each window's clip, in the units of ``poses``; the window's own where it is left out.

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
        """Train on windows that are an index over a matrix of samples; ``target`` holds their places in ``classes``."""
        shared: dict[str, Any] = {"recipe": self.recipe, "classes": len(self.classes), "progress": progress}
        views = enumerate(self.recipe.views)
        self.networks = [train_network(windows, target, view=v, seed=view_seed(seed, i), **shared) for i, v in views]
        return self

    def predict_proba(self, poses: ArrayLike | FrameTable, *, scale: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return the probability of each class for each window, shape (n, classes): 0..1, never NaN, each row sums to 1.

        It is the mean of the networks' softmax outputs, which is not calibrated. A window without any keypoint gets one, too.

        Parameters
        ----------
        poses : shape (n, steps, keypoints, 2), or a table of frames
            Windows, with NaN for keypoints that are missing or below the least confidence of :attr:`rules`; or a DataFrame from
            which one window a second is cut, as :meth:`predict_frames` does, which also gives their times.
        scale : shape (n,) or one number, optional
            The median pose radius of each window's clip, in the units of ``poses``, or of the table's one animal; that of the
            window where it is left out.

        Raises
        ------
        DataError
            The array does not have this shape, or the table lacks a keypoint.
        BundleError
            The classifier was neither fitted nor loaded.
        """
        if is_table(poses):
            found = self.predict_frames(poses, scale=None if scale is None else float(np.asarray(scale)))
            return np.array([p.probabilities for p in found], np.float32).reshape(-1, len(self.classes))
        self._trained()
        xy, shown, radius = self._raw(cast("ArrayLike", poses), scale)
        if self._pass is None:
            self._pass = ForwardPass(self._networks)
        return self._pass.probabilities(xy, shown, radius)

    def predict(self, poses: ArrayLike | FrameTable, *, scale: ArrayLike | None = None) -> list[str]:
        """Return the most probable class of each window; see :meth:`predict_proba` for what goes in."""
        return [self.classes[i] for i in self.predict_proba(poses, scale=scale).argmax(1)]

    def predict_windows(self, windows: Windows) -> NDArray[np.float32]:
        """Return probabilities of shape (windows, classes), computed by PyTorch on the device of the windows.

        Made for thousands of windows at once; :meth:`predict_proba` differs from it by rounding, less than 1e-5.
        """
        logits = [torch.from_numpy(network_logits(network, windows)) for network in self._trained()]
        return torch.softmax(torch.stack(logits).double(), dim=2).mean(0).float().numpy()

    def stream(self, *, fps: float = 30.0, stride_s: float = 1.0, scale: float | None = None, hop: float | None = None) -> Stream:
        """Return a stream that takes keypoints frame by frame and predicts once a second.

        Every window is predicted from its own frames (and one on either side to interpolate with); nothing is carried over.

        Parameters
        ----------
        fps : float
            Frames a second, where frames come without a time of their own.
        stride_s : float
            Seconds from the start of one window to that of the next: 1 tiles the time, less overlaps.
        scale : float, optional
            The animal's median pose radius in the units of the keypoints (see :func:`model.windowing.pose_radius`). Training
            takes that of the whole clip, which a stream does not know: that of the window stands in where it is left out.
        hop : float, optional
            The former name of ``stride_s``, for one version.

        Raises
        ------
        DataError
            ``fps``, ``stride_s`` or ``scale`` is not a positive number.
        """
        if hop is not None:
            warnings.warn("hop of a stream is now called stride_s", DeprecationWarning, stacklevel=2)
            stride_s = hop
        for name, value in (("fps", fps), ("stride_s", stride_s), ("scale", 1.0 if scale is None else scale)):
            if not (math.isfinite(value) and value > 0):
                raise DataError(
                    f"{name}: {value} is not a positive number", hint="30 frames a second and a stride of 1 s are usual"
                )
        cutter = WindowCutter(self.grid, len(self.keypoints), stride_ms=1000.0 * stride_s, rules=self.rules)
        return Stream(cutter, fps=fps, predict=lambda windows: self.predict_cut_windows(windows, scale=scale))

    def predict_cut_windows(self, windows: Sequence[CutWindow], *, scale: float | None = None) -> list[Prediction]:
        """Predict windows that streams have cut (see :meth:`model.streaming.Stream.cut`), of one stream or of many at once."""
        if not windows:
            return []
        probabilities = self.predict_proba(np.stack([w.poses for w in windows]), scale=scale)
        return [
            Prediction(
                label=self.classes[int(p.argmax())],
                probability=float(p.max()),
                probabilities=p,
                start_ms=w.start_ms,
                end_ms=w.end_ms,
                start_frame=w.start_frame,
                end_frame=w.end_frame,
                visible=w.visible,
                bad_pose=w.bad_pose,
            )
            for w, p in zip(windows, probabilities, strict=True)
        ]

    def predict_frames(
        self,
        frames: ArrayLike | FrameTable,
        *,
        fps: float = 30.0,
        stride_s: float = 1.0,
        scale: float | None = None,
        confidences: ArrayLike | None = None,
    ) -> list[Prediction]:
        """Predict the windows of recorded frames just as a stream would.

        Parameters
        ----------
        frames : shape (frames, keypoints, 2), or a table of frames
            One clip as an array, or a DataFrame with the columns that :func:`model.frames.clips_of` names.
        fps, stride_s, scale
            See :meth:`stream`.
        confidences : shape (frames, keypoints) or one number, optional
            See :meth:`model.streaming.Stream.push`; a table has its own.

        Raises
        ------
        DataError
            The shape is another, the table lacks a keypoint, or the times of a clip do not rise.
        """
        if not is_table(frames):
            stream = self.stream(fps=fps, stride_s=stride_s, scale=scale)
            return stream.extend(cast("ArrayLike", frames), confidences=confidences) + stream.flush()
        found: list[Prediction] = []
        for clip in clips_of(frames, self.keypoints, fps=fps):
            stream = self.stream(fps=fps, stride_s=stride_s, scale=scale)
            predicted = stream.extend(clip.xy, clip.time_ms, confidences=clip.confidence) + stream.flush()
            found += [replace(p, clip_id=clip.clip_id) for p in predicted]
        return found

    def card(self) -> ModelCard:
        """Return what the classifier knows of itself; whoever trained it adds data, figures and limits with ``replace``."""
        species = f" of {self.species}" if self.species else ""
        return ModelCard(
            name=f"Behaviour{species} from keypoints",
            summary=f"Tells {len(self.classes)} actions{species} apart in windows of {self.steps} poses, {self.hz:g} a second.",
            classes=dict.fromkeys(self.classes),
            inputs={"keypoints": ", ".join(self.keypoints), **asdict(self.grid), **self.rules.shown},
            training={"pose-audit": data_schemas.__version__, **asdict(self.recipe)},
        )

    def save(self, folder: str | Path, *, card: ModelCard | None = None, fingerprint: str = "") -> None:
        """Write a bundle (see :mod:`model.bundle`) with a model card; :meth:`card` is taken where none is given.

        ``fingerprint`` is kept in the bundle: a hash of what it was trained on, by which a caller knows whether to train again.
        """
        networks = self._trained()
        facts = {
            "pose_audit": data_schemas.__version__,
            "species": self.species,
            "classes": self.classes,
            "keypoints": self.keypoints,
            **asdict(self.grid),
            "pose_rules": asdict(self.rules),
            "recipe": asdict(self.recipe),
            **({FINGERPRINT: fingerprint} if fingerprint else {}),
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

        Warns
        -----
        RenamedKey
            An earlier version wrote it, and the next one will not read it.
        """
        choose_device(device)
        facts, weights = read_bundle(Path(folder))
        try:
            recipe, former = as_named_now("model", facts["recipe"])
            self = cls(
                _names(facts["classes"]),
                _names(facts["keypoints"]),
                **{name: facts[name] for name in ("steps", "hz", "species", "max_gap_ms", "max_keypoint_gap_ms")},
                rules=PoseRules.of(facts),
                recipe=Recipe(**{**recipe, "views": tuple(recipe["views"])}),
                device=device,
            )
            sizes = {"keypoints": len(self.keypoints), "steps": self.steps, "classes": len(self.classes)}
            made = [WindowLSTM.of_weights(weights, i, self.recipe, **sizes) for i in range(len(self.recipe.views))]
            self.networks = [network.to(self.device) for network in made]
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, ConfigError) as error:
            raise BundleError(
                f"{Path(folder) / 'model.json'}: does not fit its weights, or this version: {error}",
                hint="train it again with this version of pose-audit, or update pose-audit",
            ) from error
        if former:
            warn_of_earlier_version(Path(folder), remedy="train the model again, or load it and save it")
        return self

    def decide(self, frames: ArrayLike | FrameTable, *, hop: float = 1.0, **options: Any) -> list[Prediction]:
        """Call :meth:`predict_frames`, whose former name this is."""
        warnings.warn("decide(hop=...) is now called predict_frames(stride_s=...)", DeprecationWarning, stacklevel=2)
        return self.predict_frames(frames, stride_s=hop, **options)

    def decide_windows(self, windows: Sequence[CutWindow], *, scale: float | None = None) -> list[Prediction]:
        """Call :meth:`predict_cut_windows`, whose former name this is."""
        warnings.warn("decide_windows is now called predict_cut_windows", DeprecationWarning, stacklevel=2)
        return self.predict_cut_windows(windows, scale=scale)

    def _trained(self) -> tuple[WindowLSTM, ...]:
        """Return the networks; refuse where there are none."""
        if not self._networks:
            raise BundleError("this classifier has not been trained", hint="call fit, or load a bundle")
        return self._networks

    def _indexed(self, poses: ArrayLike, scale: ArrayLike | None) -> Windows:
        """Lay windows one after the other, as an index over the matrix of their samples."""
        xy, shown, radius = self._raw(poses, scale)
        samples = Samples(
            xy=xy.reshape(-1, *xy.shape[2:]),
            state=np.where(shown, SEEN, MISSING).astype(np.uint8).reshape(-1, xy.shape[2]),
            frame_number=np.arange(len(xy) * self.steps, dtype=np.int32),
            block=np.repeat(np.arange(len(xy), dtype=np.int32), self.steps),
            scale=np.repeat(radius, self.steps),
        )
        return Windows.of(samples, np.arange(len(xy), dtype=np.int64) * self.steps, steps=self.steps, device=self.device)

    def _raw(self, poses: ArrayLike, scale: ArrayLike | None) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
        """Return windows as networks take them: xy (n, steps, keypoints, 2), 0 where missing; shown; scale (n,)."""
        xy = np.array(poses, np.float32)
        expected = (self.steps, len(self.keypoints), 2)
        if xy.ndim != 4 or xy.shape[1:] != expected:
            raise DataError(
                f"expected poses of shape (n, {', '.join(map(str, expected))}), got {xy.shape}",
                hint="axes are windows, steps, keypoints, and x before y",
            )
        xy = self.rules.applied(xy)
        finite = np.isfinite(xy)
        shown = finite[..., 0] & finite[..., 1]
        xy[~shown] = 0.0
        if scale is None:
            return xy, shown, window_scale(xy, shown)
        radius = np.asarray(scale, np.float32)
        if radius.shape not in {(), (len(xy),)}:
            raise DataError(
                f"{len(xy)} windows, but scale has shape {radius.shape}", hint="give one radius a window, or one for all"
            )
        return xy, shown, np.broadcast_to(radius, len(xy))


def _names(names: Any) -> tuple[str, ...]:
    """Return names that a bundle gives, each of them once."""
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
        raise ValueError(f"{names!r} are no names")
    return tuple(names)
