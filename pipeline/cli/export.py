"""`audit export`: decisions become a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import WorkspaceOption


def export(
    out: Annotated[Path, typer.Option(help="Folder to write; an earlier export there is replaced.", file_okay=False)],
    workspace: WorkspaceOption = Path(),
    csv: Annotated[bool, typer.Option("--csv", help="Write every table as CSV too.")] = False,
    aihub: Annotated[bool, typer.Option("--aihub", help="Write corrected label files in the original layout too.")] = False,
    include_blind: Annotated[bool, typer.Option("--include-blind", help="Let blind labels count as reviews.")] = False,
    mixed_margin: Annotated[
        float | None,
        typer.Option(
            help="Share of a window's frames by which its commonest label must lead, or it is left out; 0.5 by default."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Move aside whatever lies there; nothing is deleted.")] = False,
) -> None:
    """Write the cleaned dataset, what changed, and a datasheet.

    Takes the newest finished run and all decisions. Without decisions it is the data as they were; the same decisions write the
    same bytes.

    Example: audit export -w my-audit --out cleaned
    """
    from pipeline.export.dataset import export_dataset
    from pipeline.export.datasheet_page import export_lines
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    options = {
        "csv": csv or None,
        "aihub": aihub or None,
        "include_blind": include_blind or None,
        "mixed_margin": mixed_margin,
    }
    config = place.config({"export": options})
    sheet = export_dataset(place, out, settings=config.export, force=force)
    typer.echo("\n".join(export_lines(sheet, out=out)))
