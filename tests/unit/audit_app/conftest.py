"""A workspace with a generated run, a client that speaks to its routes as the page does, and the pages of the app."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit import config
from streamlit.testing.v1 import AppTest

from audit_app.guard import Guard
from audit_app.hosts import hosts_of
from audit_app.routes import routes
from audit_app.tokens import secret_of, sign
from tests.generated_run import RUN, write_generated_run
from tests.pages_run import write_pages_run

APP = Path(__file__).resolve().parents[3] / "audit_app" / "navigation.py"


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """Write one run with small pictures, to be copied by tests that change it."""
    return write_generated_run(tmp_path_factory.mktemp("run") / "workspace", frames=60, picture_size=(320, 180))


@pytest.fixture
def workspace(written: Path, tmp_path: Path) -> Path:
    import shutil

    root = tmp_path / "workspace"
    shutil.copytree(written, root, symlinks=True)
    record = root / "runs" / RUN / "run.json"
    record.write_text(record.read_text(encoding="utf-8").replace(str(written), str(root)), encoding="utf-8")
    return root


@pytest.fixture
def client(workspace: Path):
    guard = Middleware(Guard, hosts=hosts_of("testserver"))
    with TestClient(Starlette(routes=routes(workspace), middleware=[guard]), base_url="http://testserver") as made:
        yield made


@pytest.fixture
def token(workspace: Path) -> str:
    return sign(secret_of(workspace.resolve()), reviewer="kim", stream="review", run_id=RUN)


@pytest.fixture
def message(token: str):
    """Give a function that makes a commit as the page sends it."""

    def make(*spans, base=0, sequence=1, state=None, operation_id=None, **more):
        operation = {
            "operation_id": operation_id or uuid.uuid4().hex,
            "at": "2026-11-25T01:00:00.000Z",
            "spans": [list(s) for s in spans],
            "undoes": None,
            "note": None,
        }
        codes = None if state is None else base64.b64encode(np.asarray(state, "<i2").tobytes()).decode()
        return {
            "token": token,
            "clip_id": "dog-sit-000000",
            "stream": "review",
            "base_revision": base,
            "sequence": sequence,
            "classes": ["SIT", "WALKRUN", "other"],
            "operations": [operation] if spans else [],
            "state": codes,
            **more,
        }

    return make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_pages_run(tmp_path / "work")


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Give a function that opens a page of the app in a workspace, as a reviewer whose name is known (or None)."""

    def open_page(
        root: Path,
        page: str = "queue",
        *,
        reviewer: str | None = "kim",
        query: dict[str, str] | None = None,
        address: str = "localhost",
        script: Path | None = None,
    ) -> AppTest:
        monkeypatch.setenv("AUDIT_WORKSPACE", str(root))
        config.set_option("server.address", address)
        app = AppTest.from_file(str(APP), default_timeout=60)
        if reviewer is not None:
            app.session_state["reviewer"] = reviewer
        app.run()
        for name, value in (query or {}).items():
            app.query_params[name] = value
        if page != "queue" or query:
            app.switch_page(str(script or f"{page}_page.py")).run()
        assert not app.exception, app.exception
        return app

    return open_page
