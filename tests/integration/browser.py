"""The labeller as a reviewer meets it: a real server, a real Chromium."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = Path(__file__).with_name("apps")
FAILURES = ROOT / "bench-results" / "screenshots"


@dataclass
class Served:
    """A Streamlit app on a port of its own, which can be killed and started again."""

    app: Path
    arguments: list[str]
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.port = self.port or _free_port()
        options = {
            "server.port": self.port,
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        words = [f"--{key}={value}" for key, value in options.items()]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(self.app), *words, "--", *self.arguments],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
            except OSError:
                assert self.process.poll() is None, "the server ended"
                assert time.monotonic() < end, "the server does not answer"
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class FarAway:
    """A server seen over a long line: a TCP proxy that holds back every byte, both ways, websocket and all, by half a round trip.

    Bytes keep their order and their rate: it is the distance that grows, not the width that shrinks. `cut` holds back all that
    comes after, until `mend`.
    """

    def __init__(self, served: Served, *, round_trip_ms: float) -> None:
        self.served = served
        self.delay = round_trip_ms / 2000
        self.port = _free_port()
        self.loop = asyncio.new_event_loop()
        self.whole = asyncio.Event()
        self.whole.set()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FarAway:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Let nothing through."""
        self.loop.call_soon_threadsafe(self.whole.clear)

    def mend(self) -> None:
        """Let through what waited, and what comes."""
        self.loop.call_soon_threadsafe(self.whole.set)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _listen(self) -> None:
        self.server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)

    async def _end(self) -> None:
        self.server.close()
        others = [task for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _joined(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, out = await asyncio.open_connection("127.0.0.1", self.served.port)
        try:
            await asyncio.gather(self._carried(near, out), self._carried(far, back))
        except OSError:
            pass  # One of the two has hung up, as browsers do.
        finally:
            for writer in (out, back):
                writer.close()

    async def _carried(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass bytes on, each piece a fixed time after it came; pieces on their way do not wait for each other."""
        on_their_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def taken_in() -> None:
            while True:
                piece = await source.read(65536)
                await on_their_way.put((self.loop.time() + self.delay, piece))
                if not piece:
                    return

        async def handed_on() -> None:
            while True:
                due, piece = await on_their_way.get()
                await asyncio.sleep(max(0.0, due - self.loop.time()))
                await self.whole.wait()
                if not piece:
                    if sink.can_write_eof():
                        sink.write_eof()
                    return
                sink.write(piece)
                await sink.drain()

        await asyncio.gather(taken_in(), handed_on())


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a browser: the system's Chromium, else playwright's own."""
    from playwright.sync_api import sync_playwright

    own = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    with sync_playwright() as playwright:
        if own is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: `make browser` installs one")
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def keep_screenshot(page: Any, name: str) -> Path:
    """Keep what a page showed when its test failed."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    path = FAILURES / f"{name}.png"
    page.screenshot(path=path)
    return path
