"""What stands before every route and websocket of the server: who may ask, and what headers go with the answers."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from html import escape
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_app.hosts import Hosts
from audit_app.sign_in import SignIn

_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY_VIOLATION = 1008


class Guard:
    """ASGI middleware: checks Host, Origin and the shared password, and sets the headers that keep pages to themselves."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, sign_in: SignIn | None = None) -> None:
        """Take which hosts are answered, and the sign-in that comes first, where there is a password."""
        self._app = app
        self._hosts = hosts
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and self._sign_in is not None:
            refusal = await self._sign_in.answer(scope, receive)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        else:
            await refusal(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        asked = headers.getlist("host")
        if len(asked) != 1 or not self._hosts.answers_to(asked[0]):
            host = escape(asked[0][:80]) if asked else "no host"
            return PlainTextResponse(
                f"This server does not answer to {host}. Names under which it is reached stand in review.hosts of audit.toml.",
                HTTPStatus.FORBIDDEN,
            )
        acts = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if not self._hosts.allows(headers, acts=acts):
            hint = "reload the page; what you painted is kept in this browser"
            return JSONResponse({"error": "this request comes from another page", "hint": hint}, HTTPStatus.FORBIDDEN)
        return None


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _headers().items():
                headers[name] = value
        await send(message)

    return sent


@lru_cache(maxsize=1)
def _headers() -> dict[str, str]:
    """Return the headers of every answer: nothing from elsewhere is loaded, and no other page may hold this one in a frame."""
    # Components' scripts come as blobs; styles are written by Streamlit and plotly as they go.
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' blob: {_inline_scripts()}".strip(),
        "style-src": "'self' 'unsafe-inline' blob:",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' blob: data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in rules.items()),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: with it, browsers send `Origin: null` when a page saves.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _inline_scripts() -> str:
    """Return the hashes of the scripts that stand in Streamlit's own page: these, and no others, may run."""
    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    bodies = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(b.encode()).digest()).decode()}'" for b in bodies)
