"""The labeller as Streamlit mounts it: a cleanup is no proof that the page is over."""

from __future__ import annotations

import re

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Streamlit's own call, whose cleanup the test takes over.
OVERHEARD = """
import mount from "./labeller.js?itself";
export default function (given) {
  const end = mount(given);
  window.endOfLabeller = () => end();
  return end;
}
"""


@pytest.fixture
def overheard(browser):
    """Give a browser's context in which the page has the labeller's cleanup at hand."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.route(re.compile(r"labeller\.js$"), lambda route: route.fulfill(body=OVERHEARD, content_type="text/javascript"))
    return context


def test_data_that_were_overtaken_do_not_end_what_is_under_way(reviewer, stored, overheard):
    # Streamlit runs the cleanup of a mount whose data newer ones overtook, with the element still in the page.
    kim = reviewer(context=overheard)
    kim.go_to(104)
    kim.page.evaluate("window.endOfLabeller()")
    kim.press("Digit2")
    kim.becomes("saved")
    assert kim.frame == 104
    assert stored()["start_frame"].tolist() == [104]


def test_a_labeller_that_left_the_page_hears_no_more_keys(reviewer, stored, overheard):
    kim = reviewer(context=overheard)
    kim.go_to(104)
    kim.page.evaluate(
        """() => {
            const host = document.querySelector("[data-testid=stBidiComponentIsolated]");
            host.remove();
            window.endOfLabeller();
            window.leftInside = host.shadowRoot.querySelector(".labeller");
        }"""
    )
    assert kim.page.evaluate("window.leftInside") is None
    kim.press("Digit2")
    kim.page.wait_for_timeout(300)
    assert stored().empty
    assert kim.errors == []
