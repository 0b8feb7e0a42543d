"""The pages in headless Chromium: the first page, and a queue of 20,000 segments opened and filtered.

The first page counts from the request to the first row of the queue on a server that has just started; the queue from the request
to its first row on a server that has read the run. A filter counts from the choice to the drawn rows and the new count.
Run it alone with ``python -m benchmarks.pages``.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from tests.integration.browser import Served, chromium
from tests.pages_run import write_pages_run

APP = Path(__file__).resolve().parent.parent / "audit_app" / "app.py"
_CLIPS, _SEGMENTS_EACH = 2_000, 10
_TIMES = 7
_FILTER = """
async ({ id, value }) => {
  const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
  const input = root.querySelector(`[data-testid=${id}]`);
  const start = performance.now();
  input.value = value;
  input.dispatchEvent(new Event(input.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  await new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  }));
  return performance.now() - start;
}
"""


def _opened(browser: Any, url: str) -> tuple[Any, float]:
    """Return a page with the queue, and the seconds it took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "pose_audit_reviewer", "value": "kim", "url": url}])
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("[data-testid=queue-row]", timeout=120_000)
    return page, time.perf_counter() - started


def _filter_times(page: Any) -> list[float]:
    choices = [
        ("queue-text", "000007"),
        ("queue-text", "walking"),
        ("queue-text", ""),
        ("queue-filter-suggested", "WALKRUN"),
        ("queue-order", "quality"),
        ("queue-order", "clip"),
        ("queue-filter-suggested", ""),
    ]
    return [page.evaluate(_FILTER, {"id": i, "value": v}) for i, v in choices for _ in range(_TIMES)]


def _served(root: Path) -> Served:
    os.environ["AUDIT_WORKSPACE"] = str(root)
    server = Served(APP, [])
    server.start()
    return server


def main() -> None:
    print(f"Machine: {describe()}\n\n| what | measured | wanted |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        small = write_pages_run(Path(place) / "small", clips=60)
        server = _served(small)
        try:
            first = _opened(browser, server.url)[1]
            print(f"| first page of a server just started, 120 segments | {first:.2f} s | 3 s |", flush=True)
            again = statistics.median(_opened(browser, server.url)[1] for _ in range(_TIMES))
            print(f"| the same, opened again (median of {_TIMES}) | {again:.2f} s | |", flush=True)
        finally:
            server.kill()
        large = write_pages_run(Path(place) / "large", clips=_CLIPS, frames=60, segments=_SEGMENTS_EACH)
        server = _served(large)
        try:
            cold = _opened(browser, server.url)[1]
            print(f"| queue of {_CLIPS * _SEGMENTS_EACH:,} segments, first time | {cold:.2f} s | |", flush=True)
            times = []
            for _ in range(_TIMES):
                page, seconds = _opened(browser, server.url)
                times.append(seconds)
            middle = statistics.median(times)
            print(f"| the same, opened again (median of {_TIMES}; slowest) | {middle:.2f} s; {max(times):.2f} s | 2 s |")
            filters = _filter_times(page)
            middle = statistics.median(filters)
            print(f"| filter or order it (median; slowest) | {middle:.0f} ms; {max(filters):.0f} ms | 500 ms |")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
