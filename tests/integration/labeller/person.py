"""A person at a page of the labeller."""

from __future__ import annotations

import re
import time

CLIP = "dog-sit-000000"
SHOWN_MS = 20_000


class Reviewer:
    """A person at a page of the labeller."""

    def __init__(self, page, url, query="") -> None:
        self.page = page
        self.address = f"{url}/{query}"
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self):
        self.page.goto(self.address)
        return self.wait()

    def reload(self):
        self.page.reload()
        return self.wait()

    def wait(self):
        self.page.get_by_test_id("frame-number").wait_for(timeout=SHOWN_MS)
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
            ".querySelector('[data-testid=frame-number]').textContent !== ''"
        )
        return self

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def settled(self):
        """Wait until two pictures were drawn: what was pressed is shown."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return self

    @property
    def frame(self) -> int:
        self.settled()
        return int(self.page.get_by_test_id("frame-number").text_content())

    @property
    def label(self) -> str:
        self.settled()
        said = self.page.get_by_test_id("label-track").get_attribute("aria-label")
        return re.fullmatch(r"Your label at frame \d+: (.*?)(?: \(.*)?", said)[1]

    @property
    def state(self) -> str:
        return self.page.get_by_test_id("save-state").text_content()

    def becomes(self, state: str, timeout: float = 15.0):
        end = time.monotonic() + timeout
        while self.state != state:
            assert time.monotonic() < end, f"the page says {self.state}, not {state}"
            self.page.wait_for_timeout(20)
        return self

    def go_to(self, frame: int):
        self.press("Home")
        for _ in range(frame - 100 - (frame - 100) // 51):
            self.press("ArrowRight")
        return self
