"""From frames as they come to windows: the same time grid, interpolation and gaps as in training, one window at a time.

A window is cut from its own frames, and at most one frame on either side to interpolate with. Nothing else is carried from one
window to the next, so a window means the same wherever a stream was joined.
"""

from __future__ import annotations

import bisect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas.errors import ConfigError, DataError
from model.pose_rules import PoseRules
from model.windowing import MISSING, SEEN, resample

__all__ = ["CutWindow", "Prediction", "Stream", "TimeGrid", "WindowCutter"]

FloatArray = NDArray[np.float32]

_FORMER_NAMES = {"Clock": "TimeGrid", "Decision": "Prediction"}


def __getattr__(name: str) -> Any:
    """Return a class by its name of the version before."""
    if name not in _FORMER_NAMES:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    warnings.warn(f"model.streaming.{name} is now called {_FORMER_NAMES[name]}", DeprecationWarning, stacklevel=2)
    return globals()[_FORMER_NAMES[name]]


@dataclass(frozen=True)
class TimeGrid:
    """How frames become windows of samples; see ``[windows]`` and ``[pose]`` in docs/configuration.md.

    Attributes
    ----------
    steps : int
        Samples in a window.
    hz : float
        Samples a second.
    max_gap_ms : float
        Longest time between two frames that a window spans.
    max_keypoint_gap_ms : float
        Longest time over which a single keypoint is interpolated.
    """

    steps: int = 5
    hz: float = 5.0
    max_gap_ms: float = 600.0
    max_keypoint_gap_ms: float = 400.0

    def __post_init__(self) -> None:
        """Refuse a grid without samples."""
        positive = self.steps >= 1 and 0 < self.hz <= 1000
        if int(self.steps) != self.steps or not positive or self.max_gap_ms < 0 or self.max_keypoint_gap_ms < 0:
            raise ConfigError(f"no windows can be cut with {self}", hint="5 steps at 5 hz are usual; gaps are 0 ms or more")


@dataclass(frozen=True)
class CutWindow:
    """A window ready to be predicted.

    Attributes
    ----------
    poses : float32, shape (steps, keypoints, 2)
        NaN where missing.
    start_frame, end_frame : int
        The first and the last frame that the window's samples are taken from, counted from 0 at the start of the stream.
    start_ms, end_ms : float
        When the first and the last sample are due, in the times of the frames.
    visible : float
        The share of its keypoints that were seen, not interpolated, 0..1.
    bad_pose : bool
        Whether a smaller share of its keypoints was seen or interpolated than training asked for.
    """

    poses: FloatArray
    start_frame: int
    end_frame: int
    start_ms: float
    end_ms: float
    visible: float
    bad_pose: bool


