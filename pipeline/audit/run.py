"""Run the stages: skip what is fresh, go on where an interrupted run stopped, and finish with the caller's report."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

import data_schemas
from data_schemas.config import Config
from data_schemas.errors import PoseAuditError
from pipeline.audit.data_summary import summarise_data
from pipeline.audit.rounds import DecidedLabels, adopt_rounds, figures_of_round, open_round
from pipeline.audit.stages import SCHEMAS, STAGES, Context, Stage
from pipeline.readers import Source, recognise
from pipeline.readers.taxonomy import named_files, taxonomy_of
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.progress import StageProgress
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_DATA = "pipeline.audit.data_summary"

ReportWriter = Callable[[RunFolder], None]
"""Writes the report of a run into its folder; where the code of its module has changed, the report is written anew."""

_NOT_RESULTS: Any = dict.fromkeys(("export", "proof", "retrain", "review", "run"), True) | {"source": {"path", "format"}}
"""Configuration that no result depends on; where the source lies is separate from how it is read."""

OnData = Callable[[dict[str, Any]], None]
"""Takes the summary of what was read (:mod:`pipeline.audit.data_summary`), before anything is made of it."""


def run_audit(
    source: Path,
    config: Config,
    *,
    workspace: Workspace,
    write_report: ReportWriter,
    stage_progress: StageProgress,
    on_data: OnData | None = None,
    decided: DecidedLabels | None = None,
) -> tuple[RunFolder, bool]:
    """Audit ``source`` and return the run's folder, and whether anything had to be done.

    A run is known by its source manifest, configuration and code, and by what was ``decided``, where that is laid over the labels
    given: the same again goes on in its folder, or is already done. Only the report is drawn anew where nothing else changed than
    what draws it. Its round is that of the source and configuration, whatever the code was.

    Raises
    ------
    SourceError
        Nothing readable lies at ``source``.
    TooFewDataError
        The clips were read and listed, but cannot be audited.
    WorkspaceError
        The disk failed; what was finished is kept.
    """
    recognised = recognise(source, format=config.source.format)
    code = {"version": data_schemas.__version__, "code": code_version("pipeline.audit.stages")}
    facts = {
        "source": str(source.resolve()),
        "format": recognised.name,
        "config": config.model_dump(mode="json", exclude=_NOT_RESULTS),
        "named_files": named_files(config),
    }
    manifest = recognised.manifest()
    base = digest(facts, manifest)
    stretches = decided.stretches if decided is not None and len(decided.stretches) else None
    run_hash = digest(base, code, None if decided is None or stretches is None else decided.hash)
    with workspace.locked():
        adopt_rounds(
            workspace, base, facts=facts, manifest=manifest, defaults=Config().model_dump(mode="json", exclude=_NOT_RESULTS)
        )
        folder = workspace.run_of(run_hash, {**code, **facts, "round": open_round(workspace, base, decided)})
        done = folder.record().get("finished") and not _stale_stages(folder, run_hash)
        if done and _is_drawn(folder, write_report, workspace=workspace):
            workspace.name_latest(folder)
            if on_data is not None:
                on_data(_keep_data(folder, {}, config=config, again=False))
            return folder, False
        shared: dict[str, Any] = {
            "workspace": workspace,
            "config": config,
            "write_report": write_report,
            "stage_progress": stage_progress,
            "on_data": on_data,
        }
        _run_stages(folder, run_hash, source=recognised, decided=stretches, **shared)
        workspace.name_latest(folder)
    return folder, True


def _run_stages(
    folder: RunFolder,
    run_hash: str,
    *,
    workspace: Workspace,
    source: Source,
    config: Config,
    write_report: ReportWriter,
    stage_progress: StageProgress,
    on_data: OnData | None,
    decided: pd.DataFrame | None,
) -> None:
    folder.log("run", run_hash=run_hash)
    stale = _stale_stages(folder, run_hash)
    tables: dict[str, pd.DataFrame] = {}
    shared: dict[str, Any] = {"source": source, "config": config, "decided": decided}
    for stage in STAGES:
        if stage in stale:
            _run_stage(stage, folder, tables=tables, fingerprint=_key(stage, run_hash), stage_progress=stage_progress, **shared)
        if stage.name == "cut":
            data = _keep_data(folder, tables, config=config, again=stage in stale)
            if on_data is not None:
                on_data(data)
    _keep_figures(folder, tables)
    with stage_progress("report"):
        started = time.monotonic()
        folder.log("stage", stage="report")
        # Counted before it is drawn: what is decided meanwhile is newer.
        size = _review_size(workspace)
        write_report(folder)
        _note(folder, "report", seconds=time.monotonic() - started, code=code_version(write_report.__module__), review=size)
    folder.drop_arrays()
    folder.save_record({**folder.record(), "finished": True})
    folder.log("finished")


def _run_stage(
    stage: Stage,
    folder: RunFolder,
    *,
    tables: dict[str, pd.DataFrame],
    fingerprint: str,
    source: Source,
    config: Config,
    decided: pd.DataFrame | None,
    stage_progress: StageProgress,
) -> None:
    started = time.monotonic()
    folder.log("stage", stage=stage.name)
    for name in stage.needs:
        if name not in tables:
            tables[name] = folder.read_table(name, SCHEMAS[name])
    with stage_progress(stage.name) as progress:
        context = Context(
            source=source,
            config=config,
            checkpoints=folder,
            progress=progress,
            taxonomy=taxonomy_of(source.name, config),
            decided=decided,
        )
        try:
            made = stage.run(tables, context)
        except PoseAuditError as error:
            folder.log("refused", stage=stage.name, error=error.message)
            raise
        for name in stage.makes:
            folder.write_table(name, made[name], schema=SCHEMAS[name], fingerprint=fingerprint)
    tables.update(made)
    _note(folder, stage.name, seconds=time.monotonic() - started, rows={n: len(made[n]) for n in stage.makes})


def _keep_data(folder: RunFolder, tables: dict[str, pd.DataFrame], *, config: Config, again: bool) -> dict[str, Any]:
    """Keep in run.json what was read, and return it."""
    record, code = folder.record(), code_version(_DATA)
    if again or record.get("data", {}).get("code") != code:
        needed = ("clips", "frames", "rejected", "notes", "reviewed", "windows")
        whole = {name: tables[name] if name in tables else folder.read_table(name, SCHEMAS[name]) for name in needed}
        record["data"] = summarise_data(whole, config=config).as_json() | {"code": code}
        folder.save_record(record)
    data: dict[str, Any] = record["data"]
    return data


def _keep_figures(folder: RunFolder, tables: dict[str, pd.DataFrame]) -> None:
    """Keep in run.json how far the models can be trusted, and what this round found, to be laid beside the other rounds."""
    needed = ("frames", "reviewed", "windows", "trust", "issues", "segments")
    whole = {name: tables[name] if name in tables else folder.read_table(name, SCHEMAS[name]) for name in needed}
    trust = whole["trust"].round(4).to_dict("records")
    record = folder.record() | {"trust": trust}
    folder.save_record({**record, "round": {**record["round"], **figures_of_round(whole)}})


def _is_drawn(folder: RunFolder, write_report: ReportWriter, *, workspace: Workspace) -> bool:
    """Tell whether the report was drawn by the code of now, with all that was decided; what cannot be read is not newer."""
    drawn = folder.record()["stages"].get("report") or {}
    size = _review_size(workspace)
    return drawn.get("code") == code_version(write_report.__module__) and (size is None or drawn.get("review") == size)


def _review_size(workspace: Workspace) -> list[int] | None:
    """Return how much was decided, as JSON keeps it."""
    from pipeline.review.access import stored_size

    size = stored_size(workspace)
    return None if size is None else list(size)


def _note(folder: RunFolder, stage: str, **figures: Any) -> None:
    record = folder.record()
    record["stages"][stage] = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
    folder.save_record(record)
    folder.log("made", stage=stage, **figures)


def _key(stage: Stage, run_hash: str) -> str:
    """Return the hash of what a stage's files are made from: the run and all stages before it."""
    before = [s.name for s in STAGES[: STAGES.index(stage)] if set(s.makes) & set(stage.needs)]
    return digest(run_hash, stage.name, before)


def _stale_stages(folder: RunFolder, run_hash: str) -> list[Stage]:
    """Return the stages to run: those with a file that is missing or made from something else, and all that build on them."""
    stale: list[Stage] = []
    remade: set[str] = set()
    for stage in STAGES:
        whole = all(folder.fingerprint(name) == _key(stage, run_hash) for name in stage.makes)
        if not whole or remade & set(stage.needs):
            stale.append(stage)
            remade |= set(stage.makes)
    return stale
