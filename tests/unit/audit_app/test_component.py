"""How Streamlit finds the labeller's files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager

import audit_app.components
from audit_app import unsent
from audit_app.components import _component

FOLDER = Path(audit_app.components.__file__).parent


def test_the_packaged_manifest_and_the_declared_one_say_the_same(monkeypatch):
    manager = BidiComponentManager()
    monkeypatch.setattr(audit_app.components, "get_bidi_component_manager", lambda: manager)
    monkeypatch.setattr(audit_app.components, "component", lambda *given, **how: None)
    _component("pose-audit.labeller")
    told = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
    (component,) = told["tool"]["streamlit"]["component"]["components"]
    name = f"{told['project']['name']}.{component['name']}"
    assert manager.get_component_asset_root(name) == FOLDER / component["asset_dir"]


def test_what_streamlit_found_itself_is_left_as_it_is(monkeypatch, tmp_path):
    manager = BidiComponentManager()
    monkeypatch.setattr(audit_app.components, "get_bidi_component_manager", lambda: manager)
    monkeypatch.setattr(audit_app.components, "component", lambda *given, **how: None)
    monkeypatch.setattr(manager, "get_component_asset_root", lambda name: tmp_path)
    monkeypatch.setattr(manager, "register_from_manifest", lambda *given: 1 / 0)
    _component("pose-audit.labeller")


def test_every_module_that_is_imported_is_packaged():
    assets = FOLDER / "assets"
    for path in assets.glob("*.js"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("import "):
                assert (assets / line.split('"')[1]).is_file(), f"{path.name}: {line}"


@pytest.mark.parametrize(
    ("address", "told"), [("localhost", True), ("127.0.0.1", True), ("0.0.0.0", False), ("", False), (None, False)]
)
def test_only_pages_on_this_machine_tell_how_the_server_is_started(address, told, monkeypatch):
    monkeypatch.setattr(unsent.st, "get_option", {"server.address": address, "server.port": 8501}.get)
    monkeypatch.setenv("AUDIT_WORKSPACE", "/home/kim/work")
    assert unsent.review_command() == ("audit review -w /home/kim/work --port 8501" if told else "")
