"""Files of other programs: named for what they are, with the next step; lookalikes made by hand."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import SourceError
from pipeline.readers.files.other_programs import identify_file
from tests.unit.pipeline.readers.reading import read
from tests.unit.pipeline.readers.toy_tables import poses, put

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(600)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 99\n"


def workbook() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", "<workbook/>")
    return data.getvalue()


TABLES = {
    "a DeepLabCut file (header of 3 rows": "scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,1,2,.9\n",
    "a DeepLabCut file (header of 4 rows": "scorer,n,n\nindividuals,a,b\nbodyparts,nose,nose\ncoords,x,x\n0,1,2\n",
    "an analysis file of SLEAP (CSV)": "track,frame_idx,instance.score,nose.x,nose.y,nose.score\n,0,.9,1,2,.9\n",
    "a BORIS export of events": "Observation id,Media file name,Behavior,Behavior type,Time\no,a.mp4,walk,START,0.2\n",
    "a BORIS export of events:": "Subject,Behavior,Start (s),Stop (s),Duration (s)\nm,walk,0,1,1\n",
    "a BORIS export of events: it has": "Observation id,D1,,\n,,,\nTime,Subject,Behavior,Status\n1,m,walk,START\n",
    "a file of SimBA": ",ear_x,ear_y,ear_p,nose_x,nose_y,nose_p,attack\n0,1,2,.9,3,4,.9,0\n",
    "labels with a column of 0 and 1 a behaviour": "time,walk,rest\n0.0,1,0\n0.1,0,1\n0.2,0,1\n",
    "an export of EthoVision": "Number of header lines:;38\nExperiment;x\n",
    "labels with one row a stretch (columns start and stop)": "clip_id,behaviour,start,stop\na,walk,0,10\n",
}


@pytest.mark.parametrize("what", TABLES)
@pytest.mark.parametrize("alone", [True, False])
def test_a_table_of_another_program_is_named_for_what_it_is(tmp_path: Path, what: str, alone: bool) -> None:
    (tmp_path / "t.csv").write_text(TABLES[what])
    if alone:
        with pytest.raises(SourceError) as caught:
            read(tmp_path / "t.csv")
        assert f"t.csv: {what}" in caught.value.message
        assert "docs/data-formats.md" in caught.value.message
    else:
        put(tmp_path / "ours.parquet", poses())
        found = read(tmp_path)
        assert len(found.clips) == 2
        assert found.rejected["reason"].str.startswith(what).tolist() == [True]


FILES = {
    "a Git LFS pointer": ("t.parquet", LFS),
    "an Excel workbook": ("t.xlsx", workbook()),
    "an Excel workbook (.xlsx)": ("t.csv", workbook()),
    "an old Excel workbook": ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50)),
    "an analysis file of SLEAP (HDF5)": ("t.h5", HDF5 + b"track_occupancy"),
    "a project of SLEAP": ("t.slp", HDF5),
    "a pose file of JABS": ("t_pose_est_v5.h5", HDF5),
    "a DeepLabCut file (HDF5)": ("tDLC_resnet50.h5", HDF5),
    "an HDF5 file": ("t.h5", HDF5),
    "a MATLAB file": ("t.mat", b"MATLAB 5.0 MAT-file, Platform"),
    "an annotation file of the Caltech Behavior Annotator": ("annot.txt", b"Caltech Behavior Annotator - Annotation File\n"),
    "an annotation file of Bento": ("t.annot", b"Bento annotation file\n"),
    "annotations of ELAN": ("t.eaf", b'<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT AUTHOR="">'),
    "a project of BORIS": ("t.boris", json.dumps({"behaviors_conf": {}, "observations": {}}).encode()),
    "a 7-Zip archive": ("t.7z", b"7z\xbc\xaf'\x1c"),
    "a pickle of Python": ("t.pickle", b"\x80\x04"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_of_another_program_is_named_alone_and_beside_ours(tmp_path: Path, what: str) -> None:
    name, data = FILES[what]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read(tmp_path)
    assert what in caught.value.message
    assert caught.value.hint
    put(tmp_path / "ours.csv", poses())
    found = read(tmp_path)
    assert len(found.clips) == 2
    told = [*found.notes[["file", "reason"]].to_numpy().tolist(), *found.rejected[["file", "reason"]].to_numpy().tolist()]
    assert [reason.startswith(what) for file, reason in told if file == name] == [True]


def test_many_files_of_one_kind_are_one_sentence_with_those_beside_them(tmp_path: Path) -> None:
    for i in range(5):
        (tmp_path / f"{i}DLC.csv").write_text(TABLES["a DeepLabCut file (header of 3 rows"])
    (tmp_path / "annot.txt").write_bytes(b"Caltech Behavior Annotator - Annotation File\n")
    with pytest.raises(SourceError) as caught:
        read(tmp_path)
    assert caught.value.message.startswith("0DLC.csv and 4 more: a DeepLabCut file")
    assert "; annot.txt: an annotation file of the Caltech Behavior Annotator" in caught.value.message


def test_json_of_another_program_is_named_where_it_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(json.dumps({"file": "a.avi", "num_frames": 9, "labels": {"0": {}}}).encode())
    (tmp_path / "b.json").write_bytes(LFS)
    found = read(tmp_path)
    assert [reason.partition(":")[0] for reason in found.rejected["reason"]] == [
        "labels of JABS",
        "a Git LFS pointer, not the file itself",
    ]


@pytest.mark.parametrize(
    ("ending", "what"),
    [(".parquet", "a Parquet table: give it the ending .parquet"), (".csv.gz", "a file packed by gzip: give it")],
)
def test_a_table_under_another_ending_is_named_for_what_it_is(tmp_path: Path, ending: str, what: str) -> None:
    named = tmp_path / f"t{ending}"
    poses().to_parquet(named) if ending == ".parquet" else poses().to_csv(named)
    named.rename(tmp_path / "t.csv")
    with pytest.raises(SourceError, match=re.escape(f"t.csv: {what}")):
        read(tmp_path)


def test_what_may_be_ours_is_not_taken_for_anothers(tmp_path: Path) -> None:
    table = poses(walk=[0, 1] * 4, start=1, stop=2, nose_p=0.5, tail_p=0.5, scorer="net")
    assert len(read(put(tmp_path / "t.csv", table)).clips) == 2
    for name, data in (
        ("README.txt", b"BORIS and Excel"),
        ("a.json", b'{"annotations": [], "file_video": ""}'),
        ("t.csv", b"clip_id,x\n"),
    ):
        assert identify_file(name, data) is None


def test_the_lines_in_the_documentation_make_tables_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[5] / "docs" / "data-formats.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page.partition("## Files of other programs")[2], re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / "audit").mkdir()
    rows = "".join(f"{i},{i}.5,2,.9\n" for i in range(60))
    (tmp_path / "videoDLC_resnet50.csv").write_text(f"scorer,n,n,n\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n{rows}")
    (tmp_path / "aggregated.csv").write_text("Behavior,Start (s),Stop (s)\nwalk,0.5,0.9\nrest,1,1.5\n")
    (tmp_path / "one_column_each.csv").write_text("time,walk,rest\n0,0,0\n1,1,0\n2,0,1\n")
    for block in blocks[:2]:
        exec(block, {})
    found = read(tmp_path / "audit")
    assert found.rejected.empty
    assert found.frames["frame_label"].value_counts(dropna=False).to_dict() == {"walk": 13, "rest": 16, np.nan: 31}
    exec(blocks[2], {})
    assert pd.read_csv(tmp_path / "audit" / "more_labels.csv")["frame_label"].fillna("").tolist() == ["", "walk", "rest"]
