"""The model cards of the arms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from model.card import Figure, ModelCard
from pipeline.retraining.material import Material
from pipeline.retraining.models import Wanted
from pipeline.retraining.words import GROUPS, needed_words
from pipeline.workspace import digest

__all__ = ["card_of"]

_LABELS = {
    "given": "all labels as they were given",
    "pruned": "the given labels that the audit trusts; nobody looked at them",
    "reviewed": "reviewed labels where people looked, else the given labels that the audit trusts",
}

_FEW = 100
"""A class with fewer windows in training is named among the limits."""


def card_of(plain: ModelCard, wanted: Wanted, found: dict[str, Any], material: Material) -> ModelCard:
    """Return the card of an arm's bundle: what its data were, what was decided, and what it is worth.

    Parameters
    ----------
    plain
        The classifier's own card.
    found
        retrain.json.
    """
    arm, species = wanted.lesson.arm, wanted.species
    told, record = found["species"][species], material.record
    own = wanted.lesson.taught[wanted.lesson.taught["species"] == species]
    taught, windows = Counter(own["target"]), material.windows.set_index("window_id").loc[own["window_id"]]
    classes = {name: taught[name] for name in told["classes"]}
    groups = GROUPS[found["groups_are"]]
    data = {
        "source": record["source"],
        "run": f"{found['run_id']} (identity {record['identity']})",
        "source hash": digest(material.clips[["clip_id", "source", "source_hash"]].to_dict("list")),
        "taught by": _LABELS[arm],
        groups: f"{windows['group'].nunique():,}",
        "clips": f"{windows['clip_id'].nunique():,}",
        "windows": f"{len(windows):,}",
        "held out": f"{told['verified']['held_out_groups']:,} {groups}, which taught nothing",
        **(_decisions(material, found) if arm == "reviewed" else {}),
    }
    training = {**plain.training, "seed": found["seed"], "updates of each network": told["updates"], "hash": wanted.key}
    return replace(
        plain,
        name=f"{plain.name}, arm {arm}",
        classes=classes,
        data=data,
        training=training,
        figures=_figures(told, arm, groups=groups),
        limits=_limits(told, arm, classes=classes, groups=groups),
    )


def _decisions(material: Material, found: dict[str, Any]) -> dict[str, object]:
    events = material.decisions
    share = found["reviewed_frames"] / found["frames"]
    return {
        "decisions": f"{len(events):,} events of {events['reviewer'].nunique()} reviewers, the newest of {events['at'].max()}",
        "reviewed frames": f"{found['reviewed_frames']:,} of {found['frames']:,} ({share:.1%})",
        "decisions hash": digest(sorted(events["event_id"])),
    }


def _figures(told: dict[str, Any], arm: str, *, groups: str) -> list[Figure]:
    measured = told["arms"].get(arm)
    if measured is None:
        return []
    on = f"{told['verified']['groups']} held-out {groups}, {told['verified']['windows']:,} windows labelled blind"
    rows = {**measured["measures"], **{f"F1 of {name}": v for name, v in measured["class_f1"].items()}}
    figures = [Figure(name, v["value"], v["low"], v["high"], on) for name, v in rows.items() if v["value"] is not None]
    error = measured["calibration_error"]
    return figures if error is None else [*figures, Figure("calibration error", error, on=f"{on}; no interval holds for it")]


def _limits(told: dict[str, Any], arm: str, *, classes: dict[str, int], groups: str) -> list[str]:
    few = [f"{name} ({count})" for name, count in classes.items() if count < _FEW]
    limits = [f"Taught by few windows: {', '.join(few)}."] if few else []
    if told["arms"].get(arm) is None:
        limits.append(f"How good it is cannot be told: {needed_words(told['verified'], groups=groups)}.")
    if arm == "given":
        limits.append("Its labels are as wrong as the data's: it is there to be compared with.")
    return limits
