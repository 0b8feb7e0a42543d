"""Every window is predicted once, by models that never saw its group, however many windows there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import OOF, validate
from pipeline.detection import label_cleaning
from pipeline.detection.out_of_fold import predict_out_of_fold
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import TrainingSet
from tests.unit.pipeline.detection.small import Nowhere, config


@pytest.mark.parametrize("at_once", [200_000, 300])
def test_every_window_is_predicted_and_wrong_labels_train_nothing(standing_or_walking, monkeypatch, at_once: int) -> None:
    windows, samples, wrong = standing_or_walking
    monkeypatch.setattr(label_cleaning, "_MOST_AT_ONCE", at_once)
    oof = validate(predict_out_of_fold(windows, samples, config=config(), checkpoints=Nowhere())[0], OOF, source="oof")
    assert oof["window_id"].tolist() == windows["window_id"].tolist()
    assert (oof["fold"] == -1).tolist() == (windows["split"] == "holdout").tolist()
    assert not oof.loc[windows["split"] == "holdout", "used_for_training"].any()
    audited = (windows["split"] == "audit").to_numpy()
    assert wrong[audited & oof["used_for_training"].to_numpy()].mean() < wrong[audited].mean() / 2
    truth = np.where((windows["target"] == "SIT").to_numpy() ^ wrong, "p_SIT", "p_WALKRUN")
    assert (oof[["p_SIT", "p_WALKRUN"]].idxmax(axis=1).to_numpy() == truth).mean() > 0.9


def test_what_the_base_learners_predicted_is_not_predicted_again(standing_or_walking, monkeypatch) -> None:
    windows, samples, _ = standing_or_walking
    kept: dict[str, np.ndarray] = {}

    class Kept(Nowhere):
        def read_array(self, name: str) -> np.ndarray | None:
            return kept.get(name)

        def write_array(self, name: str, array: np.ndarray) -> None:
            kept[name] = array

    once, _ = predict_out_of_fold(windows, samples, config=config(), checkpoints=Kept())
    monkeypatch.delattr(label_cleaning, "members_of")
    again, _ = predict_out_of_fold(windows, samples, config=config(), checkpoints=Kept())
    pd.testing.assert_frame_equal(once, again)


def test_batches_hold_whole_groups(standing_or_walking, monkeypatch) -> None:
    monkeypatch.setattr(label_cleaning, "_MOST_AT_ONCE", 100)
    group = np.repeat(np.arange(12), 40)
    labels = WindowLabels(
        given=group % 2,
        clip=group,
        block=group,
        audited=group < 10,
        valid_pose=np.ones(480, bool),
        reviewed=np.zeros(480, bool),
        sigma=1.0,
    )
    training = TrainingSet(labels, group, group < 10, group < 10, classes=2, folds=3, seed=0)
    found = label_cleaning.batches(training)
    assert sorted(np.concatenate(found).tolist()) == list(range(480))
    assert sum(len(np.unique(group[rows])) for rows in found) == 12
    assert all(len(np.unique(labels.given[rows])) == 2 for rows in found)


def test_without_cleaning_all_labels_train_and_there_is_no_base_learner(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    oof, trust = predict_out_of_fold(windows, samples, config=config(cleaning_iterations=0), checkpoints=Nowhere())
    assert trust["better"].all()
    assert oof.loc[windows["split"] == "audit", "used_for_training"].all()
    assert oof["base_learners"].isna().all()


def test_how_long_to_train_is_searched_where_it_is_not_given(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    searched = []

    class Noting(Nowhere):
        def write_array(self, name: str, array: np.ndarray) -> None:
            searched.append(name)

    keys = load_config(None, overrides={"model": {"views": ["body"]}, "folds": {"count": 3}, "run": {"jobs": 1}})
    predict_out_of_fold(windows, samples, config=keys, checkpoints=Noting())
    lengths = sorted({int(n.split("-")[1]) for n in searched if n.startswith("search-")})
    assert lengths[:2] == [35, 70]
