"""Where the review of a workspace lies, and which labels it knows."""

from __future__ import annotations

from pathlib import Path

from data_schemas.labels import load_taxonomy
from pipeline.review.access import KnownLabels, database_of, stored_events
from pipeline.workspace.workspace import Workspace


def test_the_database_is_the_workspaces_unless_the_configuration_names_one(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert database_of(place) == tmp_path / "review.db"
    assert stored_events(place).empty
    assert not (tmp_path / "review.db").exists()
    place.config_path.write_text('[review]\ndatabase = "postgresql+psycopg://host/audits"\n')
    assert database_of(place) == "postgresql+psycopg://host/audits"


def test_labels_are_known_by_name_and_by_the_taxonomys_phrasings() -> None:
    labels = KnownLabels({"DOG": ("SIT", "other")}, load_taxonomy("aihub59"))
    assert labels.resolve("DOG", "sit") == "SIT"
    assert labels.resolve("DOG", "앉는 동작") is not None
    assert labels.resolve("DOG", "Other") == "other"
    assert labels.resolve("DOG", "SITT") is None
    assert labels.nearest("DOG", "SITT") == "SIT"
    assert labels.resolve("CAT", "other") == "other"
