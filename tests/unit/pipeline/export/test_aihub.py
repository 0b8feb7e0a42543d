"""Label files of a reviewed run: which clips stay, change, fall apart or go."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data_schemas.config import Config, Export
from data_schemas.errors import StageError, UsageError
from data_schemas.labels import load_taxonomy
from data_schemas.tables import CLIPS
from pipeline.export.aihub import Stretch, stretches, write_label_files
from pipeline.export.dataset import export_dataset
from pipeline.readers import recognise
from pipeline.review.access import frames_of
from pipeline.workspace.file_names import file_name
from pipeline.workspace.workspace import Workspace
from tests.unit.pipeline.export.conftest import finished_run
from tests.unit.pipeline.export.test_label_text import label_file

AIHUB = Export(aihub=True)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    folder = tmp_path / "clips" / "DOG" / "SIT"
    folder.mkdir(parents=True)
    for name in ("a.mp4.json", "b.json", "c.json", "d.json"):
        (folder / name).write_text(label_file(list(range(0, 120, 6))))
    return finished_run(Workspace(tmp_path / "ws"), tmp_path / "clips")


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out / "aihub").as_posix() for p in (out / "aihub").rglob("*.json"))


def test_stretches_run_over_excluded_frames_and_end_at_other_labels() -> None:
    labels = np.array(list("AABBAA"), object)
    excluded = np.array([0, 1, 0, 0, 0, 0], bool)
    assert stretches(np.arange(6), labels, excluded) == [Stretch("A", (0,)), Stretch("B", (2, 3)), Stretch("A", (4, 5))]
    assert stretches(np.arange(6), np.array(["A"] * 6, object), excluded) == [Stretch("A", (0, 2, 3, 4, 5))]
    assert stretches(np.arange(6), labels, np.ones(6, bool)) == []


def test_clips_unchanged_corrected_cut_and_left_out(place, decide, tmp_path: Path) -> None:
    decide(place, "kim", (30, 59, "WALKRUN"), clip="a")
    decide(place, "kim", (0, 114, "WALKRUN"), (0, 6, "exclude"), clip="b")
    decide(place, "kim", (0, 114, "exclude"), clip="c")
    sheet = export_dataset(place, tmp_path / "out", settings=AIHUB)
    assert sheet["label_files"] == {"unchanged": 1, "corrected": 1, "split": 1, "left_out": 1, "files": 5}
    assert files(tmp_path / "out") == [
        "DOG/SIT/a_frames-000000-000024.mp4.json",
        "DOG/SIT/a_frames-000030-000054.mp4.json",
        "DOG/SIT/a_frames-000060-000114.mp4.json",
        "DOG/SIT/b.json",
        "DOG/SIT/d.json",
    ]
    source, out = tmp_path / "clips", tmp_path / "out" / "aihub"
    assert (out / "DOG/SIT/d.json").read_bytes() == (source / "DOG/SIT/d.json").read_bytes()
    found = recognise(out).read(Config())
    assert found.clips.set_index("clip_id")["label"].to_dict() == {
        "a_frames-000000-000024": "SIT",
        "a_frames-000030-000054": "WALKRUN",
        "a_frames-000060-000114": "SIT",
        "b": "WALKRUN",
        "d": "SIT",
    }
    assert found.clips["subject_id"].nunique() == 1
    assert found.rejected.empty
    assert len(found.frames) == sheet["frames"]["exported"] == 20 + 18 + 20


def test_files_have_the_names_that_they_have_in_the_source_though_a_mac_wrote_them(decide, tmp_path: Path) -> None:
    folder = tmp_path / "clips" / unicodedata.normalize("NFD", "강아지")
    folder.mkdir(parents=True)
    for name in ("앉기-1.mp4.json", "앉기-2.mp4.json"):
        (folder / unicodedata.normalize("NFD", name)).write_text(label_file(list(range(0, 120, 6))))
    place = finished_run(Workspace(tmp_path / "ws"), tmp_path / "clips")
    decide(place, "kim", (0, 30, "WALKRUN"), clip="앉기-2")
    export_dataset(place, tmp_path / "out", settings=AIHUB)
    stem = unicodedata.normalize("NFD", "강아지/앉기")
    assert files(tmp_path / "out") == sorted(
        [f"{stem}-1.mp4.json", f"{stem}-2_frames-000000-000030.mp4.json", f"{stem}-2_frames-000036-000114.mp4.json"]
    )


def test_a_label_that_the_format_has_no_phrase_for_is_written_as_it_is(place, decide, tmp_path: Path) -> None:
    decide(place, "kim", (0, 114, "OTHER"), clip="a")
    export_dataset(place, tmp_path / "out", settings=AIHUB)
    assert set(recognise(tmp_path / "out" / "aihub").read(Config()).clips["label"]) == {"SIT", "other"}


def test_a_source_that_changed_since_the_run_is_refused(place, tmp_path: Path) -> None:
    path = tmp_path / "clips" / "DOG" / "SIT" / "b.json"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(StageError, match=r"DOG/SIT/b\.json: changed since"):
        export_dataset(place, tmp_path / "out", settings=AIHUB)
    path.unlink()
    with pytest.raises(StageError, match=r"DOG/SIT/b\.json"):
        export_dataset(place, tmp_path / "out", settings=AIHUB)
    assert not (tmp_path / "out").exists()


def test_a_table_has_no_label_files(ws, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no AI-Hub label files"):
        export_dataset(ws, tmp_path / "out", settings=AIHUB)


def test_a_name_from_an_archive_does_not_lead_out_of_the_export(place, tmp_path: Path, monkeypatch) -> None:
    folder = place.latest()
    clips = folder.read_table("clips", CLIPS)
    after = frames_of(folder)
    after = after.assign(label=after["given"], excluded=False)
    names = ["x.zip::../../a.json", f"/{tmp_path}/b.json", "x.zip::in/./c.json", "d\n.mp4.json"]
    data = (tmp_path / "clips" / "DOG" / "SIT" / "d.json").read_bytes()
    monkeypatch.setattr("pipeline.export.aihub._Source._found", lambda self, name: (data, name))
    out = tmp_path / "deep" / "er" / "aihub"
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    write_label_files(out, folder, clips.assign(source=names, source_hash=digest), after, taxonomy=load_taxonomy("aihub59"))
    written = sorted(p.relative_to(tmp_path / "deep").as_posix() for p in (tmp_path / "deep").rglob("*") if p.is_file())
    below = "/".join(file_name(p) for p in tmp_path.parts[1:])
    up = file_name("..")
    d = file_name("d\n", ending=".mp4.json")
    assert set(written) == {f"er/aihub/{p}" for p in (f"{below}/b.json", d, f"x.zip/{up}/{up}/a.json", "x.zip/in/c.json")}
    assert not (tmp_path / "b.json").exists()
