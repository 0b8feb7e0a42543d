"""A PostgreSQL server for tests: its data in a folder of its own, reached by a socket alone, gone when the tests are."""

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
from itertools import count
from pathlib import Path

import sqlalchemy as sa


def server_folder() -> Path | None:
    """Return the folder of the server's programs: where Debian keeps the newest, or that of the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parents[1].name))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


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
def running_server(programs: Path) -> Iterator[Server]:
    """Start a server and end it; as root under another name, for it refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="audit-pg-"))
    user = _unprivileged()
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    own = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    data = folder / "data"
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
        # A fast shutdown, which does not wait for those who are still connected.
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        shutil.rmtree(folder)


def _unprivileged() -> str | None:
    """Return the user under whom root may start a server."""
    if os.geteuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})


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
