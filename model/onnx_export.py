"""Export to ONNX, for programs that run no Python: normalisation and missing keypoints are inside the graph.

=============== ======= ============================= ==================================================================
name                    shape                         meaning
=============== ======= ============================= ==================================================================
poses           input   (batch, steps, keypoints, 2)  float32: x and y in any unit, NaN where a keypoint is missing
probabilities   output  (batch, classes)              float32: in the order of the model's classes, each row sums to 1
=============== ======= ============================= ==================================================================

Classes, keypoints, steps and rate lie in the file's metadata, each as JSON. onnx, onnxruntime and onnxscript (the extra ``onnx``)
are imported only when something is exported.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import data_schemas
from data_schemas.errors import BundleError, UsageError
from data_schemas.files import replaced_file
from model.classifier import BehaviorClassifier

__all__ = ["TOLERANCE", "RawWindows", "export_onnx"]

TOLERANCE = 1e-5
"""How far a probability of the exported model may be from that of the bundle."""

_OPSET = 18
_FAR = 10.0


class RawWindows(nn.Module):
    """The networks of a classifier from raw windows to probabilities, as one graph.

    Where training takes the pose radius of the whole clip, the window's own stands in, as in :meth:`BehaviorClassifier.predict`.
    """

    def __init__(self, classifier: BehaviorClassifier) -> None:
        super().__init__()
        self.networks = nn.ModuleList(classifier.networks)

    def forward(self, poses: Tensor) -> Tensor:
        """Return probabilities, shape (b, classes), of poses, shape (b, steps, keypoints, 2)."""
        shown = torch.isfinite(poses).all(dim=3)
        xy = torch.where(shown[..., None], poses, 0.0)
        scale = _median_radius(xy, shown)
        parts = [torch.softmax(network(xy, shown, scale), dim=1) for network in self.networks]
        return torch.stack(parts).mean(0)


def _median_radius(xy: Tensor, shown: Tensor) -> Tensor:
    """Return each window's median pose radius, shape (b,), 1 where no pose has one (see :func:`model.windowing.pose_radius`)."""
    weight = shown[..., None] / shown.sum(2).clamp(min=1)[..., None, None]
    centre = (xy * weight).sum(2, keepdim=True)
    radius = (((xy - centre) ** 2) * weight).sum((2, 3)).sqrt()
    usable = radius > 0
    count = usable.sum(1, keepdim=True)
    # Radii that do not count are sorted behind all others; the median is the mean of the middle two of those that do.
    ordered = torch.where(usable, radius, torch.finfo(radius.dtype).max).sort(dim=1).values
    low = ordered.gather(1, ((count - 1) // 2).clamp(min=0))
    high = ordered.gather(1, count // 2)
    return torch.where(count > 0, low / 2 + high / 2, 1.0)[:, 0]


def export_onnx(classifier: BehaviorClassifier, path: Path) -> float:
    """Write a classifier as one ONNX file and compare the two; return the largest difference of a probability.

    Raises
    ------
    UsageError
        The extra ``onnx`` is not installed.
    BundleError
        The classifier was not trained, or the two differ by more than :data:`TOLERANCE`; no file is left behind.
    """
    onnx, runtime = _need("onnx"), _need("onnxruntime")
    _need("onnxscript")
    if not classifier.networks:
        raise BundleError("this classifier has not been trained", hint="call fit, or load a bundle")
    example = _example_windows(classifier)
    exported = _exported(classifier, torch.from_numpy(example[:3]))
    for name, value in _metadata(classifier).items():
        exported.metadata_props.add(key=name, value=json.dumps(value, ensure_ascii=False))
    onnx.checker.check_model(exported)
    data = exported.SerializeToString()
    apart = _difference(classifier, runtime.InferenceSession(data, providers=["CPUExecutionProvider"]), example)
    if not apart <= TOLERANCE:
        raise BundleError(
            f"the exported model differs from the bundle by {apart:.2g}, more than {TOLERANCE:g}",
            hint="update onnx, onnxruntime and onnxscript: pip install -U 'pose-audit[onnx]'",
        )
    with replaced_file(path, hint="name a file in a folder that can be written to") as part:
        part.write_bytes(data)
    return apart


def _need(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{module} is not installed, and the export needs it", hint="pip install 'pose-audit[onnx]'") from error


def _exported(classifier: BehaviorClassifier, example: Tensor) -> Any:
    """Return the graph as a ModelProto; what the exporter says of its own inner workings is left out."""
    graph = RawWindows(classifier).eval()
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (example.to(classifier.device),),
            dynamo=True,
            dynamic_shapes=({0: batch},),
            input_names=["poses"],
            output_names=["probabilities"],
            opset_version=_OPSET,
            verbose=False,
        )
    if program is None:
        raise BundleError("PyTorch gave no ONNX program", hint="pip install -U 'pose-audit[onnx]'")
    return program.model_proto


def _metadata(classifier: BehaviorClassifier) -> dict[str, Any]:
    return {
        "pose_audit": data_schemas.__version__,
        "species": classifier.species,
        "classes": classifier.classes,
        "keypoints": classifier.keypoints,
        **asdict(classifier.grid),
        **asdict(classifier.rules),
    }


def _example_windows(classifier: BehaviorClassifier) -> NDArray[np.float32]:
    """Return windows to compare on: whole ones, some with keypoints missing, a single pose, one point, and none at all.

    They are of any size and lie up to 10 times it from the origin, as poses in a picture do. Further off, nothing would be
    compared but how coordinates in single precision are rounded.
    """
    rng = np.random.default_rng(0)
    shape = (classifier.steps, len(classifier.keypoints), 2)
    size = 10.0 ** rng.uniform(-1, 3, (61, 1, 1, 1))
    poses = size * (rng.normal(0, 1, (61, *shape)) + rng.uniform(0, _FAR, (61, 1, 1, 2)))
    poses[20:, :, :][rng.random((41, *shape[:2])) < 0.3] = np.nan
    poses[-1] = np.nan
    poses[-2, 1:] = np.nan
    poses[-3, :, 1:] = np.nan
    poses[-4] = 5.0
    return poses.astype(np.float32)


def _difference(classifier: BehaviorClassifier, session: Any, poses: NDArray[np.float32]) -> float:
    """Return how far the two are apart at most, in batches of several sizes."""
    own = classifier.predict_proba(poses)
    found = [
        session.run(["probabilities"], {"poses": poses[i : i + n]})[0] - own[i : i + n] for i, n in ((0, 1), (1, 60), (0, 61))
    ]
    return max(float(np.abs(x).max()) for x in found)
