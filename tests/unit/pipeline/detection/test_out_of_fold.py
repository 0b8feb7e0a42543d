"""Every window is predicted once, by models that never saw its group, however many windows there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.tables import OOF, validate
from model.recipe import PRESETS
from pipeline.detection import label_cleaning
from pipeline.detection.lstm_jobs import InMemory, LstmJob, _train_and_predict, run_jobs, search_folds, search_steps
from pipeline.detection.out_of_fold import _best_share, _jobs, _stacked, predict_out_of_fold
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import Species, TrainingSet, recipe_of, species_of
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
    assert len(found) == 2
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


def small_training(given: list[int], group: list[int], *, classes: int = 2) -> TrainingSet:
    n = len(given)
    everybody = np.ones(n, bool)
    labels = WindowLabels(np.array(given), np.array(group), np.array(group), everybody, everybody, ~everybody, sigma=0.1)
    return TrainingSet(labels, np.array(group), everybody, everybody, classes=classes, folds=3, seed=0)


def test_a_batch_in_which_one_group_alone_could_train_a_class_is_not_made(monkeypatch) -> None:
    """Of four groups two have a class of their own: two batches hold one of each, three cannot."""
    monkeypatch.setattr(label_cleaning, "_MOST_AT_ONCE", 10)
    training = small_training([*[0] * 20, *[1] * 20], np.repeat(np.arange(8), 5).tolist())
    sizes = [len(rows) for rows in label_cleaning.batches(training)]
    assert sizes == [20, 20]
    assert len(label_cleaning.batches(small_training([0] * 10 + [1] * 10, np.repeat(np.arange(4), 5).tolist()))) == 1


def test_a_class_that_pruning_would_leave_to_one_group_keeps_all_its_windows() -> None:
    """The labels of a class in one of its two groups are all believed wrong."""
    given, group = np.repeat([0, 1, 0, 1], 20), np.repeat([0, 1, 2, 3], 20)
    training = small_training(given.tolist(), group.tolist())
    p = np.where(np.eye(2)[given] > 0, 0.9, 0.1)
    p[60:66] = [0.9, 0.1]
    kept = label_cleaning._pruned(p, training, kept=np.ones(80, bool))
    assert np.flatnonzero(~kept[given == 1]).tolist() == list(range(20, 26))
    few = replace(training, train_mask=(group != 3) | (np.arange(80) >= 60) & (np.arange(80) < 66))
    kept = label_cleaning._pruned(p, few, kept=few.train_mask)
    assert (kept[given == 1] == few.train_mask[given == 1]).all()


def test_how_many_iterations_cleaning_takes_and_what_share_of_each_class_is_wrong() -> None:
    assert label_cleaning.most_iterations(PRESETS["classic"]) == 0
    assert (
        label_cleaning.most_iterations(PRESETS["default"]) == PRESETS["default"].cleaning_iterations + label_cleaning.RELABELLING
    )
    errors = np.array([True, False, False, True, True])
    assert label_cleaning.error_shares(errors, np.array([0, 0, 0, 2, 2]), 4).tolist() == pytest.approx([1 / 3, 0, 1, 0])


@pytest.mark.parametrize(
    ("fold", "target", "kept", "found"),
    [
        # The first fold whose kept windows show two classes.
        ([0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 0, 1], "yyyyyy", [1]),
        ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], "ynynyy", [2]),
        # Else as many as it takes for two classes.
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 0, 0], "yyyyyy", [0, 1]),
        ([0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1], "yyyyyy", [0, 1, 2]),
        ([0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0], "yyyyyy", [0, 1, 2]),
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 0, 0], "nnyyyy", [1, 2]),
        # The hold-out is none.
        ([-1, -1, 0, 0, 1, 1], [0, 1, 0, 0, 0, 1], "yyyyyy", [1]),
        ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], "nnnnnn", []),
    ],
)
def test_the_training_length_is_searched_on_folds_that_show_two_classes(
    fold: list[int], target: list[int], kept: str, found: list[int]
) -> None:
    assert search_folds(np.array(fold), np.array(target), np.array(list(kept)) == "y") == found


def lstm_job(name: str, **how: object) -> LstmJob:
    rows = np.arange(4)
    usual = {"recipe": PRESETS["default"], "classes": 2, "seed": 0, "train": rows, "target": rows % 2, "predict": rows}
    return LstmJob(name, **(usual | how))


@pytest.mark.parametrize(
    ("right", "steps"),
    [
        # What is right is predicted with so much probability after 35, 70, 140, ... steps; guessing is wrong by 2.
        ([0.5, 0.6, 0.6], 70),
        ([0.5, 0.6, 0.7, 0.7], 140),
        ([0.5, 0.5], 35),
        ([0.5, 0.4], 35),
        # Doubling has to save half a percent of that: .01 of an error of 2 at first.
        ([0.5, 0.5015, 0.4], 70),
        ([0.5, 0.501, 0.9], 35),
    ],
)
def test_training_is_doubled_as_long_as_that_saves_half_a_percent_of_guessing(right: list[float], steps: int) -> None:
    given, seen = np.array([0, 1, 0, 1, 0]), []

    def run(calls):
        for _, (job,), _ in calls:
            seen.append((job.name, job.predict.tolist()))
            share = right[[35, 70, 140, 280].index(job.recipe.optimizer_steps)]
            yield np.where(np.eye(2)[given[job.predict]] > 0, share, 1 - share).astype(np.float32)

    kept = np.array([True, True, True, True, False])
    jobs = [lstm_job("a", predict=np.array([0, 1, 4])), lstm_job("b", predict=np.array([2, 3]))]
    assert search_steps(jobs, given, kept, checkpoints=InMemory(), run=run) == steps
    # Each is scored on the windows that were kept, under a name of its own.
    assert seen[:3] == [("search-35-a", [0, 1]), ("search-35-b", [2, 3]), ("search-70-a", [0, 1])]


def test_finished_networks_are_not_trained_again_and_come_in_their_order() -> None:
    kept = InMemory(b=np.zeros((1, 2), np.float32))
    jobs = [lstm_job(name) for name in "abc"]
    found = run_jobs(jobs, checkpoints=kept, run=lambda calls: iter([np.full((1, 2), 1), np.full((1, 2), 2)][: len(list(calls))]))
    assert [(job.name, p[0, 0]) for job, p in found] == [("a", 1), ("b", 0), ("c", 2)]
    assert sorted(kept) == ["a", "b", "c"]


def test_where_nothing_may_train_every_class_is_as_likely() -> None:
    job = lstm_job("a", classes=4, train=np.empty(0, np.int64))
    assert _train_and_predict(job, samples=None, first=None, steps=5, device="cpu").tolist() == [[0.25] * 4] * 4


def test_every_network_has_a_seed_and_a_name_of_its_own_and_never_trains_on_what_it_predicts() -> None:
    training = small_training([0, 1] * 6, np.repeat(np.arange(6), 2).tolist())
    species, fold = Species("DOG", ["a", "b"], np.arange(12), training), np.repeat([0, 1, 2, 0, 1, -1], 2)
    target = np.where(np.arange(12) == 4, -1, training.labels.given)
    ensemble = label_cleaning.EnsemblePrediction(np.zeros((12, 0)), target >= 0, target, [], first=np.zeros((12, 0)))
    jobs = [job for r in range(3) for job in _jobs(species, ensemble, fold, recipe=PRESETS["default"], repeat=r)]
    assert len({job.seed for job in jobs}) == len({job.name for job in jobs}) == len(jobs) == 27
    for job in jobs:
        number = int(job.name.split("-")[2])
        assert job.predict.tolist() == [*np.flatnonzero(fold == number), 10, 11]
        assert job.train.tolist() == [row for row in range(10) if fold[row] != number and row != 4]
        assert job.target.tolist() == target[job.train].tolist()
    only = list(_jobs(species, ensemble, fold, recipe=PRESETS["default"], repeat=0, only=[2]))
    assert [job.name.split("-")[2] for job in only] == ["2"] * 3
    seeds = [training.seed_of(repeat=r, iteration=i, member=m) for r in range(3) for i in range(9) for m in range(4)]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(("share", "found"), [(-0.5, 0.0), (0.0, 0.0), (0.35, 0.35), (1.0, 1.0), (1.4, 1.0)])
def test_networks_and_base_learners_are_mixed_so_that_they_fit_the_labels_best(share: float, found: float) -> None:
    """The labels lie on the line between the two, at a share of the base learners, or beyond either."""
    training = small_training([0, 1, 0, 1], [0, 1, 2, 3])
    true, network = np.eye(2)[training.labels.given], np.array([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.2, 0.8]])
    learners = network + (true - network) / share if share else 2 * network - true
    assert _best_share(network, learners, training, np.ones(4, bool)) == pytest.approx(found)


def test_the_mixture_lies_half_way_between_what_fits_all_labels_and_the_kept_ones() -> None:
    training = small_training([0, 1, 0, 1], [0, 1, 2, 3])
    kept = np.array([True, True, False, False])
    true = np.eye(2)[training.labels.given]
    right, wrong = true * 0.8 + 0.1, 0.9 - true * 0.8
    network, learners = np.where(kept[:, None], right, wrong), np.where(kept[:, None], 0.5, right)
    ensemble = label_cleaning.EnsemblePrediction(learners, kept, training.labels.given, [], first=learners)
    # On all labels 7 in 8 parts of the base learners fit best.
    share = np.mean([0.0, _best_share(network, learners, training, training.train_mask)])
    assert 0.3 < share < 0.5
    np.testing.assert_allclose(_stacked(network, ensemble, training), (1 - share) * network + share * learners)


def test_a_species_without_classes_is_left_out_and_windows_without_a_label_go_with_their_group(standing_or_walking) -> None:
    windows, _, _ = standing_or_walking
    cats = windows.head(3).assign(species="CAT", split="left_out")
    nobody = windows.tail(1).assign(target=None, split="unlabelled")
    (dogs,) = species_of(pd.concat([cats, windows, nobody], ignore_index=True), config=config())
    assert dogs.name == "DOG"
    assert dogs.rows.tolist() == list(range(3, 4 + len(windows)))
    assert dogs.training.audited.tolist() == [*(windows["split"] == "audit"), False]
    assert not dogs.training.train_mask[-1]
    assert recipe_of(config(cleaning_iterations=2)).cleaning_iterations == 2


@pytest.mark.parametrize(("stride", "sigma"), [(1, 5.0), (2, 2.5)])
def test_the_average_in_time_is_as_wide_whatever_lies_between_windows(standing_or_walking, stride: int, sigma: float) -> None:
    windows, _, _ = standing_or_walking
    keys = load_config(None, overrides={"windows": {"stride": stride}, "issues": {"smooth_seconds": 1.0}})
    (dogs,) = species_of(windows, config=keys)
    assert dogs.training.labels.sigma == pytest.approx(sigma)
