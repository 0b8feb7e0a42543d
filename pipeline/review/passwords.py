"""Who may open the app: whether others than this machine can reach it, and the password or login that they are then asked for.

The password that reviewers share is kept as a salted hash in audit.toml.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import shutil
import tomllib
from ipaddress import ip_address
from pathlib import Path

from data_schemas.config import load_config
from data_schemas.errors import ConfigError, UsageError
from data_schemas.files import replaced_file

SHORTEST = 8
"""Letters of the shortest password that is taken."""

_COST, _BLOCK, _SALT_BYTES = 2**15, 8, 16
_MEMORY = 64 * 2**20
_LINE = re.compile(r"#?\s*password\s*=")


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")


def login_configured(script: Path) -> bool:
    """Tell whether Streamlit is configured with a login (``[auth]`` in the secrets that it reads)."""
    folders = (Path.home(), Path.cwd(), script.parent)
    return any(_has_login(folder / ".streamlit" / "secrets.toml") for folder in folders)


def _has_login(path: Path) -> bool:
    try:
        return "auth" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def hashed(password: str) -> str:
    """Return a password as ``review.password`` keeps it: scrypt, with its cost and a salt of its own.

    Raises
    ------
    UsageError
        It is too short.
    """
    if len(password) < SHORTEST:
        raise UsageError(f"a password of {len(password)} signs", hint=f"take at least {SHORTEST}; a few words are best")
    salt = secrets.token_bytes(_SALT_BYTES)
    return ":".join(["scrypt", str(_COST), _text(salt), _text(_key(password, salt, _COST))])


def matches(password: str, stored: str) -> bool:
    """Tell whether a password is the one that was hashed; takes a tenth of a second, for whoever guesses, too."""
    try:
        _, cost, salt, key = stored.split(":")
        return hmac.compare_digest(base64.b64decode(key), _key(password, base64.b64decode(salt), int(cost)))
    except (ValueError, binascii.Error):
        return False


def store_password(path: Path, password: str) -> None:
    """Write a password's hash into audit.toml and leave the rest of the file as it is.

    Raises
    ------
    ConfigError, UsageError
        The file cannot be read, or the password is too short.
    WorkspaceError
        The disk refuses.
    """
    line = f"password = {json.dumps(hashed(password))}"
    with replaced_file(path, hint="give write access to the workspace") as part:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
        part.write_text("\n".join(_with_line(lines, line)) + "\n", encoding="utf-8")
        if path.exists():
            shutil.copymode(path, part)
        _require_stored(part, path, line)


def _require_stored(part: Path, path: Path, line: str) -> None:
    """Refuse to go on where the new file does not say what it should."""
    try:
        load_config(part)
    except ConfigError as error:
        load_config(path if path.exists() else None)  # a fault that was there before is reported as itself
        raise UsageError(
            f"{path}: has no section [review] that a line could be added to", hint=f"write review.{line} there yourself"
        ) from error


def _with_line(lines: list[str], line: str) -> list[str]:
    """Return the lines of an audit.toml with the password in its section, in the place of what said it before."""
    heads = [i for i, text in enumerate(lines) if text.lstrip().startswith("[")]
    start = next((i for i in heads if lines[i].split("#")[0].replace(" ", "").strip() == "[review]"), None)
    if start is None:
        return [*lines, "", "[review]", line] if lines else ["[review]", line]
    end = next((i for i in heads if i > start), len(lines))
    place = next((i for i in range(start + 1, end) if _LINE.match(lines[i].strip())), None)
    return [*lines[: start + 1], line, *lines[start + 1 :]] if place is None else [*lines[:place], line, *lines[place + 1 :]]


def _key(password: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=_BLOCK, p=1, maxmem=_MEMORY)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
