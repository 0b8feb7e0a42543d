"""How sources are read in these tests."""

from __future__ import annotations

from pathlib import Path

from data_schemas.config import load_config
from pipeline.readers import Recordings, recognise


def read(source: Path, **overrides) -> Recordings:
    return recognise(source).read(load_config(None, overrides=overrides))


def only_reason(found: Recordings) -> tuple[str, str]:
    assert found.clips.empty
    assert len(found.rejected) == 1
    return found.rejected["place"].iloc[0], found.rejected["reason"].iloc[0]
