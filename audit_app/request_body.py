"""Reading what a request carries, up to a bound: a body without an end must not fill the memory."""

from __future__ import annotations

from starlette.requests import Request


async def read_body(request: Request, *, most_bytes: int) -> bytes | None:
    """Return the body of a request, or None where it is longer than the bound; then the rest is not read."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            return None
    return bytes(body)
