"""A workspace that the pages can show: the generated run with out-of-fold probabilities, and decisions of two people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.audit.stages import SCHEMAS
from pipeline.review.events import Commit, Span, new_operation
from pipeline.review.store import ReviewStore
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.generated_run import write_generated_run


def write_pages_run(root: Path, **options: object) -> Path:
    """Write the workspace and return its folder; options are those of the generated run."""
    write_generated_run(root, **options)  # type: ignore[arg-type]
    folder = run_of(root)
    issues = folder.read_table("issues", SCHEMAS["issues"])
    suggested = issues["suggested_label"].to_numpy(object)
    names = sorted({*suggested, "SIT"})
    chance = {n: np.where(suggested == n, 0.6, 0.4 / max(len(names) - 1, 1)).astype(np.float32) for n in names}
    n = len(issues)
    oof = pd.DataFrame(
        {
            "window_id": issues["window_id"],
            "fold": np.zeros(n, np.int16),
            "used_for_training": np.ones(n, bool),
            "network": np.full(n, 0.5, np.float32),
            "base_learners": np.full(n, 0.5, np.float32),
            **{f"p_{name}": values for name, values in chance.items()},
        }
    )
    total = oof.filter(regex="^p_").sum(axis=1)
    for name in names:
        oof[f"p_{name}"] = (oof[f"p_{name}"] / total).astype(np.float32)
    folder.write_table("oof", oof, schema=SCHEMAS["oof"], fingerprint="generated")
    return root


def make_cats(root: Path) -> None:
    """Let every second clip of the run be a cat's, so that there are two species."""
    folder = run_of(root)
    cats = set(folder.read_table("clips", SCHEMAS["clips"])["clip_id"].iloc[1::2])
    for name in ("clips", "windows", "issues", "segments"):
        table = folder.read_table(name, SCHEMAS[name])
        own = table["clip_id"].isin(cats)
        table.loc[own, "species"] = "CAT"
        for column in {"label", "target", "given_label", "suggested_label"} & set(table.columns):
            table.loc[own, column] = table.loc[own, column].replace("SIT", "SITDOWN")
        folder.write_table(name, table, schema=SCHEMAS[name], fingerprint="generated")


def run_of(root: Path) -> RunFolder:
    folder = Workspace(root).latest()
    assert folder is not None
    return folder


def segments_of(root: Path) -> pd.DataFrame:
    return run_of(root).read_table("segments", SCHEMAS["segments"])


def drop_segments(root: Path) -> None:
    """Leave the run without anything flagged."""
    run_of(root).write_table("segments", segments_of(root).iloc[:0], schema=SCHEMAS["segments"], fingerprint="generated")


def paint(
    root: Path, clip_id: str, start: int, end: int, *, reviewer: str = "kim", label: str = "WALKRUN", stream: str = "review"
) -> str:
    """Store one act and return its identifier."""
    with ReviewStore.open(Workspace(root).review_db) as store:
        base = store.revision(clip_id, reviewer=reviewer, stream=stream)
        operation = new_operation(Span(int(start), int(end), "relabel", label))
        store.commit(Commit(run_of(root).path.name, reviewer, stream, clip_id, base, 0, (operation,)))
        return operation.operation_id


def paint_all_segments(root: Path, **options: str) -> None:
    for s in segments_of(root).to_dict("records"):
        paint(root, s["clip_id"], s["start_frame"], s["end_frame"], **options)
