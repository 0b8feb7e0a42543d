"""A format that is added as docs/architecture.md says: poses of a program that knows no labels, with labels in a table beside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.config import Config, load_config
from data_schemas.errors import ConfigError
from data_schemas.progress import Progress
from data_schemas.tables import CLIPS, ISSUES, READER_MESSAGES
from pipeline.audit.run import run_audit
from pipeline.readers import recognise
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import Listing, StoredFile, read_bytes, read_head
from pipeline.readers.names import clip_id_of
from pipeline.readers.reader import Match
from pipeline.readers.recordings import ReaderMessage
from pipeline.readers.registry import READERS
from pipeline.readers.tables.table_files import TableFile, TableFiles, table_file
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
        found = TableFiles([], rejected=list(listing.rejected), notes=list(listing.notes))
        for file in self.manifest(listing):
            try:
                found.files.append(_table(file.name, read_bytes(listing.source, file.name)))
            except Unreadable as error:
                found.rejected.append(ReaderMessage(file.name, error.place, error.reason))
        return found


def _table(name: str, data: bytes) -> TableFile:
    if not data.startswith(HEAD):
        raise Unreadable("line 1", "not a file of the toy tracker")
    names, *lines = data.removeprefix(HEAD).decode().splitlines()
    rows = pd.DataFrame([[float(cell) for cell in line.split()] for line in lines], columns=names.split())
    return table_file(
        name, data, rows.assign(clip_id=clip_id_of(name).removesuffix(".toy"), frame_number=range(len(rows)), fps=5)
    )


@contextlib.contextmanager
def show(_: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture
def source(tmp_path: Path, make_table, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipeline.readers.registry.READERS", (ToyReader(), *READERS))
    table = make_table(subjects=5, clips_each=1, seconds=3, fps=5)
    points = [c for c in table if c.endswith(("_x", "_y"))]
    folder = tmp_path / "videos"
    folder.mkdir()
    for clip, frames in table.groupby("clip_id"):
        text = frames[points].to_csv(sep=" ", index=False, na_rep="nan")
        (folder / f"{clip}.toy").write_bytes(HEAD + text.encode())
    labels = table.drop_duplicates("clip_id")[["clip_id", "subject_id", "species", "label"]]
    labels.to_csv(folder / "labels.csv", index=False)
    return folder


def test_poses_of_a_new_format_and_labels_of_a_table_are_audited_together(source: Path, tmp_path: Path) -> None:
    (source / "cut.toy").write_bytes(b"TOY")
    config = load_config(None, overrides=QUICK)
    run, _ = run_audit(source, config, workspace=Workspace(tmp_path / "ws"), write_report=write_report, stage_progress=show)
    assert run.record()["format"] == "toy"
    given = pd.read_csv(source / "labels.csv").set_index("clip_id")["label"].to_dict()
    assert run.read_table("clips", CLIPS).set_index("clip_id")["label"].to_dict() == given
    assert len(run.read_table("issues", ISSUES))
    rejected = run.read_table("rejected", READER_MESSAGES)
    assert rejected[["file", "place", "reason"]].to_numpy().tolist() == [["cut.toy", "line 1", "not a file of the toy tracker"]]


def test_labels_that_change_make_another_run(source: Path) -> None:
    before = recognise(source).manifest()
    assert {"labels.csv", *(p.name for p in source.glob("*.toy"))} == {name for name, _, _ in before}
    with (source / "labels.csv").open("a") as file:
        file.write("\n")
    assert recognise(source).manifest() != before


def test_a_format_that_is_asked_for_reads_its_files_and_names_what_it_does_not_read(source: Path) -> None:
    assert recognise(source, format="toy").name == "toy"
    (source / "labels.csv").unlink()
    (source / "a.json").write_text('{"file_video": "a.mp4", "annotations": []}')
    config = load_config(None, overrides={"labels": {"missing": "unlabelled"}, "groups": {"missing": "clip"}})
    notes = recognise(source, format="toy").read(config).notes.set_index("file")["reason"]
    assert notes["a.json"].endswith("beside files of the toy tracker (.toy): not read (--format aihub59 reads them instead)")
    with pytest.raises(ConfigError, match=r"source\.format = 'toi'") as told:
        recognise(source, format="toi")
    assert told.value.hint == "did you mean 'toy'?"
