"""The Review page under hands that are quicker than the line: no key hits what was not on the screen."""

from __future__ import annotations

import pytest

from pipeline.review.store import ReviewStore
from pipeline.workspace import Workspace
from tests.integration.browser import FarAway
from tests.integration.pages.looking import serve, settled
from tests.pages_run import segments_of, write_pages_run

pytestmark = pytest.mark.integration

CLIPS = 24

INSIDE = "document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
PLACE = f"() => [{INSIDE}.querySelector('h2.clip').textContent, {INSIDE}.querySelector('[data-testid=frame-number]').textContent]"


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Give a workspace of these tests' own, and its server."""
    root = write_pages_run(tmp_path_factory.mktemp("by-hand") / "work", clips=CLIPS)
    server = serve(root)
    yield root, server
    server.kill()


@pytest.fixture(params=[40, 350], ids=lambda ms: f"{ms} ms")
def review(request, apart, visit):
    """Give a page of the Review page behind a long line, and what its reviewer stored."""
    root, server = apart
    name = f"{request.node.originalname[:40]}-{request.param}"

    def told():
        with ReviewStore.open(Workspace(root).review_db) as store:
            return store.events(reviewer=name)

    with FarAway(server, round_trip_ms=request.param) as far:
        yield settled(visit("review", reviewer=name, url=far.url)), told


def saved(page):
    page.locator("[data-testid=save-state][data-state=saved]").wait_for(timeout=30_000)
    return page


def test_keys_pressed_while_the_next_segment_loads_hit_no_other(review, apart):
    page, told = review
    seen = {}
    for number in range(32):
        place = page.evaluate(PLACE)
        key = ("KeyA", "KeyU", "KeyX", "Enter")[number % 4]
        page.keyboard.press(key)
        seen.setdefault(tuple(place), []).append(key)
        page.wait_for_timeout(90)
    saved(page)
    events = told()
    acts = events.groupby(["clip_id", "operation_id"]).agg(start=("start_frame", "min"), end=("end_frame", "max"))
    segments = segments_of(apart[0]).set_index(["clip_id", "start_frame"])["end_frame"]
    # Each act covers one segment, no segment was decided twice, and each was on the screen when a key was pressed.
    assert len(acts) >= 6
    places = [(clip, int(start)) for (clip, _), start in acts["start"].items()]
    assert len(set(places)) == len(places)
    assert [segments[place] for place in places] == acts["end"].tolist()
    assert {(clip, str(start)) for clip, start in places} <= set(seen)
