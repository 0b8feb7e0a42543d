"""How long a million review events take: to store, to read and to replay into labels.

    python -m benchmarks.review_store [--events 1000000] [--clips 2000] [--frames 300]

Clips, reviewers and spans are random; a tenth of the operations are undos. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.machine import describe
from pipeline.review.events import new_operation
from pipeline.review.frame_labels import labels_after_review
from pipeline.review.replay import replay_streams
from pipeline.review.segment_states import segment_states
from pipeline.review.store import Commit, ReviewStore, Span

REVIEWERS = ("kim", "lee", "park")
LABELS = ("SIT", "WALKRUN", "LYING", "other")
SEGMENT = 60


def simulated_events(count: int, *, clips: int, frames: int, seed: int) -> list[dict[str, Any]]:
    """Return rows of review events as the store keeps them, in the order of their storing."""
    rng = np.random.default_rng(seed)
    clip, reviewer, label = (rng.integers(0, k, count) for k in (clips, len(REVIEWERS), len(LABELS)))
    start = rng.integers(0, frames - 1, count)
    end = np.minimum(start + rng.integers(1, SEGMENT, count), frames - 1)
    undo = rng.random(count) < 0.1
    revisions: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], str] = {}
    rows = []
    for i, (c, r, x, a, b, u) in enumerate(zip(*(v.tolist() for v in (clip, reviewer, label, start, end, undo)), strict=True)):
        revisions[c, r] = revisions.get((c, r), 0) + 1
        target = last.get((c, r)) if u else None
        last[c, r] = f"{i:032x}"
        rows.append(
            {
                "event_id": f"{i:032x}-0",
                "operation_id": f"{i:032x}",
                "at": "2026-11-25T01:00:00.000Z",
                "run_id": "run",
                "reviewer": REVIEWERS[r],
                "stream": "review",
                "clip_id": f"clip-{c:05d}",
                "revision": revisions[c, r],
                "start_frame": a,
                "end_frame": b,
                "action": "undo" if target else "relabel",
                "label": None if target else LABELS[x],
                "undoes": target,
                "note": None,
            }
        )
    return rows


def timed(what: str, work: Callable[[], Any], *, per: int | None = None) -> Any:
    """Run ``work``, print its row of the table and return what it gave."""
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    print(f"| {what} | {seconds:.2f} s |" if per is None else f"| {what} | {1000 * seconds / per:.1f} ms each |", flush=True)
    return result


def commits(store: ReviewStore, count: int) -> None:
    """Commit one operation after another to one clip, as a page does."""
    for i in range(count):
        operation = new_operation(Span(i, i + 9, "relabel", "SIT"))
        store.commit(Commit("run", "choi", "review", "clip-00000", i, i, (operation,)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=300)
    options = parser.parse_args()
    rows = simulated_events(options.events, clips=options.clips, frames=options.frames, seed=0)
    names = np.repeat([f"clip-{c:05d}" for c in range(options.clips)], options.frames)
    numbers = np.tile(np.arange(options.frames), options.clips)
    frames = pd.DataFrame({"clip_id": pd.array(names, dtype="str"), "frame_number": numbers, "given": "SIT"})
    first = np.arange(0, options.frames, SEGMENT)
    segments = pd.DataFrame({"clip_id": np.repeat(frames["clip_id"].unique(), len(first))})
    segments["start_frame"] = np.tile(first, options.clips)
    segments = segments.assign(
        end_frame=(segments["start_frame"] + SEGMENT - 1).clip(upper=options.frames - 1), segment_id=np.arange(len(segments))
    )
    print(f"{options.events:,} events over {options.clips:,} clips of {options.frames} frames by {len(REVIEWERS)} reviewers.\n")
    print("| what | time |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder, ReviewStore.open(Path(folder) / "review.db") as store:
        timed("store all (as an import does)", lambda: store.merge_events(rows))
        events = timed("read and check all", store.events)
        said = timed("replay all into labels", lambda: replay_streams(events, frames))
        timed("labels after review", lambda: labels_after_review(events, frames))
        timed(f"states of {len(segments):,} segments", lambda: segment_states(segments, events, frames))
        timed("events of one clip", lambda: store.events(clip_id="clip-00007"))
        timed("commit to a clip, synced to the disk", lambda: commits(store, 100), per=100)
    print(f"\n{len(said):,} frames of reviewers decided. {describe()}")


if __name__ == "__main__":
    main()
