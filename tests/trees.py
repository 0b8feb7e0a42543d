"""Trees of AI-Hub #59 label files written by hand after the description of the format, for the tests of its reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def annotation(number: int, *, fps: float = 30.0, missing: tuple[int, ...] = (), **changes: Any) -> dict[str, Any]:
    """Return one annotated frame; keypoint i lies at (100 i + number, 50 i)."""
    keypoints = {str(i): None if i in missing else {"x": 100 * i + number, "y": 50 * i} for i in range(1, 16)}
    timestamp = round(number / fps * 1000)
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    return {"frame_number": number, "timestamp": timestamp, "bounding_box": box, "keypoints": keypoints} | changes


def label_file(
    *,
    species: str = "CAT",
    action: str = "그루밍하는 동작",
    frames: int = 8,
    fps: float = 30.0,
    breed: str = "페르시안",
    **changes: Any,
) -> dict[str, Any]:
    """Return the object of one label file."""
    numbers = np.floor(np.arange(frames) * fps / 5).astype(int).tolist()
    return {
        "file_video": f"20210109/{species.lower()}-grooming-090225.mp4",
        "metadata": {
            "seq": 1,
            "species": species,
            "action": action,
            "location": "실내",
            "height": 1920,
            "width": 1080,
            "duration": 17,
            "animal": {"breed": breed, "gender": "FEMALE", "age": 3, "neuter": "Y"},
            "owner": {"pain": "N", "disease": "N", "emotion": "편안/안정", "situation": "휴식", "animalCount": 1},
            "inspect": {"action": action, "painDisease": "N", "abnormalAction": "N", "emotion": "편안/안정"},
        },
        "annotations": [annotation(n, fps=fps) for n in numbers],
    } | changes


def put(path: Path, data: Any) -> Path:
    """Write an object as a label file, or bytes as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode())
    return path