@dataclass
class WindowCutter:
    """Cuts a stream of frames into windows, one every ``stride_ms``.

    Windows start where the stream does, and again after every gap that no window may span.
    """

    grid: TimeGrid
    keypoints: int
    stride_ms: float
    rules: PoseRules = field(default_factory=PoseRules)
    _time: list[float] = field(default_factory=list)
    _xy: list[FloatArray] = field(default_factory=list)
    _seen: int = 0
    _origin: float = 0.0
    _start: float = 0.0
    _cut: int = 0

    def push(self, keypoints: ArrayLike, time_ms: float, confidence: ArrayLike | None = None) -> list[CutWindow]:
        """Take the next frame; return the windows that it completes.

        Parameters
        ----------
        keypoints : shape (keypoints, 2)
            NaN where missing.
        time_ms : float
            Later than the frame before.
        confidence : shape (keypoints,) or one number, optional
            How sure the pose estimator is, 0..1, NaN where unknown; keypoints below the least confidence of training are missing.

        Raises
        ------
        DataError
            The shape is another, or the time is not later.
        """
        try:
            xy = np.array(keypoints, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"frame {self._seen}: keypoints are not numbers: {error}", hint="give NaN where one is missing"
            ) from error
        if xy.shape != (self.keypoints, 2):
            raise DataError(
                f"frame {self._seen}: expected keypoints of shape ({self.keypoints}, 2), got {xy.shape}",
                hint="give x and y of every keypoint of the model, NaN where one is missing",
            )
        if not math.isfinite(time_ms) or (self._time and time_ms <= self._time[-1]):
            before = f" after {self._time[-1]:g} ms" if self._time else ""
            raise DataError(
                f"frame {self._seen}: time {time_ms:g} ms{before}", hint="times must rise; start another stream for another clip"
            )
        seen = self.rules.applied(xy, confidence)
        gap = bool(self._time) and time_ms - self._time[-1] > self.grid.max_gap_ms
        found = self.flush() if gap else []
        if not self._time:
            self._origin, self._start, self._cut = time_ms, time_ms, 0
        self._time.append(time_ms)
        self._xy.append(seen)
        self._seen += 1
        while (sample := self._sample_at(time_ms)) >= self.grid.steps:
            found += self._cut_one()
        if sample < 0:
            self._forget()
        return found

    def flush(self) -> list[CutWindow]:
        """End the stream here; return the windows that can do without further frames. The next frame starts anew."""
        found: list[CutWindow] = []
        while self._time and self._sample_at(self._time[-1]) >= 0:
            found += self._cut_one()
        self._time.clear()
        self._xy.clear()
        return found

    def _sample_at(self, time_ms: float) -> int:
        """Return the sample of the next window that a frame belongs to, from 0; negative before it, ``steps`` and up after it."""
        return math.floor((time_ms - self._start) * self.grid.hz / 1000.0 + 0.5)

    def _cut_one(self) -> list[CutWindow]:
        """Cut the next window, if its frames suffice."""
        steps, start, first = self.grid.steps, self._start, self._seen - len(self._time)
        # Of these at most the last lies after the window: whatever frame does cuts it as it comes.
        samples = resample(
            np.array(self._time),
            np.concatenate(self._xy).reshape(-1, self.keypoints, 2),
            frame_number=np.arange(first, self._seen),
            hz=self.grid.hz,
            max_gap_ms=self.grid.max_gap_ms,
            max_keypoint_gap_ms=self.grid.max_keypoint_gap_ms,
            start_ms=start,
            count=steps,
            # Not that of a clip, which a stream does not know; the classifier takes the window's own, or is given one.
            scale=1.0,
        )
        self._cut += 1
        # Counted from the first frame, so that no error adds up.
        self._start = self._origin + self._cut * self.stride_ms
        self._forget()
        if len(samples) < steps:
            return []
        shown = samples.state > MISSING
        poses = np.where(shown[..., None], samples.xy, np.float32(np.nan))
        return [
            CutWindow(
                poses=poses,
                start_frame=int(samples.frame_number[0]),
                end_frame=int(samples.frame_number[-1]),
                start_ms=start,
                end_ms=start + (steps - 1) * 1000.0 / self.grid.hz,
                visible=np.count_nonzero(samples.state == SEEN) / samples.state.size,
                bad_pose=bool(shown.mean() < self.rules.min_visible),
            )
        ]

    def _forget(self) -> None:
        """Let go of the frames that no later window needs: all before its first sample but the last."""
        before = max(bisect.bisect_left(self._time, 0, key=self._sample_at) - 1, 0)
        del self._time[:before], self._xy[:before]


@dataclass(frozen=True)
class Prediction:
    """What a classifier predicts for one window.

    Attributes
    ----------
    label : str
        The most probable class.
    probability : float
        Its probability, from 1 / classes (nothing known) to 1: the mean of the networks' softmax outputs, not calibrated.
    probabilities : float32, shape (classes,)
        That of every class, in the order of the classifier's ``classes``; they sum to 1.
    start_ms, end_ms : float
        When the first and the last sample of the window are due, in the times of the frames.
    start_frame, end_frame : int
        The frames of these samples, counted from 0 at the start of the stream (or of the clip).
    visible : float
        The share of keypoints that were seen, not interpolated, 0..1; the less was seen, the less a prediction is worth.
    bad_pose : bool
        Whether so few keypoints were seen or interpolated that the window would not have been used for training. Implausible
        keypoints, for which ``audit predict`` looks in whole clips, are not looked for.
    clip_id : str
        The clip, where a table of frames named one; else empty.
    """

    label: str
    probability: float
    probabilities: FloatArray = field(repr=False)
    start_ms: float
    end_ms: float
    start_frame: int
    end_frame: int
    visible: float
    bad_pose: bool
    clip_id: str = ""


