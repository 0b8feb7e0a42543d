"""A workspace with one finished run of generated dogs, written without auditing: quick, and known to the last frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from data_schemas.config import Config
from data_schemas.skeletons import load_skeleton
from data_schemas.tables import text
from pipeline.audit.stages import SCHEMAS
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

RUN = "20261125T000000Z-0a1b2c3d"
FIRST_FRAME = 100
_BODY = np.array(
    [[0.95, 0.3], [0.85, 0.2], [0.97, 0.38], [0.9, 0.4], [0.75, 0.4], [0.68, 0.5], [0.7, 0.52], [0.66, 0.95], [0.74, 0.95],
     [0.3, 0.5], [0.32, 0.52], [0.26, 0.95], [0.36, 0.95], [0.22, 0.42], [0.05, 0.25]]
)  # fmt: skip


def write_generated_run(
    root: Path,
    *,
    clips: int = 2,
    frames: int = 150,
    picture_size: tuple[int, int] | None = None,
    segments: int = 2,
    pictured: int = 10**9,
) -> Path:
    """Write the workspace; frame numbers start at 100, every 51st of a clip is missing. Returns its folder.

    ``pictured`` is how many frames of each clip have a picture.
    """
    source = root / "source"
    source.mkdir(parents=True)
    (root / "audit.toml").write_text("", encoding="utf-8")
    tables = _tables(clips=clips, frames=frames, segments=segments)
    if picture_size is not None:
        last = FIRST_FRAME + pictured
        names = [_picture(source, c, n, picture_size) if n < last else None for c, n in _rows(tables["frames"])]
        tables["frames"]["image"] = text(names)
    folder = RunFolder(Workspace(root).runs / RUN)
    for name, table in tables.items():
        folder.write_table(name, table, schema=SCHEMAS[name], fingerprint="generated")
    config = Config().model_dump(mode="json", exclude={"run", "source", "review"})
    config["labels"]["taxonomy"] = config["pose"]["skeleton"] = "aihub59"
    record = {
        "run_hash": "0a1b2c3d",
        "source": str(source),
        "format": "table",
        "config": config,
        "stages": {},
        "version": "0",
        "code": "0",
    }
    folder.save_record({**record, "started": "2026-11-25T00:00:00+00:00", "finished": True})
    Workspace(root).name_latest(folder)
    return root


def _rows(frames: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(frames["clip_id"], frames["frame_number"].tolist(), strict=True))


def _picture(source: Path, clip_id: str, number: int, size: tuple[int, int]) -> str:
    """Draw a picture that is told from its neighbours, quickly and of the weight of a photograph."""
    name = f"{clip_id}/frame_{number}.jpg"
    path = source / name
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(number).integers(90, 150, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    noise[:, : max(1, (number * 3) % noise.shape[1])] //= 2
    Image.fromarray(noise).resize(size, Image.Resampling.BILINEAR).save(path, "JPEG", quality=85)
    return name


def _tables(*, clips: int, frames: int, segments: int) -> dict[str, pd.DataFrame]:
    ids = [f"dog-sit-{i:06d}" for i in range(clips)]
    number = np.arange(FIRST_FRAME, FIRST_FRAME + frames + frames // 50)
    number = number[(number - FIRST_FRAME) % 51 != 50][:frames].astype(np.int32)
    poses = pd.concat([_frames(c, number, seed=i) for i, c in enumerate(ids)], ignore_index=True)
    windows = pd.concat([_windows(c, number, place=i, clips=clips) for i, c in enumerate(ids)], ignore_index=True)
    found = pd.concat([_segments(c, number, count=segments, place=i) for i, c in enumerate(ids)], ignore_index=True)
    empty = pd.DataFrame({"file": text([]), "place": text([]), "reason": text([])})
    return {
        "clips": _clips(ids, frames),
        "frames": poses,
        "windows": windows.drop(columns=["suggested", "probability", "quality"]),
        "issues": _issues(windows, clips=clips),
        "segments": found,
        "rejected": empty,
        "notes": empty,
    }


def _clips(ids: list[str], frames: int) -> pd.DataFrame:
    n = len(ids)
    return pd.DataFrame(
        {
            "clip_id": text(ids),
            "source": text([f"{c}.json" for c in ids]),
            "source_hash": text(["0"] * n),
            "recording_id": text(ids),
            "subject_id": text([f"dog{i:02d}" for i in range(n)]),
            "species": text(["DOG"] * n),
            "skeleton": text(["aihub59"] * n),
            "fps": np.full(n, 30.0),
            "label": text(["SIT"] * n),
            "other_label": text([None] * n),
            "breed": text([None] * n),
            "gender": text([None] * n),
            "age": np.full(n, np.nan),
            "date": text([None] * n),
            "frame_count": np.full(n, frames, np.int32),
        }
    )


def _frames(clip_id: str, number: np.ndarray, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = (number - number[0]) / 30
    xy = np.repeat(_BODY[None] * 700 + np.array([200, 150]), len(number), axis=0)
    xy[:, :, 0] += 140 * np.sin(0.9 * time)[:, None]
    xy[:, [7, 11], 0] += 60 * np.sin(7 * time)[:, None]
    xy[:, [8, 12], 0] -= 60 * np.sin(7 * time)[:, None]
    xy[:, 14, 1] += 40 * np.sin(11 * time)
    xy += rng.normal(0, 1.2, xy.shape)
    xy[20:24, 14] = np.nan
    xy[60:90, 2] = np.nan
    names = load_skeleton("aihub59").columns
    columns = {n: xy.reshape(len(number), -1)[:, i].astype(np.float32) for i, n in enumerate(names)}
    stamp = np.rint(time * 1000).astype(np.int32)
    return pd.DataFrame({"clip_id": text([clip_id] * len(number)), "frame_number": number, "timestamp_ms": stamp, **columns})


def _windows(clip_id: str, number: np.ndarray, *, place: int, clips: int) -> pd.DataFrame:
    first = np.arange(0, len(number) - 25, 6)
    start, end = number[first], number[first + 24]
    share = first / len(number)
    suspect = ((share > 0.2) & (share < 0.45)) | (share > 0.7)
    n = len(first)
    return pd.DataFrame(
        {
            "window_id": text([f"{clip_id}-{s}" for s in start]),
            "clip_id": text([clip_id] * n),
            "subject_id": text([f"dog{place:02d}"] * n),
            "species": text(["DOG"] * n),
            "start_frame": start,
            "end_frame": end,
            "label": text(["SIT"] * n),
            "target": text(["SIT"] * n),
            "group": text([f"dog{place:02d}"] * n),
            "split": text(["audit"] * n),
            "mixed": np.zeros(n, bool),
            "reviewed": np.zeros(n, bool),
            "bad_pose": np.zeros(n, bool),
            "pose_fault": text([None] * n),
            "visible": np.ones(n, np.float32),
            "first_sample": np.arange(n, dtype=np.int64) + place * n,
            "suggested": np.where(suspect, np.where(share > 0.7, "LYING", "WALKRUN"), "SIT"),
            "probability": np.where(suspect, 0.85, 0.55 + 0.3 * share).astype(np.float32),
            "quality": np.where(suspect, 0.08, 0.9).astype(np.float32),
        }
    )


def _issues(windows: pd.DataFrame, *, clips: int) -> pd.DataFrame:
    n = len(windows)
    kept = windows[["window_id", "clip_id", "subject_id", "species", "split", "start_frame", "end_frame"]]
    return kept.assign(
        given_label=text(["SIT"] * n),
        suggested_label=text(windows["suggested"].tolist()),
        suggested_probability=windows["probability"],
        label_quality=windows["quality"],
        second_opinion=windows["quality"],
        wrong_clip=np.zeros(n, np.float32),
        is_issue=windows["quality"] < 0.5,
        kind=text(["contaminated" if q < 0.5 else None for q in windows["quality"]]),
        segment_id=text([None] * n),
        rank=np.arange(1, n + 1, dtype=np.int64),
    )


def _segments(clip_id: str, number: np.ndarray, *, count: int, place: int) -> pd.DataFrame:
    edges = (
        [(0.2 + 0.5 * i, 0.45 + 0.5 * i) for i in range(2)]
        if count == 2
        else [(i / count, (i + 0.7) / count) for i in range(count)]
    )
    spans = [(int(number[int(a * len(number))]), int(number[min(int(b * len(number)), len(number) - 1)])) for a, b in edges]
    return pd.DataFrame(
        {
            "segment_id": text([f"{clip_id}-segment{i}" for i in range(count)]),
            "clip_id": text([clip_id] * count),
            "species": text(["DOG"] * count),
            "start_frame": np.array([a for a, _ in spans], np.int32),
            "end_frame": np.array([b for _, b in spans], np.int32),
            "given_label": text(["SIT"] * count),
            "suggested_label": text([("WALKRUN", "LYING")[i % 2] for i in range(count)]),
            "suggested_probability": np.full(count, 0.85, np.float32),
            "label_quality": np.full(count, 0.08, np.float32),
            "windows": np.full(count, 5, np.int32),
            "kind": text([("contaminated", "boundary")[i % 2] for i in range(count)]),
            "priority": np.linspace(1, 0.1, count) - place * 0.01,
            "split": text(["audit"] * count),
        }
    )
