"""What all tests share: where the shared data lie, and tables made by hand."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Shared machines are noisy: what must hold is the property, not the pace.
for profile, examples in (("default", 20), ("thorough", 500)):
    settings.register_profile(profile, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of shared data, or skip where a checkout has none beside it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Give a function that makes a folder by its name: once for all processes that run tests, whoever asks first."""
    base = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own beside those of the others.
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder = base / name
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / ".made").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                (folder / ".made").touch()
        return folder

    return made


@pytest.fixture(scope="session")
def make_table():
    """Give a function that writes poses of a toy task in the table format: animals that sit, or walk to the right."""

    def make(
        *,
        subjects: int = 6,
        clips_each: int = 2,
        seconds: float = 6.0,
        fps: float = 10.0,
        wrong: float = 0.0,
        seed: int = 0,
        species: str = "DOG",
        labels: tuple[str, ...] = ("SIT", "WALKRUN"),
    ) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        parts = []
        frames = int(seconds * fps)
        for s in range(subjects):
            size = rng.uniform(50, 100)
            for c in range(clips_each):
                for k, label in enumerate(labels):
                    time = np.arange(frames) / fps
                    step = k * 80 * time
                    wobble = rng.normal(0, 1.5, (frames, 3, 2))
                    base = np.array([[0, 0], [1, 0.4 + 0.8 * k], [1.4, 1.0 - 0.7 * k]]) * size
                    xy = base[None] + wobble
                    xy[:, :, 0] += step[:, None] + 5 * k * np.sin(9 * time)[:, None]
                    shown = label if rng.random() >= wrong else labels[(k + 1) % len(labels)]
                    parts.append(
                        pd.DataFrame(
                            {
                                "clip_id": f"{species}-{s:02d}-{c}-{label}",
                                "subject_id": f"animal{s:02d}",
                                "species": species,
                                "frame_number": np.arange(frames),
                                "timestamp_ms": np.rint(time * 1000).astype(int),
                                "label": shown,
                                **{
                                    f"{n}_{a}": xy[:, i, j]
                                    for i, n in enumerate(("tail", "neck", "nose"))
                                    for j, a in enumerate("xy")
                                },
                            }
                        )
                    )
        return pd.concat(parts, ignore_index=True)

    return make


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the files with long tests evenly to the processes, and let each begin with them.

    Each process is handed one stretch of the list, all equally long; whoever is done takes over what another has not begun, but
    for the last two tests. So these must be short, or the others wait for them.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    piles: list[list[pytest.Item]] = [[] for _ in range(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))]
    seconds = dict.fromkeys(range(len(piles)), 0)
    for tests in sorted(files.values(), key=lambda tests: -max(map(_seconds, tests))):
        if max(map(_seconds, tests)) > _SHORT:
            pile = min(seconds, key=seconds.__getitem__)
        else:
            pile = min(seconds, key=lambda i: len(piles[i]))
        piles[pile] += tests
        seconds[pile] += sum(map(_seconds, tests))
    items[:] = [item for pile in piles for item in pile]


_SHORT = 1


def _seconds(item: pytest.Item) -> int:
    """Return about how long a test takes."""
    return 30 if item.get_closest_marker("long") else 4 if item.get_closest_marker("integration") else _SHORT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Let fixtures know on the way out that their test failed: they keep what the page showed."""
    report = yield
    item.failed = getattr(item, "failed", False) or (report.when == "call" and report.failed)
    return report
