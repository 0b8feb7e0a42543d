"""The reviewers' password: hashed, written into audit.toml beside what stands there, and needed beyond this machine."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from data_schemas.config import load_config
from data_schemas.errors import ConfigError, UsageError
from pipeline.cli.app import app
from pipeline.cli.serving import exposure_warning
from pipeline.review.passwords import hashed, is_loopback, login_configured, matches, store_password
from tests.pages_run import write_pages_run


def test_only_the_same_password_matches_and_two_hashes_differ():
    one, other = hashed("three long words"), hashed("three long words")
    assert one != other
    assert matches("three long words", one)
    assert not matches("three long word", one)
    assert not matches("three long words", "three long words")


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[review]\nreviewer = 'kim'  # me\n",
        "[labels]\nmerge = 'classic'\n\n[review] # how\n# password = ...\njump_frames = 5\n\n[export]\ncsv = true\n",
        "[ review ]\njump_frames = 5\n",
        '[export]\ncsv = true\n\n[review]\npassword = "scrypt:2:AA==:AA=="\n',
    ],
)
def test_the_hash_is_written_and_the_rest_stays(before, tmp_path):
    path = tmp_path / "audit.toml"
    if before:
        path.write_text(before, encoding="utf-8")
        kept = load_config(path).model_dump(exclude={"review": {"password"}})
    else:
        kept = load_config(None).model_dump(exclude={"review": {"password"}})
    store_password(path, "three long words")
    written = load_config(path)
    assert matches("three long words", written.review.password)
    assert written.model_dump(exclude={"review": {"password"}}) == kept
    assert "three long words" not in path.read_text(encoding="utf-8")


def test_a_password_in_the_clear_is_refused_and_not_told(tmp_path):
    (tmp_path / "audit.toml").write_text('[review]\npassword = "hunter22"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_config(tmp_path / "audit.toml")
    assert "audit password" in told.value.message
    assert "hunter22" not in told.value.message
    store_password(tmp_path / "audit.toml", "three long words")
    assert matches("three long words", load_config(tmp_path / "audit.toml").review.password)
    with pytest.raises(UsageError, match="7 signs"):
        hashed("hunter2")
    assert matches("hunter22", hashed("hunter22"))


@pytest.mark.parametrize("before", ["review.jump_frames = 5\n", "review = {jump_frames = 5}\n"])
def test_a_file_that_the_line_cannot_be_added_to_stays_as_it_was(before, tmp_path):
    (tmp_path / "audit.toml").write_text(before, encoding="utf-8")
    with pytest.raises(UsageError, match=r"audit\.toml: has no section \[review\]") as told:
        store_password(tmp_path / "audit.toml", "three long words")
    assert 'write review.password = "scrypt:' in told.value.hint
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == [before]


def test_who_may_read_the_file_stays_the_same(tmp_path):
    (tmp_path / "audit.toml").write_text("", encoding="utf-8")
    (tmp_path / "audit.toml").chmod(0o600)
    store_password(tmp_path / "audit.toml", "three long words")
    assert (tmp_path / "audit.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("Audit.LocalHost", True),
        ("localhost.example.org", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("lab", False),
    ],
)
def test_which_addresses_are_this_machine_alone(host, alone):
    assert is_loopback(host) is alone


def test_listening_beyond_this_machine_says_so_and_needs_a_password(tmp_path, monkeypatch):
    root = write_pages_run(tmp_path / "work", clips=2)
    monkeypatch.setattr("pipeline.cli.serving.serve", lambda workspace, command: 0)
    monkeypatch.setattr("pipeline.review.passwords.login_configured", lambda script: False)
    run = CliRunner().invoke
    refused = run(app, ["review", "-w", str(root), "--host", "0.0.0.0", "--no-browser"])
    assert "unencrypted" in refused.output
    assert isinstance(refused.exception, UsageError)
    assert "audit password" in refused.exception.hint
    assert run(app, ["password", "-w", str(root)], input="three long words\n").exit_code == 0
    assert run(app, ["review", "-w", str(root), "--host", "0.0.0.0", "--no-browser"]).exit_code == 0
    assert "unencrypted" not in run(app, ["review", "-w", str(root), "--no-browser"]).output


def test_a_login_stands_for_a_password(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "app" / "app.py"
    assert not login_configured(script)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text("[auth]\nclient_id = 'x'\n", encoding="utf-8")
    assert login_configured(script)
    for without in ("[server]\nport = 1\n", "no TOML ["):
        (tmp_path / ".streamlit" / "secrets.toml").write_text(without, encoding="utf-8")
        assert not login_configured(script)
    assert "audit.example.org" in " ".join(exposure_warning("0.0.0.0", hosts=("audit.example.org",)))
