"""Small inputs whose times or bouts went wrong in other hands: what was read tells it, before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from data_schemas.config import load_config
from data_schemas.labels import load_taxonomy
from pipeline.audit.data_summary import summarise_data
from pipeline.audit.stages import STAGES, Context
from pipeline.readers import recognise
from pipeline.report.data_text import data_lines
from pipeline.workspace.run_folder import RunFolder


def read_and_cut(source: Path, scratch: Path, **windows: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of the first two stages, which are all that a summary is made of."""
    config = load_config(None, overrides={"windows": windows})
    reader = recognise(source)
    taxonomy = load_taxonomy("aihub59") if reader.name == "aihub59" else None
    context = Context(reader, config, RunFolder(scratch), lambda done, total: None, taxonomy)
    tables: dict[str, pd.DataFrame] = {}
    for stage in STAGES[:2]:
        tables |= stage.run(tables, context)
    return tables


def told(source: Path, scratch: Path, **windows: Any) -> str:
    tables = read_and_cut(source, scratch, **windows)
    data = summarise_data(tables, config=load_config(None, overrides={"windows": windows})).as_json()
    return " ".join(" ".join(data_lines(data, width=100)).split())


def test_frame_numbers_in_the_place_of_times_are_told(shared: Path, tmp_path: Path) -> None:
    text = told(shared / "cases" / "time_is_frame_number" / "t.csv", tmp_path)
    assert "1,000 frames a second" in text
    assert "spans 0.8 s, 800 frames" in text
    assert "these may be numbers of frames: then leave them out and give fps" in text


def test_a_class_of_short_bouts_is_told_with_windows_that_give_it_some(shared: Path, tmp_path: Path) -> None:
    source = shared / "cases" / "short_bouts" / "short.csv"
    text = told(source, tmp_path)
    assert "bite (56 frames) gets no window" in text
    assert "(7 frames) in the median" in text
    assert "`windows.hz = 22`, `windows.steps = 5`" in text
    windows = read_and_cut(source, tmp_path, hz=22)["windows"]
    assert ((windows["label"] == "bite") & ~windows["mixed"]).any()
