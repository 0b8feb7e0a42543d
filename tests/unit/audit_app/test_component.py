"""How Streamlit finds the labeller's files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from streamlit.components.v2.component_manager import BidiComponentManager

import audit_app.labeller
from audit_app.labeller import _declare

FOLDER = Path(audit_app.labeller.__file__).parent


def test_the_packaged_manifest_and_the_declared_one_say_the_same(monkeypatch):
    manager = BidiComponentManager()
    monkeypatch.setattr(audit_app.labeller, "get_bidi_component_manager", lambda: manager)
    _declare()
    told = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
    (component,) = told["tool"]["streamlit"]["component"]["components"]
    name = f"{told['project']['name']}.{component['name']}"
    assert manager.get_component_asset_root(name) == FOLDER / component["asset_dir"]


def test_what_streamlit_found_itself_is_left_as_it_is(monkeypatch, tmp_path):
    manager = BidiComponentManager()
    monkeypatch.setattr(audit_app.labeller, "get_bidi_component_manager", lambda: manager)
    monkeypatch.setattr(manager, "get_component_asset_root", lambda name: tmp_path)
    monkeypatch.setattr(manager, "register_from_manifest", lambda *given: 1 / 0)
    _declare()


def test_every_module_that_is_imported_is_packaged():
    assets = FOLDER / "assets"
    for path in assets.glob("*.js"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("import "):
                assert (assets / line.split('"')[1]).is_file(), f"{path.name}: {line}"
