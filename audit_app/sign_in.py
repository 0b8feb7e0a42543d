"""The shared password, asked for before anything else is shown, and the signed cookie that remembers the answer."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict, deque
from html import escape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from itsdangerous import TimestampSigner
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from audit_app.request_body import read_body
from pipeline.review.passwords import matches

SIGN_IN = "/audit/signin"
COOKIE = "pose_audit_session"
"""How the name of the cookie begins; the rest tells workspaces apart, since a browser keeps no cookies by port."""
LIFETIME = 30 * 24 * 3600
"""Seconds until the password is asked for again."""

_TRIES, _WITHIN = 10, 60.0
_LARGEST_FORM = 4096
_HEALTH = "/_stcore/health"
_PAGE = Path(__file__).with_name("sign_in.html")


class SignIn:
    """Lets in who has the password, by a signed cookie that tells when it was typed.

    Parameters
    ----------
    secret
        Of the workspace: sessions are signed with it and with the password's hash, so that another password ends them all.
    password
        As ``review.password`` keeps it.
    base
        The path that the app is served under, without a slash at its end.
    """

    def __init__(self, *, secret: bytes, password: str, base: str = "") -> None:
        self._sessions = TimestampSigner(
            secret, salt=f"pose-audit session\n{password}", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._password = password
        self.cookie = f"{COOKIE}_{hashlib.sha256(secret).hexdigest()[:8]}"
        self._base = base
        self._failed: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_TRIES))

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the sign-in page or a refusal, or None for who has signed in."""
        connection = HTTPConnection(scope)
        path = connection.url.path
        if scope["type"] == "http" and path == self._base + SIGN_IN:
            return await self._sign_in(Request(scope, receive))
        signed_in = self._sessions.validate(connection.cookies.get(self.cookie, ""), max_age=LIFETIME)
        if signed_in or path == self._base + _HEALTH:
            return None
        if scope["type"] == "http" and "text/html" in connection.headers.get("accept", ""):
            here = path + (f"?{connection.url.query}" if connection.url.query else "")
            return RedirectResponse(f"{self._base}{SIGN_IN}?next={quote(here)}", HTTPStatus.SEE_OTHER)
        return JSONResponse({"error": "not signed in", "hint": "reload the page and type the password"}, HTTPStatus.UNAUTHORIZED)

    async def _sign_in(self, request: Request) -> Response:
        after = _own_path(request.query_params.get("next", ""), self._base)
        if request.method != "POST":
            return _page()
        who = request.client.host if request.client else ""
        body = await read_body(request, most_bytes=_LARGEST_FORM)
        if body is None:
            return _page("That is no password.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        typed = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
        # Nothing is awaited between looking and counting: who sends many tries at once is held up like who sends them one by one.
        if self._waits(who):
            return _page("Too many tries: wait a minute.", HTTPStatus.TOO_MANY_REQUESTS)
        self._failed[who].append(time.monotonic())
        if not await run_in_threadpool(matches, typed, self._password):
            return _page("That is not the password.", HTTPStatus.UNAUTHORIZED)
        self._failed.pop(who, None)
        answer = RedirectResponse(after, HTTPStatus.SEE_OTHER)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            self.cookie, self._sessions.sign("in").decode(), max_age=LIFETIME, httponly=True, samesite="lax", secure=secure
        )
        return answer

    def _waits(self, who: str) -> bool:
        """Tell whether an address has to wait; the addresses whose tries are long past are forgotten."""
        now = time.monotonic()
        for other in [name for name, tries in self._failed.items() if not tries or now - tries[-1] > _WITHIN]:
            del self._failed[other]
        tries = self._failed[who]
        return len(tries) == _TRIES and now - tries[0] < _WITHIN


def _own_path(wanted: str, base: str) -> str:
    """Return where to go after the sign-in: a place of this server, never of another."""
    parts = urlsplit(wanted)
    strange = parts.scheme or parts.netloc or not wanted.startswith("/") or wanted[:2] in ("//", "/\\")
    return f"{base}/" if strange or any(ord(c) < 32 for c in wanted) else wanted


def _page(message: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    alert = f'<p role="alert">{escape(message)}</p>' if message else ""
    page = _PAGE.read_text(encoding="utf-8").replace("<!-- message -->", alert)
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})
