"""Inject known errors into copies of audited data, audit the copies, and count how many are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data_schemas.config import Config, load_config
from data_schemas.errors import TooFewDataError, UsageError
from data_schemas.progress import Progress
from data_schemas.tables import INJECTED_KINDS, SELFTEST, text
from pipeline.audit.run import ReportWriter, run_audit
from pipeline.audit.stages import SCHEMAS, STAGES, Context
from pipeline.readers import Source, recognise
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.selftest.injection import InjectedErrors, inject_errors
from pipeline.selftest.recovery import FEWEST_WINDOWS, findings, nothing_injected, recovery, selftest_table
from pipeline.selftest.source_index import SourceIndex, index_source
from pipeline.windows.folds import FEWEST_GROUPS
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.progress import StageProgress
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

KINDS = INJECTED_KINDS
SHARES = (0.05, 0.15, 0.30)

_MADE_BY = ("pipeline.selftest.injection", "pipeline.selftest.recovery")
"""What the row of a copy follows from beside the stages: the words about it may change."""

_LARGEST_SHARE = 0.5
_NO_CHANGES = "no clip has a change between labels of its own frames, so no boundary can be shifted"


@dataclass(frozen=True)
class SelftestPlan:
    """Which errors are going to be injected, into which audited data.

    Attributes
    ----------
    folder : RunFolder
        The run of the data as they are.
    tables : dict
        Its tables.
    index : SourceIndex
        The same, indexed for injection.
    audits : tuple
        Kind and share of every copy to audit.
    left_out : dict
        Kind and share that these data cannot have, and why.
    untested : tuple
        Species that are left as they are, since too few groups or classes are there, and what there is.
    seed : int
        The same seed injects the same errors.
    """

    workspace: Workspace
    folder: RunFolder
    source: Source
    config: Config
    tables: dict[str, pd.DataFrame]
    index: SourceIndex
    audits: tuple[tuple[str, float], ...]
    left_out: dict[tuple[str, float], str]
    untested: tuple[str, ...]
    seed: int

    @property
    def seconds(self) -> float:
        """Return about how long all audits take, by the times of the run's own stages."""
        stages = self.folder.record().get("stages", {})
        one = sum(float((stages.get(s.name) or {}).get("seconds", 0.0)) for s in STAGES if s.name != "read")
        return one * len(self.audits)


def prepare_selftest(
    workspace: Workspace,
    *,
    kinds: Sequence[str],
    shares: Sequence[float],
    seed: int,
    options: dict[str, dict[str, Any]],
    write_report: ReportWriter,
    stage_progress: StageProgress,
) -> SelftestPlan:
    """Find the audit of the data as they are, or make it, and say what can be injected.

    The newest finished run is tested, with its own source and configuration; where its source or the code has changed since,
    or where there is none, the data are audited first.

    Raises
    ------
    UsageError
        A kind is not known, a share is not between 0 and 0.5, or no source is named.
    TooFewDataError
        The data are too few for a selftest.
    """
    _require_known(kinds, shares)
    config = _config_to_test(workspace, options)
    source = recognise(Path(config.source.path), format=config.source.format)
    shown = workspace.latest()
    folder, _ = run_audit(
        Path(config.source.path), config, workspace=workspace, write_report=write_report, stage_progress=stage_progress
    )
    if shown is not None and shown.record().get("round", {}).get("base") == folder.record()["round"]["base"]:
        # Errors are injected into the labels as given; the later round that people look at, and asked for last, stays the newest.
        workspace.name_latest(workspace.run_of(str(shown.record()["run_hash"]), {}))
    tables = {name: folder.read_table(name, schema) for name, schema in SCHEMAS.items()}
    species, untested = _testable_species(tables["windows"])
    index = index_source(
        tables["clips"], tables["frames"], tables["windows"], species=species, max_gap_ms=config.windows.max_gap_ms
    )
    asked = [(kind, share) for kind in dict.fromkeys(kinds) for share in sorted(set(shares))]
    left_out = {} if index.per_frame else {pair: _NO_CHANGES for pair in asked if pair[0] == "boundary"}
    audits = tuple(pair for pair in asked if pair not in left_out)
    return SelftestPlan(workspace, folder, source, config, tables, index, audits, left_out, untested, seed)


def run_selftest(selftest: SelftestPlan, *, write_report: ReportWriter, stage_progress: StageProgress) -> dict[str, Any]:
    """Audit every copy with injected errors and return what came back; the run's folder keeps the table, and the report shows it.

    A copy that was audited before is not audited again, and an interrupted one goes on with its finished networks.

    Raises
    ------
    TooFewDataError
        No copy had enough windows for a share.
    """
    run_hash = str(selftest.folder.record()["run_hash"])
    rows: list[dict[str, object]] = [
        {"kind": kind, "share": share, "seed": selftest.seed, **nothing_injected(reason)}
        for (kind, share), reason in selftest.left_out.items()
    ]
    with selftest.workspace.locked():
        for number, (kind, share) in enumerate(selftest.audits, start=1):
            with stage_progress(f"{number}/{len(selftest.audits)} {kind} {share:.0%}") as progress:
                rows.append(_one_row(selftest, run_hash, kind=kind, share=share, progress=progress))
        table = selftest_table(sorted(rows, key=lambda r: (INJECTED_KINDS.index(str(r["kind"])), r["share"])))
        _require_a_score(table)
        selftest.folder.write_table("selftest", table, schema=SELFTEST, fingerprint=run_hash)
        write_report(selftest.folder)
    return findings(table, run_dir=selftest.folder.path, untested=selftest.untested)


