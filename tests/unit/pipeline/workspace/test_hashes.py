"""What a run is known by: the code that its results follow from, and no other; rounds rest on source and configuration alone."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.progress import Progress
from data_schemas.tables import text
from pipeline.audit import run
from pipeline.audit.rounds import DecidedLabels
from pipeline.report.page import write_report
from pipeline.review.access import stored_size
from pipeline.review.events import Commit, Span, new_operation
from pipeline.review.store import ReviewStore
from pipeline.workspace import hashes
from pipeline.workspace.hashes import code_version, module_code
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.conftest import ROOT

ROOTS = {
    "run": "pipeline.audit.stages",
    "report": "pipeline.report.page",
    "selftest": "pipeline.selftest.injection",
    "models": "pipeline.retraining.models",
    "figures": "pipeline.retraining.retrain",
}


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the packages, whose hashes are asked for."""
    for package in ("data_schemas", "model", "pipeline"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(hashes, "__file__", str(tmp_path / "pipeline" / "workspace" / "hashes.py"))
    return tmp_path


def versions() -> dict[str, str]:
    return {name: code_version(module) for name, module in ROOTS.items()}


CHANGES = {
    "pipeline/cli/doctor.py": "",
    "pipeline/export/datasheet.py": "",
    "pipeline/report/page.py": "report",
    "pipeline/report/templates/style.css": "report",
    "pipeline/report/templates/report.html": "report",
    "pipeline/report/templates/timeline.svg": "report",
    "pipeline/selftest/splicing.py": "report selftest",
    "pipeline/retraining/training.py": "models figures",
    "pipeline/evaluation/model_comparison.py": "figures",
    "pipeline/review/frame_labels.py": "report models figures",
    "pipeline/detection/label_quality.py": "run report models figures",
    "model/lstm.py": "run report models figures",
    "data_schemas/taxonomies/aihub59.toml": "run report selftest models figures",
}
ADDED = {".html": "<p>", ".svg": "<g/>", ".css": ".x { color: red }", ".toml": "x = 1", ".py": "def added():\n    return 1\n"}


def test_what_a_module_does_changes_what_follows_from_it_and_nothing_else(code: Path) -> None:
    known, found = versions(), {}
    for path in CHANGES:
        assert (code / path).exists()
        with (code / path).open("a") as file:
            file.write(ADDED[Path(path).suffix])
        after = versions()
        found[path] = " ".join(name for name in ROOTS if known[name] != after[name])
        known = after
    assert found == CHANGES


def test_comments_docstrings_and_layout_make_nothing_stale(code: Path) -> None:
    before = versions()
    for path in code.rglob("*.py"):
        source = path.read_text()
        path.write_text(
            "# A comment.\n\n" + source.replace('"""', '"""Said otherwise. ', 1).replace("\n\ndef ", "\n\n\n# More.\ndef ", 1)
        )
    assert versions() == before


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("def f(x):\n    return x\n", 'def f(x):\n    """Say."""\n    # Why.\n    return (x)\n', True),
        ("X = 1\n", 'X = 1\n"""What X is."""\n', True),
        ("class A:\n    x: int\n", 'class A:\n    """Say."""\n\n    x: int\n', True),
        ("X = 1\n", "X = 2\n", False),
        ("X = 1\n", "X = 1.0\n", False),
        ("X = 'a'\n", "X = b'a'\n", False),
        ("X = None\n", "X = ()\n", False),
        ("def f(x): return x\n", "def f(x=None): return x\n", False),
        ("def f(): return 'a'\n", "def f(): return\n", False),
        ("X = {None: 1}\n", "X = {**1}\n", False),
        ("f(a)\n", "f(*a)\n", False),
    ],
)
def test_what_a_file_does_is_told_from_how_it_is_written(one: str, other: str, same: bool) -> None:
    assert (module_code(one.encode()).hash == module_code(other.encode()).hash) == same


def test_imports_are_found_wherever_they_are() -> None:
    source = b"""
import a.b
from c import d
if TYPE_CHECKING:
    from only import types
def f():
    try:
        from e import g
    except ImportError:
        import h
    match x:
        case 1:
            import i
"""
    assert module_code(source).imports == ("a.b", "c", "c.d", "e", "e.g", "h", "i")


