"""`audit compare`: what review and retraining gained, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import JsonOption, WorkspaceOption, by_former_name, echo_found


def compare(
    workspace: WorkspaceOption = Path(),
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the page; by default retrain/comparison.html of the run.", dir_okay=False),
    ] = None,
    target_error_rate: Annotated[
        float | None,
        typer.Option(help="Share of wrong labels at which review may stop; 0.05 by default (proof.target_error_rate)."),
    ] = None,
    wanted: Annotated[float | None, typer.Option(hidden=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what review and retraining gained, how many labels are still wrong, and whether to go on; write it as one page.

    Takes the newest finished run, its review, and the figures of `audit retrain`, if there are any. Only windows labelled blind
    count: those of the hold-out for the models, the flagged and unflagged ones for the labels.

    Example: audit compare -w my-audit
    """
    from pipeline.report.comparison.comparison_page import write_comparison
    from pipeline.report.comparison.comparison_text import compare_lines
    from pipeline.workspace.workspace import Workspace

    target = by_former_name(wanted, target_error_rate, former="--wanted", name="--target-error-rate")
    made = write_comparison(Workspace(workspace), out=out, target_error_rate=target, workspace=workspace)
    lines = compare_lines(made.retraining, made.measured, run_dir=made.run.folder.path, report=made.page, workspace=workspace)
    echo_found(made.figures(), lines, as_json=as_json)
