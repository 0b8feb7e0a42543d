"""Start the relabel app: Streamlit in a process of its own, which knows the workspace by its environment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from data_schemas.errors import UsageError
from pipeline.workspace.workspace import Workspace

_PATIENCE_SECONDS = 10


def app_script() -> Path:
    """Return where the app's script lies, without importing the app."""
    spec = find_spec("audit_app")
    script = Path(spec.origin).with_name("app.py") if spec is not None and spec.origin else None
    if script is None or not script.exists():
        raise UsageError("the package audit_app is not installed", hint="install pose-audit again: pip install pose-audit")
    return script


def require_free_port(port: int, *, host: str) -> None:
    """Refuse a port that something else listens on."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise UsageError(
            f"port {port} of {host}: {error.strerror or error}",
            hint="name another with --port, or leave it out to take a free one",
        ) from error


def exposure_warning(host: str, *, hosts: tuple[str, ...] = ()) -> list[str]:
    """Return what it means to listen on an address beyond this machine, a line each."""
    named = f" and {', '.join(hosts)}" if hosts else "; other names that it is reached by go into review.hosts of audit.toml"
    return [
        f"--host {host}: everybody who reaches this machine over the network sees the sign-in, and with the password the clips,",
        "and can label under any name. What is typed and seen travels unencrypted: outside a network that you trust, put a proxy",
        f"with TLS before it. It answers to the addresses and names of this machine{named}.",
    ]


def app_command(script: Path, *, port: int | None, host: str, browser: bool) -> list[str]:
    """Return the command that starts the app; its look and its other options lie beside the script."""
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address", host]
    command += ["--server.headless", "false" if browser else "true"]
    return command + (["--server.port", str(port)] if port is not None else [])


def serve(workspace: Workspace, command: list[str]) -> int:
    """Run the app until it ends or is interrupted, and return its exit code; an interruption is how it is meant to end."""
    # As it was typed, for the pages name it: the server is started in the folder in which it was typed.
    environment = {**os.environ, "AUDIT_WORKSPACE": str(workspace.root)}
    # The command is made above, of this installation's own parts.
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603
        # A service manager stops this process alone; the app must not stay behind on its port.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has sent the interruption to both; the app saves nothing by itself that could be lost.
            try:
                process.wait(timeout=_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                process.wait()
            return 0
