"""The whole of `audit retrain`: skip the models that are fresh, train the others, compare all, and write figures and cards.

::

    run, decisions ── training set of each arm ── models ── models/<arm>/<species>
    blind samples ───────────────────────────────────┴── comparison ── retrain/retrain.json, model cards
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import data_schemas
from data_schemas.config import Config
from data_schemas.files import read_json_object
from data_schemas.progress import Progress
from data_schemas.tables import ARM_PREDICTIONS, probability_columns, text
from model.card import write_model_card
from model.classifier import BehaviorClassifier
from pipeline.evaluation.model_comparison import VerifiedHoldout, compare_arms, measures_of, still_needed, verified_holdout
from pipeline.evaluation.verified_windows import inclusion_probabilities, sample_states
from pipeline.retraining.experiment_tracking import Tracker
from pipeline.retraining.inputs import TrainingInputs, read_inputs
from pipeline.retraining.model_cards import card_of
from pipeline.retraining.models import Models
from pipeline.retraining.training import ModelSpec
from pipeline.retraining.training_conditions import CURVE, Arm, arms_of, learning_curve_conditions, training_condition
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.progress import StageProgress
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

_RESULT = "retrain.json"


@dataclass(frozen=True)
class RetrainResult:
    """What a retraining found (retrain.json), and whether anything had to be done."""

    found: dict[str, Any]
    folder: RunFolder
    worked: bool


@dataclass(frozen=True)
class _Plan:
    """All models that have to be there, and the hold-out windows that are verified, by species."""

    arms: tuple[Arm, ...]
    reviewed_frames: int
    of_arms: list[ModelSpec]
    of_curve: list[ModelSpec]
    verified: dict[str, VerifiedHoldout]

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        return (*self.of_arms, *self.of_curve)


def retrain_arms(
    place: Workspace, config: Config, *, tracker: Tracker | None = None, stage_progress: StageProgress
) -> RetrainResult:
    """Train the arms on the newest finished run and compare them; what is fresh is skipped.

    Parameters
    ----------
    config
        That of audit.toml and the command line: its sections ``retrain``, ``export`` and ``run`` count here.

    Raises
    ------
    StageError
        There is no finished run, or another process works in this workspace.
    TooFewDataError
        The arm ``reviewed`` is asked for and nothing was reviewed, or an arm has no training windows.
    WorkspaceError
        The disk refuses; models that were finished are kept.
    """
    with place.locked():
        inputs = read_inputs(place, config)
        with stage_progress("plan") as progress:
            models = Models(inputs)
            plan = _plan(inputs, models, progress=progress)
        worked = _train(plan, models, stage_progress=stage_progress)
        trained = [(spec.condition.arm, spec.condition.share, spec.key) for spec in plan.specs]
        key = digest(code_version("pipeline.retraining.retrain"), trained, _compared_with(plan, inputs))
        known = _known(models.own, key)
        if known is None:
            worked = True
            with stage_progress("compare"):
                known = _compare(plan, inputs, models, key=key)
        models.drop_all_but(plan.specs)
        if tracker is not None:
            _track(plan, models, known, tracker=tracker)
            tracker.close()
    return RetrainResult(known, inputs.folder, worked)


def _plan(inputs: TrainingInputs, models: Models, *, progress: Progress) -> _Plan:
    settings, decisions = inputs.config.retrain, inputs.decisions
    reviewed_frames = inputs.clean(decisions)[1]
    arms = arms_of(inputs, settings.conditions, reviewed_frames=reviewed_frames)
    verified = _verified(inputs)
    enough = {species for species, v in verified.items() if not any(still_needed(v))}
    drawn = settings.learning_curve and "reviewed" in arms and bool(enough)
    total = len(arms) + (len(CURVE) - 1 if drawn else 0)
    conditions, points = [], []
    for arm in arms:
        conditions.append(training_condition(inputs, arm, decisions, share=1.0, trust=models.trust))
        progress(len(conditions), total)
    for point in learning_curve_conditions(inputs, trust=models.trust) if drawn else ():
        points.append(point)
        progress(len(conditions) + len(points), total)
    of_arms = [spec for own in conditions for spec in models.specs(own, keep=True)]
    of_curve = [spec for point in points for spec in models.specs(point, keep=False) if spec.species in enough]
    if drawn:
        of_curve += [spec for spec in of_arms if spec.condition.arm == "reviewed" and spec.species in enough]
    return _Plan(arms=arms, reviewed_frames=reviewed_frames, of_arms=of_arms, of_curve=of_curve, verified=verified)


def _verified(inputs: TrainingInputs) -> dict[str, VerifiedHoldout]:
    """Return the verified hold-out windows of every species."""
    states = None
    if inputs.blind_samples is not None:
        samples = inputs.blind_samples
        states = sample_states(samples, inputs.blind_events, inputs.windows, frames=inputs.frames)
        chances = inclusion_probabilities(samples, states, stratum="holdout", members=inputs.held_out)
        states = states.assign(inclusion_probability=chances)
    found = {}
    for species, classes in inputs.classes.items():
        holdout = inputs.windows.iloc[inputs.rows(species, split="holdout")]
        found[species] = verified_holdout(states, holdout, classes=classes, target=inputs.target_of(species))
    return found


def _train(plan: _Plan, models: Models, *, stage_progress: StageProgress) -> bool:
    """Train what is missing or stale; return whether anything was."""
    stale = models.stale(plan.specs)
    if not stale:
        return False
    with stage_progress("search"):
        steps = {species: models.optimizer_steps(species) for species in dict.fromkeys(spec.species for spec in stale)}
    with stage_progress("train") as progress:
        models.train(stale, optimizer_steps=steps, progress=progress)
    return True


def _compared_with(plan: _Plan, inputs: TrainingInputs) -> list[Any]:
    """Return what the figures follow from beside the models, as JSON values."""
    verified = [
        (species, v.row.tolist(), v.true.tolist(), v.weight.tolist(), v.held_out, v.unsure, v.out_of_taxonomy)
        for species, v in plan.verified.items()
    ]
    return [plan.arms, verified, plan.reviewed_frames, len(inputs.decisions)]


def _known(own: RunFolder, key: str) -> dict[str, Any] | None:
    """Return the figures that were written, if they are made from the same."""
    try:
        found = read_json_object(own.path / _RESULT)
    except (OSError, ValueError):
        return None
    return found if own.fingerprint("predictions") == key and found.get("fingerprint") == key else None


def _compare(plan: _Plan, inputs: TrainingInputs, models: Models, *, key: str) -> dict[str, Any]:
    """Compare the arms, and write predictions, cards and figures, the figures last."""
    species = {name: _species(name, plan, inputs, models) for name in inputs.classes}
    found = {
        "run_id": inputs.folder.path.name,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": key,
        "pose_audit": data_schemas.__version__,
        "seed": inputs.config.folds.seed,
        "groups_are": inputs.config.groups.by,
        "decisions": len(inputs.decisions),
        "reviewed_frames": plan.reviewed_frames,
        "frames": len(inputs.frames),
        "species": species,
        "bundles": {arm: f"models/{arm}" for arm in plan.arms},
    }
    predictions = _predictions(plan, inputs, models)
    models.own.write_table("predictions", predictions, schema=ARM_PREDICTIONS, fingerprint=key)
    for spec in plan.of_arms:
        if spec.bundle is not None:
            plain = BehaviorClassifier.load(spec.bundle, device="cpu").card()
            write_model_card(spec.bundle, card_of(plain, spec, found, inputs))
    models.own.write_bytes(_RESULT, json.dumps(found, ensure_ascii=False, indent=2).encode())
    return found


def _species(name: str, plan: _Plan, inputs: TrainingInputs, models: Models) -> dict[str, Any]:
    verified, classes = plan.verified[name], inputs.classes[name]
    specs = {spec.condition.arm: spec for spec in plan.of_arms if spec.species == name}
    predictions: dict[str, NDArray[np.float32]] = {arm: models.predictions(spec) for arm, spec in specs.items()}
    windows, groups = still_needed(verified)
    curve = sorted((spec for spec in plan.of_curve if spec.species == name), key=lambda spec: spec.condition.share)
    return {
        "classes": classes,
        "optimizer_steps": models.optimizer_steps(name),
        "training_windows": {arm: len(spec.target) for arm, spec in specs.items()},
        "verified": {
            "windows": len(verified),
            "groups": verified.groups,
            "needed_windows": windows,
            "needed_groups": groups,
            "held_out_groups": verified.held_out,
            "left_out_unsure": verified.unsure,
            "left_out_of_taxonomy": verified.out_of_taxonomy,
        },
        **compare_arms(verified, predictions, classes=classes),
        "curve": [
            {
                "share": spec.condition.share,
                "reviewed_frames": spec.condition.reviewed_frames,
                "measures": measures_of(verified, models.predictions(spec)),
            }
            for spec in curve
        ],
    }


def _predictions(plan: _Plan, inputs: TrainingInputs, models: Models) -> pd.DataFrame:
    """Return the probabilities of each arm's model for every window of the hold-out."""
    names = probability_columns(sorted({c for classes in inputs.classes.values() for c in classes}))
    parts = []
    for spec in plan.of_arms:
        rows = inputs.rows(spec.species, split="holdout")
        own = pd.DataFrame(models.predictions(spec), columns=probability_columns(inputs.classes[spec.species]))
        window_id = inputs.windows["window_id"].iloc[rows].array
        parts.append(own.reindex(columns=names).assign(window_id=window_id, arm=text([spec.condition.arm] * len(rows))))
    table = pd.concat(parts, ignore_index=True)
    return table[["window_id", "arm", *names]].astype(dict.fromkeys(names, "float32"))


def _track(plan: _Plan, models: Models, found: dict[str, Any], *, tracker: Tracker) -> None:
    for spec in plan.of_arms:
        arm, losses = spec.condition.arm, models.losses(spec)
        if losses is not None:
            tracker.losses(arm, spec.species, dict(zip(models.views, losses, strict=True)))
        figures = found["species"][spec.species]["arms"].get(arm)
        if figures is not None:
            tracker.figures(arm, spec.species, {name: v["value"] for name, v in figures["measures"].items()})
