"""From a workspace to comparison.html, and the same figures as JSON values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.audit.stages import SCHEMAS
from pipeline.evaluation.label_error import measure_labels
from pipeline.report.comparison.comparison_page import Compared, comparison_page
from pipeline.report.comparison.comparison_text import headline
from pipeline.report.comparison.results import read_retraining
from pipeline.report.run_tables import RunTables
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

__all__ = ["Made", "write_comparison"]


@dataclass(frozen=True)
class Made:
    """A comparison and the page that tells it."""

    compared: Compared
    page: Path

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        compared, measured = self.compared, self.compared.measured
        return {
            "run_dir": str(compared.found.folder.path.resolve()),
            "headline": headline(compared.retraining, measured, workspace=compared.workspace),
            "review": {
                "decisions": measured.decisions,
                "reviewers": list(measured.reviewers),
                "reviewed_frames": measured.reviewed_frames,
                "frames": measured.frames,
            },
            "labels": {
                **asdict(measured.verdict),
                "is_known": measured.verdict.is_known,
                "is_reached": measured.verdict.is_reached,
            },
            "quality": {name: [asdict(told) for told in getattr(measured, name)] for name in ("blind", "reviewed")},
            "retrain": None if compared.retraining is None else msgspec.to_builtins(compared.retraining),
            "report": str(self.page.resolve()),
        }


def write_comparison(place: Workspace, *, out: Path | None, wanted: float | None, workspace: Path) -> Made:
    """Compare before and after for the newest finished run and write the page.

    Parameters
    ----------
    out
        The page; ``retrain/comparison.html`` of the run where left out.
    wanted
        The share of wrong labels that review is to reach; that of audit.toml where left out.
    workspace
        The workspace as it is typed after ``-w``.

    Raises
    ------
    StageError
        There is no finished run, or what `audit retrain` wrote is damaged.
    WorkspaceError
        The disk refuses.
    """
    folder = place.finished()
    retraining = read_retraining(folder.path)
    measured = measure_labels(place, folder, wanted=wanted)
    found = RunTables(folder, {name: folder.read_table(name, schema) for name, schema in SCHEMAS.items()})
    compared = Compared(found, retraining, measured, workspace)
    page = out or folder.path / "retrain" / "comparison.html"
    RunFolder(page.parent).write_bytes(page.name, comparison_page(compared).encode())
    return Made(compared, page)
