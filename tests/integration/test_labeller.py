"""The labeller in a browser: no key is lost, and nothing that was painted is."""

from __future__ import annotations

import re
import shutil
import time
import urllib.request
from pathlib import Path

import pytest

from pipeline.review.store import ReviewStore
from tests.generated_run import RUN, write_generated_run
from tests.integration.browser import APPS, FarAway, Served, chromium, keep_screenshot

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CLIP = "dog-sit-000000"
SHOWN_MS = 20_000


class Reviewer:
    """A person at a page of the labeller."""

    def __init__(self, page, url, query="") -> None:
        self.page = page
        self.address = f"{url}/{query}"
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self):
        self.page.goto(self.address)
        return self.wait()

    def reload(self):
        self.page.reload()
        return self.wait()

    def wait(self):
        self.page.get_by_test_id("frame-number").wait_for(timeout=SHOWN_MS)
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
            ".querySelector('[data-testid=frame-number]').textContent !== ''"
        )
        return self

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def settled(self):
        """Wait until two pictures were drawn: what was pressed is shown."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return self

    @property
    def frame(self) -> int:
        self.settled()
        return int(self.page.get_by_test_id("frame-number").text_content())

    @property
    def label(self) -> str:
        self.settled()
        said = self.page.get_by_test_id("label-track").get_attribute("aria-label")
        return re.fullmatch(r"Your label at frame \d+: (.*?)(?: \(.*)?", said)[1]

    @property
    def state(self) -> str:
        return self.page.get_by_test_id("save-state").text_content()

    def becomes(self, state: str, timeout: float = 15.0):
        end = time.monotonic() + timeout
        while self.state != state:
            assert time.monotonic() < end, f"the page says {self.state}, not {state}"
            self.page.wait_for_timeout(20)
        return self

    def go_to(self, frame: int):
        self.press("Home")
        for _ in range(frame - 100 - (frame - 100) // 51):
            self.press("ArrowRight")
        return self


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    return write_generated_run(tmp_path_factory.mktemp("labeller") / "workspace", picture_size=(480, 270))


@pytest.fixture(scope="module")
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


def test_the_long_line_holds_back_both_ways(served):
    def seconds(url):
        times = []
        for _ in range(5):
            started = time.perf_counter()
            urllib.request.urlopen(f"{url}/_stcore/health").read()
            times.append(time.perf_counter() - started)
        return min(times)

    with FarAway(served, round_trip_ms=200) as far:
        # A request of its own connection: the proxy is near, so only the bytes that it carries are late.
        assert seconds(far.url) >= 0.2
    assert seconds(served.url) < 0.15


def test_thirty_held_keys_are_thirty_frames(reviewer, url):
    kim = reviewer(url=url)
    kim.press("Home")
    assert kim.frame == 100
    # What a held key is: one press and repeats without release.
    kim.page.keyboard.down("ArrowRight")
    for _ in range(29):
        kim.page.keyboard.down("ArrowRight")
    kim.page.keyboard.up("ArrowRight")
    assert kim.frame == 130
    for _ in range(30):
        kim.page.keyboard.down("ArrowLeft")
    assert kim.frame == 100
    assert kim.errors == []


@pytest.mark.parametrize("rate", [8, 20])
def test_every_press_registers(reviewer, stored, rate, url):
    kim = reviewer(url=url)
    kim.press("Home")
    for number in range(24):
        kim.press("Digit1" if number % 2 else "Digit2", "ArrowRight")
        kim.page.wait_for_timeout(1000 / rate)
    assert kim.frame == 124
    kim.becomes("saved")
    events = stored()
    assert events["start_frame"].tolist() == list(range(100, 124))
    assert events["label"].tolist() == ["BODYSCRATCH", "BODYLOWER"] * 12


def test_what_is_painted_is_there_after_a_reload_with_undo_and_redo(reviewer, stored):
    kim = reviewer()
    kim.go_to(110).press("KeyM", "ArrowRight", "ArrowRight", "ArrowRight", "Digit3")
    kim.go_to(120).press("Digit4")
    assert kim.label == "FEETUP"
    kim.becomes("saved")
    kim.reload()
    assert kim.go_to(112).label == "BODYSHAKE"
    assert kim.go_to(120).label == "FEETUP"
    kim.press("Control+KeyZ")
    assert kim.label == "not reviewed"
    kim.becomes("saved").reload()
    assert kim.go_to(120).label == "not reviewed"
    kim.press("Control+KeyZ")
    assert kim.go_to(112).label == "not reviewed"
    kim.press("Control+Shift+KeyZ", "Control+Shift+KeyZ")
    assert kim.go_to(112).label == "BODYSHAKE"
    assert kim.go_to(120).label == "FEETUP"
    kim.becomes("saved")
    assert stored()["action"].tolist() == ["relabel", "relabel"] + ["undo"] * 4


def test_enter_accepts_over_the_segment_and_goes_on_to_the_next_and_to_the_next_clip(reviewer, stored):
    kim = reviewer()
    assert kim.frame == 130
    kim.press("Enter")
    second = kim.frame
    assert second > 200
    kim.press("Shift+KeyN")
    assert (kim.frame, kim.label) == (130, "WALKRUN")
    kim.press("KeyN", "Enter")
    kim.page.get_by_text("dog-sit-000001", exact=True).wait_for(timeout=SHOWN_MS)
    assert kim.frame == 130
    kim.becomes("saved")
    assert stored()[["clip_id", "label"]].values.tolist() == [[CLIP, "WALKRUN"], [CLIP, "LYING"]]


def test_the_pen_paints_while_stepping_and_while_playing(reviewer, stored):
    kim = reviewer()
    kim.go_to(105).press("Digit6", "ArrowRight", "KeyP", *["ArrowRight"] * 5, "Escape")
    kim.becomes("saved")
    assert stored()[["start_frame", "end_frame"]].values.tolist() == [[105, 105], [106, 111]]
    kim.press("KeyP", "Equal", "Equal", "Space")
    kim.page.wait_for_timeout(600)
    kim.press("Space", "Escape")
    end = kim.frame
    assert end > 120
    kim.becomes("saved")
    # Playing at double speed shows not every frame, but all are painted: the first and last of each stroke meet.
    strokes = stored()[["start_frame", "end_frame"]].values.tolist()[2:]
    assert (strokes[0][0], strokes[-1][1]) == (111, end)


def test_keys_go_by_their_place_under_a_korean_input_method(reviewer):
    kim = reviewer()
    kim.press("Home")
    kim.page.evaluate(
        "() => { const press = (key, code) => window.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key, code, bubbles: true, cancelable: true, composed: true }));"
        "press('ㅔ', 'KeyP'); press('Process', 'ArrowRight'); press('ㅔ', 'KeyP'); }"
    )
    assert kim.frame == 101
    assert kim.label == "SIT"


def test_a_conflict_between_two_windows_is_shown_and_resolved_either_way(reviewer, browser, stored):
    one, two = reviewer(), reviewer()
    one.go_to(110).press("Digit1")
    one.becomes("saved")
    two.go_to(110).press("Digit2")
    two.go_to(111).press("Digit2")
    two.becomes("conflict")
    two.page.get_by_test_id("keep-mine").click()
    two.becomes("saved")
    assert two.go_to(110).label == "BODYSCRATCH"
    one.go_to(115).press("Digit5")
    one.becomes("conflict")
    one.page.get_by_test_id("take-theirs").click()
    one.becomes("saved")
    assert one.go_to(110).label == "BODYSCRATCH"
    assert one.go_to(115).label == "not reviewed"
    assert stored()["label"].tolist() == ["BODYLOWER", "BODYSCRATCH", "BODYSCRATCH"]
    # What was given up is not lost before its reviewer says so.
    one.reload()
    one.page.get_by_test_id("restore").click()
    one.becomes("saved")
    assert one.go_to(115).label == "FOOTUP"
    assert stored()["label"].tolist()[-1] == "FOOTUP"


def test_two_tabs_of_one_browser_lose_nothing(reviewer, browser, stored):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    one, two = reviewer(context=context), reviewer(context=context)
    one.go_to(104).press("Digit1")
    one.becomes("saved")
    two.go_to(106).press("Digit2")
    two.becomes("conflict")
    two.page.get_by_test_id("keep-mine").click()
    two.becomes("saved").reload()
    assert two.go_to(104).label == "BODYLOWER"
    assert two.go_to(106).label == "BODYSCRATCH"
    assert len(stored()) == 2


def test_a_server_killed_between_paint_and_acknowledgement_loses_nothing(browser, tmp_path, written, request):
    root = tmp_path / "workspace"
    shutil.copytree(written, root, symlinks=True, ignore=shutil.ignore_patterns("review.db*", ".cache"))
    record = root / "runs" / RUN / "run.json"
    record.write_text(record.read_text(encoding="utf-8").replace(str(written), str(root)), encoding="utf-8")
    server = Served(APPS / "labeller_app.py", [str(root)])
    server.start()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        kim = Reviewer(context.new_page(), server.url).open()
        kim.go_to(108).press("Digit7")
        server.kill()
        kim.press("ArrowRight", "Digit8")
        kim.becomes("unsaved")
        assert kim.label == "MOUNTING"
        server.start()
        kim.becomes("saved", timeout=30)
        server.kill()
        kim.press("ArrowRight", "Digit9")
        kim.becomes("unsaved")
        server.start()
        # The reviewer does not wait but reloads.
        kim.reload().becomes("saved", timeout=30)
        assert kim.go_to(110).label == "SIT"
        with ReviewStore.open(root / "review.db") as store:
            events = store.events()
        assert events["start_frame"].tolist() == [108, 109, 110]
        assert events["action"].tolist() == ["relabel", "relabel", "keep"]
    finally:
        context.close()
        server.kill()


def test_a_window_closed_before_the_pause_is_over_has_sent_its_acts(reviewer, browser, stored):
    context = browser.new_context()
    kim = reviewer(context=context)
    kim.go_to(103)
    kim.page.keyboard.press("Digit1")
    kim.page.goto("about:blank")
    lee = reviewer(context=context)
    assert lee.go_to(103).label == "BODYLOWER"
    lee.becomes("saved")
    assert stored()["start_frame"].tolist() == [103]


def test_the_mouse_alone_is_enough(reviewer, stored):
    kim = reviewer()
    slider = kim.page.get_by_role("slider", name="Frame")
    box = slider.bounding_box()
    at = lambda share: (box["x"] + share * box["width"], box["y"] + 60)  # noqa: E731
    kim.page.mouse.move(*at(0.5))
    kim.page.mouse.down()
    kim.page.mouse.move(*at(0.55), steps=4)
    kim.page.mouse.move(*at(0.6), steps=4)
    kim.page.mouse.up()
    kim.page.get_by_role("button", name=re.compile("^TURN")).click()
    kim.becomes("saved")
    painted = stored().iloc[0]
    assert painted["label"] == "TURN"
    assert 12 <= painted["end_frame"] - painted["start_frame"] <= 18
    kim.page.get_by_role("button", name=re.compile("^Undo")).click()
    kim.page.get_by_role("button", name=re.compile("^One frame on")).click()
    kim.becomes("saved")
    assert stored()["action"].tolist() == ["relabel", "undo"]
    assert kim.label == "not reviewed"


def test_the_help_lists_every_key_and_a_note_can_be_written(reviewer, stored):
    kim = reviewer()
    kim.press("Shift+Slash")
    help_text = kim.page.get_by_role("dialog", name="All keys")
    for words in ("Play or pause", "SIT (sitting", "Undo", "Bout starts a frame earlier"):
        assert help_text.get_by_text(words).first.is_visible()
    kim.press("Escape")
    kim.go_to(104).press("KeyT")
    kim.page.keyboard.type("꼬리 hidden <b>")
    kim.press("Control+Enter")
    kim.page.get_by_text("꼬리 hidden <b>").wait_for()
    kim.becomes("saved")
    assert stored()[["action", "note"]].values.tolist() == [["note", "꼬리 hidden <b>"]]


def test_pictures_are_shown_and_follow_the_cursor(reviewer):
    kim = reviewer()
    for number in (130, 131):
        kim.page.locator(f".stage canvas[data-picture=shown][data-frame='{number}']").wait_for(timeout=SHOWN_MS)
        kim.press("ArrowRight")


def test_blind_shows_neither_given_label_nor_suggestion(reviewer, stored):
    kim = reviewer(query="&blind=1&stream=blind:a")
    assert not kim.page.get_by_test_id("given-label").is_visible()
    assert not kim.page.get_by_test_id("suggested-label").is_visible()
    assert kim.frame == 120
    kim.press("Digit2")
    kim.becomes("saved")
    # The window ends at frame 150, which the clip has not.
    assert stored()[["stream", "start_frame", "end_frame"]].values.tolist() == [["blind:a", 120, 149]]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_it_fits_the_window(reviewer, browser, width, height):
    kim = reviewer(context=browser.new_context(viewport={"width": width, "height": height}))
    sizes = kim.page.evaluate(
        """() => {
            const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot.querySelector(".labeller");
            const main = document.querySelector("[data-testid=stMain]");
            return {
                right: root.getBoundingClientRect().right,
                wide: root.scrollWidth - root.clientWidth,
                high: main.scrollHeight - main.clientHeight,
            };
        }"""
    )
    assert sizes["right"] <= width
    assert sizes["wide"] <= 0
    if width == 1440:
        assert sizes["high"] <= 0
