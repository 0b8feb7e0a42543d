"""The server is up quickly, and has read what the first page needs before it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from audit_app.opened_run import run_at
from audit_app.preload import preload
from audit_app.queue_filters import QueueFilters
from audit_app.queue_rows import list_columns, queue_rows
from data_schemas.errors import WorkspaceError
from pipeline.workspace.run_folder import RunFolder
from tests.pages_run import run_of, write_pages_run


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = write_pages_run(tmp_path / "work")
    monkeypatch.setenv("AUDIT_WORKSPACE", str(root))
    return root


def test_the_server_starts_without_the_networks(root):
    # As `audit review` asks for it; the app refuses to be open to everybody without a password.
    here = "from streamlit import config; config.set_option('server.address', '127.0.0.1')"
    words = "import sys, audit_app.app; print([m for m in ('torch', 'sklearn', 'cleanlab') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", f"{here}; {words}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_after_the_preload_no_page_of_the_queue_reads_a_table(root, monkeypatch):
    preload()
    monkeypatch.setattr(RunFolder, "read_table", lambda *given: pytest.fail(f"read again: {given[1]}"))
    found = run_at(run_of(root).path)
    assert len(queue_rows(found))
    assert list_columns(found, here=None, filters=QueueFilters())
    assert {"clips", "frames", "windows", "issues", "oof", "segments"} <= set(found.tables)


def test_the_preload_leaves_what_cannot_be_read_to_the_pages(root, tmp_path, monkeypatch):
    (run_of(root).path / "segments.parquet").write_bytes(b"broken")
    preload()
    with pytest.raises(WorkspaceError):
        run_at(run_of(root).path)["segments"]
    monkeypatch.setenv("AUDIT_WORKSPACE", str(tmp_path / "empty"))
    preload()
