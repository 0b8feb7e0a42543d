"""What a trained classifier does: windows in, probabilities and decisions out; of arrays, tables and streams to the bit alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas.errors import BundleError, DataError
from model.forward import ForwardPass
from model.frames import FrameTable, clips_of, is_table
from model.lstm import WindowLSTM
from model.pose_rules import PoseRules
from model.streaming import Clock, CutWindow, Decision, Stream, WindowCutter
from model.windowing import window_scale

__all__ = ["Decider"]

FloatArray = NDArray[np.float32]


class Decider:
    """Decide windows of poses with networks that are trained; :class:`model.classifier.BehaviorClassifier` is one.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, in the order of the columns of ``predict_proba``.
    keypoints : sequence of str
        Names of the keypoints, in the order of the arrays.
    clock : Clock
        How frames become windows.
    rules : PoseRules, optional
        Which keypoints count as missing although they have coordinates, and which poses are bad.
    """

    def __init__(self, classes: Sequence[str], keypoints: Sequence[str], *, clock: Clock, rules: PoseRules | None = None) -> None:
        self.classes = tuple(classes)
        self.keypoints = tuple(keypoints)
        self.clock = clock
        self.rules = rules or PoseRules()
        self.networks = ()

    @property
    def networks(self) -> tuple[WindowLSTM, ...]:
        """Return the networks, one a view. Set them anew after changing their weights, for predictions are made with copies."""
        return self._networks

    @networks.setter
    def networks(self, networks: Sequence[WindowLSTM]) -> None:
        self._networks = tuple(networks)
        self._pass: ForwardPass | None = None

    @property
    def steps(self) -> int:
        """Return the number of samples in a window."""
        return self.clock.steps

    @property
    def hz(self) -> float:
        """Return the number of samples a second."""
        return self.clock.hz

    def predict_proba(self, poses: ArrayLike | FrameTable, *, scale: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return probabilities of shape (n, classes).

        Parameters
        ----------
        poses : shape (n, steps, keypoints, 2), or a table of frames
            Windows, with NaN for keypoints that are missing or below the least confidence of :attr:`rules`; or a DataFrame from
            which one window a second is cut, as :meth:`decide` does, which also tells their times.
        scale : shape (n,) or one number, optional
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
        self._trained()
        xy, shown, radius = self._raw(cast("ArrayLike", poses), scale)
        if self._pass is None:
            self._pass = ForwardPass(self._networks)
        return self._pass.probabilities(xy, shown, radius)

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
        cutter = WindowCutter(self.clock, len(self.keypoints), hop_ms=1000.0 * hop, rules=self.rules)
        return Stream(cutter, fps=fps, decide=lambda windows: self.decide_windows(windows, scale=scale))

    def decide_windows(self, windows: Sequence[CutWindow], *, scale: float | None = None) -> list[Decision]:
        """Decide windows that streams have cut (see :meth:`model.streaming.Stream.cut`), of one stream or of many at once."""
        if not windows:
            return []
        probabilities = self.predict_proba(np.stack([w.poses for w in windows]), scale=scale)
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
                bad_pose=w.bad_pose,
            )
            for w, p in zip(windows, probabilities, strict=True)
        ]

    def decide(
        self,
        frames: ArrayLike | FrameTable,
        *,
        fps: float = 30.0,
        hop: float = 1.0,
        scale: float | None = None,
        confidences: ArrayLike | None = None,
    ) -> list[Decision]:
        """Decide recorded frames just as a stream would.

        Parameters
        ----------
        frames : shape (frames, keypoints, 2), or a table of frames
            One clip as an array, or a DataFrame with the columns that :func:`model.frames.clips_of` names.
        fps, hop, scale
            See :meth:`stream`.
        confidences : shape (frames, keypoints) or one number, optional
            See :meth:`model.streaming.Stream.push`; a table tells its own.

        Raises
        ------
        DataError
            The shape is another, the table lacks a keypoint, or the times of a clip do not rise.
        """
        if not is_table(frames):
            stream = self.stream(fps=fps, hop=hop, scale=scale)
            return stream.extend(cast("ArrayLike", frames), confidences=confidences) + stream.flush()
        found: list[Decision] = []
        for clip in clips_of(frames, self.keypoints, fps=fps):
            stream = self.stream(fps=fps, hop=hop, scale=scale)
            decided = stream.extend(clip.xy, clip.time_ms, confidences=clip.confidence) + stream.flush()
            found += [replace(d, clip_id=clip.clip_id) for d in decided]
        return found

    def _trained(self) -> tuple[WindowLSTM, ...]:
        """Return the networks; refuse where there are none."""
        if not self._networks:
            raise BundleError("this classifier has not been trained", hint="call fit, or load a bundle")
        return self._networks

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