class Stream:
    """Takes keypoints frame by frame and predicts every window; made by ``BehaviorClassifier.stream``.

    Each window is predicted by itself. Frames have the times that are given with them, or else come at a fixed rate.
    """

    def __init__(self, cutter: WindowCutter, *, fps: float, predict: Callable[[Sequence[CutWindow]], list[Prediction]]) -> None:
        self._cutter = cutter
        self._interval = 1000.0 / fps
        self._predict = predict
        self._count = 0
        self._warned = False

    def push(
        self, keypoints: ArrayLike, timestamp_ms: float | None = None, *, confidence: ArrayLike | None = None
    ) -> list[Prediction]:
        """Take the next frame; return the predictions that it makes possible: mostly none, once a window one.

        Parameters
        ----------
        keypoints : shape (keypoints, 2)
            x and y in any unit; NaN where a keypoint is missing.
        timestamp_ms : float, optional
            When the frame was taken; by default as the rate of the stream says.
        confidence : shape (keypoints,) or one number, optional
            How sure the pose estimator is of each keypoint, 0..1, NaN where unknown. Where training left out keypoints of low
            confidence (``classifier.rules``) and none is given, a ``UserWarning`` says once that it cannot be done alike.

        Raises
        ------
        DataError
            The shape is another, or times do not rise.
        """
        return self._predict(self.cut(keypoints, timestamp_ms, confidence=confidence))

    def cut(
        self, keypoints: ArrayLike, timestamp_ms: float | None = None, *, confidence: ArrayLike | None = None
    ) -> list[CutWindow]:
        """Take the next frame and only cut; ``BehaviorClassifier.predict_cut_windows`` predicts those of many streams at once."""
        if confidence is None and self._cutter.rules.needs_confidence and not self._warned:
            self._warned = True
            warnings.warn(f"{self._cutter.rules.unmet}: give their confidence, or NaN for those below", stacklevel=2)
        time = self._count * self._interval if timestamp_ms is None else float(timestamp_ms)
        found = self._cutter.push(keypoints, time, confidence)
        self._count += 1
        return found

    def extend(
        self, frames: ArrayLike, timestamps_ms: ArrayLike | None = None, *, confidences: ArrayLike | None = None
    ) -> list[Prediction]:
        """Take many frames, shape (frames, keypoints, 2), and predict all their windows at once: the quick way for recordings.

        ``confidences`` has the shape (frames, keypoints), or is one number for all.
        """
        poses = np.asarray(frames, np.float32)
        sure = [None] * len(poses) if confidences is None else _each(confidences, poses)
        times = [None] * len(poses) if timestamps_ms is None else np.asarray(timestamps_ms, np.float64).tolist()
        if len(times) != len(poses):
            raise DataError(f"{len(poses)} frames but {len(times)} times", hint="give one time for each frame, or none")
        found = [self.cut(xy, time, confidence=c) for xy, time, c in zip(poses, times, sure, strict=True)]
        return self._predict([window for windows in found for window in windows])

    def flush(self) -> list[Prediction]:
        """End the stream here and predict the windows that can do without further frames."""
        return self._predict(self._cutter.flush())


def _each(confidences: ArrayLike, poses: FloatArray) -> Sequence[NDArray[np.float64]]:
    """Return the confidence of the keypoints of each frame."""
    try:
        return list(np.broadcast_to(np.asarray(confidences, np.float64), poses.shape[:2]))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"confidences do not fit poses of shape {poses.shape}: {error}",
            hint="give one number for each keypoint of each frame",
        ) from error
