"""Signed permits: who may save to which stream, until when. The page gets one with its data and shows it with every request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from data_schemas.errors import UsageError, WorkspaceError
from data_schemas.files import disk_errors

__all__ = ["EVERY_STREAM", "Permit", "secret_of", "sign", "verify"]

_SECRET_BYTES = 32
EVERY_STREAM = "*"
"""The stream of a permit for all streams of its reviewer: acts that any page left unsent are sent by any other."""

LIFETIME = 7 * 24 * 3600
"""Seconds: a laptop that was closed over a long weekend still saves what its page kept."""


@dataclass(frozen=True)
class Permit:
    """What a token says: the reviewer, the stream and the run that the page shows, and when it ends (Unix time)."""

    reviewer: str
    stream: str
    run_id: str
    expires: float


def sign(secret: bytes, *, reviewer: str, stream: str, run_id: str, lifetime: float = LIFETIME) -> str:
    """Return a token for a reviewer's page."""
    permit = Permit(reviewer=reviewer, stream=stream, run_id=run_id, expires=round(time.time() + lifetime))
    body = _encoded(json.dumps(asdict(permit), ensure_ascii=False, sort_keys=True).encode())
    return f"{body}.{_signature(secret, body)}"


def verify(secret: bytes, token: str) -> Permit:
    """Return what a token says.

    Raises
    ------
    UsageError
        It was not signed here, or it has ended.
    """
    body, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(secret, body).encode()):
        raise UsageError("the page's token was not made by this workspace", hint="reload the page; what you painted is kept")
    try:
        permit = Permit(**json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (binascii.Error, ValueError, TypeError) as error:
        raise UsageError("the page's token cannot be read", hint="reload the page; what you painted is kept") from error
    if permit.expires < time.time():
        raise UsageError("the page has been open for too long", hint="reload the page; what you painted is kept")
    return permit


@lru_cache(maxsize=8)
def secret_of(workspace: Path) -> bytes:
    """Return the workspace's secret, making it at first use; only its owner can read the file.

    Raises
    ------
    WorkspaceError
        The file cannot be read or written.
    """
    path = workspace / ".review-secret"
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with disk_errors(path, hint="give write access to the workspace"):
        if not path.exists():
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
            # A link fails where another process was first: then theirs is the secret.
            try:
                os.link(part, path)
            except FileExistsError:
                pass
            finally:
                part.unlink()
        secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise WorkspaceError(f"{path}: {len(secret)} bytes, expected {_SECRET_BYTES}", hint="delete it; pages must be reloaded")
    return secret


def _signature(secret: bytes, body: str) -> str:
    return _encoded(hmac.new(secret, body.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
