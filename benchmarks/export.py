"""How long an export takes, and how much memory: a run of a million frames, a tenth of its clips reviewed.

    python -m benchmarks.export [--clips 10000] [--frames 100] [--csv]

Poses are random: nothing of the result depends on them. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.machine import describe
from data_schemas.config import Config, Export
from data_schemas.skeletons import load_skeleton
from data_schemas.tables import text
from pipeline.audit.stages import SCHEMAS
from pipeline.export.dataset import export_dataset
from pipeline.review.store import ReviewStore
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

LABELS = ("SIT", "WALKRUN", "LYING", "TURN", "HEADING", "TAILING")
STEPS = 5
"""Frames of a window: these are frames at 5 Hz, as AI-Hub annotates them."""


def simulated_run(place: Workspace, *, clips: int, frames: int) -> None:
    """Write the tables of a finished run."""
    rng = np.random.default_rng(0)
    names = np.array([f"clip-{c:05d}" for c in range(clips)], object)
    label = np.array(LABELS, object)[rng.integers(0, len(LABELS), clips)]
    group = np.array([f"animal-{c % 500:03d}" for c in range(clips)], object)
    facts = {"version": "benchmark", "code": "", "source": str(place.root / "clips"), "format": "table"}
    folder = place.run_of("benchmark", {**facts, "config": Config().model_dump(mode="json", exclude={"export", "review", "run"})})
    table = pd.DataFrame(
        {
            "clip_id": text(names),
            **{c: text(["x"] * clips) for c in ("source", "source_hash", "recording_id")},
            "subject_id": text(group),
            "species": text(["DOG"] * clips),
            "skeleton": text(["aihub59"] * clips),
            "fps": 30.0,
            "label": text(label),
            **{c: text([None] * clips) for c in ("other_label", "breed", "gender")},
            "age": np.nan,
            "date": text([None] * clips),
            "frame_count": np.full(clips, frames, np.int32),
        }
    )
    number = (np.arange(frames) * 6).astype(np.int32)
    count = clips * frames
    poses = {c: rng.uniform(0, 1000, count).astype(np.float32) for c in load_skeleton("aihub59").columns}
    of_frames = {"clip_id": text(np.repeat(names, frames)), "frame_number": np.tile(number, clips)}
    rows = pd.DataFrame({**of_frames, "timestamp_ms": np.tile(number, clips) * np.int32(33), **poses}, copy=False)
    write(folder, "clips", table)
    write(folder, "frames", rows)
    write_windows(folder, table, number)
    place.name_latest(folder)


def write_windows(folder: RunFolder, clips: pd.DataFrame, number: np.ndarray) -> None:
    """Write windows, issues and a segment for every clip."""
    each = len(number) - STEPS + 1
    clip = np.repeat(np.arange(len(clips)), each)
    n = len(clip)
    windows = pd.DataFrame(
        {
            "window_id": text([f"{i:016x}" for i in range(n)]),
            **{c: clips[c].take(clip).array for c in ("clip_id", "subject_id", "species")},
            "start_frame": np.tile(number[:each], len(clips)),
            "end_frame": np.tile(number[STEPS - 1 :], len(clips)),
            "label": clips["label"].take(clip).array,
            "target": clips["label"].take(clip).array,
            "group": clips["subject_id"].take(clip).array,
            "split": text(np.full(n, "audit", object)),
            "mixed": False,
            "reviewed": False,
            "bad_pose": False,
            "pose_fault": text([None] * n),
            "visible": np.ones(n, np.float32),
            "first_sample": np.arange(n),
        }
    )
    half = np.full(n, 0.5, np.float32)
    issues = windows[["window_id", "clip_id", "subject_id", "species", "split", "start_frame", "end_frame"]].assign(
        given_label=windows["label"],
        suggested_label=windows["label"],
        **dict.fromkeys(("suggested_probability", "label_quality", "second_opinion", "wrong_clip"), half),
        is_issue=np.arange(n) % 5 == 0,
        kind=text([None] * n),
        segment_id=text([None] * n),
        rank=np.arange(1, n + 1),
    )
    m = len(clips)
    segments = clips[["clip_id", "species"]].assign(
        segment_id=text([f"s{i}" for i in range(m)]),
        start_frame=np.int32(0),
        end_frame=number[-1],
        given_label=clips["label"],
        suggested_label=clips["label"],
        suggested_probability=np.float32(0.5),
        label_quality=np.float32(0.5),
        windows=np.int32(each),
        kind=text(["contaminated"] * m),
        priority=1.0,
        split=text(["audit"] * m),
    )
    write(folder, "windows", windows)
    write(folder, "issues", issues)
    write(folder, "segments", segments)


def write(folder: RunFolder, name: str, table: pd.DataFrame) -> None:
    folder.write_table(name, table, schema=SCHEMAS[name], fingerprint="benchmark")


def decide(place: Workspace, *, clips: int, frames: int) -> int:
    """Relabel a stretch of every tenth clip, and return the number of events."""
    rows = [
        {
            "event_id": f"{c:032x}-0",
            "operation_id": f"{c:032x}",
            "at": "2026-11-25T01:00:00.000Z",
            "run_id": "run",
            "reviewer": "kim",
            "stream": "review",
            "clip_id": f"clip-{c:05d}",
            "revision": 1,
            "start_frame": 60,
            "end_frame": frames * 3,
            "action": "relabel",
            "label": "other",
            "undoes": None,
            "note": None,
        }
        for c in range(0, clips, 10)
    ]
    with ReviewStore.open(place.review_db) as store:
        store.merge_events(rows)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Workspace(Path(name) / "ws")
        simulated_run(place, clips=options.clips, frames=options.frames)
        events = decide(place, clips=options.clips, frames=options.frames)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        sheet = export_dataset(place, Path(name) / "out", settings=Export(csv=options.csv))
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    frames, windows = sheet["frames"], sheet["windows"]
    size = sum(f["bytes"] for f in sheet["files"].values())
    print("| frames | windows | events | relabelled frames | export | written | peak memory (before: making the run) |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {frames['run']:,} | {windows['run']:,} | {events:,} | {frames['changed']:,} | {seconds:.1f} s | "
        f"{size / 1e6:.0f} MB | {peak / 2**20:.2f} GB ({before / 2**20:.2f} GB) |"
    )
    print(f"\n{describe()}")


if __name__ == "__main__":
    main()
