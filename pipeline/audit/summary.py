"""What a run found, in figures: the same for the end of `audit run`, for `audit status` and for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from data_schemas.errors import StageError
from pipeline.audit.rounds import rounds_of
from pipeline.audit.stages import SCHEMAS, STAGES
from pipeline.review.segment_states import unreviewed
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_MANY_ORPHANS = 100
"""Orphans that are listed; all are counted."""


def summarise(folder: RunFolder, events: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return a run's figures as JSON values; what its stages have not made yet is absent or empty.

    Parameters
    ----------
    events
        Review events of the workspace: by them segments are decided, and decisions over frames that are gone are counted.
    """
    tables = {name: _table(folder, name) for stage in STAGES for name in stage.makes if name not in ("frames", "oof")}
    record = folder.record()
    windows, issues, segments = tables["windows"], tables["issues"], tables["segments"]
    own_round = record.get("round") or {}
    queue = segments[segments["split"] != "holdout"] if segments is not None else None
    states = segments_by_state(folder, queue, events)
    return {
        "run_dir": str(folder.path.resolve()),
        "source": record.get("source"),
        "format": record.get("format"),
        "finished": bool(record.get("finished")),
        "data": record.get("data"),
        "trust": record.get("trust", []),
        "stages": {s: record.get("stages", {}).get(s) for s in [*(s.name for s in STAGES), "report"]},
        "clips": clip_list(tables["clips"], windows),
        "windows": 0 if windows is None else len(windows),
        "windows_by_split": {} if windows is None else _counts(windows["split"]),
        "windows_unlabelled": 0 if windows is None else int(windows["label"].isna().sum()),
        "without_holdout": [] if windows is None else without_holdout(windows, record),
        "left_out_classes": {} if windows is None else left_out_classes(windows),
        "rejected": 0 if tables["rejected"] is None else len(tables["rejected"]),
        "notes": 0 if tables["notes"] is None else len(tables["notes"]),
        "flagged": 0 if issues is None else int((issues["is_issue"] & (issues["split"] == "audit")).sum()),
        "label_errors": []
        if issues is None or windows is None
        else label_errors(unreviewed(issues, windows, record.get("trust", []))),
        "segments": 0 if queue is None else len(queue),
        **{f"segments_{state}": count for state, count in states.items()},
        "review": review_figures(folder, events),
        "round": own_round.get("number"),
        "rounds": _rounds(folder, own_round.get("base")),
        "top_segments": [] if queue is None else queue.head(5).drop(columns=["split"]).to_dict("records"),
    }


def segments_by_state(folder: RunFolder, queue: pd.DataFrame | None, events: pd.DataFrame | None) -> dict[str, int]:
    """Return how many segments of the queue are open, decided, unsure and disputed."""
    counts = {"open": 0 if queue is None else len(queue), "decided": 0, "unsure": 0, "disputed": 0}
    if queue is None or events is None or events.empty:
        return counts
    from pipeline.review.access import frames_of
    from pipeline.review.segment_states import segment_states, states_in_queue

    frames = frames_of(folder, set(events["clip_id"]) & set(queue["clip_id"]))
    found = states_in_queue(segment_states(queue, events, frames)).value_counts()
    return {state: int(found.get(state, 0)) for state in counts}


def review_figures(folder: RunFolder, events: pd.DataFrame | None) -> dict[str, Any]:
    """Return how much was reviewed, by whom, and the orphans: events over clips or frames that this run does not have."""
    if events is None or events.empty:
        return {"events": 0, "reviewers": [], "orphans": 0, "orphan_events": []}
    from pipeline.review.access import orphans_of

    orphans = orphans_of(folder, events)
    shown = orphans[["event_id", "clip_id", "start_frame", "end_frame", "reviewer", "stream", "reason"]].head(_MANY_ORPHANS)
    return {
        "events": len(events),
        "reviewers": sorted(events["reviewer"].unique()),
        "orphans": len(orphans),
        "orphan_events": shown.to_dict("records"),
    }


def clip_list(clips: pd.DataFrame | None, windows: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return every clip with its species, label (None: nobody labelled it), group, frames and windows."""
    if clips is None:
        return []
    per_clip = windows["clip_id"].value_counts() if windows is not None else pd.Series(dtype="int64")
    shown = clips[["clip_id", "species", "label", "subject_id", "frame_count"]].rename(columns={"frame_count": "frames"})
    label = shown["label"].astype(object).where(shown["label"].notna(), None)
    counted = shown.assign(label=label, windows=shown["clip_id"].map(per_clip).fillna(0).astype(int))
    return counted.to_dict("records")  # type: ignore[return-value]


def without_holdout(windows: pd.DataFrame, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the audited species of which no group is held out: how many groups there are, what these are, the share wanted."""
    config = record["config"]
    asked = {"groups_are": config["groups"]["by"], "holdout": config["folds"]["holdout"]}
    split = windows[windows["split"].isin(("audit", "holdout"))].groupby("species")
    return [
        {"species": str(species), "groups": int(part["group"].nunique()), **asked}
        for species, part in split
        if not (part["split"] == "holdout").any()
    ]


def label_errors(issues: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the expected error rate (``share``, 0..1) of every given label, its windows and those flagged, worst first."""
    expected = issues.assign(error=1.0 - issues["label_quality"].astype("float64"))
    grouped = expected.groupby(["species", "given_label"])
    shares = grouped.agg(windows=("is_issue", "size"), flagged=("is_issue", "sum"), share=("error", "mean")).reset_index()
    ordered = shares.sort_values(["share", "species", "given_label"], ascending=[False, True, True])
    return ordered.rename(columns={"given_label": "label"}).round({"share": 4}).to_dict("records")  # type: ignore[return-value]


def _table(folder: RunFolder, name: str) -> pd.DataFrame | None:
    try:
        return folder.read_table(name, SCHEMAS[name])
    except StageError:
        return None


def _rounds(folder: RunFolder, base: str | None) -> list[dict[str, Any]]:
    """Return the figures of all rounds of the run's source and configuration, without those of single classes."""
    found = [] if base is None else rounds_of(Workspace(folder.path.parent.parent), base)
    return [{name: value for name, value in of.items() if name not in ("base", "classes")} for of in found]


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(k): int(v) for k, v in column.value_counts().sort_index().items()}


def left_out_classes(windows: pd.DataFrame) -> dict[str, int]:
    """Return the clips of every class that takes no part, by species and label."""
    out = windows[windows["split"] == "left_out"]
    clips = out.groupby(["species", "label"])["clip_id"].nunique().reset_index()
    return {f"{species} {label}": int(count) for species, label, count in clips.itertuples(index=False)}
