"""Label cleaning runs once for the same labels, and what they end with is kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.retraining import trusted_label_cache as module
from pipeline.retraining.trusted_label_cache import TrustedLabelCache
from pipeline.workspace.run_folder import RunFolder


def windows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "window_id": ["w0", "w1", "w2", "w3"],
            "species": "DOG",
            "split": ["audit", "audit", "audit", "holdout"],
            "target": ["A", "B", "A", "B"],
            "mixed": False,
            "reviewed": False,
        }
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[pd.DataFrame]:
    """Let cleaning keep A, relabel a B that nobody reviewed, and give what they were asked about."""
    tables: list[pd.DataFrame] = []

    def training_labels(table: pd.DataFrame, *_: object, **__: object) -> pd.Series:
        tables.append(table)
        target = table["target"].where((table["target"] != "B") | table["reviewed"], "A")
        return pd.Series(target.array, index=table["window_id"]).iloc[:-1]

    monkeypatch.setattr(module, "training_labels", training_labels)
    return tables


def trust(folder: Path) -> TrustedLabelCache:
    return TrustedLabelCache(SimpleNamespace(poses=(None, ()), config=None), RunFolder(folder), base="base")


def test_a_label_is_kept_replaced_or_not_used(tmp_path: Path, asked: list) -> None:
    found = trust(tmp_path)(windows())
    assert found.index.tolist() == ["w0", "w1", "w2", "w3"]
    assert found.dropna().to_dict() == {"w0": "A", "w1": "A", "w2": "A"}


def test_the_same_labels_are_cleaned_once_and_kept(tmp_path: Path, asked: list) -> None:
    reviewed = windows().assign(reviewed=[False, True, False, False])
    first, again = trust(tmp_path), trust(tmp_path)
    assert first(reviewed).dropna().to_dict() == again(reviewed).dropna().to_dict() == {"w0": "A", "w1": "B", "w2": "A"}
    assert len(asked) == 1
    assert first.names == again.names
    assert len(first.names) == 1
    first(windows())
    assert len(asked) == 2


def test_a_class_that_no_audited_window_has_is_left_out(tmp_path: Path, asked: list) -> None:
    trust(tmp_path)(windows().assign(target=["A", "A", "A", "B"]))
    assert asked[0]["window_id"].tolist() == ["w0", "w1", "w2"]
    assert np.array_equal(asked[0].index, np.arange(3))
