"""The report: whole, offline, safe and the same each time; right also when there is little to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.labels import load_taxonomy
from data_schemas.skeletons import load_skeleton, skeleton_of
from data_schemas.tables import SELFTEST
from pipeline.audit.data_summary import summarise_data
from pipeline.audit.stages import SCHEMAS, STAGES, Context
from pipeline.detection.segments import cut_segments
from pipeline.readers import recognise
from pipeline.report.colours import class_looks, css_ground, ink_on
from pipeline.report.figures import class_counts, error_rates, given_by_predicted, quality_histogram
from pipeline.report.page import write_report
from pipeline.report.segment_cards import drawn_edges, skeleton_strip, timeline
from pipeline.report.templates import render
from pipeline.review.blind import draw_sample
from pipeline.review.events import Commit, Operation, Span
from pipeline.review.store import ReviewStore
from pipeline.selftest.recovery import nothing_injected, selftest_table
from pipeline.simulation import write_demo
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def made(once: Callable) -> dict[str, pd.DataFrame]:
    """Run the stages once on simulated clips and give their tables."""

    def make(folder: Path) -> None:
        write_demo(folder, clips=100, pictures=False, jobs=1)
        config = load_config(
            None, overrides={"folds": {"count": 2}, "run": {"jobs": 1}, "model": {"views": ["frame"], "min_optimizer_steps": 5}}
        )
        reader = recognise(folder / "clips")
        context = Context(reader, config, RunFolder(folder / "parts"), lambda done, total: None, load_taxonomy("aihub59"))
        tables: dict[str, pd.DataFrame] = {"source": pd.DataFrame({"path": [str(folder / "clips")]})}
        for stage in STAGES:
            tables |= stage.run(tables, context)
        put(folder / "run", tables)

    folder = once("report", make)
    run = RunFolder(folder / "run")
    source = pd.DataFrame({"path": [str(folder / "clips")]})
    return {"source": source} | {name: run.read_table(name, schema) for name, schema in SCHEMAS.items()}


def put(folder: Path, tables: dict[str, pd.DataFrame]) -> RunFolder:
    run = RunFolder(folder)
    config = load_config(None).model_dump(mode="json")
    data = summarise_data(tables, config=load_config(None)).as_json()
    facts = {"started": "2026-01-01", "version": "0", "source": tables["source"]["path"].iloc[0], "format": "aihub59"}
    run.save_record({**facts, "config": config, "data": data, "stages": {}})
    for name, schema in SCHEMAS.items():
        run.write_table(name, tables[name], schema=schema, fingerprint="test")
    return run


def page_of(folder: Path, tables: dict[str, pd.DataFrame]) -> str:
    write_report(put(folder, tables))
    return (folder / "report.html").read_text(encoding="utf-8")


def own_part(page: str) -> str:
    """Return the page without plotly's own script."""
    return page[page.index("<body>") :]


def test_the_report_holds_every_part_and_needs_no_network(tmp_path: Path, made) -> None:
    page = page_of(tmp_path, made)
    for heading in (
        "Look at these first",
        "Expected share of wrong labels",
        "How far to trust",
        "Second opinions",
        "Given and predicted",
        "Label quality",
        "What is there",
        "Rejected and repaired",
    ):
        assert heading in page
    assert "simulated data" in page
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert own_part(page).count('<svg class="strip"') == 12
    assert "걷거나 달리는 동작" in page
    assert len(page) < 8e6


def test_the_same_tables_give_the_same_page(tmp_path: Path, made) -> None:
    assert page_of(tmp_path / "a", made) == page_of(tmp_path / "b", made)


def test_commands_in_the_report_name_the_workspace(tmp_path: Path, made) -> None:
    page = own_part(page_of(tmp_path / "ws" / "runs" / "one", made))
    assert f"audit review -w {tmp_path / 'ws'}" in page
    assert "audit review</code>" not in page


def test_the_report_says_which_decisions_it_knows_and_what_draws_it_with_later_ones(tmp_path: Path, made) -> None:
    place = Workspace(tmp_path / "ws")
    folder = place.runs / "one"
    page = own_part(page_of(folder, made))
    assert "Nobody had decided anything when this page was drawn." in page
    assert f"<code>audit run -w {place.root}</code> draws" in page
    # In whatever database the configuration names: the workspace has no review.db.
    place.config_path.write_text(f'[review]\ndatabase = "sqlite:///{tmp_path}/other.db"\n', encoding="utf-8")
    sample = draw_sample(made["issues"], sizes={"unflagged": 3}, seed=0, run_id="one")
    with ReviewStore.open(tmp_path / "other.db") as store:
        store.save_sample(sample)
        for w in sample.head(2).to_dict("records"):
            span = Span(int(w["start_frame"]), int(w["end_frame"]), "relabel", "OTHER")
            act = Operation(f"{w['position']}", f"2026-11-28T10:1{w['position']}:00.000Z", (span,))
            store.commit(Commit("one", "kim", f"blind:{w['sample_id']}", w["clip_id"], 0, 0, (act,)))
    page = own_part(page_of(folder, made))
    assert "0 flagged and 2 unflagged windows are verified" in page
    assert "Nobody has checked" not in page
    assert "The review as of 2026-11-28 10:11 UTC: 0 decisions and 2 windows labelled blind." in page
    assert "windows labelled blind: what quality turned out to be" in page
    assert not place.review_db.exists()
    place.config_path.write_text('[review]\ndatabase = "sqlite:////no/such/folder/r.db"\n', encoding="utf-8")
    assert "did not answer when this page was drawn" in own_part(page_of(folder, made))


