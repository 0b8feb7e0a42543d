"""`audit selftest`: how many injected errors the audit finds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import JobsOption, JsonOption, WorkspaceOption, echo_found


def selftest(
    workspace: WorkspaceOption = Path(),
    kinds: Annotated[
        list[str] | None, typer.Option(help="wrong_clip, contaminated, boundary (labels per frame), flips; all by default.")
    ] = None,
    shares: Annotated[
        list[float] | None, typer.Option(help="Shares of the clips or windows to inject errors into; 0.05 0.15 0.30 by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed injects the same errors.")] = 0,
    as_json: JsonOption = False,
    jobs: JobsOption = None,
) -> None:
    """Inject known errors into copies of your data, and report how many of them the audit finds.

    Tests the newest run, with its configuration. Each kind and share is an audit of its own. After a kill it continues.

    Example: audit selftest -w my-audit --kinds wrong_clip contaminated --shares 0.05 0.15
    """
    from pipeline.report.page import write_report
    from pipeline.report.selftest_text import cost_line, selftest_lines
    from pipeline.selftest.selftest_run import KINDS, SHARES, prepare_selftest, run_selftest
    from pipeline.workspace.progress import stage_progress
    from pipeline.workspace.workspace import Workspace

    options = {"run": {"jobs": jobs}}
    injected: dict[str, Any] = {"kinds": kinds or KINDS, "shares": shares or SHARES, "seed": seed}
    test = prepare_selftest(
        Workspace(workspace), **injected, options=options, write_report=write_report, stage_progress=stage_progress
    )
    sys.stderr.write(cost_line(len(test.audits), seconds=test.seconds) + "\n")
    found = run_selftest(test, write_report=write_report, stage_progress=stage_progress)
    echo_found(found, selftest_lines(found), as_json=as_json)
