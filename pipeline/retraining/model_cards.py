"""The model cards of the arms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import convert

from model.card import Figure, ModelCard
from pipeline.report.comparison.comparison_text import missing_windows
from pipeline.report.comparison.results import Species
from pipeline.report.formatting import counted
from pipeline.report.trust_text import GROUPS
from pipeline.retraining.inputs import TrainingInputs
from pipeline.retraining.training import ModelSpec
from pipeline.workspace.hashes import digest

_LABELS = {
    "given": "all labels as they were given",
    "pruned": "the given labels, or others where the audit relabels them; nobody looked at any",
    "reviewed": "reviewed labels where people looked, else the given labels that the audit trusts",
}

_FEW = 100
"""A class with fewer windows in training is named among the limits."""


def card_of(plain: ModelCard, spec: ModelSpec, found: dict[str, Any], inputs: TrainingInputs) -> ModelCard:
    """Return the card of an arm's bundle: what its data were, what was decided, and what it is worth.

    Parameters
    ----------
    plain
        The classifier's own card.
    found
        retrain.json.
    """
    arm, species, trained_on = spec.condition.arm, spec.species, spec.condition.windows
    result, record = found["species"][species], inputs.record
    own = trained_on[trained_on["species"] == species]
    count, windows = Counter(own["target"]), inputs.windows.set_index("window_id").loc[own["window_id"]]
    classes = {name: count[name] for name in result["classes"]}
    group = GROUPS[found["groups_are"]]
    data = {
        "source": record["source"],
        "run": f"{found['run_id']} (run hash {record['run_hash']})",
        "source hash": digest(inputs.clips[["clip_id", "source", "source_hash"]].to_dict("list")),
        "trained on": _LABELS[arm],
        f"{group}s": f"{windows['group'].nunique():,}",
        "clips": f"{windows['clip_id'].nunique():,}",
        "windows": f"{len(windows):,}",
        "held out": f"{counted(result['verified']['held_out_groups'], group)}, never trained on",
        **(_decisions(inputs, found) if arm == "reviewed" else {}),
    }
    training = {**plain.training, "seed": found["seed"], "hash": spec.key}
    return replace(
        plain,
        name=f"{plain.name}, arm {arm}",
        classes=classes,
        data=data,
        training=training,
        figures=_figures(result, arm, group=group),
        limits=_limits(result, arm, classes=classes, group=group),
    )


def _decisions(inputs: TrainingInputs, found: dict[str, Any]) -> dict[str, object]:
    events = inputs.decisions
    share = found["reviewed_frames"] / found["frames"]
    return {
        "decisions": f"{len(events):,} events of {events['reviewer'].nunique()} reviewers, the newest of {events['at'].max()}",
        "reviewed frames": f"{found['reviewed_frames']:,} of {found['frames']:,} ({share:.1%})",
        "decisions hash": digest(sorted(events["event_id"])),
    }


def _figures(result: dict[str, Any], arm: str, *, group: str) -> list[Figure]:
    measured = result["arms"].get(arm)
    if measured is None:
        return []
    verified = result["verified"]
    on = f"{counted(verified['groups'], f'held-out {group}')}, {counted(verified['windows'], 'window')} labelled blind"
    rows = {**measured["measures"], **{f"F1 of {name}": v for name, v in measured["class_f1"].items()}}
    figures = [Figure(name, v["value"], v["low"], v["high"], on) for name, v in rows.items() if v["value"] is not None]
    error = measured["calibration_error"]
    return figures if error is None else [*figures, Figure("calibration error", error, on=f"{on}; no interval holds for it")]


def _limits(result: dict[str, Any], arm: str, *, classes: dict[str, int], group: str) -> list[str]:
    few = [f"{name} ({count})" for name, count in classes.items() if count < _FEW]
    limits = [f"Trained on few windows: {', '.join(few)}."] if few else []
    if result["arms"].get(arm) is None:
        limits.append(
            f"How good it is, is not known: {missing_windows(convert(result, Species), group=group, workspace=Path())}."
        )
    if arm == "given":
        limits.append("Its labels are as wrong as the data's: it is there to be compared with.")
    return limits
