"""A page is a file and a line: the one that docs/architecture.md shows, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from audit_app import pages
from audit_app.pages import PAGES, Page
from pipeline.audit.stages import SCHEMAS
from tests.pages_run import run_of

ARCHITECTURE = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"


def test_the_page_of_the_architecture_opens_beside_the_others(root, tmp_path, open_page, monkeypatch):
    section = ARCHITECTURE.read_text(encoding="utf-8").partition("### Adding a page\n")[2].partition("\n## ")[0]
    script, line = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)
    (added,) = eval(line, {"Page": Page})
    # In the package the script would lie in the folder of the others; the navigation takes it from anywhere.
    path = tmp_path / added.script
    path.write_text(script, encoding="utf-8")
    monkeypatch.setattr(pages, "PAGES", (*PAGES, added._replace(script=path)))
    app = open_page(root, added.path, script=path)
    assert app.title[0].value == added.title
    clips = run_of(root).read_table("clips", SCHEMAS["clips"])
    assert app.dataframe[0].value["clip_id"].tolist() == clips["clip_id"].tolist()
    assert open_page(tmp_path / "empty", added.path, script=path).code[0].value.startswith("audit run")
