"""Schemas: a breach is named by file, column, row and value."""

from __future__ import annotations

import copy

import pandas as pd
import pytest

from data_schemas.errors import ConfigError, PoseAuditError, TableError
from data_schemas.tables import OOF, READER_MESSAGES, keypoints_of, validate


def reader_messages(**changes) -> pd.DataFrame:
    return pd.DataFrame({"file": ["a.json", "b.json"], "place": ["$", ""], "reason": ["x", "y"]} | changes)


def test_a_good_table_passes_unchanged() -> None:
    pd.testing.assert_frame_equal(validate(reader_messages(), READER_MESSAGES, source="t"), reader_messages())


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (reader_messages(file=["a.json", None]), ["rejected.parquet", "'file'", "row 1"]),
        (reader_messages().drop(columns="place"), ["column 'place' is missing"]),
        (reader_messages(more=[1, 2]), ["column 'more' is not one of this table"]),
    ],
)
def test_a_breach_says_where(table: pd.DataFrame, words: list[str]) -> None:
    with pytest.raises(TableError) as caught:
        validate(table, READER_MESSAGES, source="rejected.parquet")
    assert all(word in caught.value.message for word in words)
    assert caught.value.exit_code == 3


def test_probabilities_must_sum_to_one() -> None:
    table = pd.DataFrame({"window_id": ["a", "b"], "fold": [0, 1], "p_x": [0.5, 0.5], "p_y": [0.5, 0.1]})
    table = table.astype({"fold": "int16", "p_x": "float32", "p_y": "float32"})
    with pytest.raises(TableError, match="do not sum to 1"):
        validate(table, OOF, source="oof")


def test_keypoints_need_both_coordinates() -> None:
    assert keypoints_of(["clip_id", "nose_x", "nose_y", "tail_x", "nose_confidence"]) == ("nose",)


def test_errors_come_back_whole_from_a_worker_process() -> None:
    error = copy.copy(ConfigError("what", hint="way out"))
    assert isinstance(error, PoseAuditError)
    assert (error.message, error.hint, error.exit_code) == ("what", "way out", 2)
