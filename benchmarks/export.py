"""How long an export takes, and how much memory: a run of a million frames, a tenth of its clips reviewed.

    python -m benchmarks.export [--clips 10000] [--frames 100] [--csv]

The run is a generated one: nothing of the result depends on its poses. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe
from data_schemas.config import Export
from pipeline.export.dataset import export_dataset
from pipeline.review.events import Commit, Span, new_operation
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.generated_run import FIRST_FRAME, write_generated_run


def decide(place: Workspace, *, clips: int, frames: int) -> int:
    """Relabel half of every tenth clip, and return the number of events."""
    chosen = [f"dog-sit-{c:06d}" for c in range(0, clips, 10)]
    with ReviewStore.open(place.review_db) as store:
        for clip_id in chosen:
            painted = new_operation(Span(FIRST_FRAME, FIRST_FRAME + frames // 2, "relabel", "other"))
            store.commit(Commit("run", "kim", "review", clip_id, 0, 0, (painted,)))
    return len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Workspace(write_generated_run(Path(name) / "ws", clips=options.clips, frames=options.frames))
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
