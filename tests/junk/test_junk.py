"""Every junk file is either read or rejected with a reason; the good clip beside it is read either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.config import load_config
from pipeline.readers import Recordings, recognise
from tests.junk.corpus import READ, REJECTED, WHOLE
from tests.trees import put


def read_beside_a_good_clip(folder: Path, data: bytes) -> Recordings:
    put(folder / "good.json", WHOLE)
    put(folder / "junk.json", data)
    return recognise(folder).read(load_config(None))


@pytest.mark.parametrize("name", REJECTED)
def test_junk_is_rejected_with_a_reason(tmp_path: Path, name: str) -> None:
    found = read_beside_a_good_clip(tmp_path, REJECTED[name]())
    assert found.clips["clip_id"].tolist() == ["good"]
    assert found.rejected["file"].tolist() == ["junk.json"]
    assert len(found.rejected["reason"].iloc[0]) > 5


@pytest.mark.parametrize("name", READ)
def test_odd_files_are_read(tmp_path: Path, name: str) -> None:
    found = read_beside_a_good_clip(tmp_path, READ[name]())
    assert found.clips["clip_id"].tolist() == ["good", "junk"]
    assert found.rejected.empty


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv.gz"])
@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"PAR1", b"a,b\n1", b'"unclosed', "클립".encode("utf-16")])
def test_junk_tables_are_rejected_beside_a_good_one(tmp_path: Path, ending: str, data: bytes) -> None:
    good = "clip_id,subject_id,frame_number,timestamp_ms,label,nose_x,nose_y\n" + "".join(
        f"a,s,{i},{i * 40},x,1,2\n" for i in range(3)
    )
    put(tmp_path / "a.csv", good.encode())
    put(tmp_path / f"junk.{ending}", data)
    found = recognise(tmp_path).read(load_config(None))
    assert found.clips["clip_id"].tolist() == ["a"]
    assert "junk" in found.rejected["file"].iloc[0]
