"""The server as it is started: who may join its websocket, what a page may load, and what a stranger sees."""

from __future__ import annotations

import shutil
import socket
import urllib.error
import urllib.request

import pytest

from pipeline.review.passwords import store_password
from tests.integration.pages.looking import serve, settled

pytestmark = pytest.mark.integration


def answer(port: int, path: str, **headers: str) -> int:
    """Return the status of a request with these headers, sent as they stand."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()), "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as made:
        made.sendall("\r\n".join(lines).encode())
        return int(made.recv(64).split()[1])


def joins(port: int, host: str, origin: str) -> bool:
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13"}
    told = {"Host": host, "Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade"}
    return answer(port, "/_stcore/stream", **told, **key) == 101


def test_only_pages_of_the_server_itself_join_its_websocket(served):
    port = served.port
    assert joins(port, f"localhost:{port}", f"http://localhost:{port}")
    assert not joins(port, f"evil.example:{port}", f"http://evil.example:{port}")
    assert not joins(port, f"localhost:{port}", "http://evil.example")
    assert not joins(port, f"localhost:{port}", f"http://localhost:{port + 1}")
    assert answer(port, "/_stcore/host-config", Host="evil.example", Connection="close") == 403


def test_pages_work_under_their_content_security_policy(visit, served):
    headers = urllib.request.urlopen(served.url).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    page = visit("overview")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for path in ("overview", "review", "history"):
        page.goto(f"{served.url}/{path}")
        settled(page)
    assert [text for text in told if "Content Security Policy" in text] == []


def test_a_stranger_sees_the_sign_in_and_who_has_the_password_the_queue(root, browser, tmp_path):
    own = tmp_path / "work"
    shutil.copytree(root, own, symlinks=True)
    store_password(own / "audit.toml", "three long words")
    server = serve(own)
    context = browser.new_context()
    try:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{server.url}/_stcore/host-config")
        page = context.new_page()
        page.goto(f"{server.url}/history")
        page.get_by_label("Password").fill("three long word")
        page.keyboard.press("Enter")
        page.get_by_text("That is not the password.").wait_for()
        page.get_by_label("Password").fill("three long words")
        page.keyboard.press("Enter")
        page.get_by_text("Who reviews?").wait_for(timeout=30_000)
        assert page.url == f"{server.url}/history"
        assert page.evaluate("document.cookie").count("session") == 0
        page.get_by_role("button", name="kim").click()
        page.get_by_role("heading", name="History").wait_for(timeout=30_000)
    finally:
        context.close()
        server.kill()
