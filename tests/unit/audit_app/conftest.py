"""The pages without a browser: Streamlit's own test of an app, on a workspace of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages_run import write_pages_run

APP = Path(__file__).resolve().parents[3] / "audit_app" / "navigation.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_pages_run(tmp_path / "work")


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Give a function that opens a page of the app in a workspace, as a reviewer whose name is known (or None)."""

    def open_page(root: Path, page: str = "queue", *, reviewer: str | None = "kim", query: dict[str, str] | None = None) -> AppTest:
        monkeypatch.setenv("AUDIT_WORKSPACE", str(root))
        app = AppTest.from_file(str(APP), default_timeout=60)
        if reviewer is not None:
            app.session_state["reviewer"] = reviewer
        app.run()
        for name, value in (query or {}).items():
            app.query_params[name] = value
        if page != "queue" or query:
            app.switch_page(f"{page}_page.py").run()
        assert not app.exception, app.exception
        return app

    return open_page
