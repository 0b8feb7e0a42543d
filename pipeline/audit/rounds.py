"""The rounds of a workspace: the audit of the labels as given, and one more each time that decisions are laid over them.

A round is a run of its own, known by what the plain audit is known by and by the stretches that were decided: the same decisions
have been audited, others make the next round. Rounds belong to a source and configuration, whatever the code was that audited
them, and all of them have the same hold-out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data_schemas.config import config_as_named_now
from data_schemas.errors import StageError
from pipeline.windows.label_spans import count_frames, reviewed_stretches
from pipeline.workspace.hashes import digest
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class DecidedLabels:
    """What reviewers of a workspace have decided.

    Attributes
    ----------
    stretches : DataFrame
        See ``REVIEWED``.
    events : int
        Review events that decide the label of some frame.
    """

    stretches: pd.DataFrame
    events: int

    @property
    def hash(self) -> str:
        """Return a hash of the decided stretches: the same decisions have the same."""
        return digest(self.stretches.astype(object).where(self.stretches.notna(), None).to_numpy().tolist())


def decided_so_far(workspace: Workspace, source: Path) -> DecidedLabels:
    """Return what the reviewers of a workspace decided about the frames of a source: each frame's label after review.

    Blind labels do not count; frames that nobody could label, and disputed ones, stay as given.

    Raises
    ------
    StageError
        The source has no finished audit here, so nobody can have looked at it.
    """
    # SQLAlchemy takes a while to import, which an audit without decisions need not pay.
    from pipeline.review.access import frames_of, stored_events
    from pipeline.review.frame_labels import review_frames

    folder = _newest_finished(workspace, source)
    if folder is None:
        raise StageError(
            f"{workspace.root.resolve()}: no finished audit of {source} yet, so there is nothing to review",
            hint=f"audit run {source} -w {workspace.root}, then `audit review`, then this again",
        )
    events = stored_events(workspace)
    frames = frames_of(folder, events["clip_id"].unique())
    after = review_frames(events, frames)
    return DecidedLabels(reviewed_stretches(after), events=int(after["event_id"].nunique()))


def open_round(workspace: Workspace, base: str, decided: DecidedLabels | None) -> dict[str, Any]:
    """Return what is known of a round before it is run: its number, the round before, and the decisions that it lays over.

    The same decisions make the same round, also where other code audits them anew.

    Parameters
    ----------
    base
        What the source and configuration are known by.
    """
    if decided is None or decided.stretches.empty:
        return {"number": 1, "base": base, "previous": None, "decisions_hash": None, "events": 0}
    known = rounds_of(workspace, base)
    same = next((r["number"] for r in known if r["decisions_hash"] == decided.hash), None)
    before = [r for r in known if same is None or r["number"] < same]
    last = before[-1] if before else None
    return {
        "number": same or 1 + (last["number"] if last else 1),
        "base": base,
        "previous": last["run_id"] if last else None,
        "decisions_hash": decided.hash,
        "events": decided.events,
    }


def adopt_rounds(
    workspace: Workspace, base: str, *, facts: Mapping[str, Any], manifest: Any, defaults: Mapping[str, Mapping[str, Any]]
) -> None:
    """Let rounds count on that earlier versions made of the same source and configuration, under another base.

    A base changes with every key that the configuration learns, and once held the code. So what a run recorded tells whether it
    is the same: its base follows from that and from the source as it lies there now, keys that had another name are read under
    that of now, and keys that it did not know have their defaults.

    Parameters
    ----------
    facts
        Source, format, configuration and named files, as of now.
    manifest
        The files of the source as of now.
    defaults
        The configuration that results depend on, where nobody says anything.
    """
    for folder in workspace.all_runs():
        record = folder.record()
        own = record.get("round")
        if not own or own["base"] == base or not all(name in record for name in facts):
            continue
        known = {name: record[name] for name in facts}
        old = {"version": record.get("version"), "code": record.get("code")} | known
        named_now = config_as_named_now(known["config"])[0]
        config = {section: {**keys, **named_now.get(section, {})} for section, keys in defaults.items()}
        if own["base"] in (digest(known, manifest), digest(old, manifest)) and known | {"config": config} == facts:
            folder.save_record(record | {"round": own | {"base": base}})


def figures_of_round(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the figures of a round, as JSON values: windows, flagged, reviewed, and how many labels should still be wrong.

    ``expected_wrong`` is the number of wrong labels that the audit itself expects among the windows that are not reviewed, and
    ``share_wrong`` their share of these (0..1), null where all are reviewed; ``classes`` holds the same for every label. All
    windows are audited ones: nobody reviews the hold-out.
    """
    windows, issues, reviewed = tables["windows"], tables["issues"], tables["reviewed"]
    issues = issues[issues["split"] == "audit"]
    trust = tables["trust"]
    blind = issues["species"].isin(trust.loc[~trust["better"], "species"]).to_numpy(bool)
    by_hand = issues["window_id"].isin(windows.loc[windows["reviewed"], "window_id"]).to_numpy(bool)
    error = (1.0 - issues["label_quality"].astype("float64"))[~by_hand & ~blind]
    classes = (
        issues[~by_hand & ~blind].assign(error=error).groupby(["species", "given_label"])["error"].agg(["size", "sum", "mean"])
    )
    segments = tables["segments"]
    return {
        "reviewed_frames": count_frames(tables["frames"], reviewed),
        "excluded_frames": count_frames(tables["frames"], reviewed[reviewed["label"].isna()]),
        "windows": len(issues),
        "reviewed_windows": int(by_hand.sum()),
        "flagged": int(issues["is_issue"].sum()),
        "segments": int((segments["split"] != "holdout").sum()),
        "expected_wrong": round(float(error.sum()), 1),
        "share_wrong": round(float(error.mean()), 4) if len(error) else None,
        "classes": [
            {
                "species": str(s),
                "label": str(c),
                "windows": int(n),
                "expected_wrong": round(total, 1),
                "share_wrong": round(mean, 4),
            }
            for (s, c), (n, total, mean) in zip(classes.index, classes.to_numpy().tolist(), strict=True)
        ],
    }