@contextlib.contextmanager
def show(_: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture
def audit(tmp_path: Path, make_table, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[RunFolder, bool]]:
    """Return a function that audits by code of any version, without doing the work of the stages."""
    make_table(subjects=2, clips_each=1, seconds=1).to_parquet(tmp_path / "poses.parquet", index=False)

    def work(folder: RunFolder, *_: object, workspace: Workspace, **__: object) -> None:
        drawn = {"code": run.code_version(write_report.__module__), "review": stored_size(workspace)}
        folder.save_record({**folder.record(), "finished": True, "stages": {"report": drawn}})

    monkeypatch.setattr(run, "_run_stages", work)
    monkeypatch.setattr(run, "_stale_stages", lambda *_: [])

    def audited(version: str, label: str | None = None, *, report: str = "") -> tuple[RunFolder, bool]:
        monkeypatch.setattr(run, "code_version", lambda module: report if module == write_report.__module__ else version)
        spans = {
            "clip_id": text(["a"]),
            "start_frame": [0],
            "end_frame": [9],
            "label": text([label]),
            "label_source": text(["review"]),
        }
        decided = (
            DecidedLabels(pd.DataFrame(spans).astype({"start_frame": "int32", "end_frame": "int32"}), events=1) if label else None
        )
        place, shown = Workspace(tmp_path / "ws"), {"write_report": write_report, "stage_progress": show}
        return run.run_audit(tmp_path / "poses.parquet", load_config(None), workspace=place, decided=decided, **shown)

    return audited


def test_a_round_follows_the_one_before_whatever_the_code_was(audit: Callable[..., tuple[RunFolder, bool]]) -> None:
    first, _ = audit("one")
    second, _ = audit("two", "SIT")
    third, _ = audit("three", "TURN")
    again, _ = audit("four", "SIT")
    told = [folder.record()["round"] for folder in (first, second, third, again)]
    assert [r["number"] for r in told] == [1, 2, 3, 2]
    assert [r["previous"] for r in told] == [None, first.path.name, second.path.name, first.path.name]
    assert len({folder.path for folder in (first, second, third, again)}) == 4


def test_a_run_is_done_until_its_code_or_what_draws_its_report_changes(audit: Callable[..., tuple[RunFolder, bool]]) -> None:
    folder, _ = audit("one", report="a")
    assert audit("one", report="a") == (RunFolderAt(folder), False)
    assert audit("one", report="b") == (RunFolderAt(folder), True)
    assert audit("one", report="b") == (RunFolderAt(folder), False)
    assert audit("two", report="b") != (RunFolderAt(folder), False)


@pytest.mark.parametrize("database", ["", "other.db"])
def test_a_run_is_done_until_somebody_decides_more_in_the_store_that_the_configuration_names(
    database: str, audit: Callable[..., tuple[RunFolder, bool]], tmp_path: Path
) -> None:
    folder, _ = audit("one")
    place = Workspace(tmp_path / "ws")
    if database:
        place.config_path.write_text(f'[review]\ndatabase = "sqlite:///{tmp_path / database}"\n', encoding="utf-8")
    assert audit("one") == (RunFolderAt(folder), False)
    with ReviewStore.open(tmp_path / database if database else place.review_db) as store:
        act = new_operation(Span(0, 4, "relabel", "SIT"))
        store.commit(Commit("run", "kim", "blind:s1", "a", 0, 0, (act,)))
    assert audit("one") == (RunFolderAt(folder), True)
    assert audit("one") == (RunFolderAt(folder), False)


def test_a_review_database_that_does_not_answer_makes_no_report_stale(
    audit: Callable[..., tuple[RunFolder, bool]], tmp_path: Path
) -> None:
    folder, _ = audit("one")
    Workspace(tmp_path / "ws").config_path.write_text('[review]\ndatabase = "sqlite:////no/such/folder/r.db"\n', encoding="utf-8")
    assert audit("one") == (RunFolderAt(folder), False)


class RunFolderAt:
    """Equals a run folder at the same place."""

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and other.path == self._path

    __hash__ = None
