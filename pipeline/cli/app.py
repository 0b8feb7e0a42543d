"""The command line: a thin mirror of the library. Data go to stdout, progress and errors to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import data_schemas
from data_schemas.errors import PoseAuditError
from data_schemas.renamed_keys import show_in_one_line
from pipeline.cli.compare import compare
from pipeline.cli.decisions import decisions
from pipeline.cli.export import export
from pipeline.cli.models import export_onnx_file, predict
from pipeline.cli.options import FormatOption, JobsOption, JsonOption, ManyValues, WorkspaceOption, echo_found
from pipeline.cli.retrain import retrain
from pipeline.cli.review import password, review
from pipeline.cli.selftest import selftest

if TYPE_CHECKING:
    from data_schemas.config import Config
    from pipeline.workspace.workspace import Workspace

app = typer.Typer(
    name="audit",
    help="Find the wrong labels in clips of animal poses, relabel them, and retrain.",
    epilog="Start with `audit demo` and `audit run demo/clips -w demo`, or `audit run YOUR_CLIPS`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(decisions)


def main() -> None:
    """Run the command line; expected errors end with their message, a hint and their exit code, without a traceback."""
    show_in_one_line()
    try:
        app()
    except PoseAuditError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        raise SystemExit(error.exit_code) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pose-audit {data_schemas.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="The workspace to make.")] = Path(),
    source: Annotated[str, typer.Option(help="Where the clips are; written into audit.toml.")] = "",
) -> None:
    """Make a workspace with a commented audit.toml.

    Example: audit init my-audit --source /data/clips
    """
    from data_schemas.errors import UsageError
    from pipeline.cli.settings import write_settings

    path = directory / "audit.toml"
    if path.exists():
        raise UsageError(f"{path}: exists already", hint="change it as you like, or name another folder")
    write_settings(path, source=str(Path(source).resolve()) if source else "")
    typer.echo(f"wrote {path}\nnext: audit run {'' if source else 'YOUR_CLIPS '}-w {directory}")


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("demo"),
    clips: Annotated[int, typer.Option(min=20, help="Number of clips.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same bytes.")] = 0,
    pictures: Annotated[bool, typer.Option(help="Draw a picture of every frame.")] = True,
    frame_labels: Annotated[bool, typer.Option(help="Write recordings that were coded frame by frame instead.")] = False,
) -> None:
    """Write a SIMULATED sample of cats and dogs with known wrong labels, in the AI-Hub #59 layout.

    Example: audit demo demo --clips 400
    """
    from pipeline.simulation import write_demo
    from pipeline.workspace.progress import stage_progress

    with stage_progress("simulate") as progress:
        made = write_demo(directory, clips=clips, seed=seed, pictures=pictures, frame_labels=frame_labels, progress=progress)
    typer.echo(
        f"wrote {made.clips} simulated clips ({made.frames} frames, {made.animals} animals, {made.error_frame_share:.0%} of the "
        f"frames with another action than their label says, {made.broken_files} broken files) to {made.source}\n"
        f"next: audit run {made.source} -w {directory}"
    )


@app.command()
def run(
    source: Annotated[Path | None, typer.Argument(help="Folder, archive or table with the clips.", show_default=False)] = None,
    workspace: WorkspaceOption = Path(),
    format: FormatOption = None,
    preset: Annotated[str | None, typer.Option(help="default or classic.")] = None,
    merge: Annotated[str | None, typer.Option(help="A merge of the taxonomy to train with, such as classic.")] = None,
    group_by: Annotated[
        str | None, typer.Option(help="subject, recording or clip: what is never on both sides of a fold.")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often everything is predicted, each time with other folds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds and networks.")] = None,
    jobs: JobsOption = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    reviewed: Annotated[
        bool, typer.Option("--reviewed", help="Make the next round: reviewed labels are known, the others are ranked anew.")
    ] = False,
) -> None:
    """Find the windows whose label is probably wrong: read, cut, predict, score, report.

    What is up to date is skipped, and a run that was killed continues. With --reviewed, frames that people decided train under
    their label after review and are not flagged again; the hold-out stays the same. With the same decisions there is nothing to
    do.

    Example: audit run /data/clips -w my-audit

    Example: audit run --reviewed -w my-audit
    """
    from pipeline.audit.rounds import decided_so_far
    from pipeline.audit.run import run_audit
    from pipeline.audit.summary import summarise
    from pipeline.report.page import write_report
    from pipeline.report.run_text import run_lines
    from pipeline.workspace.progress import stage_progress
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    options: dict[str, dict[str, Any]] = {
        "source": {"path": str(source.resolve()) if source else None, "format": format},
        "model": {"preset": preset},
        "labels": {"merge": merge},
        "groups": {"by": group_by},
        "folds": {"count": folds, "repeats": repeats, "seed": seed},
        "run": {"jobs": jobs, "device": device},
    }
    config = _config(place, options, source)
    where = Path(config.source.path)
    decided = decided_so_far(place, where) if reviewed else None
    if decided is not None and decided.stretches.empty:
        sys.stderr.write("no decision counts yet: this is the audit of the labels as given\n")
    shown: dict[str, Any] = {"write_report": write_report, "stage_progress": stage_progress, "on_data": _print_data}
    folder, worked = run_audit(where, config, workspace=place, decided=decided, **shown)
    if not worked:
        sys.stderr.write("nothing to do: the same source, configuration and code have been audited\n")
    typer.echo("\n".join(run_lines(summarise(folder), workspace=workspace)))


app.command(cls=ManyValues)(selftest)


app.command()(review)
app.command()(password)


@app.command()
def status(
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Show what the newest run has done and found, and how far its review is.

    Example: audit status -w my-audit --json
    """
    from pipeline.audit.summary import summarise
    from pipeline.report.run_text import status_lines
    from pipeline.review.access import stored_events
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    # Without any run, to ask for a finished one says what to type.
    found = summarise(place.newest() or place.finished(), stored_events(place))
    echo_found(found, status_lines(found), as_json=as_json)


app.command()(export)
app.command(cls=ManyValues)(retrain)
app.command()(compare)
app.command()(predict)
app.command("export-onnx")(export_onnx_file)


@app.command()
def doctor(workspace: WorkspaceOption = Path()) -> None:
    """Check this installation: versions, devices, name clashes, fonts, disk and workspace.

    Example: audit doctor
    """
    from pipeline.cli.doctor import examine

    findings = examine(workspace)
    for finding in findings:
        typer.echo(f"{finding.state:<5} {finding.subject:<18} {finding.text}")
    if any(f.state == "bad" for f in findings):
        raise typer.Exit(1)


def _config(place: Workspace, options: dict[str, dict[str, Any]], source: Path | None) -> Config:
    """Return the configuration: audit.toml with the options over it; a first run writes audit.toml."""
    from data_schemas.errors import UsageError
    from pipeline.cli.settings import write_settings

    exists = place.config_path.exists()
    config = place.config(options)
    if not config.source.path:
        raise UsageError("no source is named", hint="audit run YOUR_CLIPS, or set source.path in audit.toml")
    if not exists and source is not None and source.exists():
        write_settings(place.config_path, source=str(source.resolve()))
    return config


def _print_data(data: dict[str, Any]) -> None:
    """Show what was read before anything is made of it: what is wrong there need not be waited for."""
    from pipeline.report.data_text import data_lines
    from pipeline.report.formatting import terminal_width

    typer.echo("\n".join([*data_lines(data, width=terminal_width()), ""]))
