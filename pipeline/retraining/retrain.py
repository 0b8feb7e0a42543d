"""The whole of `audit retrain`: skip the models that are fresh, train the others, compare all, and write figures and cards.

::

    run, decisions ── plan ── what each arm teaches ── models ── models/<arm>/<species>
    blind samples ────────────────────────────────────────┴── comparison ── retrain/retrain.json, model cards
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
from data_schemas.errors import WorkspaceError
from data_schemas.files import read_json_object
from data_schemas.progress import Progress
from data_schemas.tables import ARM_PREDICTIONS, probability_columns, text
from model.card import write_model_card
from model.classifier import BehaviorClassifier
from pipeline.audit.run import StageProgress
from pipeline.evaluation.arm_comparison import Verified, compare_arms, figures_of, needs, verified_of
from pipeline.evaluation.inclusion import union_chances
from pipeline.evaluation.verified_windows import sample_states
from pipeline.retraining.arms import Arm
from pipeline.retraining.cards import card_of
from pipeline.retraining.material import Material, read_material
from pipeline.retraining.models import Models, Wanted
from pipeline.retraining.plan import CURVE, arms_of, curve_lessons, lesson_of
from pipeline.retraining.tracking import Tracker
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

__all__ = ["Retrained", "retrain_arms"]

_RESULT = "retrain.json"


@dataclass(frozen=True)
class Retrained:
    """What a retraining found (retrain.json), and whether anything had to be done."""

    found: dict[str, Any]
    folder: RunFolder
    worked: bool


@dataclass(frozen=True)
class _Plan:
    """All models that have to be there, and the hold-out windows that are verified, by species."""

    arms: tuple[Arm, ...]
    reviewed_frames: int
    wanted: list[Wanted]
    curve: list[Wanted]
    verified: dict[str, Verified]


def retrain_arms(place: Workspace, config: Config, *, tracker: Tracker | None = None, stage_progress: StageProgress) -> Retrained:
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
        The arm ``reviewed`` is asked for and nothing was reviewed, or an arm has nothing to teach.
    WorkspaceError
        The disk refuses; models that were finished are kept.
    """
    with place.locked():
        material = read_material(place, config)
        with stage_progress("plan") as progress:
            models = Models(material)
            plan = _plan(material, models, progress=progress)
        worked = _train(plan, models, stage_progress=stage_progress)
        taught = [(w.lesson.arm, w.lesson.share, w.key) for w in (*plan.wanted, *plan.curve)]
        key = digest(code_version("pipeline.retraining.retrain"), taught, _told(plan, material))
        known = _known(models.own, key)
        if known is None:
            worked = True
            with stage_progress("compare"):
                known = _compare(plan, material, models, key=key)
        models.drop_all_but((*plan.wanted, *plan.curve))
        if tracker is not None:
            _track(plan, models, known, tracker=tracker)
            tracker.close()
    return Retrained(known, material.folder, worked)


def _plan(material: Material, models: Models, *, progress: Progress) -> _Plan:
    settings, decisions = material.config.retrain, material.decisions
    reviewed_frames = material.clean(decisions)[1]
    arms = arms_of(material, settings.conditions, reviewed_frames=reviewed_frames)
    verified = _verified(material)
    enough = {species for species, v in verified.items() if not any(needs(v))}
    drawn = settings.learning_curve and "reviewed" in arms and bool(enough)
    total = len(arms) + (len(CURVE) - 1 if drawn else 0)
    lessons, points = [], []
    for arm in arms:
        lessons.append(lesson_of(material, arm, decisions, share=1.0, trust=models.trust))
        progress(len(lessons), total)
    for point in curve_lessons(material, trust=models.trust) if drawn else ():
        points.append(point)
        progress(len(lessons) + len(points), total)
    wanted = [w for lesson in lessons for w in models.wanted(lesson, keep=True)]
    curve = [w for point in points for w in models.wanted(point, keep=False) if w.species in enough]
    if drawn:
        curve += [w for w in wanted if w.lesson.arm == "reviewed" and w.species in enough]
    return _Plan(arms=arms, reviewed_frames=reviewed_frames, wanted=wanted, curve=curve, verified=verified)


def _verified(material: Material) -> dict[str, Verified]:
    """Return the verified hold-out windows of every species."""
    states = None
    if material.blind_samples is not None:
        samples = material.blind_samples
        states = sample_states(samples, material.blind_events, material.windows, frames=material.frames)
        chances = union_chances(samples, states, stratum="holdout", members=material.held_out)
        states = states.assign(inclusion_probability=chances)
    found = {}
    for species, classes in material.classes.items():
        holdout = material.windows.iloc[material.rows(species, split="holdout")]
        found[species] = verified_of(states, holdout, classes=classes, target=material.target_of(species))
    return found


