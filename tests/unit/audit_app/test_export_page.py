"""The export page: what it offers, writes and refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_app.page_text import escaped
from tests.pages_run import paint_all_segments, segments_of
from tests.unit.audit_app.shown import texts


def exported(app: AppTest, root: Path) -> AppTest:
    """Click the button, wait until the export has ended, and return the page as it is then."""
    from audit_app.export_job import newest_export

    app.button(key="export_dataset").click().run()
    end = time.monotonic() + 60
    while (job := newest_export(root)) is not None and job.running:
        assert time.monotonic() < end
        time.sleep(0.05)
    app.run()
    assert not app.exception, app.exception
    return app


def test_export_offers_the_decisions(root, open_page):
    paint_all_segments(root)
    app = open_page(root, "export")
    assert [m.value for m in app.metric][:1] == [str(len(segments_of(root)))]
    assert f"audit decisions export decisions.jsonl -w {root}" in texts(app)


def test_export_writes_the_cleaned_dataset_into_the_workspace(root, open_page):
    paint_all_segments(root)
    app = open_page(root, "export")
    assert f"audit export -w {root} --out {root / 'exports' / 'cleaned'}" in texts(app)
    app.text_input(key="export_name").input("after week 1").run()
    app.checkbox(key="export_csv").check().run()
    assert f"--out '{root / 'exports' / 'after week 1'}' --csv" in texts(app)
    exported(app, root)
    out = root / "exports" / "after week 1"
    assert {"frames.parquet", "frames.csv", "changes.parquet", "DATASHEET.md", "SHA256SUMS"} <= {p.name for p in out.iterdir()}
    assert app.success[0].value == f"Written to {escaped(str(out))}, for kim."
    assert "relabelled" in texts(app)
    sheet = json.loads((out / "datasheet.json").read_text(encoding="utf-8"))
    assert sheet["decisions"]["reviewers"] == {"kim": len(segments_of(root))}
    assert sheet["settings"]["csv"] is True


def test_others_than_this_machine_are_not_told_where_the_workspace_lies(root, open_page):
    paint_all_segments(root)
    app = exported(open_page(root, "export", address="0.0.0.0"), root)
    assert app.success[0].value == f"Written to {escaped('WORKSPACE/exports/cleaned')}, for kim."
    assert "audit export -w WORKSPACE --out WORKSPACE/exports/cleaned" in texts(app)
    said = [texts(app), *(widget.help for widget in app.text_input)]
    said += [texts(open_page(root, page, address="0.0.0.0")) for page in ("queue", "history")]
    assert not [words for words in said if str(root.parent) in words]


def test_a_workspace_is_named_as_it_was_typed(root, open_page, monkeypatch):
    paint_all_segments(root)
    monkeypatch.chdir(root.parent)
    place = root.rename(root.with_name("my work"))
    app = exported(open_page(Path(place.name), "export"), Path(place.name))
    assert "audit export -w 'my work' --out 'my work/exports/cleaned'" in texts(app)
    assert str(root.parent) not in texts(app)


def test_export_tells_what_is_refused_and_the_way_out(root, open_page):
    paint_all_segments(root)
    mine = root / "exports" / "cleaned" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    app = exported(open_page(root, "export"), root)
    assert "is not empty" in app.error[0].value
    assert "name another folder" in app.error[0].value
    assert mine.read_text(encoding="utf-8") == "mine"
    assert [p.name for p in mine.parent.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", ".hidden", " ", "a\\b"])
def test_export_writes_nowhere_but_in_the_workspace(name, root, open_page):
    paint_all_segments(root)
    app = open_page(root, "export")
    app.text_input(key="export_name").input(name).run()
    app.button(key="export_dataset").click().run()
    assert "cannot name an export" in app.error[0].value
    assert not (root / "exports").exists()
