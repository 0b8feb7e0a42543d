"""The models of a run: the same number of optimizer steps for all training conditions, and nothing kept that nobody needs."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import text
from model.pose_rules import PoseRules
from model.windowing import SEEN, Samples
from pipeline.retraining import retrain, trusted_label_cache
from pipeline.retraining.inputs import TrainingInputs
from pipeline.retraining.models import Models
from pipeline.retraining.training_conditions import Arm, TrainingCondition
from pipeline.workspace.run_folder import RunFolder

WINDOWS = 40
MODEL = {"views": ["frame"], "layers": 1, "hidden_size": 2, "epochs": 2, "batch_size": 8, "min_optimizer_steps": 0}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    """Give the models of a run of 36 audited windows and 4 of the hold-out, by a recipe that counts epochs."""
    number = np.arange(WINDOWS)
    label = text(["SIT", "TURN"] * (WINDOWS // 2))
    windows = pd.DataFrame({"window_id": text([f"w{i:02d}" for i in number]), "species": "DOG", "label": label, "target": label})
    windows = windows.assign(split=text(["holdout"] * 4 + ["audit"] * 36), first_sample=5 * number)
    windows = windows.assign(mixed=False, reviewed=False, bad_pose=False)

    def all_trusted(table: pd.DataFrame, *_: object, **__: object) -> pd.Series:
        return table.set_index("window_id")["target"]

    monkeypatch.setattr(trusted_label_cache, "training_labels", all_trusted)
    unread = dict.fromkeys(("taxonomy", "clips", "frames", "oof", "decisions", "blind_events", "blind_samples"))
    inputs = TrainingInputs(
        folder=RunFolder(tmp_path),
        record={"run_hash": "run"},
        config=load_config(None, overrides={"model": {"preset": "classic", **MODEL}, "run": {"jobs": 1, "device": "cpu"}}),
        windows=windows,
        run_windows=windows,
        held_out={},
        **unread,
    )
    samples = Samples(
        xy=np.random.default_rng(0).normal(0, 20, (5 * WINDOWS, 3, 2)).astype(np.float32),
        state=np.full((5 * WINDOWS, 3), SEEN, np.uint8),
        frame_number=np.arange(5 * WINDOWS, dtype=np.int32),
        block=np.repeat(number, 5).astype(np.int32),
        scale=np.full(5 * WINDOWS, 20, np.float32),
    )
    inputs.__dict__.update(poses=(samples, ("a", "b", "c")), rules=PoseRules())
    return Models(inputs)


def condition(models: Models, arm: Arm, *, windows: int, share: float = 1.0) -> TrainingCondition:
    """Return an arm that is trained on the first audited windows."""
    return TrainingCondition(arm, share, 0, models.inputs.windows.iloc[4 : 4 + windows])


def trained(models: Models, *conditions: TrainingCondition) -> list:
    specs = [spec for own in conditions for spec in models.specs(own, keep=own.share == 1)]
    plan = SimpleNamespace(specs=specs)
    assert retrain._train(plan, models, stage_progress=lambda _: nullcontext(lambda *_: None))
    return specs


def test_every_training_condition_gets_the_same_number_of_optimizer_steps(models: Models) -> None:
    """However few windows it is trained on: else a difference could be one of training, not of labels."""
    specs = trained(
        models,
        condition(models, "given", windows=36),
        condition(models, "pruned", windows=20),
        condition(models, "reviewed", windows=9),
        condition(models, "reviewed", windows=5, share=0.5),
    )
    two_epochs_of_given = 2 * 5
    assert [models.losses(spec).shape for spec in specs] == [(1, two_epochs_of_given)] * 4
    assert models.optimizer_steps("DOG") == two_epochs_of_given
    assert [models.predictions(spec).shape for spec in specs] == [(4, 2)] * 4


def test_conditions_of_the_same_labels_share_a_model_and_others_do_not(models: Models) -> None:
    given, pruned, fewer = (condition(models, arm, windows=n) for arm, n in (("given", 36), ("pruned", 36), ("reviewed", 35)))
    keys = [spec.key for own in (given, pruned, fewer) for spec in models.specs(own, keep=False)]
    assert keys[0] == keys[1] != keys[2]
    other = condition(models, "reviewed", windows=36)
    other.windows.iloc[0, other.windows.columns.get_loc("target")] = "TURN"
    assert models.specs(other, keep=False)[0].key not in keys


def test_what_no_condition_needs_is_dropped_and_the_bundles_of_others_keep_theirs(models: Models) -> None:
    given, point, pruned = trained(
        models,
        condition(models, "given", windows=36),
        condition(models, "reviewed", windows=9, share=0.5),
        condition(models, "pruned", windows=20),
    )
    checkpoints = models.own.checkpoints
    (checkpoints / "search-35-x.npy").write_bytes(b"left by the search")
    before = {path.stem for path in checkpoints.glob("*.npy")}
    models.drop_all_but([given])
    # The arm `pruned` was not asked for this time, and its bundle is there.
    gone = {f"predictions-{point.key}", f"losses-{point.key}", "search-35-x"}
    assert before - {path.stem for path in checkpoints.glob("*.npy")} == gone
    assert not models.stale([given, pruned])
    assert models.stale([given, point]) == [point]
