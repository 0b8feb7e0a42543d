"""A workspace with a finished run made by hand: two clips that reviewers can decide about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import Config, load_config
from data_schemas.tables import REVIEW_ACTIONS, text
from pipeline.audit.stages import SCHEMAS
from pipeline.readers import recognise
from pipeline.review.events import Span, new_operation
from pipeline.review.store import Commit, ReviewStore
from pipeline.windows.cutting import cut_windows
from pipeline.windows.sampling import sample_clips
from pipeline.workspace.workspace import Workspace


@pytest.fixture
def decide() -> Callable[..., str]:
    """Give a function that stores one operation: ``decide(place, "kim", (0, 9, "WALKRUN"), clip="DOG-00-0-SIT")``."""

    def do(place: Workspace, reviewer: str, *spans: tuple, clip: str, stream: str = "review", **more) -> str:
        with ReviewStore.open(place.review_db) as store:
            made = [Span(a, b, x, None) if x in REVIEW_ACTIONS else Span(a, b, "relabel", x) for a, b, x in spans]
            operation = new_operation(*made, **more)
            base = store.revision(clip, reviewer=reviewer, stream=stream)
            store.commit(Commit("run", reviewer, stream, clip, base, base + 1, (operation,)))
            return operation.operation_id

    return do


@pytest.fixture
def make_run(make_table: Callable) -> Callable[..., Workspace]:
    """Give a function that makes a workspace whose run found segments everywhere and flagged every third window."""

    def make(root: Path, table: pd.DataFrame | None = None, **facts: object) -> Workspace:
        root.mkdir(parents=True, exist_ok=True)
        source = root.parent / f"{root.name}-poses.parquet"
        (make_table(subjects=1, clips_each=1) if table is None else table).to_parquet(source, index=False)
        return finished_run(Workspace(root), source, **facts)

    return make


@pytest.fixture
def ws(tmp_path: Path, make_run: Callable) -> Workspace:
    return make_run(tmp_path / "ws")


def finished_run(place: Workspace, source: Path, **options: dict[str, object]) -> Workspace:
    config: Config = load_config(None, overrides=options)
    reader = recognise(source)
    found = reader.read(config)
    sampled = sample_clips(found.clips, found.frames, config=config)
    windows = cut_windows(found.clips, found.frames, sampled=sampled, config=config, taxonomy=found.taxonomy)
    issues, segments = issues_and_segments(found.clips, windows)
    folder = place.run_of(
        "0123456789abcdef",
        {
            "version": "1",
            "code": "c",
            "source": str(source),
            "format": reader.name,
            "config": config.model_dump(mode="json", exclude={"export", "review", "run", "source"}),
        },
    )
    tables = {"clips": found.clips, "frames": found.frames, "windows": windows, "issues": issues, "segments": segments}
    for name, made in tables.items():
        folder.write_table(name, made, schema=SCHEMAS[name], fingerprint="x")
    place.name_latest(folder)
    return place


def issues_and_segments(clips: pd.DataFrame, windows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    n = len(windows)
    quality = np.where(np.arange(n) % 3 == 0, 0.1, 0.9).astype(np.float32)
    columns = ["window_id", "clip_id", "subject_id", "species", "split", "start_frame", "end_frame"]
    issues = windows[columns].assign(
        given_label=windows["label"],
        suggested_label=windows["label"],
        suggested_probability=np.float32(0.5),
        label_quality=quality,
        second_opinion=np.float32(0.5),
        wrong_clip=np.float32(0.5),
        is_issue=quality < 0.5,
        kind=text(["contaminated" if q < 0.5 else None for q in quality]),
        segment_id=text([None] * n),
        rank=np.arange(1, n + 1),
    )
    first = clips.iloc[:1]
    segments = pd.DataFrame(
        {
            "segment_id": text(["s1"]),
            "clip_id": first["clip_id"],
            "species": first["species"],
            "start_frame": np.array([0], np.int32),
            "end_frame": np.array([19], np.int32),
            "given_label": first["label"],
            "suggested_label": first["label"],
            "suggested_probability": np.array([0.5], np.float32),
            "label_quality": np.array([0.1], np.float32),
            "windows": np.array([5], np.int32),
            "kind": text(["contaminated"]),
            "priority": [1.0],
            "split": text(["audit"]),
        }
    )
    return issues, segments