def test_names_from_files_are_harmless(tmp_path: Path, made) -> None:
    evil = "<script>alert(1)</script>"
    first = made["segments"]["clip_id"].iloc[0]
    tables = {
        name: table.assign(clip_id=table["clip_id"].str.replace(first, evil, regex=False)) if "clip_id" in table else table
        for name, table in made.items()
    }
    for name in ("windows", "clips"):
        tables[name] = tables[name].assign(label=tables[name]["label"].str.replace("SIT", "<b>SIT", regex=False))
    tables["rejected"] = made["rejected"].assign(reason=evil)
    page = page_of(tmp_path, tables)
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_run_in_which_nothing_is_flagged_says_so(tmp_path: Path, made) -> None:
    issues, segments = cut_segments(
        made["issues"].assign(is_issue=False), made["windows"].assign(bad_pose=False), config=load_config(None)
    )
    nothing = {"issues": issues, "segments": segments, "rejected": made["rejected"].iloc[:0], "notes": made["notes"].iloc[:0]}
    held_out = made["windows"]["split"].isin(["holdout"])
    assert held_out.any()
    assert "no hold-out" not in page_of(tmp_path, made)
    nothing["windows"] = made["windows"].assign(
        split=made["windows"]["split"].mask(held_out & (made["windows"]["species"] == "CAT"), "audit")
    )
    page = page_of(tmp_path, made | nothing)
    assert re.findall("[A-Z]+: no hold-out: [0-9]+ animals are too few", page) == ["CAT: no hold-out: 8 animals are too few"]
    assert "Nothing was flagged" in page
    assert "Nothing was rejected" in page


def test_a_selftest_of_this_run_is_shown_and_one_of_another_is_not(tmp_path: Path, made) -> None:
    run = put(tmp_path, made)
    run.save_record({**run.record(), "run_hash": "this"})
    table = selftest_table([{"kind": "flips", "share": 0.1, "seed": 0, **nothing_injected("no room <here>")}])
    for made_from, shown in (("this", True), ("another", False)):
        run.write_table("selftest", table, schema=SELFTEST, fingerprint=made_from)
        write_report(run)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert ("<h2>Selftest</h2>" in page) == shown
        assert ("no room &lt;here&gt;" in page) == shown


def test_error_rates_have_intervals_only_with_enough_groups(made) -> None:
    _, table = error_rates(made["issues"])
    assert table["share"].is_monotonic_decreasing
    known = table[table["groups"] >= 5]
    assert (known["low"] <= known["share"]).all()
    assert (known["share"] <= known["high"]).all()
    few = made["issues"].assign(subject_id="one")
    assert error_rates(few)[1]["low"].isna().all()


def test_figures_count_what_is_there(made) -> None:
    dogs = made["windows"][made["windows"]["species"] == "DOG"]
    assert sum(sum(trace.x) for trace in class_counts(dogs).data) == len(dogs)
    assert sum(sum(trace.y) for trace in quality_histogram(made["issues"]).data) == len(made["issues"])
    figure, pairs = given_by_predicted(dogs, made["oof"])
    np.testing.assert_allclose(np.asarray(figure.data[0].z).sum(axis=1), 1)
    assert all(given != other and 0 <= share <= 1 for given, other, share in pairs)


def test_a_skeleton_without_edges_is_drawn_as_a_tree_for_each_animal() -> None:
    skeleton = skeleton_of(["rat1_nose", "rat1_body", "rat1_tail", "rat2_nose", "rat2_body", "rat2_tail"])
    xy = np.array([[[0, 0], [1, 0], [2, 0], [0.1, 0], [1.1, 0], [2.1, 0]]], float)
    assert drawn_edges(skeleton, xy) == [(0, 1), (1, 2), (3, 4), (4, 5)]
    aihub = load_skeleton("aihub59")
    assert drawn_edges(aihub, xy) == list(aihub.edges)


def test_timelines_tell_classes_that_share_a_colour_apart_by_hatching() -> None:
    looks = class_looks({"DOG": [f"class{i:02d}" for i in range(40)]})
    first, second, third = (f"class{i:02d}" for i in (0, 19, 38))
    assert len({looks[name].colour for name in (first, second, third)}) == 1
    clip = pd.DataFrame(
        {
            "start_frame": [0, 10, 20],
            "end_frame": [9, 19, 29],
            "given_label": [first, second, third],
            "suggested_label": [second, first, third],
            "suggested_probability": [0.9, 0.3, 0.3],
            "label_quality": [0.1, 0.5, 0.6],
            "bad_pose": False,
        }
    )
    segment = {"start_frame": 0, "end_frame": 9, "given_label": first, "suggested_label": second}
    drawn = timeline(clip, segment, look=looks.__getitem__, fps=10, span=(0, 1))
    ink = ink_on(looks[first].colour)[1:]
    used = re.findall(r"url\(#([^)]+)\)", drawn)
    assert used == [f"cue1-{ink}", f"cue2-{ink}", f"cue1-{ink}", "cue2-ink"]
    assert set(used) <= set(re.findall(r'id="([^"]+)"', render("hatchings.svg")))
    grounds = {css_ground(looks[name]) for name in (first, second, third)}
    assert len(grounds) == 3


def test_a_strip_shows_what_is_visible_and_says_when_nothing_is() -> None:
    skeleton = load_skeleton("aihub59")
    xy = np.random.default_rng(0).normal(size=(9, 15, 2))
    xy[4] = np.nan
    strip = skeleton_strip(xy, skeleton=skeleton, edges=skeleton.edges, seconds=np.arange(9.0))
    assert strip.count("<circle") == 15 * 6 or strip.count("<circle") == 15 * 7
    assert "nan" not in strip
    assert "no keypoint" in skeleton_strip(
        np.full((3, 15, 2), np.nan), skeleton=skeleton, edges=skeleton.edges, seconds=np.arange(3.0)
    )
