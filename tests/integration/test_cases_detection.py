"""Small inputs that the detection of wrong labels once stumbled over: audited, or refused for what is missing."""

from __future__ import annotations

import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.errors import TooFewDataError
from pipeline.audit.stages import STAGES, Context
from pipeline.detection.lstm_jobs import STEP_BUDGETS, search_folds, search_steps
from pipeline.readers import recognise
from tests.unit.pipeline.detection.small import Nowhere


def audited(source: Path, *, decided: pd.DataFrame | None = None, **model: int) -> dict[str, pd.DataFrame]:
    """Return the tables of all stages, run in this process."""
    config = load_config(None, overrides={"model": {"views": ["body"], **model}, "run": {"jobs": 1}})
    context = Context(recognise(source), config, Nowhere(), lambda *_: None, None, decided)
    tables: dict[str, pd.DataFrame] = {}
    for stage in STAGES:
        tables |= stage.run(tables, context)
    return tables


def test_windows_that_all_hold_more_than_one_label_train_nothing(shared: Path) -> None:
    with pytest.raises(TooFewDataError, match=r"hold more than one label, so no group can train it"):
        audited(shared / "cases" / "all_windows_mixed" / "mixed.csv")


@pytest.mark.parametrize("name", ["crash.csv", "long.csv"])
def test_animals_that_were_never_tracked_train_nothing(shared: Path, name: str) -> None:
    started = time.monotonic()
    with pytest.raises(TooFewDataError, match=r"show a bad pose, so 1 group can train it"):
        audited(shared / "cases" / "animals_never_tracked" / name)
    assert time.monotonic() - started < 60


def recordings(folder: Path, labels: dict[str, list[str]], *, bout: int = 30) -> Path:
    """Write recordings of 10 frames a second, a label a bout, of animals that sit still or walk."""
    rng, parts = np.random.default_rng(0), []
    for name, told in labels.items():
        label = np.repeat(told, bout)
        xy = rng.normal(0, 1, (len(label), 3, 2)) + np.array([[0, 0], [20, 3], [40, 0]])
        xy[:, :, 0] += np.cumsum(label == "WALK")[:, None] * 8.0
        coordinates = {f"{k}_{a}": xy[:, i, j] for i, k in enumerate("abc") for j, a in enumerate("xy")}
        facts = {"clip_id": name, "subject_id": name, "frame_number": np.arange(len(label)), "fps": 10, "frame_label": label}
        parts.append(pd.DataFrame(facts | coordinates))
    path = folder / "recordings.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


def test_recordings_of_one_label_throughout_lie_beside_coded_ones(tmp_path: Path) -> None:
    coded = ["SIT", "WALK"] * 3
    found = audited(
        recordings(tmp_path, {"one": ["SIT"] * 6, "two": ["WALK"] * 6, "three": coded, "four": coded[::-1]}), optimizer_steps=20
    )
    assert set(found["oof"]["window_id"]) == set(found["windows"]["window_id"])


def test_a_round_of_coded_recordings_in_which_decisions_leave_one_label(tmp_path: Path) -> None:
    coded = ["SIT", "WALK"] * 2
    source = recordings(tmp_path, dict.fromkeys(("one", "two", "three", "four"), coded))
    spans = {"clip_id": ["one", "two"], "start_frame": 0, "end_frame": 119, "label": ["SIT", "WALK"], "label_source": "review"}
    decided = pd.DataFrame(spans).astype({"start_frame": "int32", "end_frame": "int32", "label": "str", "label_source": "str"})
    found = audited(source, decided=decided.astype({"clip_id": "str"}), optimizer_steps=20)
    known = found["windows"].set_index("window_id")["reviewed"]
    assert known.sum() > 0
    assert not found["issues"].set_index("window_id")["is_issue"][known].any()


def test_a_length_search_takes_folds_that_can_be_scored_and_ends_where_none_can() -> None:
    fold = np.array([0, 0, 1, 1, 2, 2, -1])
    target = np.array([0, 1, 0, 0, 0, 1, 1])
    assert search_folds(fold, target, np.ones(7, bool)) == [0]
    assert search_folds(fold, target, fold != 0) == [2]
    assert search_folds(fold, np.array([0, 0, 1, 1, 0, 0, 1]), np.ones(7, bool)) == [0, 1]
    assert search_folds(fold, target, np.zeros(7, bool)) == []
    nobody = joblib.Parallel(n_jobs=1, return_as="generator")
    assert search_steps([], target, np.zeros(7, bool), checkpoints=Nowhere(), run=nobody) == STEP_BUDGETS[0]


def test_poses_that_tell_nothing_of_the_labels_flag_nothing(shared: Path) -> None:
    found = audited(shared / "cases" / "no_information" / "noise.csv", optimizer_steps=20)
    assert found["trust"]["better"].tolist() == [False]
    assert not found["issues"]["is_issue"].any()
    assert set(found["segments"]["kind"]) <= {"bad_pose"}


def test_poses_that_tell_the_labels_are_trusted(tmp_path: Path) -> None:
    found = audited(
        recordings(tmp_path, {name: ["SIT", "WALK"] * 3 for name in ("one", "two", "three", "four", "five")}), optimizer_steps=20
    )
    assert found["trust"]["better"].tolist() == [True]
    assert found["trust"]["low"].item() > found["trust"]["chance"].item() == 0.5
