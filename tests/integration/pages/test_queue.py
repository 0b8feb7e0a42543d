"""The queue in a real browser: filters, keys, and the ways into review and on from there."""

from __future__ import annotations

import pytest

from audit_app.queue_filters import QueueFilters
from pipeline.review.segment_states import expected_residual_error
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.integration.browser import FarAway
from tests.integration.pages.looking import query, settled
from tests.pages_run import segments_of

pytestmark = pytest.mark.integration

SHOWN = """() => {
  const inside = document.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot;
  return [inside?.querySelector('h2.clip')?.textContent, inside?.querySelector('.progress')?.textContent.split(' · ')[0]];
}"""
FRAME = """() => document.querySelector('[data-testid=stBidiComponentIsolated]')
  .shadowRoot.querySelector('[data-testid=frame-number]')?.textContent"""


def test_filters_are_in_the_address_and_survive_a_reload(visit):
    page = visit("")
    page.select_option("[data-testid=queue-filter-state]", "open")
    page.fill("[data-testid=queue-text]", "000007")
    shown = page.inner_text("[data-testid=queue-count]")
    assert query(page) == {"state": "open", "text": "000007"}
    assert page.locator("[data-testid=queue-row]").count() == 2
    page.reload()
    page.wait_for_selector("[data-testid=queue-row]")
    assert page.inner_text("[data-testid=queue-count]") == shown
    assert page.input_value("[data-testid=queue-text]") == "000007"
    page.click("[data-testid=queue-clear]")
    assert query(page) == {}


def test_filters_and_order_are_kept_over_a_look_at_another_page(visit):
    page = visit("")
    page.select_option("[data-testid=queue-filter-state]", "open")
    page.select_option("[data-testid=queue-order]", "clip")
    page.get_by_role("link", name="History").click()
    page.get_by_role("heading", name="History").wait_for()
    page.get_by_role("link", name="Queue").click()
    page.wait_for_selector("[data-testid=queue-row]")
    assert query(page) == {"state": "open", "order": "clip"}
    # Streamlit's own link to Review would drop them.
    open_ones = int(page.inner_text("[data-testid=queue-count]").split()[0])
    page.get_by_role("link", name="Review").click()
    page.wait_for_selector("[data-testid=frame-number]")
    assert query(page) == {"state": "open", "order": "clip"}
    assert page.evaluate(SHOWN)[1] == f"1 of {open_ones} open"
    page.get_by_role("link", name="Queue").click()
    page.wait_for_selector("[data-testid=queue-row]")
    page.click("[data-testid=queue-clear]")
    assert query(page) == {"order": "clip"}


def test_the_queue_can_be_used_on_a_phone(visit):
    page = settled(visit("", width=390))
    wide = page.evaluate("(m => m.scrollWidth - m.clientWidth)(document.querySelector('[data-testid=stMain]'))")
    assert wide <= 0
    for place in ("[data-testid=queue-continue]", "[data-testid=queue-row] .state", "[data-testid=queue-row] .labels"):
        box = page.locator(place).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_the_list_has_the_order_by_which_next_goes_on(visit, root):
    page = visit("")
    segments = segments_of(root)
    queue = segments.assign(learning_rank=expected_residual_error(segments).rank(ascending=False, method="first"))
    for order in ("learning", "quality", "clip", "length", ""):
        page.select_option("[data-testid=queue-order]", order)
        rows = page.locator("[data-testid=queue-row]").evaluate_all(
            "rows => rows.sort((a, b) => a.dataset.place - b.dataset.place).map((row) => row.dataset.segment)"
        )
        assert rows == QueueFilters(order=order).apply(queue)["segment_id"].tolist()[: len(rows)]
        assert len(rows) > 5


def test_the_queue_is_worked_by_keys_alone_and_enter_opens_review(visit, root):
    page = visit("")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=frame-number]")
    assert query(page)["segment"] == segments_of(root)["segment_id"].iloc[3]


def test_accepting_is_in_the_queue_and_leads_on_within_the_filters(visit, root):
    page = visit("?state=open&text=000009")
    page.click("[data-testid=queue-continue]")
    page.wait_for_selector("[data-testid=frame-number]")
    settled(page)
    first = page.get_by_test_id("frame-number").text_content()
    page.keyboard.press("Enter")
    page.wait_for_function(f"first => ({FRAME})() !== first", arg=first)
    page.keyboard.press("Enter")
    page.get_by_text("Everything in this part of the queue is reviewed").wait_for(timeout=10_000)
    with ReviewStore.open(Workspace(root).review_db) as store:
        told = store.events(reviewer="park", stream="review")
    wanted = segments_of(root)
    wanted = wanted[wanted["clip_id"].str.contains("000009")]
    spans = told[told["clip_id"].str.contains("000009")][["start_frame", "end_frame", "label"]].drop_duplicates()
    assert set(spans["label"]) == set(wanted["suggested_label"])
    page.get_by_role("button", name="Back to the queue").click()
    page.wait_for_selector("[data-testid=queue-row]")
    page.fill("[data-testid=queue-text]", "000009")
    assert [s.inner_text() for s in page.locator("[data-testid=queue-row] .state em").all()] == ["decided"] * 2


