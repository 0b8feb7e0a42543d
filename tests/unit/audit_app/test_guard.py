"""Who the server answers: hosts that were asked for, pages of its own, and people who have the password."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from audit_app.guard import Guard
from audit_app.hosts import hosts_of
from audit_app.sign_in import SIGN_IN, SignIn
from pipeline.review.passwords import hashed

PASSWORD = hashed("three long words")


async def _page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("inside")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def serve(
    *, address: str | None = "localhost", listed: tuple[str, ...] = (), password: str = "", secret: bytes = b"s"
) -> TestClient:
    sign_in = SignIn(secret=secret, password=password) if password else None
    routes = [Route("/{path:path}", _page, methods=["GET", "POST"]), WebSocketRoute("/_stcore/stream", _socket)]
    guard = Middleware(Guard, hosts=hosts_of(address, listed), sign_in=sign_in)
    return TestClient(Starlette(routes=routes, middleware=[guard]), base_url="http://localhost:8501", follow_redirects=False)


def session_of(client: TestClient) -> tuple[str, str]:
    """Return the only cookie: its name and its value."""
    ((name, value),) = client.cookies.items()
    return name, value


def joins(client: TestClient, **headers: str) -> bool:
    try:
        with client.websocket_connect("/_stcore/stream", headers=headers):
            return True
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "localhost.evil.example", "192.168.1.7:8501", "", "a@localhost"]
)
def test_a_server_of_this_machine_answers_to_no_other_name(host):
    client = serve()
    assert client.get("/", headers={"host": host}).status_code == 403
    assert not joins(client, host=host, origin=f"http://{host}")


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST.:9000"])
def test_it_answers_to_its_own_names_through_tunnels_too(host):
    client = serve()
    assert client.get("/", headers={"host": host}).text == "inside"
    assert joins(client, host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "origin", ["http://localhost:9999", "http://127.0.0.1:8501", "http://evil.example", "null", "file://", "http://localhost"]
)
def test_pages_of_other_hosts_and_other_ports_neither_join_nor_act(origin):
    client = serve()
    assert not joins(client, host="localhost:8501", origin=origin)
    told = {"host": "localhost:8501", "origin": origin}
    assert client.post("/audit/commit", headers=told).status_code == 403
    assert client.post("/audit/commit", headers={**told, "x-forwarded-host": origin.removeprefix("http://")}).status_code == 403


def test_a_websocket_that_tells_no_origin_is_refused():
    assert not joins(serve(), host="localhost:8501")


def test_a_link_from_elsewhere_opens_a_page_but_nothing_of_it_is_taken_into_another():
    client = serve()
    cross = {"sec-fetch-site": "cross-site"}
    link = {**cross, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/review", headers=link).status_code == 200
    assert client.get("/review", headers={**link, "sec-fetch-dest": "iframe"}).status_code == 403
    assert client.get("/audit/picture", headers={**cross, "sec-fetch-mode": "no-cors"}).status_code == 403
    assert client.get("/audit/picture", headers={"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}).status_code == 403


def test_beyond_this_machine_addresses_and_listed_names_are_answered():
    client = serve(address="0.0.0.0", listed=("audit.example.org",))
    for host in ("192.168.1.7:8501", "[fe80::1]:8501", "localhost:8501", "audit.example.org"):
        assert client.get("/", headers={"host": host}).status_code == 200
        assert joins(client, host=host, origin=f"http://{host}")
    assert client.get("/", headers={"host": "evil.example:8501"}).status_code == 403
    assert joins(client, host="audit.example.org", origin="https://audit.example.org")
    assert not joins(client, host="localhost:8501", origin="https://other.example.org")
    # A proxy must pass on the Host: else Streamlit itself refuses the websocket, and a page would open that cannot work.
    assert not joins(client, host="localhost:8501", origin="https://audit.example.org")


def test_every_answer_keeps_the_page_to_itself():
    client = serve(password=PASSWORD)
    for answer in (
        client.get("/", headers={"host": "evil.example"}),
        client.get("/"),
        client.get("/audit/signin"),
        client.get("/_stcore/health"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_password_opens_pages_routes_and_websocket():
    client = serve(password=PASSWORD)
    here = {"origin": "http://localhost:8501"}
    assert client.get("/audit/picture").status_code == 401
    assert not joins(client, host="localhost:8501", **here)
    asked = client.get("/review?segment=3", headers={"accept": "text/html"})
    assert asked.headers["location"] == "/audit/signin?next=/review%3Fsegment%3D3"
    assert "password" in client.get(asked.headers["location"]).text
    wrong = client.post(asked.headers["location"], data={"password": "three long"}, headers=here)
    assert (wrong.status_code, "not the password" in wrong.text, dict(client.cookies)) == (401, True, {})
    right = client.post(asked.headers["location"], data={"password": "three long words"}, headers=here)
    assert (right.status_code, right.headers["location"]) == (303, "/review?segment=3")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/audit/picture").text == "inside"
    assert joins(client, host="localhost:8501", cookie="{}={}".format(*session_of(client)), **here)


def test_a_session_ends_with_the_password_or_its_time_and_cannot_be_made_up(monkeypatch):
    here = {"origin": "http://localhost:8501"}
    signed = serve(password=PASSWORD)
    signed.post("/audit/signin", data={"password": "three long words"}, headers=here)
    name, value = session_of(signed)
    for other in (serve(password=hashed("three long words")), serve(password=PASSWORD, secret=b"t")):
        other.cookies.set(name, value)
        other.cookies.set(SignIn(secret=b"t", password="").cookie, value)
        assert other.get("/").status_code == 401
    said, at, signature = value.split(".")
    signed.cookies.clear()
    signed.cookies.set(name, f"{said}.{at[:-1]}{'a' if at[-1] != 'a' else 'b'}.{signature}")
    assert signed.get("/").status_code == 401
    signed.cookies.set(name, value)
    assert signed.get("/").status_code == 200
    monkeypatch.setattr("audit_app.sign_in.LIFETIME", -1)
    assert signed.get("/").status_code == 401


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_sign_in_leads_nowhere_else(place):
    client = serve(password=PASSWORD)
    sent = {"password": "three long words"}
    answer = client.post("/audit/signin", params={"next": place}, data=sent, headers={"origin": "http://localhost:8501"})
    assert answer.headers["location"] == "/"


def test_who_guesses_has_to_wait(monkeypatch):
    monkeypatch.setattr("audit_app.sign_in.matches", lambda typed, stored: typed == "right")
    client = serve(password=PASSWORD)
    here = {"origin": "http://localhost:8501"}
    tries = [client.post("/audit/signin", data={"password": "wrong"}, headers=here).status_code for _ in range(11)]
    assert tries == [401] * 10 + [429]
    assert client.post("/audit/signin", data={"password": "right"}, headers=here).status_code == 429


def test_tries_that_are_sent_at_once_are_counted_like_those_sent_one_by_one(monkeypatch):
    monkeypatch.setattr("audit_app.sign_in.matches", lambda typed, stored: typed == "right")
    sign_in = SignIn(secret=b"s", password=PASSWORD)
    scope = {"type": "http", "method": "POST", "path": SIGN_IN, "query_string": b"", "headers": [], "client": ("10.0.0.1", 1)}

    async def guess() -> int:
        async def receive() -> dict[str, object]:
            # All requests have begun before the first is all there.
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"password=wrong", "more_body": False}

        answer = await sign_in.answer(scope, receive)
        return answer.status_code if answer else 200

    async def guesses() -> list[int]:
        return await asyncio.gather(*(guess() for _ in range(30)))

    told = asyncio.run(guesses())
    assert (told.count(401), told.count(429)) == (10, 20)


def test_two_workspaces_on_one_machine_do_not_end_each_others_sessions():
    """Browsers send the cookies of one port to every other."""
    here = {"origin": "http://localhost:8501"}
    one, other = serve(password=PASSWORD), serve(password=PASSWORD, secret=b"t")
    for client in (one, other):
        client.post("/audit/signin", data={"password": "three long words"}, headers=here)
    one.cookies.update(other.cookies)
    assert one.get("/").status_code == 200