def _one_row(selftest: SelftestPlan, run_hash: str, *, kind: str, share: float, progress: Progress) -> dict[str, object]:
    """Return the row of one copy: as it was stored, or by injecting errors and auditing it."""
    key = digest(run_hash, code_version(*_MADE_BY), kind, share, selftest.seed)
    place = RunFolder(selftest.workspace.root / "selftest" / f"{kind}-{share:g}-{key[:8]}")
    if place.fingerprint("selftest") == key:
        stored = place.read_table("selftest", SELFTEST).astype(object).iloc[0]
        return {str(name): value for name, value in stored.items()}
    injected = inject_errors(selftest.index, kind, share=share, seed=selftest.seed)
    if len(injected.windows) < FEWEST_WINDOWS:
        room = f"{len(injected.windows)} windows could be injected, {FEWEST_WINDOWS} are needed for a share"
        scores = nothing_injected(room, counts={"windows": len(injected.windows), "stretches": len(injected.spans)})
    else:
        issues = _audit(selftest, injected, place, progress=progress)
        windows, before = selftest.tables["windows"], selftest.tables["issues"]
        scores = recovery(injected, issues, before=before, windows=windows, target=selftest.index.target)
    row = {"kind": kind, "share": share, "seed": selftest.seed, **scores}
    place.write_table("selftest", selftest_table([row]), schema=SELFTEST, fingerprint=key)
    place.drop_arrays()
    return row


def _audit(selftest: SelftestPlan, injected: InjectedErrors, place: RunFolder, *, progress: Progress) -> pd.DataFrame:
    """Run all stages after reading on a copy with injected errors and return its issues."""
    context = Context(
        source=selftest.source,
        config=selftest.config,
        checkpoints=place,
        progress=progress,
        taxonomy=taxonomy_of(selftest.source.name, selftest.config),
    )
    # What was reviewed would cover what is injected.
    unreviewed = selftest.tables["reviewed"].head(0)
    tables = {**selftest.tables, "clips": injected.clips, "frames": injected.frames, "reviewed": unreviewed}
    for stage in (stage for stage in STAGES if "clips" not in stage.makes):
        tables |= stage.run(tables, context)
        if "windows" in stage.makes:
            tables["windows"] = _split_as_before(tables["windows"], selftest.tables["windows"])
    return tables["issues"]


def _split_as_before(windows: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Give every window the split that it had: drawn by the labels of the copy, other groups would be the hold-out."""
    split = windows["window_id"].map(before.set_index("window_id")["split"]).fillna("left_out")
    part = windows[split == "audit"]
    groups = part.groupby(["species", "target"])["group"].transform("nunique")
    # A class that injection left to a single group cannot be predicted by anything that knows it.
    split[groups.index[groups < 2]] = "left_out"
    return windows.assign(split=text(split.to_numpy(object)))


def _config_to_test(workspace: Workspace, options: dict[str, dict[str, Any]]) -> Config:
    """Return the newest finished run's configuration, or audit.toml's; how the work is done comes from audit.toml and options."""
    config = workspace.config(options)
    run = workspace.latest()
    if run is not None:
        record = run.record()
        source = {"path": record["source"], "format": record["format"]}
        config = load_config(None, overrides={**record["config"], "source": source, "run": config.run.model_dump()})
    if not config.source.path:
        raise UsageError(
            f"{workspace.root.resolve()}: no run yet, and no source is named",
            hint=f"audit run YOUR_CLIPS -w {workspace.root}, then this again",
        )
    return config


def _require_known(kinds: Sequence[str], shares: Sequence[float]) -> None:
    for kind in kinds:
        if kind not in INJECTED_KINDS:
            raise UsageError(f"{kind!r}: not a kind that can be injected", hint=f"kinds are {', '.join(INJECTED_KINDS)}")
    for share in shares:
        if not 0 < share <= _LARGEST_SHARE:
            raise UsageError(f"share {share:g}: not between 0 and {_LARGEST_SHARE}", hint="for example --shares 0.05 0.15 0.30")
    if not kinds or not shares:
        raise UsageError("nothing to inject", hint="name at least one kind and one share, or leave both options out")


def _testable_species(windows: pd.DataFrame) -> tuple[list[str], tuple[str, ...]]:
    """Return the species with enough groups and classes for a selftest, and what the others have.

    Raises
    ------
    TooFewDataError
        None has enough; the message says what there is.
    """
    enough, untested = [], []
    for species, part in windows[windows["split"] == "audit"].groupby("species"):
        groups, by_class = part["group"].nunique(), part.groupby("target")["group"].nunique()
        shown = int((by_class >= 2).sum())
        if groups >= FEWEST_GROUPS and shown >= 2:
            enough.append(str(species))
        else:
            untested.append(f"{species} has {groups} groups to audit, and {shown} classes that at least two of them show")
    if not enough:
        raise TooFewDataError(
            f"too few data for a selftest: {'; '.join(untested)}",
            hint=f"needed: a species with at least {FEWEST_GROUPS} groups (animals or recordings) beside the hold-out, "
            "and two classes that at least two of them show",
        )
    return enough, tuple(untested)


def _require_a_score(table: pd.DataFrame) -> None:
    if table["recall"].isna().all():
        reasons = dict.fromkeys(f"{k} {s:.0%}: {n}" for k, s, n in table[["kind", "share", "note"]].itertuples(index=False))
        raise TooFewDataError(
            f"too few data for a selftest: {'; '.join(reasons)}",
            hint=f"needed: at least {FEWEST_WINDOWS} injected windows; give more clips, or larger --shares",
        )
