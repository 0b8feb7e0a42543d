"""Every page, with a run and in every state in which it has nothing to show."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from audit_app import pages
from pipeline.audit.stages import SCHEMAS
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.pages_run import drop_segments, paint_all_segments, run_of, write_pages_run
from tests.unit.audit_app.shown import button, component, texts

PAGES = [page.path for page in pages.PAGES]


@pytest.mark.parametrize("page", PAGES)
def test_opens(page, root, open_page):
    app = open_page(root, page)
    assert component(app, "labeller") is not None if page == "review" else app.title


@pytest.mark.parametrize("page", PAGES)
def test_says_what_to_type_before_the_first_run(page, tmp_path, open_page):
    app = open_page(tmp_path, page)
    assert "No run yet" in texts(app)
    assert f"audit run YOUR_CLIPS -w {tmp_path}" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_waits_for_a_first_run_that_is_under_way(page, tmp_path, open_page):
    RunFolder(tmp_path / "runs" / "20261125T000000Z-00000000").save_record({"run_hash": "0", "stages": {}})
    assert "The first run has not finished" in texts(open_page(tmp_path, page))


@pytest.mark.parametrize("page", ["queue", "review", "overview"])
def test_says_when_nothing_was_flagged(page, root, open_page):
    drop_segments(root)
    assert "Nothing was flagged" in texts(open_page(root, page))


@pytest.mark.parametrize("page", ["queue", "review"])
def test_says_when_everything_is_reviewed(page, root, open_page):
    paint_all_segments(root)
    words = texts(open_page(root, page))
    assert "very segment has been reviewed" in words or "Everything is reviewed" in words


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("history", "Nothing was decided yet"),
        ("export", "Nothing to export yet"),
        ("agreement", "No frame was labelled by two people yet"),
        ("blind", "No sample yet"),
        ("overview", "Nobody has decided anything yet"),
    ],
)
def test_says_when_nobody_has_decided_anything_and_makes_no_database_for_it(page, words, root, open_page):
    assert words in texts(open_page(root, page))
    assert not Workspace(root).review_db.exists()


@pytest.mark.parametrize("page", ["queue", "review", "blind", "agreement", "history"])
def test_asks_who_reviews(page, root, open_page):
    app = open_page(root, page, reviewer=None)
    assert "Who reviews?" in texts(app)
    assert component(app, "labeller") is None


def test_keeps_the_name_that_was_typed(root, open_page):
    app = open_page(root, "queue", reviewer=None)
    app.text_input(key="reviewer_name_ask").input("  Kim\tMin-ji, ")
    button(app, "Use this name").click().run()
    assert app.session_state["reviewer"] == "Kim Min-ji"
    assert component(app, "pose_audit_reviewer")["value"] == "Kim%20Min-ji"


def test_takes_the_name_of_the_configuration(root, open_page):
    (root / "audit.toml").write_text('[review]\nreviewer = "박지성"\n', encoding="utf-8")
    app = open_page(root, "review", reviewer=None)
    assert component(app, "labeller")["reviewer"] == "박지성"


def test_shows_without_pictures_as_with_them(tmp_path, open_page):
    without = component(open_page(write_pages_run(tmp_path / "a"), "review"), "labeller")
    with_them = component(open_page(write_pages_run(tmp_path / "b", picture_size=(64, 48)), "review"), "labeller")
    assert without["pictures"] is None
    assert with_them["pictures"] is not None


def test_offers_a_newer_run(root, open_page):
    app = open_page(root, "overview")
    old = run_of(root)
    newer = old.path.with_name("20261126T000000Z-ffffffff")
    newer.mkdir()
    for file in old.path.iterdir():
        (newer / file.name).write_bytes(file.read_bytes())
    Workspace(root).name_latest(RunFolder(newer))
    app.run()
    assert "A newer run has finished" in texts(app)
    app.button(key="switch_run").click().run()
    assert app.session_state["run_path"] == newer
    assert "A newer run has finished" not in texts(app)


def test_a_broken_configuration_is_told_as_an_error_with_the_way_out(root, open_page):
    (root / "audit.toml").write_text("[review]\nreviwer = 'kim'\n", encoding="utf-8")
    app = open_page(root, "export", reviewer=None)
    assert "did you mean" in app.error[0].value


def test_the_charts_of_the_overview_show_audited_windows_only(root, open_page):
    folder = run_of(root)
    for name in ("issues", "windows"):
        table = folder.read_table(name, SCHEMAS[name])
        later = table["clip_id"] != table["clip_id"].iloc[0]
        folder.write_table(
            name, table.assign(split=np.where(later, "holdout", "audit")), schema=SCHEMAS[name], fingerprint="generated"
        )
    issues = folder.read_table("issues", SCHEMAS["issues"])
    audited = issues[issues["split"] == "audit"]
    assert 0 < len(audited) < len(issues)
    quality, errors = (chart(open_page(root, "overview"), key) for key in ("quality", "errors"))
    assert sum(sum(values_of(bars["y"])) for bars in quality["data"]) == len(audited)
    assert len(values_of(errors["data"][0]["x"])) == audited["given_label"].nunique()


def test_a_species_of_which_nothing_is_estimated_shows_no_chart_of_it(root, open_page):
    folder = run_of(root)
    issues = folder.read_table("issues", SCHEMAS["issues"])
    folder.write_table("issues", issues.assign(split="holdout"), schema=SCHEMAS["issues"], fingerprint="generated")
    assert "Nothing is estimated here" in texts(open_page(root, "overview"))


def chart(app, key: str):
    """Return the figure of a chart on a page."""
    found = next(e.proto for e in app.get("plotly_chart") if key in e.proto.id.split("-"))
    return json.loads(found.spec)


def values_of(column) -> list[float]:
    """Return the numbers of a figure, which plotly writes as text or as bytes."""
    if isinstance(column, dict):
        return np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"]).tolist()
    return column
