"""A server of the labeller, and people at its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.review.store import ReviewStore
from tests.generated_run import write_generated_run
from tests.integration.browser import APPS, FarAway, Served, keep_screenshot
from tests.integration.labeller.person import Reviewer


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    return write_generated_run(tmp_path_factory.mktemp("labeller") / "workspace", picture_size=(480, 270))


@pytest.fixture(scope="session")
def served(written):
    server = Served(APPS / "labeller_app.py", [str(written)])
    server.start()
    yield server
    server.kill()


@pytest.fixture
def reviewer(served, browser, request):
    """Give a function that opens pages; each has a reviewer's name of this test's own, so that tests do not meet."""
    pages = []
    name = re.sub(r"\W+", "-", request.node.name)

    def enter(*, context=None, query="", url=None):
        context = context or browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        pages.append(page)
        return Reviewer(page, url or served.url, f"?reviewer={name}{query}").open()

    yield enter
    failed = getattr(request.node, "failed", False)
    for number, page in enumerate(pages):
        if failed:
            keep_screenshot(page, f"{name}-{number}")
    for context in {page.context for page in pages}:
        context.close()


@pytest.fixture
def stored(written, request):
    """Give a function that returns this test's events in the store."""
    name = re.sub(r"\W+", "-", request.node.name)

    def events():
        with ReviewStore.open(written / "review.db") as store:
            return store.events(reviewer=name)

    return events


@pytest.fixture(params=["here", "40 ms away"])
def url(request, served):
    """Give the server's address: at hand, or with 40 ms of round trip added to all that it and the page say to each other."""
    if request.param == "here":
        yield served.url
        return
    with FarAway(served, round_trip_ms=40) as far:
        yield far.url
