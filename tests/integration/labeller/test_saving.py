"""The labeller in a browser: nothing that was painted is lost."""

from __future__ import annotations

import shutil

import pytest

from pipeline.review.store import ReviewStore
from tests.generated_run import RUN
from tests.integration.browser import APPS, Served
from tests.integration.labeller.person import Reviewer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


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
