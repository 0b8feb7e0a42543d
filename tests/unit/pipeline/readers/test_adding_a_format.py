"""Formats that are added as docs/architecture.md says: poses of one program, labels of another, joined and audited."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.config import Config, load_config
from data_schemas.errors import ConfigError
from data_schemas.progress import Progress
from data_schemas.tables import CLIPS, FRAMES, ISSUES, READER_MESSAGES
from pipeline.audit.run import run_audit
from pipeline.readers import recognise
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import Listing, StoredFile, read_head
from pipeline.readers.names import clip_id_of
from pipeline.readers.reader import Match
from pipeline.readers.registry import READERS
from pipeline.readers.tables.table_files import TableFile, TableFiles, read_tables, table_file
from pipeline.report.page import write_report
from pipeline.workspace.workspace import Workspace

QUICK = {
    "folds": {"count": 2, "holdout": 0.3},
    "run": {"jobs": 1},
    "model": {"views": ["body"], "optimizer_steps": 5, "cleaning_iterations": 1},
}
HEAD = b"TOY TRACKER 1\n"


class ToyReader:
    """Poses of the toy tracker: a file a video, a line of numbers a frame."""

    name = "toy"
    files = "files of the toy tracker (.toy)"
    joins = True

    def matches(self, listing: Listing) -> Match:
        heads = (read_head(listing.source, file.name) for file in self.manifest(listing)[:20])
        return Match.CERTAIN if any(head.startswith(HEAD) for head in heads) else Match.NONE

    def manifest(self, listing: Listing) -> list[StoredFile]:
        return [file for file in listing.files if file.name.endswith(".toy")]

    def read(self, listing: Listing, config: Config, *, progress: Progress | None = None) -> TableFiles:
        return read_tables(listing, self.manifest(listing), _poses, progress=progress)


def _poses(name: str, data: bytes) -> TableFile:
    if not data.startswith(HEAD):
        raise Unreadable("line 1", "not a file of the toy tracker")
    rows = pd.read_csv(io.BytesIO(data.removeprefix(HEAD)), sep=" ")
    return table_file(name, data, rows.assign(clip_id=clip_id_of(name).removesuffix(".toy"), frame_number=rows.index, fps=5))


class ToyCoder:
    """Labels of the toy coder: a row a bout."""

    name = "toy-coder"
    files = "labels of the toy coder (.csv)"
    joins = True

    def matches(self, listing: Listing) -> Match:
        return Match.CERTAIN if self.manifest(listing) else Match.NONE

    def manifest(self, listing: Listing) -> list[StoredFile]:
        texts = [file for file in listing.files if file.name.endswith(".csv")]
        return [file for file in texts if read_head(listing.source, file.name).startswith(b"clip,behaviour,from,to")]

    def read(self, listing: Listing, config: Config, *, progress: Progress | None = None) -> TableFiles:
        return read_tables(listing, self.manifest(listing), _labels, progress=progress)


def _labels(name: str, data: bytes) -> TableFile:
    bouts = pd.read_csv(io.BytesIO(data))
    bouts["frame_number"] = [range(a, b + 1) for a, b in zip(bouts["from"], bouts["to"], strict=True)]
    frames = bouts.explode("frame_number").rename(columns={"clip": "clip_id", "behaviour": "frame_label"})
    return table_file(name, data, frames[["clip_id", "frame_number", "frame_label"]])


@contextlib.contextmanager
def show(_: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture
def source(tmp_path: Path, make_table, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipeline.readers.registry.READERS", (ToyReader(), ToyCoder(), *READERS))
    table = make_table(subjects=5, clips_each=1, seconds=3, fps=5)
    points = [c for c in table if c.endswith(("_x", "_y"))]
    folder = tmp_path / "videos"
    folder.mkdir()
    for clip, frames in table.groupby("clip_id"):
        text = frames[points].to_csv(sep=" ", index=False, na_rep="nan")
        (folder / f"{clip}.toy").write_bytes(HEAD + text.encode())
    clips = table.groupby("clip_id").agg(subject_id=("subject_id", "first"), species=("species", "first")).reset_index()
    clips.to_csv(folder / "clips.csv", index=False)
    bouts = table.groupby("clip_id").agg(behaviour=("label", "first"), to=("frame_number", "max")).reset_index(names="clip")
    bouts.assign(**{"from": 1})[["clip", "behaviour", "from", "to"]].to_csv(folder / "coded.csv", index=False)
    return folder


def test_poses_and_labels_of_new_formats_and_a_table_are_audited_together(source: Path, tmp_path: Path) -> None:
    (source / "cut.toy").write_bytes(b"TOY")
    config = load_config(None, overrides=QUICK)
    run, _ = run_audit(source, config, workspace=Workspace(tmp_path / "ws"), write_report=write_report, stage_progress=show)
    assert run.record()["format"] == "toy"
    clips = run.read_table("clips", CLIPS).set_index("clip_id")
    assert clips["label"].to_dict() == pd.read_csv(source / "coded.csv").set_index("clip")["behaviour"].to_dict()
    assert clips["subject_id"].to_dict() == pd.read_csv(source / "clips.csv").set_index("clip_id")["subject_id"].to_dict()
    frames = run.read_table("frames", FRAMES)
    assert frames["frame_number"][frames["frame_label"].isna()].unique().tolist() == [0]
    assert len(run.read_table("issues", ISSUES))
    rejected = run.read_table("rejected", READER_MESSAGES)
    assert rejected[["file", "place", "reason"]].to_numpy().tolist() == [["cut.toy", "line 1", "not a file of the toy tracker"]]


def test_labels_that_change_make_another_run(source: Path) -> None:
    before = recognise(source).manifest()
    assert sorted(p.name for p in source.iterdir()) == [name for name, _, _ in before]
    with (source / "coded.csv").open("a") as file:
        file.write("\n")
    assert recognise(source).manifest() != before


def test_which_format_is_asked_for_does_not_change_what_is_joined(source: Path) -> None:
    found = {name: recognise(source, format=name) for name in ("auto", "toy-coder", "table")}
    assert [opened.name for opened in found.values()] == ["toy", "toy-coder", "table"]
    config = load_config(None)
    first, *others = [opened.read(config) for opened in found.values()]
    for other in others:
        pd.testing.assert_frame_equal(first.clips, other.clips)
        pd.testing.assert_frame_equal(first.frames, other.frames)
        pd.testing.assert_frame_equal(first.notes, other.notes)


def test_a_format_that_is_asked_for_reads_its_files_and_names_what_it_does_not_read(source: Path) -> None:
    assert recognise(source, format="toy").name == "toy"
    for table in source.glob("*.csv"):
        table.unlink()
    (source / "a.json").write_text('{"file_video": "a.mp4", "annotations": []}')
    config = load_config(None, overrides={"labels": {"missing": "unlabelled"}, "groups": {"missing": "clip"}})
    notes = recognise(source, format="toy").read(config).notes.set_index("file")["reason"]
    assert notes["a.json"].endswith("beside files of the toy tracker (.toy): not read (--format aihub59 reads them instead)")
    with pytest.raises(ConfigError, match=r"source\.format = 'toi'") as told:
        recognise(source, format="toi")
    assert told.value.hint == "did you mean 'toy'?"
