"""`audit review` serves the workspace, or says what to type."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.pages_run import write_pages_run

pytestmark = pytest.mark.integration


def test_audit_review_serves_the_workspace_and_ends_cleanly_on_ctrl_c(root, browser, audit):
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port = made.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "review", "-w", str(root), "--port", str(port), "--no-browser"],
        env={**audit.environment, "PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
            except OSError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.2)
            else:
                break
        page = browser.new_page()
        page.goto(f"http://localhost:{port}")
        page.get_by_text("Who reviews?").wait_for(timeout=30_000)
        page.close()
        busy = audit("review", "-w", root, "--port", port, "--no-browser", code=2)
        assert f"port {port}" in busy.stderr
        assert "--port" in busy.stderr
    finally:
        os.killpg(process.pid, signal.SIGINT)
        words = process.communicate(timeout=30)[0]
    assert process.returncode == 0, words
    assert "Traceback" not in words


def test_audit_review_says_what_to_type_without_a_run(audit, tmp_path):
    done = audit("review", "-w", tmp_path / "empty", "--no-browser", code=4)
    assert "no run yet" in done.stderr
    assert "audit run YOUR_CLIPS" in done.stderr


def test_audit_review_tells_what_is_wrong_with_the_configuration(audit, tmp_path):
    root = write_pages_run(tmp_path / "work")
    (root / "audit.toml").write_text("[review]\njump_frame = 3\n", encoding="utf-8")
    done = audit("review", "-w", root, "--no-browser", code=2)
    assert "did you mean 'jump_frames'" in done.stderr
