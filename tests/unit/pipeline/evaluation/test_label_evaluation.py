"""What the review of a run has reached: decisions, the open queue, and what blind labels say, from the run and the store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data_schemas.tables import ISSUES, SEGMENTS, text
from pipeline.evaluation.label_evaluation import evaluate_labels
from pipeline.review.access import open_store
from pipeline.review.blind import draw_sample
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.generated_run import write_generated_run
from tests.pages_run import paint, run_of, segments_of

FIRST, OTHER = "dog-sit-000000", "dog-sit-000001"


def write_run(root: Path) -> RunFolder:
    """Write a run of two clips with frames 100 to 160 without 150, a segment of the second of which is in the hold-out."""
    write_generated_run(root, clips=2, frames=60)
    segments = segments_of(root)
    segments.loc[segments.index[-1], "split"] = "holdout"
    run_of(root).write_table("segments", segments, schema=SEGMENTS, fingerprint="generated")
    return run_of(root)


def draw(root: Path, issues: pd.DataFrame) -> pd.DataFrame:
    sample = draw_sample(issues, sizes={"flagged": 2, "unflagged": 1}, seed=0, run_id=run_of(root).path.name)
    with open_store(Workspace(root)) as store:
        store.save_sample(sample)
    return sample


def test_before_any_review_all_is_open_and_nothing_is_estimated(tmp_path: Path) -> None:
    run = write_run(tmp_path / "work")
    nothing_flagged = run.read_table("issues", ISSUES).assign(is_issue=False, kind=text([None] * 12))
    run.write_table("issues", nothing_flagged, schema=ISSUES, fingerprint="generated")
    found = evaluate_labels(Workspace(tmp_path / "work"), run)
    assert (found.decisions, found.reviewers, found.reviewed_frames, found.frames) == (0, (), 0, 120)
    assert found.queue["segment_id"].tolist() == [f"{FIRST}-segment0", f"{FIRST}-segment1", f"{OTHER}-segment0"]
    assert (found.newest, found.blind_windows, len(found.blind), len(found.reviewed)) == (None, 0, 0, 0)
    assert found.estimate.sizes == {"flagged": 0, "unflagged": 12}
    assert (found.estimate.is_known, found.estimate.open_segments) == (False, 3)
    assert found.estimate.target_error_rate == Workspace(tmp_path).config().proof.target_error_rate


def test_decisions_and_blind_labels_are_counted_and_laid_over_the_run(tmp_path: Path) -> None:
    root = tmp_path / "work"
    run = write_run(root)
    issues = run.read_table("issues", ISSUES)
    sample = draw(root, issues)
    # Most of a whole window, over a segment of 112 to 127, is wrong; frames of the other clip keep their label.
    paint(root, FIRST, 106, 130)
    paint(root, FIRST, 129, 130, label="SIT")
    paint(root, OTHER, 100, 104, label="SIT", reviewer="lee", stream="adjudication")
    paint(root, "gone", 100, 104, reviewer="max")
    seen = sample.iloc[:2]
    for row in seen.itertuples():
        paint(root, row.clip_id, row.start_frame, row.end_frame, reviewer="eve", stream=f"blind:{row.sample_id}")
    found = evaluate_labels(Workspace(root), run, target_error_rate=0.25)
    with open_store(Workspace(root)) as store:
        assert found.newest == store.events()["at"].max()
    assert (found.decisions, found.reviewers) == (3, ("kim", "lee"))
    assert (found.reviewed_frames, found.frames) == (25 + 5, 120)
    assert found.queue["segment_id"].tolist() == [f"{FIRST}-segment1", f"{OTHER}-segment0"]
    assert found.estimate.target_error_rate == 0.25
    assert (found.blind_windows, found.estimate.outcomes) == (2, {"verified": 2, "open": 1})
    # The given label of each window that was looked at is wrong, in the bin of its quality.
    quality = issues.set_index("window_id")["label_quality"]
    assert sum(b.windows for b in found.blind) == 2
    assert {b.low for b in found.blind} == {0.0 if q < 0.2 else 0.8 for q in quality[seen["window_id"]]}
    assert {b.right.value for b in found.blind} == {0.0}
    assert [(b.low, b.windows, b.right.value) for b in found.reviewed] == [(0.8, 1, 0.0)]
    # Another label of the same class is no wrong one.
    record = run.record()
    record["config"]["labels"]["merge"] = "classic"
    run.save_record(record)
    merged = evaluate_labels(Workspace(root), run)
    assert (list(merged.blind), list(merged.reviewed), merged.blind_windows) == ([], [], 2)
