"""`audit decisions`: review events out of a workspace and into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import WorkspaceOption

decisions = typer.Typer(name="decisions", help="Take review decisions out of a workspace or into it.", no_args_is_help=True)


@decisions.command("export")
def export_decisions(
    file: Annotated[Path, typer.Argument(help="Ends in .jsonl (JSON lines), .csv or .tsv.", dir_okay=False)],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Write every review event, with every column.

    Example: audit decisions export decisions.jsonl -w my-audit
    """
    from pipeline.review.access import stored_events
    from pipeline.review.exchange import export_events
    from pipeline.workspace.workspace import Workspace

    count = export_events(stored_events(Workspace(workspace)), file)
    typer.echo(f"wrote {count:,} events to {file}")


@decisions.command("import")
def import_decisions(
    file: Annotated[Path, typer.Argument(help="An export, or your own .jsonl, .csv or .tsv.", dir_okay=False)],
    workspace: WorkspaceOption = Path(),
) -> None:
    """Add review events from a file; the same file again adds nothing.

    A file of your own needs clip_id, start_frame, end_frame, label and reviewer; CSV is read as audit run reads it. Rows that do
    not fit are listed with their line and the reason, the others are imported. Frames that one reviewer gives two labels are
    listed, too: the later row counts. Ends with 3 when no row fits.

    Example: audit decisions import decisions.csv -w my-audit
    """
    from pipeline.report.formatting import typed
    from pipeline.review.exchange import import_into
    from pipeline.workspace.workspace import Workspace

    done = import_into(Workspace(workspace), file)
    for problem in sorted([*done.problems, *done.contradicted], key=lambda problem: problem.line):
        sys.stderr.write(f"{file}:{problem.line}: {problem.reason}\n")
    typer.echo(f"added {done.added:,} events, {done.present:,} were there already, {len(done.problems):,} did not fit")
    if done.added:
        where = typed(workspace)
        typer.echo(f"next: `audit export{where}`, `audit retrain{where}`, or the next round: `audit run --reviewed{where}`")
    if done.problems and not done.added + done.present:
        raise typer.Exit(3)
