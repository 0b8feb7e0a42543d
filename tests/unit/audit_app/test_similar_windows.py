"""Neighbours: stretches that move alike are found, confirmed ones first, and never in the same clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit_app.similar_windows import Neighbourhood, confirmed_windows
from data_schemas.config import Config
from data_schemas.tables import text
from pipeline.audit.stages import SCHEMAS
from tests.pages_run import run_of, write_pages_run

NOTHING = pd.DataFrame({"window_id": text([]), "label": text([])})


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, pd.DataFrame]:
    folder = run_of(write_pages_run(tmp_path / "work", clips=6))
    return {name: folder.read_table(name, SCHEMAS[name]) for name in ("clips", "frames", "windows", "oof", "issues")}


def neighbourhood(tables) -> Neighbourhood:
    return Neighbourhood(tables, species="DOG", config=Config())


def test_finds_other_clips_nearest_first(tables):
    clip = tables["clips"]["clip_id"].iloc[0]
    near = neighbourhood(tables).nearest(clip, 130, 170)
    assert len({n.clip_id for n in near}) == 3
    assert clip not in {n.clip_id for n in near}
    assert [n.distance for n in near] == sorted(n.distance for n in near)
    assert not any(n.confirmed for n in near)


def test_a_clip_that_moves_the_same_way_comes_nearer(tables):
    first, last = tables["clips"]["clip_id"].iloc[[0, -1]]

    def distance() -> float:
        near = neighbourhood(tables).nearest(first, 130, 170, count=5)
        return next(n.distance for n in near if n.clip_id == last)

    frames, before = tables["frames"], distance()
    coordinates = [c for c in frames if c.endswith(("_x", "_y"))]
    frames.loc[frames["clip_id"] == last, coordinates] = frames.loc[frames["clip_id"] == first, coordinates].to_numpy()
    assert distance() < before


def test_what_people_confirmed_goes_before_what_is_merely_believed(tables):
    clip, other = tables["clips"]["clip_id"].iloc[[0, 3]]
    hood = neighbourhood(tables)
    own = tables["windows"][tables["windows"]["clip_id"] == other]
    hood.confirm(pd.DataFrame({"window_id": own["window_id"], "label": text(["TURN"] * len(own))}))
    near = hood.nearest(clip, 130, 170)
    assert (near[0].clip_id, near[0].label, near[0].confirmed) == (other, "TURN", True)
    hood.confirm(NOTHING)
    assert not any(n.confirmed for n in hood.nearest(clip, 130, 170))


def test_a_stretch_without_windows_has_no_neighbours(tables):
    assert neighbourhood(tables).nearest(tables["clips"]["clip_id"].iloc[0], 5000, 6000) == []


def test_a_window_is_confirmed_where_all_of_its_frames_got_one_label(tables):
    windows = tables["windows"]
    clip = windows["clip_id"].iloc[0]
    number = tables["frames"].loc[tables["frames"]["clip_id"] == clip, "frame_number"].to_numpy()
    label = np.where(number < 140, "SIT", "TURN").astype(object)
    label[number >= 180] = None
    told = confirmed_windows(windows, pd.DataFrame({"clip_id": clip, "frame_number": number, "label": text(label)}))
    spans = windows[windows["clip_id"] == clip].merge(told.rename(columns={"label": "said"}), on="window_id", how="left")
    for row in spans.to_dict("records"):
        same = row["end_frame"] < 140 or (row["start_frame"] >= 140 and row["end_frame"] < 180)
        wanted = ("SIT" if row["end_frame"] < 140 else "TURN") if same else None
        assert (row["said"] if isinstance(row["said"], str) else None) == wanted
