"""From key to picture: how long after a press what it asks for is drawn, in headless Chromium: the next frame, or the next clip.

The clock starts at the event's own time stamp and stops after the frame in which skeleton, tracks and (where the clip has one)
the right picture were drawn. From clip to clip it is the Review page itself, each clip's only segment being accepted; with a
queue of 20,000 segments the key for the next clip is pressed. Run it alone with ``python -m benchmarks.labeller``.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.pages import AFTER_FRAME, APP, opened, served
from tests.generated_run import write_generated_run
from tests.integration.browser import APPS, chromium
from tests.pages_run import write_pages_run

_PRESSES = 120
_CLIPS = 20

_MEASURE = (
    """
async ({ presses, pause }) => {
"""
    + AFTER_FRAME
    + """  const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
  const canvas = root.querySelector(".stage canvas");
  const number = root.querySelector("[data-testid=frame-number]");
  const drawn = (before) => {
    const { frame, picture } = canvas.dataset;
    return number.textContent !== before && frame === number.textContent && picture !== "pending";
  };
  const times = [];
  for (let i = 0; i < presses; i += 1) {
    await new Promise((r) => setTimeout(r, pause * (0.75 + Math.random() / 2)));
    const before = number.textContent;
    const code = i % 40 >= 30 ? "ArrowLeft" : "ArrowRight";
    const start = performance.now();
    window.dispatchEvent(new KeyboardEvent("keydown", { code, key: code, bubbles: true, cancelable: true, composed: true }));
    while (!drawn(before)) await afterFrame();
    times.push(performance.now() - start);
  }
  return times;
}
"""
)


_LEAVE = (
    """
async ({ code, presses, pause }) => {
"""
    + AFTER_FRAME
    + """  const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
  const canvas = root.querySelector(".stage canvas");
  const name = root.querySelector("h2.clip");
  const times = [];
  for (let i = 0; i < presses; i += 1) {
    await new Promise((r) => setTimeout(r, pause * (0.75 + Math.random() / 2)));
    const before = name.textContent;
    const start = performance.now();
    window.dispatchEvent(new KeyboardEvent("keydown", { code, key: code, bubbles: true, cancelable: true, composed: true }));
    const shown = () => name.textContent !== before && canvas.dataset.clip === name.textContent;
    const drawn = () => shown() && canvas.dataset.picture !== "pending";
    while (!drawn() && performance.now() - start < 20000) await afterFrame();
    times.push(performance.now() - start);
  }
  return times;
}
"""
)


def _measured() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield p50, p95 and the slowest in ms of each kind of clip and rate."""
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        for frames in (150, 3000):
            for size in (None, (1920, 1080)):
                # Pictures of 3,000 frames weigh a gigabyte: there only the first 300 have one, and only they are walked.
                root = write_generated_run(
                    Path(place) / f"{frames}-{size}", clips=1, frames=frames, picture_size=size, pictured=300
                )
                with served(APPS / "labeller_app.py", str(root)) as server:
                    for rate in (10, 25):
                        name = f"{frames} frames, {'1080p pictures' if size else 'no pictures'}, {rate} presses a second"
                        yield name, _walk(browser, server.url, pause=1000 / rate)


def _walk(browser: Any, url: str, *, pause: float) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url)
    page.get_by_test_id("frame-number").wait_for(timeout=30_000)
    page.wait_for_timeout(1500)
    page.keyboard.press("Home")
    page.wait_for_timeout(700)
    times = page.evaluate(_MEASURE, {"presses": _PRESSES, "pause": pause})
    context.close()
    return _ranks(times)


def _left() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield p50, p95 and the slowest in ms from the key that leaves a clip to the next clip's first picture."""
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        pictured = write_pages_run(Path(place) / "pictured", clips=3 * _CLIPS, segments=1, picture_size=(1920, 1080), pictured=45)
        large = write_pages_run(Path(place) / "large", clips=2_000, frames=60, segments=10)
        for root, key, name in (
            (pictured, "Enter", f"accept and go on, {3 * _CLIPS} clips of 150 frames, 1080p pictures"),
            (large, "Period", "next clip, queue of 20,000 segments, no pictures"),
        ):
            os.environ["AUDIT_WORKSPACE"] = str(root)
            with served(APP) as server:
                for pause in (2.0, 0.7):
                    times = _leave(browser, server.url, key=key, pause=pause)
                    yield f"{name}, one in {pause:g} s", _ranks(times)


def _leave(browser: Any, url: str, *, key: str, pause: float) -> list[float]:
    page, _ = opened(browser, url, "review", shows="frame-number")
    page.wait_for_timeout(3000)
    times = page.evaluate(_LEAVE, {"code": key, "presses": _CLIPS, "pause": 1000 * pause})
    page.context.close()
    return list(times)


def _ranks(times: list[float]) -> dict[str, float]:
    ranks = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(ranks[18], 1), "slowest": round(max(times), 1)}


def main() -> None:
    print(f"Machine: {describe()}\n\n| what | p50 ms | p95 ms | slowest ms |\n|---|---|---|---|")
    for name, found in itertools.chain(_measured(), _left()):
        print(f"| {name} | {found['p50']} | {found['p95']} | {found['slowest']} |", flush=True)


if __name__ == "__main__":
    main()
