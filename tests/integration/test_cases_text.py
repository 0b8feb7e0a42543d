"""Small inputs that went wrong in text, tables and files of other programs, and what is right of each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from audit_app.pictures import DisplayPictures
from data_schemas.config import load_config
from data_schemas.errors import SourceError, TableError
from pipeline.readers import Recordings, recognise
from pipeline.review.access import KnownLabels
from pipeline.review.exchange import ImportResult, import_events
from pipeline.review.store import ReviewStore

pytestmark = pytest.mark.integration


@pytest.fixture
def cases(shared: Path) -> Path:
    if not (shared / "cases").is_dir():
        pytest.skip(f"no cases in {shared}")
    return shared / "cases"


def read(source: Path) -> Recordings:
    return recognise(source).read(load_config(None))


def test_a_class_called_none_is_a_class(cases: Path, tmp_path: Path) -> None:
    found = read(cases / "none_class" / "none.csv")
    assert found.frames["frame_label"].value_counts().to_dict() == {"walk": 60, "groom": 60, "None": 60}
    pd.read_csv(cases / "none_class" / "none.csv", keep_default_na=False).to_parquet(tmp_path / "none.parquet")
    pd.testing.assert_frame_equal(read(tmp_path / "none.parquet").frames, found.frames)


def test_what_excel_writes_is_read(cases: Path) -> None:
    sep, comma = (read(cases / "excel_csv" / name) for name in ("sep.csv", "comma.csv"))
    assert len(sep.clips) == 2
    assert sep.rejected.empty
    pd.testing.assert_frame_equal(sep.frames, comma.frames)


def test_a_deeplabcut_file_is_named_with_the_way_to_a_table(cases: Path) -> None:
    for name, rows in (("single.csv", 3), ("multi.csv", 4)):
        with pytest.raises(SourceError, match=f"a DeepLabCut file \\(header of {rows} rows: .*make a table of it"):
            read(cases / "dlc_header" / name)


def test_labels_in_a_second_file_are_joined(cases: Path) -> None:
    found = read(cases / "labels_in_a_second_file" / "in")
    assert found.rejected.empty
    labels = pd.read_csv(cases / "labels_in_a_second_file" / "in" / "labels.csv")
    assert found.frames["frame_label"].tolist() == labels["label"].tolist()


@pytest.mark.parametrize("named", ["table.csv", "windows.csv", "."])
def test_pictures_of_a_table_are_shown(cases: Path, tmp_path: Path, named: str) -> None:
    source = cases / "image_single_file" / named
    found = read(source)
    images = found.frames["image"].dropna().unique()
    assert len(images) == 6
    assert not found.notes["reason"].str.contains("not found").any()
    pictures = DisplayPictures(source, tmp_path)
    assert {pictures.get(image).width for image in images} == {8}


def decide(cases: Path, name: str, store: ReviewStore) -> ImportResult:
    found = read(cases / "decisions" / "base.csv")
    frames = found.frames[["clip_id", "frame_number"]].merge(found.clips[["clip_id", "label"]]).rename(columns={"label": "given"})
    labels = KnownLabels({"MOUSE": (*sorted(set(found.clips["label"])), "other")})
    species = dict.fromkeys(found.clips["clip_id"], "MOUSE")
    return import_events(cases / "decisions" / name, store, frames=frames, species=species, labels=labels, run_id="run")


def test_decisions_are_read_as_tables_are(cases: Path, tmp_path: Path) -> None:
    with ReviewStore.open(tmp_path / "review.db") as store:
        for name in ("semicolon.csv", "cp949.csv", "utf16.csv"):
            done = decide(cases, name, store)
            assert done.added + done.present == 1, name
            assert not done.problems


def test_decisions_that_contradict_each_other_or_name_a_video_are_told(cases: Path, tmp_path: Path) -> None:
    with ReviewStore.open(tmp_path / "review.db") as store:
        contradicted = decide(cases, "overlap.csv", store).contradicted
        assert len(contradicted) == 1
        assert "frames 20-40 of clip02 have two labels of A: groom in line 2, rest in line 3" in contradicted[0].reason
        assert "did you mean 'clip00'?" in decide(cases, "mp4.csv", store).problems[0].reason
        with pytest.raises(TableError, match=r"a BORIS export of events, not decisions: no column clip_id, .*reviewer") as caught:
            decide(cases, "boris.csv", store)
        assert "did you write" not in caught.value.hint
