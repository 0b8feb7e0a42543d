"""Every page, with a run and in every state in which it has nothing to show."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.review.store import ReviewStore
from pipeline.run_folder import RunFolder
from pipeline.workspace import Workspace
from tests.pages_run import drop_segments, paint, paint_all_segments, run_of, segments_of, write_pages_run

APP = Path(__file__).resolve().parents[3] / "audit_app" / "navigation.py"
PAGES = ("queue", "review", "blind", "overview", "agreement", "history", "export")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_pages_run(tmp_path / "work")


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Give a function that opens a page of the app in a workspace, as a reviewer whose name is known (or None)."""

    def open_page(
        root: Path, page: str = "queue", *, reviewer: str | None = "kim", query: dict[str, str] | None = None
    ) -> AppTest:
        monkeypatch.setenv("AUDIT_WORKSPACE", str(root))
        app = AppTest.from_file(str(APP), default_timeout=60)
        if reviewer is not None:
            app.session_state["reviewer"] = reviewer
        app.run()
        for name, value in (query or {}).items():
            app.query_params[name] = value
        if page != "queue" or query:
            app.switch_page(f"{page}_page.py").run()
        assert not app.exception, app.exception
        return app

    return open_page


def texts(app) -> str:
    """Return all words of a page."""
    kinds = ("title", "subheader", "markdown", "caption", "success", "info", "error", "code")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))


def component(app, name: str):
    """Return what a component of the page was given, or None where it is not on the page."""
    for element in app.get("bidi_component"):
        if element.proto.component_name.endswith(name):
            proto = element.proto
            return json.loads(proto.bytes if proto.WhichOneof("data") == "bytes" else proto.json)
    return None


def button(app, label: str):
    return next(b for b in app.button if b.label == label)


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
    RunFolder(tmp_path / "runs" / "20261125T000000Z-00000000").save_record({"identity": "0", "stages": {}})
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


def test_queue_lists_every_segment_with_its_state(root, open_page):
    first = segments_of(root).iloc[0]
    paint(root, first["clip_id"], first["start_frame"], first["end_frame"])
    told = component(open_page(root), "pose_audit_queue")
    assert told["columns"]["id"] == segments_of(root)["segment_id"].tolist()
    states = [told["lists"]["state"][i][0] for i in told["columns"]["state"]]
    assert states == ["decided"] + ["open"] * (len(states) - 1)
    assert told["lists"]["reviewer"] == [["kim", "kim"]]


def test_queue_sees_what_was_decided_since_it_was_shown(root, open_page):
    app = open_page(root)
    second = segments_of(root).iloc[1]
    paint(root, second["clip_id"], second["start_frame"], second["end_frame"])
    app.run()
    told = component(app, "pose_audit_queue")
    assert told["lists"]["state"][told["columns"]["state"][1]][0] == "decided"


def test_review_opens_the_segment_of_the_address(root, open_page):
    wanted = segments_of(root)["segment_id"].iloc[2]
    told = component(open_page(root, "review", query={"segment": wanted}), "labeller")
    assert told["segment_id"] == wanted
    own = segments_of(root).reset_index(drop=True)
    own = own[own["clip_id"] == own["clip_id"].iloc[2]]
    assert told["progress"]["places"] == {s: i + 1 for i, s in own["segment_id"].items()}
    assert told["progress"]["of"] == len(segments_of(root))


def test_review_ignores_an_address_that_names_nothing(root, open_page):
    told = component(open_page(root, "review", query={"segment": "<script>"}), "labeller")
    assert told["segment_id"] == segments_of(root)["segment_id"].iloc[0]


def test_review_shows_clips_that_look_alike(root, open_page):
    told = component(open_page(root, "review"), "labeller")
    assert told["similar"]
    assert all(s["clip_id"] != told["clip"]["clip_id"] for s in told["similar"])


def test_blind_sample_is_drawn_and_shows_no_label(root, open_page):
    app = open_page(root, "blind")
    for key in ("size_holdout", "size_flagged", "size_unflagged"):
        app.number_input(key=key).set_value(0 if key == "size_holdout" else 3)
    button(app, "Draw").click().run()
    with ReviewStore.open(Workspace(root).review_db) as store:
        sample = store.samples()
    assert sample["stratum"].value_counts().to_dict() == {"flagged": 3, "unflagged": 3}
    button(app, "Start").click().run()
    told = component(app, "labeller")
    assert told["stream"] == f"blind:{sample['sample_id'].iloc[0]}"
    assert told["window"] == [sample["start_frame"].iloc[0], sample["end_frame"].iloc[0]]
    assert not {"given", "suggested", "quality", "segments", "segment_id", "similar"} & set(told)
    assert "SIT" not in texts(app)


def test_blind_sample_refuses_to_draw_nothing(root, open_page):
    app = open_page(root, "blind")
    for key in ("size_holdout", "size_flagged", "size_unflagged"):
        app.number_input(key=key).set_value(0)
    button(app, "Draw").click().run()
    assert "not a sample" in app.error[0].value


def test_history_takes_an_act_back_by_a_new_one(root, open_page):
    first = segments_of(root).iloc[0]
    paint(root, first["clip_id"], first["start_frame"], first["end_frame"])
    app = open_page(root, "history")
    app.session_state["acts"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    app.button(key="revert").click().run()
    assert not app.exception
    with ReviewStore.open(Workspace(root).review_db) as store:
        assert store.events()["action"].tolist() == ["relabel", "undo"]


def test_agreement_lists_what_two_people_differ_on(root, open_page):
    first = segments_of(root).iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "TURN")):
        paint(root, first["clip_id"], first["start_frame"], first["end_frame"], reviewer=who, label=label)
    app = open_page(root, "agreement")
    assert any("kim: WALKRUN; lee: TURN" in str(frame.value.to_dict()) for frame in app.dataframe)
    button(app, "Settle the longest").click().run()
    assert component(app, "labeller")["stream"] == "adjudication"


def test_disputed_segments_wait_for_agreement_not_in_the_queue(root, open_page):
    first = segments_of(root).iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "TURN")):
        paint(root, first["clip_id"], first["start_frame"], first["end_frame"], reviewer=who, label=label)
    told = component(open_page(root, "review"), "labeller")
    assert told["segment_id"] == segments_of(root)["segment_id"].iloc[1]


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


def test_export_offers_the_decisions(root, open_page):
    paint_all_segments(root)
    app = open_page(root, "export")
    assert [m.value for m in app.metric][:1] == [str(len(segments_of(root)))]
    assert f"audit decisions export decisions.jsonl -w {root}" in texts(app)


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
    assert "Written to" in app.success[0].value
    assert "relabelled" in texts(app)
    sheet = json.loads((out / "datasheet.json").read_text(encoding="utf-8"))
    assert sheet["decisions"]["reviewers"] == {"kim": len(segments_of(root))}
    assert sheet["settings"]["csv"] is True


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
