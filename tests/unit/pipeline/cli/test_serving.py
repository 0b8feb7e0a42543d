"""How the app is started: from where, with which options, and what is refused before it is."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from data_schemas.errors import UsageError
from pipeline.cli.serving import app_command, app_script, require_free_port, serve
from pipeline.workspace.workspace import Workspace


def test_the_script_is_found_without_importing_the_app():
    assert app_script().is_file()


def test_refuses_where_the_app_is_missing(monkeypatch):
    monkeypatch.setattr("pipeline.cli.serving.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed"):
        app_script()


def test_the_command_holds_the_options():
    command = app_command(Path("app.py"), port=8600, host="localhost", browser=False)
    assert command[1:5] == ["-m", "streamlit", "run", "app.py"]
    assert command[command.index("--server.port") + 1] == "8600"
    assert command[command.index("--server.headless") + 1] == "true"
    assert "--server.port" not in app_command(Path("app.py"), port=None, host="localhost", browser=True)


def test_refuses_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="port"):
        require_free_port(taken.getsockname()[1], host="127.0.0.1")


def test_gives_back_the_exit_code_and_hands_over_the_workspace_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = "import os, sys; sys.exit(7 if os.environ['AUDIT_WORKSPACE'] == 'my work' else 1)"
    assert serve(Workspace(Path("my work")), [sys.executable, "-c", script]) == 7


def test_what_ends_the_command_ends_the_app(tmp_path):
    ready = tmp_path / "ready"
    waiting = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"

    def end() -> None:
        while not ready.exists() and time.monotonic() < started + 30:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    started = time.monotonic()
    thread = threading.Thread(target=end)
    thread.start()
    try:
        assert serve(Workspace(tmp_path), [sys.executable, "-c", waiting]) == -signal.SIGTERM
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() < started + 40


def test_an_interruption_ends_it_without_an_error(tmp_path, monkeypatch):
    ready = tmp_path / "ready"
    waiting = (
        "import pathlib, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )

    def interrupt() -> None:
        while not ready.exists() and time.monotonic() < started + 30:
            time.sleep(0.01)
        # To the main thread, as a terminal's would be: a signal to this one would not wake it.
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr("pipeline.cli.serving._PATIENCE_SECONDS", 0.2)
    # Whatever ran before in this process may have taken the signal for itself.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert serve(Workspace(tmp_path), [sys.executable, "-c", waiting]) == 0
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert ready.exists()
    assert time.monotonic() < started + 40