def shows(page, clip: str, place: str) -> bool:
    """Wait until the labeller shows this clip, and the place of its segment in the queue."""
    for _ in range(1000):
        if page.evaluate(SHOWN) == [clip, place]:
            return True
        page.wait_for_timeout(20)
    raise AssertionError(f"{page.evaluate(SHOWN)}, not {clip}, {place}")


def test_the_place_in_the_queue_follows_within_the_clip_and_from_clip_to_clip(visit, root):
    rows = segments_of(root)
    place = {s: f"{i + 1} of {len(rows)} in the queue" for i, s in enumerate(rows["segment_id"])}
    # Two clips that nobody else of these tests looks at, each with two segments.
    here, after = (rows[rows["clip_id"].str.endswith(n)].sort_values("start_frame") for n in ("000004", "000005"))
    page = settled(visit(f"review?segment={here['segment_id'].iloc[0]}", reviewer="choi"))
    assert shows(page, here["clip_id"].iloc[0], place[here["segment_id"].iloc[0]])
    page.keyboard.press("Enter")
    assert shows(page, here["clip_id"].iloc[0], place[here["segment_id"].iloc[1]])
    page.keyboard.press("Enter")
    assert shows(page, after["clip_id"].iloc[0], place[after["segment_id"].iloc[0]])
    # What the server answers to the last key comes now, and changes nothing of what is shown.
    page.wait_for_url(f"**segment={after['segment_id'].iloc[0]}**", timeout=30_000)
    settled(page)
    assert shows(page, after["clip_id"].iloc[0], place[after["segment_id"].iloc[0]])
    assert query(page)["segment"] == after["segment_id"].iloc[0]


def test_going_on_does_not_wait_for_the_server(visit, served, root):
    rows = segments_of(root)
    here = rows.loc[rows["clip_id"].str.endswith("000006")].iloc[0]
    after = rows.loc[rows["clip_id"].str.endswith("000007")].iloc[0]
    with FarAway(served, round_trip_ms=40) as far:
        page = settled(visit(f"review?segment={here['segment_id']}&text=00000", reviewer="jang", url=far.url))
        # The answer has come: the fetch of the next clip's pictures tells it.
        fetched = "name => performance.getEntriesByType('resource').some(e => e.name.includes(`/audit/picture?clip=${name}`))"
        page.wait_for_function(fetched, arg=str(after["clip_id"]), timeout=30_000)
        far.cut()
        page.keyboard.press("Period")
        page.wait_for_function(f"name => ({SHOWN})()[0] === name", arg=str(after["clip_id"]), timeout=20_000)
        page.keyboard.press("Digit2")
        far.mend()
        # What the server answers to the press comes now, and changes nothing of what was begun.
        page.locator("[data-testid=save-state][data-state=saved]").wait_for(timeout=30_000)
        settled(page)
        assert page.evaluate(SHOWN)[0] == after["clip_id"]
        page.wait_for_url(f"**segment={after['segment_id']}**", timeout=30_000)
        assert page.evaluate(SHOWN)[0] == after["clip_id"]
    with ReviewStore.open(Workspace(root).review_db) as store:
        told = store.events(reviewer="jang", stream="review")
    assert told["clip_id"].tolist() == [after["clip_id"]]


def test_a_click_in_the_matrix_filters_the_queue_within_its_other_filters(visit):
    page = visit("")
    page.select_option("[data-testid=queue-filter-state]", "open")
    page.select_option("[data-testid=queue-order]", "clip")
    page.fill("[data-testid=queue-text]", "dog-")
    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".js-plotly-plot .points path")
    settled(page).locator(".js-plotly-plot").first.locator(".points path").first.click(force=True)
    page.wait_for_selector("[data-testid=queue-row]", timeout=15_000)
    label = page.input_value("[data-testid=queue-filter-suggested]")
    chosen = {"species": "DOG", "given": "SIT", "suggested": label, "state": "open", "text": "dog-", "order": "clip"}
    assert query(page) == chosen
    page.reload()
    page.wait_for_selector("[data-testid=queue-row]")
    assert query(page) == chosen
