"""Cleaning assesses every label: wrong ones train as what is suggested, and reviewed ones as what people said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.detection.label_cleaning import training_labels
from tests.unit.pipeline.detection.small import config


def test_wrong_labels_train_as_what_is_suggested(standing_or_walking) -> None:
    windows, samples, wrong = standing_or_walking
    target = training_labels(windows, samples, config=config())
    audited = (windows["split"] == "audit").to_numpy()
    true = np.where((windows["target"] == "SIT").to_numpy() ^ wrong, "SIT", "WALKRUN")
    told = target.reindex(windows["window_id"])
    assert told[audited].notna().all()
    assert (told.to_numpy() == true)[audited & wrong].mean() > 0.9
    assert (told.to_numpy() == true)[audited & ~wrong].mean() > 0.85


def test_reviewed_labels_train_as_they_are(standing_or_walking) -> None:
    windows, samples, wrong = standing_or_walking
    reviewed = wrong & (windows["split"] == "audit").to_numpy()
    table = windows.assign(reviewed=reviewed)
    target = training_labels(table, samples, config=config())
    own = table.loc[reviewed]
    assert target.loc[own["window_id"]].tolist() == own["target"].tolist()


def test_bad_poses_mixed_and_unlabelled_windows_and_the_hold_out_train_nothing(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    unlabelled = pd.Series(windows.index % 13 == 0)
    table = windows.assign(bad_pose=windows.index % 7 == 0, mixed=windows.index % 11 == 0)
    table["target"], table["split"] = table["target"].mask(unlabelled), table["split"].mask(unlabelled, "unlabelled")
    target = training_labels(table, samples, config=config())
    silent = table["bad_pose"] | table["mixed"] | unlabelled | (table["split"] == "holdout")
    assert target.loc[table.loc[silent, "window_id"]].isna().all()
    assert target.loc[table.loc[~silent, "window_id"]].notna().all()


def test_without_cleaning_every_label_trains_as_given(standing_or_walking) -> None:
    windows, samples, _ = standing_or_walking
    target = training_labels(windows, samples, config=config(cleaning_iterations=0))
    audited = windows[windows["split"] == "audit"]
    assert target.loc[audited["window_id"]].tolist() == audited["target"].tolist()
