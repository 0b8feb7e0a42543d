"""What is written for spreadsheets comes back as it was, and no spreadsheet takes any of it for a formula."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.pandas import DataFrameSchema

from data_schemas.config import load_config
from data_schemas.labels import normal_name
from pipeline.audit.prediction import write_predictions
from pipeline.export.tables import write_parts
from pipeline.readers import recognise
from pipeline.readers.spreadsheets import guarded, guarded_table, unguarded, unguarded_column

NASTY = (
    "=1+1",
    "+x",
    "-x",
    "-5",
    "@a",
    "'",
    "'=a",
    "''-5",
    "None",
    "NA",
    "null",
    "nan",
    "1.0",
    "007",
    "a,b",
    'a"b',
    "a;b",
    "sep=;",
    "\tq",
)
names = st.one_of(st.sampled_from(NASTY), st.text(max_size=8), st.text("=+-@'\t\r\n ,;\"1.", max_size=5))


@given(st.lists(names, max_size=8))
def test_a_guarded_cell_is_no_formula_and_comes_back(cells: list[str]) -> None:
    column = guarded_table(pa.table({"c": pa.array(cells, pa.large_string())}))["c"].to_pylist()
    assert column == [guarded(cell) for cell in cells]
    assert [unguarded(cell) for cell in column] == cells
    assert unguarded_column(pd.Series(column, dtype="str")).tolist() == cells
    for cell in column:
        assert cell[:1] not in set("=+-@\t\r") or re.fullmatch(r"[+-]\d+([.,]\d+)?([eE][+-]?\d+)?", cell)


def is_name(text: str) -> bool:
    return bool(normal_name(text)) and "\0" not in text


tidy = names.filter(is_name).map(normal_name)


@settings(max_examples=12)
@given(
    clip_ids=st.lists(tidy, min_size=1, max_size=3, unique=True),
    labels=st.lists(tidy, min_size=3, max_size=3),
    keypoint=tidy.filter(lambda name: name.isprintable()),
)
def test_frames_that_were_exported_as_csv_are_read_as_those_in_parquet(
    clip_ids: list[str], labels: list[str], keypoint: str
) -> None:
    frames = pd.DataFrame(
        {
            "clip_id": np.repeat(clip_ids, 2),
            "subject_id": "s",
            "recording_id": "r",
            "species": "RAT",
            "fps": 25.0,
            "frame_number": np.tile(np.array([0, 1], "int32"), len(clip_ids)),
            "timestamp_ms": np.tile(np.array([0, 40], "int32"), len(clip_ids)),
            f"{keypoint}_x": np.float32(-3.5),
            f"{keypoint}_y": np.float32(4),
            "frame_label": [labels[i % 3] for i in range(2 * len(clip_ids))],
            "label_source": "given",
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        write_parts(Path(folder), "frames", [frames], schema=DataFrameSchema(), csv=True)
        one, other = (recognise(Path(folder) / f"frames.{end}").read(load_config(None)) for end in ("parquet", "csv"))
    pd.testing.assert_frame_equal(one.frames, other.frames)
    pd.testing.assert_frame_equal(
        one.clips.drop(columns=["source", "source_hash"]), other.clips.drop(columns=["source", "source_hash"])
    )
    assert one.rejected["reason"].tolist() == other.rejected["reason"].tolist()


def test_predictions_in_csv_are_no_formulas(tmp_path: Path) -> None:
    table = pd.DataFrame({"clip_id": ["=1+1", "a"], "p_@x": [0.25, -1.0]})
    write_predictions(table, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines() == ["clip_id,p_@x", "'=1+1,0.25", "a,-1"]
