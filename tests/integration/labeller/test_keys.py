"""The labeller in a browser: no key is lost, and the mouse alone is enough."""

from __future__ import annotations

import re
import time
import urllib.request

import pytest

from tests.integration.browser import FarAway
from tests.integration.labeller.person import CLIP, SHOWN_MS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


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
    for number in range(16):
        kim.press("Digit1" if number % 2 else "Digit2", "ArrowRight")
        kim.page.wait_for_timeout(1000 / rate)
    assert kim.frame == 116
    kim.becomes("saved")
    events = stored()
    assert events["start_frame"].tolist() == list(range(100, 116))
    assert events["label"].tolist() == ["BODYSCRATCH", "BODYLOWER"] * 8


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
    kim.page.wait_for_timeout(350)
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
