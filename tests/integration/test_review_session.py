"""A reviewer works through fifty segments of the simulated sample, and the export holds what was painted."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.browser import Served, chromium, keep_screenshot

pytestmark = [pytest.mark.integration, pytest.mark.long]

APP = Path(__file__).resolve().parents[2] / "audit_app" / "app.py"
SEGMENTS = 50

_READ = """() => {
  const inside = document.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot;
  const text = (name) => inside?.querySelector(`[data-testid=${name}]`)?.textContent ?? '';
  return {clip: inside?.querySelector('h2.clip')?.textContent ?? '', frame: text('frame-number'), given: text('given-label'),
          suggested: text('suggested-label'), saved: text('save-state')};
}"""


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory, request):
    """Audit the sample, serve it, and return the folder with the page of a reviewer who is about to begin."""
    from tests.integration.shell import Shell

    folder = tmp_path_factory.mktemp("session")
    shell = Shell(folder)
    shell("demo", "demo", "--clips", "80", "--no-pictures")
    shell("run", "demo/clips", "-w", "demo", "--folds", "2", "--jobs", "1")
    before = os.environ.get("AUDIT_WORKSPACE")
    os.environ["AUDIT_WORKSPACE"] = str(folder / "demo")
    server = Served(APP, [])
    server.start()
    if before is None:
        del os.environ["AUDIT_WORKSPACE"]
    else:
        os.environ["AUDIT_WORKSPACE"] = before
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "pose_audit_reviewer", "value": "kim", "url": server.url}])
        page = context.new_page()
        page.goto(f"{server.url}/review")
        try:
            yield shell, page
        except BaseException:
            keep_screenshot(page, request.node.name)
            raise
    server.kill()


def seen(page, *, but: tuple[str, str] = ("", "")) -> dict[str, str]:
    """Return what the page shows, once it rests on a segment other than ``but``."""
    before: dict[str, str] = {}
    for _ in range(400):
        shown = page.evaluate(_READ)
        if shown["frame"] and (shown["clip"], shown["frame"]) != but and shown == before:
            return shown
        before = shown
        page.wait_for_timeout(80)
    keep_screenshot(page, "review-session")
    raise AssertionError(f"the page stays at {but}: {page.evaluate(_READ)}")


def test_what_is_painted_in_fifty_segments_is_what_is_exported(reviewed) -> None:
    shell, page = reviewed
    page.get_by_test_id("frame-number").wait_for(timeout=60_000)
    painted: dict[tuple[str, int], str | None] = {}
    given: dict[str, str] = {}
    shown = seen(page)
    for number in range(SEGMENTS):
        place = (shown["clip"], int(shown["frame"]))
        given[shown["clip"]] = shown["given"]
        # Mostly accepted, as people do; every tenth each is right, unsure and left out.
        key, label = {3: ("KeyA", shown["given"]), 6: ("KeyU", shown["given"]), 9: ("KeyX", None)}.get(
            number % 10, ("Enter", shown["suggested"])
        )
        assert place not in painted
        painted[place] = label
        page.keyboard.press(key)
        shown = seen(page, but=(shown["clip"], shown["frame"]))
    for _ in range(200):
        if page.evaluate(_READ)["saved"] == "saved":
            break
        page.wait_for_timeout(50)
    assert page.evaluate(_READ)["saved"] == "saved"

    shell("export", "-w", "demo", "--out", "clean")
    frames = pd.read_parquet(shell.folder / "clean" / "frames.parquet").set_index(["clip_id", "frame_number"])
    label = frames["frame_label"] if "frame_label" in frames else frames["label"]
    assert len(painted) == SEGMENTS
    wrong = {place: (wanted, label.get(place)) for place, wanted in painted.items() if label.get(place) != wanted}
    assert wrong == {}
    untouched = label[~label.index.get_level_values("clip_id").isin(given)]
    clips = pd.read_parquet(shell.folder / "demo" / "runs" / "latest" / "clips.parquet").set_index("clip_id")["label"]
    assert (untouched == untouched.index.get_level_values("clip_id").map(clips)).all()
