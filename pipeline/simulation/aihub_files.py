"""Simulated clips as AI-Hub #59 label files and pictures, in both trees and both ways of naming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from data_schemas.labels import Taxonomy, load_taxonomy
from pipeline.simulation.clips import SimulatedClip
from pipeline.simulation.frame_pictures import draw_frame

_EMOTIONS = ("행복/즐거움", "편안/안정", "불안/슬픔", "화남/불쾌", "공포", "공격성")
BROKEN_FILES = 5


def clip_name(clip: SimulatedClip) -> str:
    """Return the clip's name, which is its clip_id: dogs are named with the date, cats without."""
    animal, label = clip.plan.animal, clip.script.label.lower()
    name = f"{animal.species.lower()}-{label}-{clip.plan.number:06d}"
    return f"{animal.date}_{name}" if animal.species == "DOG" else name


def write_clip(clip: SimulatedClip, root: Path, *, pictures: bool) -> None:
    """Write a clip's label file, and its pictures when wanted."""
    label_file, picture_folder = _places(clip, root)
    label_file.parent.mkdir(parents=True, exist_ok=True)
    label_file.write_bytes(msgspec.json.encode(label_data(clip)))
    if not pictures:
        return
    picture_folder.mkdir(parents=True, exist_ok=True)
    for number, time, points, depth in zip(clip.frame_number, clip.timestamp_ms, clip.shown, clip.depth, strict=True):
        data = draw_frame(clip.plan.animal, clip.camera, points=points, depth=depth)
        (picture_folder / f"frame_{number}_timestamp_{time}.jpg").write_bytes(data)


def label_data(clip: SimulatedClip) -> dict[str, Any]:
    """Return a clip as the JSON object of the format."""
    animal, camera = clip.plan.animal, clip.camera
    rng = np.random.default_rng([clip.plan.seed, 4, clip.plan.number])
    taxonomy = load_taxonomy("aihub59")
    emotion = str(rng.choice(_EMOTIONS))
    seconds = round(float(clip.timestamp_ms[-1]) / 1000 + 0.2, 6)
    return {
        "file_video": f"{animal.date}/{animal.species.lower()}-{clip.script.label.lower()}-{clip.plan.number:06d}.mp4",
        "metadata": {
            "seq": clip.plan.number,
            "species": animal.species,
            "action": _phrase(taxonomy, animal.species, clip.script.label, rng),
            "location": str(rng.choice(["실내", "실외"])),
            "height": camera.height,
            "width": camera.width,
            "duration": int(seconds) if rng.random() < 0.1 else seconds,
            "animal": {"breed": animal.breed, "gender": animal.gender, "age": animal.age, "neuter": str(rng.choice(["Y", "N"]))},
            "owner": {
                "pain": "N",
                "disease": "N",
                "emotion": emotion,
                "situation": "시뮬레이션 (simulated by pose-audit)",
                "animalCount": int(rng.integers(1, 4)),
            },
            "inspect": {
                "action": _phrase(taxonomy, animal.species, clip.script.inspected, rng),
                "painDisease": "N",
                "abnormalAction": "N",
                "emotion": emotion if rng.random() < 0.8 else str(rng.choice(_EMOTIONS)),
            },
        },
        "annotations": _annotations(clip),
    }


def write_broken_files(root: Path) -> None:
    """Write files that no reader can use, each broken in a way of its own, so that people see what happens to such files."""
    folder = root / "Training" / "DOG" / "BROKEN"
    folder.mkdir(parents=True, exist_ok=True)
    whole: dict[str, Any] = {
        "file_video": "20200101/dog-sit-broken.mp4",
        "metadata": {"species": "DOG", "action": "앉는 동작", "animal": {"breed": "푸들", "gender": "MALE", "age": 3}},
        "annotations": [{"frame_number": 0, "timestamp": 0, "keypoints": {"1": {"x": 10, "y": 20}}}],
    }
    meta = whole["metadata"]
    wrong_type = [{"frame_number": 0, "timestamp": 0, "keypoints": {"7": {"x": "left", "y": 20}}}]
    broken = {
        "broken-truncated": msgspec.json.encode(whole)[:120],
        "broken-not-json": "이 파일은 JSON이 아닙니다\n".encode(),
        "broken-unknown-action": msgspec.json.encode(whole | {"metadata": meta | {"action": "앉는 동작 아님"}}),
        "broken-no-frames": msgspec.json.encode(whole | {"annotations": []}),
        "broken-keypoint": msgspec.json.encode(whole | {"annotations": wrong_type}),
    }
    for name, data in broken.items():
        (folder / f"{name}.json").write_bytes(data)


def _places(clip: SimulatedClip, root: Path) -> tuple[Path, Path]:
    name, label = clip_name(clip), clip.script.label
    if clip.plan.animal.species == "DOG":
        folder = root / "Training" / "DOG" / label
        return folder / f"{name}.mp4.json", folder / f"{name}.mp4"
    return root / "training" / "label" / label / f"{name}.json", root / "training" / "image" / label / name


def _phrase(taxonomy: Taxonomy, species: str, label: str, rng: np.random.Generator) -> str:
    phrase = str(rng.choice(taxonomy.label(species, label).phrases))
    return phrase + " " if rng.random() < 0.05 else phrase


def _annotations(clip: SimulatedClip) -> list[dict[str, Any]]:
    rows = []
    for number, time, points in zip(clip.frame_number, clip.timestamp_ms, clip.keypoints, strict=True):
        known = np.isfinite(points).all(axis=1)
        seen = points[known] if known.any() else np.zeros((1, 2))
        low, size = seen.min(axis=0), np.ptp(seen, axis=0)
        keypoints = {
            str(i + 1): {"x": int(x), "y": int(y)} if k else None for i, ((x, y), k) in enumerate(zip(points, known, strict=True))
        }
        box = {"x": max(int(low[0]), 0), "y": max(int(low[1]), 0), "width": int(size[0]), "height": int(size[1])}
        rows.append({"frame_number": int(number), "timestamp": int(time), "bounding_box": box, "keypoints": keypoints})
    return rows
