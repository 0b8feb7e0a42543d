"""Every page in a real browser: it opens, shows no exception, axe-core finds nothing serious; and the ways between them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.review.store import ReviewStore
from pipeline.workspace import Workspace
from tests.integration.browser import FarAway, Served, chromium, keep_screenshot
from tests.pages_run import make_cats, paint, segments_of, write_pages_run

pytestmark = pytest.mark.integration

APP = Path(__file__).resolve().parents[2] / "audit_app" / "app.py"
PAGES = ("", "review", "blind", "overview", "agreement", "history", "export")
SEEN = {"review": "[data-testid=frame-number]", "": "[data-testid=queue-row]"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = write_pages_run(tmp_path_factory.mktemp("pages") / "work", clips=12, picture_size=(320, 180))
    rows = segments_of(root).to_dict("records")
    for who, few, label in (("kim", rows[:4], "WALKRUN"), ("lee", rows[:3], "TURN")):
        for s in few:
            paint(root, s["clip_id"], s["start_frame"], s["end_frame"], reviewer=who, label=label)
    return root


def serve(root: Path) -> Served:
    before = os.environ.get("AUDIT_WORKSPACE")
    os.environ["AUDIT_WORKSPACE"] = str(root)
    server = Served(APP, [])
    server.start()
    if before is None:
        del os.environ["AUDIT_WORKSPACE"]
    else:
        os.environ["AUDIT_WORKSPACE"] = before
    return server


@pytest.fixture(scope="module")
def served(root):
    server = serve(root)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def served_with_cats(tmp_path_factory):
    root = write_pages_run(tmp_path_factory.mktemp("cats") / "work", clips=8)
    make_cats(root)
    server = serve(root)
    yield server
    server.kill()


@pytest.fixture
def visit(served, browser, request):
    """Give a function that opens a page as a reviewer of this test's own."""
    name = re.sub(r"\W+", "-", request.node.name)
    contexts = []

    def visit(path: str = "", *, dark: bool = False, reviewer: str | None = "park", url: str = served.url, width: int = 1440):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
        contexts.append(context)
        if reviewer:
            context.add_cookies([{"name": "pose_audit_reviewer", "value": reviewer, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/{path}")
        waited = SEEN.get(path.partition("?")[0], "h1") if reviewer else "h3"
        page.wait_for_selector(waited, timeout=30_000)
        return page

    yield visit
    for number, context in enumerate(contexts):
        if getattr(request.node, "failed", False):
            for page in context.pages:
                keep_screenshot(page, f"{name}-{number}")
        context.close()


_AT_REST = """() => !document.querySelector('[data-stale=true]') && document.getAnimations().every(
    (a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity)"""


def settled(page):
    """Wait until Streamlit has run the page and drawn it, and nothing fades in any more."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=30_000)
    page.wait_for_timeout(400)
    page.wait_for_function(_AT_REST, timeout=30_000)
    return page


def query(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def violations(page) -> list[str]:
    """Return what axe-core holds to be serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {[n['target'] for n in v['nodes']][:4]} {v['nodes'][0].get('failureSummary', '')}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_opens_without_exception_and_can_be_used_by_everybody(path, dark, visit):
    page = settled(visit(path, dark=dark))
    assert page.query_selector("[data-testid=stException]") is None
    assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_overview_of_two_species_can_be_used_by_everybody(dark, served_with_cats, visit):
    page = settled(visit("overview", dark=dark, url=served_with_cats.url))
    page.get_by_role("radio", name="Dog").click()
    page.get_by_text("sitting", exact=True).first.wait_for(timeout=15_000)
    assert violations(settled(page)) == []
    page.get_by_role("radio", name="Cat").click()
    page.get_by_text("crouching, paws hidden", exact=True).first.wait_for(timeout=15_000)
    assert violations(settled(page)) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_a_narrow_window(path, visit):
    page = settled(visit(path, width=1024))
    wide = page.evaluate("(m => m.scrollWidth - m.clientWidth)(document.querySelector('[data-testid=stMain]'))")
    assert wide <= 0


@pytest.mark.parametrize("width", [1440, 1024])
def test_what_decides_and_what_looks_alike_are_in_sight(width, visit):
    page = settled(visit("review", width=width))
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


def test_the_queue_is_worked_by_keys_alone_and_enter_opens_review(visit, root):
    page = visit("")
    page.focus("[data-testid=queue-list]")
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
    for _ in range(2):
        page.keyboard.press("Enter")
        page.wait_for_timeout(900)
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


SHOWN = """() => {
  const inside = document.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot;
  return [inside?.querySelector('h2.clip')?.textContent, inside?.querySelector('.progress')?.textContent.split(' · ')[0]];
}"""


def shows(page, clip: str, place: str) -> bool:
    """Wait until the labeller shows this clip, and the place of its segment in the queue."""
    for _ in range(200):
        if page.evaluate(SHOWN) == [clip, place]:
            return True
        page.wait_for_timeout(100)
    raise AssertionError(f"{page.evaluate(SHOWN)}, not {clip}, {place}")


def test_the_place_in_the_queue_follows_within_the_clip_and_from_clip_to_clip(visit, root):
    rows = segments_of(root)
    place = {s: f"{i + 1} of {len(rows)}" for i, s in enumerate(rows["segment_id"])}
    # Two clips that nobody else of these tests looks at, each with two segments.
    here, after = (rows[rows["clip_id"].str.endswith(n)].sort_values("start_frame") for n in ("000004", "000005"))
    page = settled(visit(f"review?segment={here['segment_id'].iloc[0]}", reviewer="choi"))
    assert shows(page, here["clip_id"].iloc[0], place[here["segment_id"].iloc[0]])
    page.keyboard.press("Enter")
    assert shows(page, here["clip_id"].iloc[0], place[here["segment_id"].iloc[1]])
    page.keyboard.press("Enter")
    assert shows(page, after["clip_id"].iloc[0], place[after["segment_id"].iloc[0]])
    settled(page).wait_for_timeout(1000)
    assert shows(page, after["clip_id"].iloc[0], place[after["segment_id"].iloc[0]])
    assert query(page)["segment"] == after["segment_id"].iloc[0]


def test_going_on_does_not_wait_for_the_server(visit, served, root):
    rows = segments_of(root)
    here = rows.loc[rows["clip_id"].str.endswith("000006")].iloc[0]
    after = rows.loc[rows["clip_id"].str.endswith("000007")].iloc[0]
    with FarAway(served, round_trip_ms=40) as far:
        page = settled(visit(f"review?segment={here['segment_id']}&text=00000", reviewer="jang", url=far.url))
        page.wait_for_timeout(1000)
        # The answer has come: the fetch of the next clip's pictures tells it.
        fetched = "name => performance.getEntriesByType('resource').some(e => e.name.includes(`/audit/picture?clip=${name}`))"
        page.wait_for_function(fetched, arg=str(after["clip_id"]), timeout=30_000)
        page.wait_for_timeout(500)
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


def test_a_click_in_the_matrix_filters_the_queue(visit):
    page = visit("overview")
    page.wait_for_selector(".js-plotly-plot .points path")
    page.wait_for_timeout(800)
    page.locator(".js-plotly-plot").first.locator(".points path").first.click(force=True)
    page.wait_for_selector("[data-testid=queue-row]", timeout=15_000)
    assert query(page)["given"] == "SIT"
    assert query(page)["species"] == "DOG"


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


def test_audit_review_serves_the_workspace_and_ends_cleanly_on_ctrl_c(root, browser, audit):
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port = made.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "review", "-w", str(root), "--port", str(port), "--no-browser"],
        env={**audit.environment, "PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
            except OSError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.2)
            else:
                break
        page = browser.new_page()
        page.goto(f"http://localhost:{port}")
        page.get_by_text("Who reviews?").wait_for(timeout=30_000)
        page.close()
        busy = audit("review", "-w", root, "--port", port, "--no-browser", code=2)
        assert f"port {port}" in busy.stderr
        assert "--port" in busy.stderr
    finally:
        os.killpg(process.pid, signal.SIGINT)
        words = process.communicate(timeout=30)[0]
    assert process.returncode == 0, words
    assert "Traceback" not in words


def test_audit_review_says_what_to_type_without_a_run(audit, tmp_path):
    done = audit("review", "-w", tmp_path / "empty", "--no-browser", code=4)
    assert "no run yet" in done.stderr
    assert "audit run YOUR_CLIPS" in done.stderr


def test_audit_review_tells_what_is_wrong_with_the_configuration(audit, tmp_path):
    root = write_pages_run(tmp_path / "work")
    (root / "audit.toml").write_text("[review]\nstepp = 3\n", encoding="utf-8")
    done = audit("review", "-w", root, "--no-browser", code=2)
    assert "did you mean 'step'" in done.stderr
