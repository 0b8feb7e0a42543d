"""Signed permits: who may save to which stream, until when. The page gets one with its data and shows it with every request."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from data_schemas.errors import UsageError, WorkspaceError
from data_schemas.files import disk_errors

_SECRET_BYTES = 32
EVERY_STREAM = "*"
"""The stream of a permit for all streams of its reviewer: acts that any page left unsent are sent by any other."""

LIFETIME = 7 * 24 * 3600
"""Seconds: a laptop that was closed over a long weekend still saves what its page kept."""

_RELOAD = "reload the page; what you painted is kept"


@dataclass(frozen=True)
class Permit:
    """What a token says: the reviewer, the stream and the run that the page shows."""

    reviewer: str
    stream: str
    run_id: str


def sign(secret: bytes, *, reviewer: str, stream: str, run_id: str) -> str:
    """Return a token for a reviewer's page."""
    return str(_serializer(secret).dumps(asdict(Permit(reviewer=reviewer, stream=stream, run_id=run_id))))


def verify(secret: bytes, token: str) -> Permit:
    """Return what a token says."""
    try:
        return Permit(**_serializer(secret).loads(token.encode(errors="replace"), max_age=LIFETIME))
    except SignatureExpired as error:
        raise UsageError("the page has been open for too long", hint=_RELOAD) from error
    except BadData as error:
        raise UsageError("the page's token was not made by this workspace", hint=_RELOAD) from error


def _serializer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret, salt="pose-audit permit", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )


@lru_cache(maxsize=8)
def secret_of(workspace: Path) -> bytes:
    """Return the workspace's secret, making it at first use; only its owner can read the file."""
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
