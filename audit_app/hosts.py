"""Under which names the server answers, and which pages may talk to it.

A page of another site can make a name of its own point at this machine (DNS rebinding) and then counts as the same origin: so the
``Host`` of a request must be one that was asked for, and its ``Origin`` must be that host. What a proxy says about itself
(``X-Forwarded-Host``) is not believed, for everybody can say it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from pipeline.review.passwords import is_loopback

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Hosts:
    """The names that a ``Host`` header may carry, and whether it may be any IP address."""

    names: frozenset[str]
    any_address: bool

    def answers_to(self, host: str | None) -> bool:
        """Tell whether a ``Host`` header names this server. Its port may be another one: tunnels have their own."""
        name = _name(host or "")
        return name is not None and (name in self.names or (self.any_address and _is_address(name)))

    def allows(self, headers: Headers, *, acts: bool) -> bool:
        """Tell whether a request comes from a page of this server, or from a person who follows a link to it.

        Parameters
        ----------
        acts
            The request changes something, or opens a websocket: then the browser must have said where it comes from.
        """
        if _comes_from_here(headers, strict=acts):
            return True
        return not acts and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def hosts_of(address: str | None, listed: Iterable[str] = ()) -> Hosts:
    """Return the names of a server that listens on an address; ``review.hosts`` of audit.toml adds more.

    Whoever listens beyond this machine answers to every IP address (no name can be rebound to one) and to its own names.
    """
    own = frozenset(name.lower().rstrip(".") for name in listed)
    local = frozenset({"localhost", "127.0.0.1", "::1"})
    if address and is_loopback(address):
        return Hosts(own | local | {address.lower()}, any_address=False)
    return Hosts(own | local | _names_of_machine() | ({address.lower()} if address else set()), any_address=True)


def _comes_from_here(headers: Headers, *, strict: bool) -> bool:
    """Tell whether a request comes from a page of the host that it asks; ``strict`` wants the browser to have said so."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return False
    if origin is None:
        return site == "same-origin" or not strict
    said = urlsplit(origin)
    try:
        default = _DEFAULT_PORTS.get(said.scheme)
        asked = urlsplit(f"//{headers.get('host', '')}")
        same = (said.hostname, said.port or default) == (asked.hostname, asked.port or default)
    except ValueError:
        return False
    return default is not None and said.hostname is not None and same


def _name(host: str) -> str | None:
    """Return the name in a ``Host`` header, lower case, or None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    plain = parts.username is None and parts.password is None and not (parts.path or parts.query or parts.fragment)
    return parts.hostname.rstrip(".") if plain and parts.hostname else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _names_of_machine() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, f"{name}.local", socket.getfqdn().lower()}) - {""}
