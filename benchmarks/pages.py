"""The pages in headless Chromium: the first page, and a queue of 20,000 segments opened and filtered.

A page counts from the request to its first row, or its first frame; a server that has just started is asked at the very moment at
which it answers at all. A filter counts from the choice to the drawn rows and the new count.
Run it alone with ``python -m benchmarks.pages``.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from tests.integration.browser import Served, chromium
from tests.pages_run import write_pages_run

APP = Path(__file__).resolve().parent.parent / "audit_app" / "app.py"
_CLIPS, _SEGMENTS_EACH = 2_000, 10
_TIMES = 7
_STARTS = 3
AFTER_FRAME = """  const afterFrame = () => new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  }));
"""

_FILTER = (
    """
async ({ id, value }) => {
"""
    + AFTER_FRAME
    + """  const root = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot;
  const input = root.querySelector(`[data-testid=${id}]`);
  const start = performance.now();
  input.value = value;
  input.dispatchEvent(new Event(input.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  await afterFrame();
  return performance.now() - start;
}
"""
)


def opened(browser: Any, url: str, path: str = "", *, shows: str = "queue-row") -> tuple[Any, float]:
    """Return a page, of the queue where no path is given, and the seconds it took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "pose_audit_reviewer", "value": "kim", "url": url}])
    page = context.new_page()
    started = time.perf_counter()
    page.goto(f"{url}/{path}")
    page.wait_for_selector(f"[data-testid={shows}]", timeout=120_000)
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


@contextmanager
def served(app: Path, *arguments: str) -> Iterator[Served]:
    """Serve an app until the block ends."""
    server = Served(app, list(arguments))
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _pages_of(root: Path) -> AbstractContextManager[Served]:
    os.environ["AUDIT_WORKSPACE"] = str(root)
    return served(APP)


def _fresh(browser: Any, root: Path, path: str = "", *, shows: str = "queue-row") -> tuple[list[float], list[float]]:
    """Return the seconds until servers answered, and those until each one's first page was there."""
    starts, pages = [], []
    for _ in range(_STARTS):
        started = time.perf_counter()
        with _pages_of(root) as server:
            starts.append(time.perf_counter() - started)
            pages.append(opened(browser, server.url, path, shows=shows)[1])
    return starts, pages


def _row(what: str, times: list[float], wanted: str = "") -> None:
    print(f"| {what} | {statistics.median(times):.2f} s; {max(times):.2f} s | {wanted} |", flush=True)


def main() -> None:
    print(f"Machine: {describe()}\nLoad at the start: {os.getloadavg()[0]:.1f}\n")
    print("| what (median; slowest) | measured | wanted |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        small = write_pages_run(Path(place) / "small", clips=60)
        starts, first = _fresh(browser, small)
        _row("from the command until the server answers, 120 segments", starts)
        _row("first page of a server just started, 120 segments", first, "3 s")
        large = write_pages_run(Path(place) / "large", clips=_CLIPS, frames=60, segments=_SEGMENTS_EACH)
        starts, first = _fresh(browser, large)
        _row(f"from the command until the server answers, {_CLIPS * _SEGMENTS_EACH:,} segments", starts)
        _row(f"queue of {_CLIPS * _SEGMENTS_EACH:,} segments, first page of a server just started", first, "2 s")
        _row("Review, first page of a server just started", _fresh(browser, large, "review", shows="frame-number")[1], "3 s")
        with _pages_of(large) as server:
            opened(browser, server.url)
            times = []
            for _ in range(_TIMES):
                page, seconds = opened(browser, server.url)
                times.append(seconds)
            _row("the queue, opened again", times, "2 s")
            filters = _filter_times(page)
            middle = statistics.median(filters)
            print(f"| filter or order it | {middle:.0f} ms; {max(filters):.0f} ms | 500 ms |")


if __name__ == "__main__":
    main()
