"""The page's modules that know no DOM, tested by node itself: what they decide is what is saved."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("javascript")
ASSETS = Path(__file__).resolve().parents[3] / "audit_app" / "components" / "assets"


def _node() -> str:
    """Return the machine's node, or the one that `make node` put into the environment."""
    found = shutil.which("node", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip("node is missing: `make node` installs it")
    return found


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.test.js")))
def test_module_keeps_its_promises(name):
    done = subprocess.run([_node(), "--test", str(FOLDER / name)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.js")), ids=lambda p: p.name)
def test_nothing_from_a_file_is_ever_read_as_markup(path):
    text = path.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in text
