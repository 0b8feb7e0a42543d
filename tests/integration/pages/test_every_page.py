"""Every page in a real browser: it opens, shows no exception, axe-core finds nothing serious."""

from __future__ import annotations

import re

import pytest

from audit_app import pages
from tests.integration.pages.looking import in_colours, settled, violations

pytestmark = pytest.mark.integration

PAGES = ["", *(page.path for page in pages.PAGES[1:])]


@pytest.mark.parametrize("path", PAGES)
def test_opens_without_exception_fits_a_narrow_window_and_can_be_used_by_everybody(path, visit):
    page = settled(visit(path))
    for dark in (False, True):
        page = in_colours(page, dark=dark)
        assert page.query_selector("[data-testid=stException]") is None
        assert violations(page) == []
    page.set_viewport_size({"width": 1024, "height": 900})
    wide = settled(page).evaluate("(m => m.scrollWidth - m.clientWidth)(document.querySelector('[data-testid=stMain]'))")
    assert wide <= 0


def test_an_overview_of_two_species_can_be_used_by_everybody(served_with_cats, visit):
    page = settled(visit("overview", url=served_with_cats.url))
    for dark in (False, True):
        page = in_colours(page, dark=dark)
        page.get_by_role("radio", name="Dog").click()
        page.get_by_text("sitting", exact=True).first.wait_for(timeout=15_000)
        assert violations(settled(page)) == []
        page.get_by_role("radio", name="Cat").click()
        page.get_by_text("crouching, paws hidden", exact=True).first.wait_for(timeout=15_000)
        assert violations(settled(page)) == []


def test_what_decides_and_what_looks_alike_are_shown_without_scrolling(visit):
    page = settled(visit("review"))
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        for place in (page.get_by_role("button", name=re.compile("^Accept")), page.locator(".similar figure").last):
            box = place.bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 900


def test_the_name_is_asked_once_and_known_after_a_reload_and_in_a_new_tab(visit):
    page = visit("review", reviewer=None)
    page.get_by_label("Your name").fill("박 지성")
    page.get_by_role("button", name="Use this name").click()
    page.wait_for_selector("[data-testid=frame-number]")
    page.reload()
    page.wait_for_selector("[data-testid=frame-number]")
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("[data-testid=frame-number]")
    assert other.get_by_text("Who reviews?").count() == 0


def test_the_export_page_writes_the_dataset_and_tells_what_was_refused(visit, root):
    page = settled(visit("export"))
    page.get_by_role("button", name="Export the dataset").click()
    page.get_by_text(re.compile("^Written to .* for park")).wait_for(timeout=60_000)
    out = root / "exports" / "cleaned"
    assert (out / "frames.parquet").exists()
    page.get_by_text("wrote ").first.wait_for()
    assert violations(settled(page)) == []
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    page.get_by_role("button", name="Export the dataset").click()
    page.get_by_text("is not empty").wait_for(timeout=60_000)
    page.get_by_text("name another folder").wait_for()
    assert (out / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_blind_sample_shows_no_label_anywhere_on_the_page(visit):
    page = visit("blind", reviewer="blind-judge")
    for label in ("hold-out", "flagged", "unflagged"):
        page.get_by_label(re.compile(f"^{label}")).fill("0" if label == "hold-out" else "4")
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("[data-testid=frame-number]", timeout=15_000)
    settled(page)
    for name in ("given-label", "suggested-label"):
        place = page.query_selector(f"[data-testid={name}]")
        assert place is None or place.inner_text().strip() == ""
    assert "dog-sit" not in page.content()
    assert page.evaluate("document.body.innerText").count("dog-sit") == 0