def _train(plan: _Plan, models: Models, *, stage_progress: StageProgress) -> bool:
    """Train what is missing or stale; return whether anything was."""
    stale = models.stale((*plan.wanted, *plan.curve))
    if not stale:
        return False
    with stage_progress("trial"):
        updates = {species: models.updates(species) for species in dict.fromkeys(w.species for w in stale)}
    with stage_progress("train") as progress:
        models.train(stale, updates=updates, progress=progress)
    return True


def _told(plan: _Plan, material: Material) -> list[Any]:
    """Return what the figures follow from beside the models, as JSON values."""
    verified = [
        (species, v.place.tolist(), v.true.tolist(), v.weight.tolist(), v.held_out, v.unsure, v.foreign)
        for species, v in plan.verified.items()
    ]
    return [plan.arms, verified, plan.reviewed_frames, len(material.decisions)]


def _known(own: RunFolder, key: str) -> dict[str, Any] | None:
    """Return the figures that were written, if they are made from the same."""
    try:
        found = read_json_object(own.path / _RESULT)
    except (OSError, ValueError):
        return None
    return found if own.fingerprint("predictions") == key and found.get("made_from") == key else None


def _compare(plan: _Plan, material: Material, models: Models, *, key: str) -> dict[str, Any]:
    """Compare the arms, and write predictions, cards and figures, the figures last."""
    species = {name: _species(name, plan, material, models) for name in material.classes}
    found = {
        "run_id": material.folder.path.name,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_from": key,
        "pose_audit": data_schemas.__version__,
        "seed": material.config.folds.seed,
        "groups_are": material.config.groups.by,
        "decisions": len(material.decisions),
        "reviewed_frames": plan.reviewed_frames,
        "frames": len(material.frames),
        "species": species,
        "bundles": {arm: f"models/{arm}" for arm in plan.arms},
    }
    predictions = _predictions(plan, material, models)
    models.own.write_table("predictions", predictions, schema=ARM_PREDICTIONS, fingerprint=key)
    for w in plan.wanted:
        if w.bundle is not None:
            plain = BehaviorClassifier.load(w.bundle, device="cpu").card()
            write_model_card(w.bundle, card_of(plain, w, found, material))
    models.own.write_bytes(_RESULT, json.dumps(found, ensure_ascii=False, indent=2).encode())
    return found


def _species(name: str, plan: _Plan, material: Material, models: Models) -> dict[str, Any]:
    verified, classes = plan.verified[name], material.classes[name]
    wanted = {w.lesson.arm: w for w in plan.wanted if w.species == name}
    answers: dict[str, NDArray[np.float32]] = {arm: _answers(models, w) for arm, w in wanted.items()}
    windows, groups = needs(verified)
    curve = sorted((w for w in plan.curve if w.species == name), key=lambda w: w.lesson.share)
    return {
        "classes": classes,
        "updates": models.updates(name),
        "taught": {arm: len(w.target) for arm, w in wanted.items()},
        "verified": {
            "windows": len(verified),
            "groups": verified.groups,
            "needed_windows": windows,
            "needed_groups": groups,
            "held_out_groups": verified.held_out,
            "left_out_unsure": verified.unsure,
            "left_out_foreign": verified.foreign,
        },
        **compare_arms(verified, answers, classes=classes),
        "curve": [
            {
                "share": w.lesson.share,
                "reviewed_frames": w.lesson.reviewed_frames,
                "measures": figures_of(verified, _answers(models, w)),
            }
            for w in curve
        ],
    }


def _answers(models: Models, wanted: Wanted) -> NDArray[np.float32]:
    found = models.answers(wanted)
    if found is None:
        raise WorkspaceError(
            f"{models.own.path / 'parts'}: answers-{wanted.key}.npy is gone", hint="something deletes files here; type it again"
        )
    return found


def _predictions(plan: _Plan, material: Material, models: Models) -> pd.DataFrame:
    """Return what each arm says of every window of the hold-out."""
    names = sorted({c for classes in material.classes.values() for c in classes})
    parts = []
    for w in plan.wanted:
        rows = material.rows(w.species, split="holdout")
        told = pd.DataFrame(_answers(models, w), columns=probability_columns(material.classes[w.species]))
        window_id = material.windows["window_id"].iloc[rows].array
        parts.append(
            told.reindex(columns=probability_columns(names)).assign(window_id=window_id, arm=text([w.lesson.arm] * len(rows)))
        )
    table = pd.concat(parts, ignore_index=True)
    return table[["window_id", "arm", *probability_columns(names)]].astype(dict.fromkeys(probability_columns(names), "float32"))


def _track(plan: _Plan, models: Models, found: dict[str, Any], *, tracker: Tracker) -> None:
    for w in plan.wanted:
        losses = models.losses(w)
        if losses is not None:
            tracker.losses(w.lesson.arm, w.species, dict(zip(models.views, losses, strict=True)))
        told = found["species"][w.species]["arms"].get(w.lesson.arm)
        if told is not None:
            tracker.figures(w.lesson.arm, w.species, {name: v["value"] for name, v in told["measures"].items()})
