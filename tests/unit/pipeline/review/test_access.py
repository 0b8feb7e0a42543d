"""What a run depends on: not on the review, whose code may change without making anything stale."""

from __future__ import annotations

from pathlib import Path

from data_schemas.labels import load_taxonomy
from pipeline import identity
from pipeline.identity import code_version
from pipeline.review.access import KnownLabels, database_of, stored_events
from pipeline.workspace import Workspace


def test_the_code_of_the_review_makes_no_run_stale(tmp_path: Path, monkeypatch) -> None:
    for name in ("windows.py", "review/store.py"):
        (tmp_path / "pipeline" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pipeline" / name).write_text("one")
    monkeypatch.setattr(identity, "__file__", str(tmp_path / "pipeline" / "identity.py"))
    before = code_version()
    (tmp_path / "pipeline" / "review" / "store.py").write_text("two")
    assert code_version() == before
    (tmp_path / "pipeline" / "windows.py").write_text("two")
    assert code_version() != before


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
