"""The labeller in a browser: what is shown, what is hidden, and that it fits the window."""

from __future__ import annotations

import pytest

from tests.integration.labeller.person import SHOWN_MS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


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
