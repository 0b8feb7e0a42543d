"""`audit retrain`: what review gained, and a model of every arm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.options import JobsOption, JsonOption, WorkspaceOption, echo_found


def retrain(
    workspace: WorkspaceOption = Path(),
    on: Annotated[
        list[str] | None, typer.Option(help="given, pruned, reviewed; by default all that have training windows.")
    ] = None,
    curve: Annotated[
        bool | None, typer.Option("--curve/--no-curve", help="Also train on parts of the decisions, if enough is verified.")
    ] = None,
    track: Annotated[
        str | None, typer.Option(help="tensorboard:DIR or mlflow:URI. Needs pip install 'pose-audit[track]'.")
    ] = None,
    as_json: JsonOption = False,
    jobs: JobsOption = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
) -> None:
    """Train on the labels as given, pruned and reviewed, and compare the models on the verified hold-out.

    Takes the newest finished run and all decisions. Recipe, seed and number of optimizer steps are the same for all models. A
    model that is up to date is not trained again; after a kill, only the missing ones are trained.

    Example: audit retrain -w my-audit
    """
    from pipeline.report.comparison.comparison_text import retrain_lines
    from pipeline.retraining.experiment_tracking import open_tracker
    from pipeline.retraining.retrain import retrain_arms
    from pipeline.workspace.progress import stage_progress
    from pipeline.workspace.workspace import Workspace

    place = Workspace(workspace)
    options: dict[str, dict[str, Any]] = {
        "retrain": {"conditions": on or None, "learning_curve": curve, "track": track},
        "run": {"jobs": jobs, "device": device},
    }
    config = place.config(options)
    tracker = open_tracker(config.retrain.track, run_name=place.finished().path.name)
    done = retrain_arms(place, config, tracker=tracker, stage_progress=stage_progress)
    if not done.worked:
        sys.stderr.write("nothing to do: the same run, decisions and blind labels have been compared\n")
    lines = retrain_lines(done.found, run_dir=workspace / "runs" / "latest", workspace=workspace)
    echo_found(done.found, lines, as_json=as_json)
