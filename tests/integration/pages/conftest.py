"""A workspace with decisions of two people, served, and visits to its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.browser import keep_screenshot
from tests.integration.pages.looking import serve
from tests.pages_run import make_cats, paint, segments_of, write_pages_run

SEEN = {"review": "[data-testid=frame-number]", "": "[data-testid=queue-row]"}


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    root = write_pages_run(tmp_path_factory.mktemp("pages") / "work", clips=12, picture_size=(320, 180))
    rows = segments_of(root).to_dict("records")
    for who, few, label in (("kim", rows[:4], "WALKRUN"), ("lee", rows[:3], "TURN")):
        for s in few:
            paint(root, s["clip_id"], s["start_frame"], s["end_frame"], reviewer=who, label=label)
    return root


@pytest.fixture(scope="session")
def served(root):
    server = serve(root)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def served_with_cats(tmp_path_factory):
    root = write_pages_run(tmp_path_factory.mktemp("cats") / "work", clips=8)
    make_cats(root)
    server = serve(root)
    yield server
    server.kill()


@pytest.fixture
def visit(served, browser, request):
    """Give a function that opens a page as a reviewer of this test's own."""
    name = re.sub(r"\W+", "-", request.node.name)
    contexts = []

    def visit(path: str = "", *, dark: bool = False, reviewer: str | None = "park", url: str = served.url, width: int = 1440):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
        contexts.append(context)
        if reviewer:
            context.add_cookies([{"name": "pose_audit_reviewer", "value": reviewer, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/{path}")
        waited = SEEN.get(path.partition("?")[0], "h1") if reviewer else "h3"
        page.wait_for_selector(waited, timeout=30_000)
        return page

    yield visit
    for number, context in enumerate(contexts):
        if getattr(request.node, "failed", False):
            for page in context.pages:
                keep_screenshot(page, f"{name}-{number}")
        context.close()
