"""The Review page under hands that are quicker than the line: no key hits what was not on the screen."""

from __future__ import annotations

import pytest

from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
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


@pytest.mark.parametrize("round_trip_ms", [40, 350])
def test_the_review_page_under_quick_hands_and_on_a_broken_line(round_trip_ms, apart, visit):
    root, server = apart
    name = f"quick-{round_trip_ms}"

    def told():
        with ReviewStore.open(Workspace(root).review_db) as store:
            return store.events(reviewer=name)

    with FarAway(server, round_trip_ms=round_trip_ms) as far:
        page = settled(visit("review", reviewer=name, url=far.url))
        keys_pressed_while_the_next_segment_loads_hit_no_other(page, told, root)
        undo_goes_back_to_whatever_clip(page, told)
        enter_replaces_nothing_unasked(page, told, root)
        acts_of_any_clip_are_told_and_sent(page, told)


def saved(page):
    page.locator("[data-testid=save-state][data-state=saved]").wait_for(timeout=30_000)
    return page


def keys_pressed_while_the_next_segment_loads_hit_no_other(page, told, root):
    # The place is read in the very moment of the press.
    press = f"""code => {{
      const place = ({PLACE})();
      const key = {{ code, key: code, bubbles: true, cancelable: true, composed: true }};
      window.dispatchEvent(new KeyboardEvent("keydown", key));
      return place;
    }}"""
    seen: set[tuple[str, str]] = set()
    for number in range(400):
        if len(seen) > 4:
            break
        # A, U and X write over what was decided: whatever hits a segment twice is seen.
        seen.add(tuple(page.evaluate(press, ("KeyA", "KeyU", "KeyX", "Enter")[number % 4])))
        page.wait_for_timeout(90)
    saved(page)
    acts = told().groupby(["clip_id", "operation_id"]).agg(start=("start_frame", "min"), end=("end_frame", "max"))
    segments = segments_of(root).set_index(["clip_id", "start_frame"])["end_frame"]
    places = [(clip, int(start)) for (clip, _), start in acts["start"].items()]
    assert len(places) >= 4
    assert len(set(places)) == len(places)
    assert [segments[place] for place in places] == acts["end"].tolist()
    assert {(clip, str(start)) for clip, start in places} <= seen


def undo_goes_back_to_whatever_clip(page, told):
    places = []
    for key in ("KeyX", "Enter"):
        at_rest(page)
        places.append(page.evaluate(PLACE))
        page.keyboard.press(key)
        changed(page, places[-1])
    before = len(told())
    for place in reversed(places):
        page.keyboard.press("Control+KeyZ")
        shows(page, place)
    saved(page)
    assert told()["undoes"].notna().sum() == 2
    assert len(told()) >= before + 2
    page.keyboard.press("Control+Shift+KeyZ")
    saved(page)
    # The way back outlives a reload, and leads to clips that the page does not hold any more.
    page.reload()
    page.wait_for_selector("[data-testid=frame-number]", timeout=30_000)
    at_rest(page)
    page.keyboard.press("Control+KeyZ")
    shows(page, places[0])
    saved(page)
    assert told()["undoes"].notna().sum() == 4


def enter_replaces_nothing_unasked(page, told, root):
    at_rest(page)
    here = page.evaluate(PLACE)
    page.keyboard.press("Period")
    changed(page, here)
    at_rest(page)
    before, place = len(told()), page.evaluate(PLACE)

    def press(*keys):
        for key in keys:
            page.keyboard.press(key)
        # What the keys did is drawn with the next frame of the screen.
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return int(page.evaluate(PLACE)[1])

    start = int(place[1])
    own = press("KeyM", "ArrowRight", "KeyM", "KeyO", "Escape")
    # Over a label of one's own Enter asks, and Escape keeps it.
    press("KeyM", "ArrowLeft", "KeyM", "Enter")
    page.locator("[data-asking=true]").wait_for(timeout=4000)
    press("Escape", "Escape")
    # Over a marked range it paints that range only, and stays.
    low, high = press("ArrowRight", "ArrowRight"), press("KeyM", "ArrowRight", "KeyM", "Enter")
    rest = press("ArrowRight")
    end = press("KeyM", "BracketRight", "KeyM", "KeyO", "Escape")
    # Where all of the segment was painted by hand it goes on, and leaves it as it is.
    page.keyboard.press("Enter")
    changed(page, [place[0], str(end)])
    saved(page)
    segment = segments_of(root).set_index(["clip_id", "start_frame"]).loc[(place[0], start)]
    acts = told().iloc[before:][["clip_id", "start_frame", "end_frame", "label"]].to_numpy().tolist()
    spans = [(start, own, "other"), (low, high, segment["suggested_label"]), (rest, end, "other")]
    assert acts == [[place[0], *span] for span in spans]
    assert end >= segment["end_frame"]


def acts_of_any_clip_are_told_and_sent(page, told):
    at_rest(page)
    before, place = len(told()), page.evaluate(PLACE)
    page.context.set_offline(True)
    page.keyboard.press("KeyU")
    changed(page, place)
    page.locator("[data-waiting=true]").wait_for(state="hidden", timeout=4000)
    page.keyboard.press("KeyX")
    page.locator("[data-testid=save-state][data-acts='2']").wait_for(timeout=4000)
    assert page.locator("[data-testid=save-state]").text_content() == "unsaved"
    assert len(told()) == before
    page.context.set_offline(False)
    page.locator("[data-testid=save-state][data-state=saved]").wait_for(timeout=4000)
    sent = len(told())
    assert sent > before
    # The page is closed without a line; any other page of the workspace in this browser sends what it had.
    at_rest(page)
    page.context.set_offline(True)
    page.keyboard.press("Digit2")
    page.locator("[data-testid=save-state][data-state=unsaved]").wait_for(timeout=4000)
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    other, url = page.context.new_page(), page.url
    page.close(run_before_unload=True)
    while not page.is_closed():
        other.wait_for_timeout(50)
    other.context.set_offline(False)
    other.goto(url.partition("/review")[0] + "/history")
    for _ in range(150):
        if len(told()) > sent:
            break
        other.wait_for_timeout(100)
    assert asked == ["beforeunload"]
    assert len(told()) == sent + 1


def at_rest(page):
    """Wait until keys count, the address names the clip's segment, and the clip after it is there."""
    page.locator("[data-waiting=true]").wait_for(state="hidden", timeout=30_000)
    page.wait_for_function(
        """() => {
          const segment = new URLSearchParams(location.search).get("segment");
          const urls = performance.getEntriesByType("resource").map((e) => new URL(e.name));
          const asked = urls.filter((u) => u.pathname === "/audit/next");
          return segment === null || asked.some((u) => u.searchParams.get("from") === segment);
        }""",
        timeout=30_000,
    )


def changed(page, place):
    page.wait_for_function(f"was => JSON.stringify(({PLACE})()) !== JSON.stringify(was)", arg=place, timeout=30_000)


def shows(page, place):
    page.wait_for_function(f"is => JSON.stringify(({PLACE})()) === JSON.stringify(is)", arg=place, timeout=30_000)
