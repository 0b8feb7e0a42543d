"""Write the simulated sample: clips or recordings, the truth beside them, and what they are."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.errors import UsageError
from data_schemas.progress import Progress
from pipeline.simulation.aihub_files import BROKEN_FILES, clip_name, write_broken_files, write_clip
from pipeline.simulation.clips import Plan, plan_clips, simulate_clip
from pipeline.simulation.coded_recordings import simulate_recordings

SIMULATOR_VERSION = 1
"""Frozen: another version is another data set, and says why in docs/simulator.md."""

_Row = tuple[str, list[int], list[str], str]
"""Name, frame numbers, true actions and label of a clip."""

_MARK = "demo.json"
_OURS = ("clips", "truth.parquet", "recordings.parquet", "README.txt", _MARK)
_FEW = 40
_CLIPS_A_RECORDING = 5
_README = """SIMULATED DATA

Cats and dogs that never lived, written by `audit demo` of pose-audit (simulator version {version}, seed {seed}).
Their wrong labels are known: truth.parquet holds the true action of every frame.
It is for scoring only; `audit run` never reads it.
"""


@dataclass(frozen=True)
class DemoSummary:
    """What was written.

    Attributes
    ----------
    source : Path
        What `audit run` is pointed at.
    truth : Path
        The true action of every frame.
    error_frame_share : float
        Share of the frames whose true action is not what their label says.
    """

    clips: int
    frames: int
    animals: int
    broken_files: int
    error_frame_share: float
    source: Path
    truth: Path


def write_demo(
    directory: Path,
    *,
    clips: int = 400,
    seed: int = 0,
    pictures: bool = True,
    frame_labels: bool = False,
    contamination: float = 0.25,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> DemoSummary:
    """Write the sample; the same arguments write the same bytes, whatever ``jobs``.

    Parameters
    ----------
    clips : int
        Number of clips; with ``frame_labels`` there is one long recording for every five.
    contamination : float
        Share of all frames whose true action is not what their label says.
    frame_labels : bool
        Write recordings that were coded frame by frame, with shifted boundaries and missed bouts, instead of clips.

    Raises
    ------
    UsageError
        The directory holds something that is not a sample of ours.
    """
    _clear(directory)
    settings: dict[str, object] = {
        "simulated": True,
        "version": SIMULATOR_VERSION,
        "seed": seed,
        "clips": clips,
        "frame_labels": frame_labels,
    }
    (directory / "README.txt").write_text(_README.format(version=SIMULATOR_VERSION, seed=seed), encoding="utf-8")
    if frame_labels:
        summary = _write_recordings(directory, max(clips // _CLIPS_A_RECORDING, 8), seed=seed, progress=progress)
    else:
        plans = plan_clips(clips, seed=seed, contamination=contamination)
        summary = _write_clips(directory, plans, pictures=pictures, jobs=jobs, progress=progress)
    # The mark comes last: without it the sample is not whole.
    (directory / _MARK).write_text(json.dumps(settings | {"contamination": contamination}), encoding="utf-8")
    return summary


def _clear(directory: Path) -> None:
    """Make the directory, or empty it of an earlier sample."""
    readme = directory / "README.txt"
    ours = readme.is_file() and readme.read_text(encoding="utf-8", errors="replace").startswith("SIMULATED DATA")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory}: is a file", hint="name a folder")
    there = [p for p in directory.iterdir() if p.name in _OURS] if directory.exists() else []
    if directory.exists() and not ours and any(directory.iterdir()):
        raise UsageError(
            f"{directory}: holds other files", hint="name an empty or new folder, so that nothing of yours is touched"
        )
    (directory / _MARK).unlink(missing_ok=True)
    for path in there:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    directory.mkdir(parents=True, exist_ok=True)


def _write_clips(
    directory: Path, plans: Sequence[Plan], *, pictures: bool, jobs: int | None, progress: Progress | None
) -> DemoSummary:
    root = directory / "clips"
    work = partial(_write_one, root=root, pictures=pictures)
    processes = jobs or os.cpu_count() or 1
    if processes == 1 or len(plans) <= _FEW:
        written = map(work, plans)
        truths = _counted(written, len(plans), progress)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            truths = _counted(pool.map(work, plans, chunksize=8), len(plans), progress)
    write_broken_files(root)
    truth = pd.concat(
        [pd.DataFrame({"clip_id": n, "frame_number": np.array(f, np.int32), "true_label": t}) for n, f, t, _ in truths],
        ignore_index=True,
    )
    truth.to_parquet(directory / "truth.parquet", index=False)
    wrong = sum(sum(a != label for a in actions) for _, _, actions, label in truths)
    return DemoSummary(
        clips=len(plans),
        frames=len(truth),
        animals=len({(p.animal.species, p.animal.number) for p in plans}),
        broken_files=BROKEN_FILES,
        error_frame_share=wrong / len(truth),
        source=root,
        truth=directory / "truth.parquet",
    )


def _write_one(plan: Plan, *, root: Path, pictures: bool) -> _Row:
    clip = simulate_clip(plan)
    write_clip(clip, root, pictures=pictures)
    return clip_name(clip), clip.frame_number.tolist(), clip.truth, clip.script.label


def _counted(found: Iterable[_Row], total: int, progress: Progress | None) -> list[_Row]:
    rows = []
    for done, row in enumerate(found, start=1):
        rows.append(row)
        if progress:
            progress(done, total)
    return rows


def _write_recordings(directory: Path, count: int, *, seed: int, progress: Progress | None) -> DemoSummary:
    tables, truths = [], []
    for done, (table, truth) in enumerate(simulate_recordings(count, seed=seed), start=1):
        tables.append(table)
        truths.append(truth)
        if progress:
            progress(done, count)
    coded, true = pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True)
    coded.to_parquet(directory / "recordings.parquet", index=False)
    true.to_parquet(directory / "truth.parquet", index=False)
    return DemoSummary(
        clips=count,
        frames=len(coded),
        animals=coded["subject_id"].nunique(),
        broken_files=0,
        error_frame_share=float((coded["frame_label"] != true["true_label"]).mean()),
        source=directory / "recordings.parquet",
        truth=directory / "truth.parquet",
    )
