"""Take the pictures of pages and report that the documentation shows: of the SIMULATED sample with decisions of two reviewers.

    audit demo demo && audit run demo/clips -w demo
    python -m benchmarks.pictures demo docs/images

The reviewers say what the truth file says, and err now and then. Their decisions stay in the workspace.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from audit_app.pages import PAGES
from benchmarks.reviewer import TrueLabels, by_queue, reviewed
from data_schemas.tables import FRAMES, ISSUES, SEGMENTS
from pipeline.review.blind import draw_sample
from pipeline.review.exchange import export_events, import_into
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.integration.browser import chromium
from tests.integration.pages.looking import serve, settled

_LABELLER = "[data-testid=frame-number]"
_SHOWS = {"queue": "[data-testid=queue-row]", "review": _LABELLER, "blind": _LABELLER}
_SIZE = {"width": 1440, "height": 900}
_REVIEWERS = {"Mina": (4_000, 0.05), "Jun": (2_000, 0.15)}
"""How many frames each reviewer looks at, and the share of errors."""


def decide(root: Path) -> Mapping[str, str]:
    """Store what two reviewers decide on the first segments of the queue, one in seven seconds, and return what pages to open."""
    workspace = Workspace(root)
    run = workspace.latest()
    if run is None:
        sys.exit(f"{root} holds no finished run; audit run {root}/clips -w {root}")
    frames = run.read_table("frames", FRAMES).merge(pd.read_parquet(root / "truth.parquet"), on=["clip_id", "frame_number"])
    known = TrueLabels(frames, sorted(frames["true_label"].unique()))
    issues = run.read_table("issues", ISSUES)
    segments = run.read_table("segments", SEGMENTS)
    spans = by_queue(segments, issues)
    for seed, (reviewer, (budget, wrong)) in enumerate(_REVIEWERS.items()):
        (events,) = reviewed(spans, known, budgets=[budget], wrong=wrong, seed=seed)
        name = f"{reviewer}-" + events["event_id"]
        at = pd.Timestamp.now("UTC") - pd.to_timedelta(7 * np.arange(len(events))[::-1], unit="s")
        at = pd.Series(at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), dtype="str")
        events = events.assign(event_id=name, operation_id=name, reviewer=reviewer, run_id=run.path.name, at=at)
        file = root / f"{reviewer}.jsonl"
        export_events(events, file)
        import_into(workspace, file)
    sample = draw_sample(issues, sizes={"holdout": 40, "flagged": 40, "unflagged": 40}, seed=0, run_id=run.path.name)
    with ReviewStore.open(workspace.review_db) as store:
        store.save_sample(sample)
    return {"blind": f"?sample={sample['sample_id'].iloc[0]}", "review": f"?segment={_open_and_wide(root, segments, frames)}"}


def _open_and_wide(root: Path, segments: pd.DataFrame, frames: pd.DataFrame) -> str:
    """Return a segment of a dog whose pictures are wider than high, far enough down the queue for nobody to have decided it."""
    picture = frames.drop_duplicates("clip_id").set_index("clip_id")["image"]
    audited = segments[(segments["split"] == "audit") & (segments["species"] == "DOG")].sort_values("priority", ascending=False)
    for row in audited.iloc[len(audited) // 2 :].itertuples():
        width, height = Image.open(root / "clips" / picture[row.clip_id]).size
        if width > height:
            return str(row.segment_id)
    sys.exit("no dog was filmed upright")


def take(root: Path, out: Path, *, queries: Mapping[str, str]) -> None:
    """Write a picture of every page as the first reviewer sees it, and one of the first two segments of the report."""
    with ExitStack() as stack:
        server = serve(root)
        stack.callback(server.kill)
        browser = stack.enter_context(chromium())
        context = browser.new_context(viewport=_SIZE, color_scheme="light")
        context.add_cookies([{"name": "pose_audit_reviewer", "value": next(iter(_REVIEWERS)), "url": server.url}])
        page: Any = context.new_page()
        for index, shown in enumerate(PAGES):
            query = queries.get(shown.path, "")
            page.goto(f"{server.url}/{shown.path if index else ''}{query}")
            page.wait_for_selector(_SHOWS.get(shown.path, "h1"))
            # Pictures and charts come after the page.
            page.wait_for_timeout(3000)
            settled(page).screenshot(path=out / f"app-{shown.path}-light.png")
        page.set_viewport_size({"width": 1160, "height": 900})
        page.goto((root / "runs" / "latest" / "report.html").resolve().as_uri())
        first, second = (page.locator("article.segment").nth(n).bounding_box() for n in (0, 1))
        top, end = first["y"] - 12, second["y"] + second["height"] + 12
        page.screenshot(path=out / "report.png", full_page=True, clip={"x": 0, "y": top, "width": 1160, "height": end - top})


def main() -> None:
    """Decide, and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description="Take the pictures of the documentation.")
    parser.add_argument("workspace", type=Path, help="made by `audit demo` and `audit run`")
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    take(asked.workspace, asked.out, queries=decide(asked.workspace))


if __name__ == "__main__":
    main()