def rounds_of(workspace: Workspace, base: str) -> list[dict[str, Any]]:
    """Return the finished rounds with this base, in order: what run.json holds of each, its run and when that was started.

    Of a round that was audited more than once, by other code, the newest run stands for it.
    """
    found = []
    for folder in workspace.all_runs():
        record = folder.record()
        own = record.get("round")
        if own and own["base"] == base and record.get("finished"):
            found.append({"run_id": folder.path.name, "started": record["started"], **own})
    newest = {r["number"]: r for r in sorted(found, key=lambda r: (r["started"], r["run_id"]))}
    return [newest[number] for number in sorted(newest)]


def rounds_before(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the rounds that led to a run, in order, and the run itself where it has got so far; finished or not."""
    record = folder.record()
    own = record.get("round")
    if not own or "windows" not in own:
        return []
    before = [r for r in rounds_of(Workspace(folder.path.parent.parent), own["base"]) if r["number"] < own["number"]]
    return [*before, {"run_id": folder.path.name, "started": record["started"], **own}]


def earlier_rounds(folder: RunFolder) -> list[RunFolder]:
    """Return the runs of the rounds before this one, in order."""
    return [RunFolder(folder.path.parent / of["run_id"]) for of in rounds_before(folder)[:-1]]


def _newest_finished(workspace: Workspace, source: Path) -> RunFolder | None:
    """Return the newest finished run of a source: the one that people look at, where it is of this source."""
    latest = workspace.latest()
    runs = [*([latest] if latest is not None else []), *reversed(workspace.all_runs())]
    found = ((folder, folder.record()) for folder in runs)
    return next((folder for folder, r in found if r.get("finished") and r.get("source") == str(source.resolve())), None)
