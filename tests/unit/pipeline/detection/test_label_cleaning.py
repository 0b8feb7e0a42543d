"""Cleaning assesses every label: wrong ones train as what is suggested, and reviewed ones as what people said."""

from __future__ import annotations

import numpy as np

from pipeline.detection.label_cleaning import training_labels
from tests.unit.pipeline.detection.small import Nowhere, config


def test_wrong_labels_train_as_what_is_suggested(standing_or_walking) -> None:
    windows, samples, wrong = standing_or_walking
    teaching = training_labels(windows, samples, config=config(), checkpoints=Nowhere()).set_index("window_id")["teaching"]
    audited = (windows["split"] == "audit").to_numpy()
    true = np.where((windows["target"] == "SIT").to_numpy() ^ wrong, "SIT", "WALKRUN")
    told = teaching.reindex(windows["window_id"])
    assert told[audited].notna().all()
    assert (told.to_numpy() == true)[audited & wrong].mean() > 0.9
    assert (told.to_numpy() == true)[audited & ~wrong].mean() > 0.85


def test_reviewed_labels_train_as_they_are(standing_or_walking) -> None:
    windows, samples, wrong = standing_or_walking
    reviewed = wrong & (windows["split"] == "audit").to_numpy()
    table = windows.assign(reviewed=reviewed)
    teaching = training_labels(table, samples, config=config(), checkpoints=Nowhere()).set_index("window_id")["teaching"]
    own = table.loc[reviewed]
    assert teaching.loc[own["window_id"]].tolist() == own["target"].tolist()


def test_bad_poses_mixed_windows_and_the_hold_out_train_nothing(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    table = windows.assign(bad_pose=windows.index % 7 == 0, mixed=windows.index % 11 == 0)
    teaching = training_labels(table, samples, config=config(), checkpoints=Nowhere()).set_index("window_id")["teaching"]
    silent = table["bad_pose"] | table["mixed"] | (table["split"] == "holdout")
    assert teaching.loc[table.loc[silent, "window_id"]].isna().all()
    assert teaching.loc[table.loc[~silent, "window_id"]].notna().all()


def test_without_cleaning_every_label_trains_as_given(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    teaching = training_labels(windows, samples, config=config(cleaning_iterations=0), checkpoints=Nowhere()).set_index(
        "window_id"
    )["teaching"]
    audited = windows[windows["split"] == "audit"]
    assert teaching.loc[audited["window_id"]].tolist() == audited["target"].tolist()
