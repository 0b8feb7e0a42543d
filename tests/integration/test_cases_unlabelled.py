"""Recordings that people coded in part: what nobody labelled has no label anywhere, from reading to export and back."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_app.clip_facts import clip_facts
from audit_app.components.payload import clip_payload
from data_schemas.config import Config, load_config
from data_schemas.progress import Progress
from pipeline.audit.rounds import DecidedLabels, decided_so_far
from pipeline.audit.run import run_audit
from pipeline.audit.stages import SCHEMAS, STAGES, Context
from pipeline.audit.summary import summarise
from pipeline.evaluation.label_evaluation import evaluate_labels
from pipeline.export.dataset import export_dataset
from pipeline.readers import recognise
from pipeline.report.page import write_report
from pipeline.report.run_tables import RunTables
from pipeline.review.access import frames_of, open_store, stored_events
from pipeline.review.events import Commit, Span, new_operation
from pipeline.review.history import history
from pipeline.selftest.injection import inject_errors
from pipeline.selftest.source_index import index_source
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.integration.test_cases_detection import recordings
from tests.unit.pipeline.detection.small import Nowhere
from tests.unit.pipeline.readers.reading import read


def quick() -> Config:
    return load_config(
        None, overrides={"model": {"views": ["body"], "optimizer_steps": 30}, "folds": {"count": 3}, "run": {"jobs": 1}}
    )


def run(source: Path, place: Workspace, *, decided: DecidedLabels | None = None) -> RunFolder:
    @contextmanager
    def show(_stage: str) -> Iterator[Progress]:
        yield lambda *_: None

    return run_audit(source, quick(), workspace=place, write_report=write_report, stage_progress=show, decided=decided)[0]


def scored(source: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of all stages, with chance in the place of models: these have no say in what is scored."""
    context = Context(recognise(source), quick(), Nowhere(), lambda *_: None, None)
    tables: dict[str, pd.DataFrame] = {}
    for stage in STAGES:
        tables |= by_chance(tables["windows"]) if "oof" in stage.makes else stage.run(tables, context)
    return tables


def by_chance(windows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    said = windows[windows["split"] != "left_out"]
    walk = np.random.default_rng(0).random(len(said)).astype(np.float32)
    facts = {
        "window_id": said["window_id"],
        "fold": np.int16(0),
        "used_for_training": said["label"].notna(),
        "network": walk,
        "base_learners": walk,
    }
    oof = pd.DataFrame(facts | {"p_SIT": 1 - walk, "p_WALK": walk}).reset_index(drop=True)
    # As if they were far better than chance: else no label would be scored.
    skill = {"right": 0.9, "low": 0.8, "high": 1.0, "chance": 0.5, "windows": len(oof), "groups": 6, "classes": 2}
    trust = pd.DataFrame([{"species": species, **skill, "better": True} for species in windows["species"].unique()])
    return {"oof": oof, "trust": trust}


def unpacked(packed: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), kind)


def exported(place: Workspace, out: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict]:
    sheet = export_dataset(place, out, settings=quick().export)
    return *(pd.read_parquet(out / f"{name}.parquet") for name in ("frames", "windows", "changes")), sheet


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    return shared / "cases" / "unlabelled_frames" / "sparse.csv"


@pytest.fixture(scope="module")
def place(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = Workspace(tmp_path_factory.mktemp("sparse"))
    run(source, place)
    return place


@pytest.fixture(scope="module")
def found(place: Workspace) -> RunTables:
    folder = place.finished()
    return RunTables(folder)


def test_windows_that_nobody_labelled_are_predicted_and_nothing_else(source: Path, found: RunTables) -> None:
    windows, oof, issues = found["windows"], found["oof"], found["issues"]
    frames = pd.read_csv(source)
    said = frames[frames["frame_label"].notna()]
    held = [
        ((said["clip_id"] == w.clip_id) & said["frame_number"].between(w.start_frame, w.end_frame)).any()
        for w in windows.itertuples()
    ]
    assert windows["label"].notna().tolist() == held
    without = windows[windows["label"].isna()]
    assert len(without) == 72
    assert without["target"].isna().all()
    assert set(without["split"]) == {"unlabelled"}
    # Out of fold, by the models of their group's fold.
    predicted = windows.merge(oof, on="window_id")
    assert len(predicted) == len(windows)
    assert len(predicted[["group", "fold"]].drop_duplicates()) == predicted["group"].nunique()
    assert not predicted.loc[predicted["label"].isna(), "used_for_training"].any()
    assert predicted.loc[predicted["label"].isna(), ["network", "base_learners"]].isna().all(axis=None)
    assert not set(issues["window_id"]) & set(without["window_id"])
    assert sorted(issues["window_id"]) == sorted(windows.loc[windows["label"].notna(), "window_id"])

    status = summarise(found.folder)
    assert status["windows_unlabelled"] == 72
    assert json.loads(json.dumps(status, allow_nan=False, default=str))["windows_by_split"]["unlabelled"] == 72
    assert any("no label" in reason and "(624 times)" in reason for reason in found["notes"]["reason"])


def test_they_are_exported_empty_and_read_back_as_they_were(place: Workspace, found: RunTables, tmp_path: Path) -> None:
    frames, windows, changes, sheet = exported(place, tmp_path / "out")
    empty = frames[frames["frame_label"].isna()]
    assert (len(frames), len(empty), len(changes)) == (720, 624, 0)
    assert empty[["given_label", "label_source", "event_id"]].isna().all(axis=None)
    assert set(frames.loc[frames["frame_label"].notna(), "label_source"]) == {"given"}
    bare = windows[windows["label"].isna()]
    assert (len(windows), len(bare), set(bare["split"])) == (104, 72, {"unlabelled"})
    assert bare[["target", "given_label", "majority"]].isna().all(axis=None)
    assert (sheet["windows"]["changed"], sheet["windows"]["unlabelled"]) == (0, 72)
    assert (sheet["frames"]["changed"], sheet["frames"]["unlabelled"], sheet["frames"]["by_source"]) == (0, 624, {"given": 96})
    again = read(tmp_path / "out" / "frames.parquet")
    assert again.frames["frame_label"].fillna("").tolist() == found["frames"]["frame_label"].fillna("").tolist()


def test_pages_and_report_show_them_without_a_label(place: Workspace, found: RunTables) -> None:
    clip = str(found["clips"]["clip_id"].iloc[0])
    with open_store(place) as store:
        payload = clip_payload(found, clip, reviewer="kim", store=store, workspace=place.root)
    json.dumps(payload, allow_nan=False)
    own = found["frames"][found["frames"]["clip_id"] == clip]
    unlabelled = own["frame_label"].isna().to_numpy()
    assert ((unpacked(payload["given"], "<i2") == -1) == unlabelled).all()
    assert (unpacked(payload["quality"], "u1")[unlabelled] == 255).all()
    assert (unpacked(payload["suggested"], "<i2")[unlabelled] >= 0).mean() > 0.9
    assert [g is None for g in clip_facts(found.folder.path, clip).given] == unlabelled.tolist()
    assert all(found.looks)
    assert "72" in (found.folder.path / "report.html").read_text()


def test_what_reviewers_label_is_labelled_until_they_take_it_back(source: Path, place: Workspace, tmp_path: Path) -> None:
    shutil.copytree(place.root, tmp_path / "workspace", symlinks=True)
    place = Workspace(tmp_path / "workspace")
    folder = place.finished()
    windows = folder.read_table("windows", SCHEMAS["windows"])
    bare = windows[windows["label"].isna()].iloc[5]
    clip, start, end = str(bare["clip_id"]), int(bare["start_frame"]), int(bare["end_frame"])
    with open_store(place) as store:
        facts = clip_facts(folder.path, clip)
        act = new_operation(Span(start, end, "relabel", "walk"))
        shown = {"frame_numbers": facts.frame_numbers, "given": facts.given}
        store.commit(Commit(folder.path.name, "kim", "review", clip, 0, 0, (act,), **shown))
        frames, clean, changes, sheet = exported(place, tmp_path / "out")
        decided = frames[frames["label_source"] == "review"]
        assert (decided["frame_number"].tolist(), set(decided["frame_label"])) == (list(range(start, end + 1)), {"walk"})
        assert decided["given_label"].isna().all()
        assert changes[["from", "to"]].fillna("").to_numpy().tolist() == [["", "walk"]]
        own = clean.set_index("window_id").loc[bare["window_id"]]
        assert (own["label"], own["split"], pd.isna(own["given_label"])) == ("walk", "audit", True)
        assert sheet["frames"]["changed"] == len(decided) == 624 - sheet["frames"]["unlabelled"]
        said = history(stored_events(place), frames_of(folder)).iloc[0]
        assert "no label" in said["before"]
        assert said["after"] == "walk"
        evaluate_labels(place, folder)

        later = run(source, place, decided=decided_so_far(place, source))
        known = later.read_table("windows", SCHEMAS["windows"]).set_index("window_id").loc[bare["window_id"]]
        assert (known["label"], known["split"], known["reviewed"]) == ("walk", "audit", True)
        store.commit(Commit(folder.path.name, "kim", "review", clip, 1, 0, (new_operation(undoes=act.operation_id),)))
    frames = exported(place, tmp_path / "undone")[0]
    assert frames["frame_label"].isna().sum() == 624


def test_injected_errors_leave_what_nobody_labelled_alone(found: RunTables) -> None:
    tables = {name: found[name] for name in ("clips", "frames", "windows")}
    source_index = index_source(**tables, species=["MOUSE"], max_gap_ms=500)
    assert [label is None for label in source_index.label] == found["frames"]["frame_label"].isna().tolist()
    injected = inject_errors(source_index, "flips", share=0.3, seed=0)
    assert injected.frames["frame_label"].isna().tolist() == found["frames"]["frame_label"].isna().tolist()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(more=st.lists(st.integers(0, 40), min_size=4, max_size=4), said=st.sampled_from(["", "-1"]))
def test_frames_without_a_label_at_the_end_change_no_label(tmp_path: Path, more: list[int], said: str) -> None:
    path, parts = recordings(tmp_path, {name: ["SIT", "WALK"] * 2 for name in "abcd"}), []
    for number, (_, clip) in zip(more, pd.read_csv(path).groupby("clip_id"), strict=True):
        tail = clip.loc[clip.index[-1:].repeat(number)].assign(frame_label=said)
        parts += [clip, tail.assign(frame_number=tail["frame_number"] + np.arange(1, number + 1))]
    longer = path.with_name("longer.csv")
    pd.concat(parts).to_csv(longer, index=False)
    before, after = scored(path), scored(longer)
    label = after["windows"].set_index("window_id")["label"]
    pd.testing.assert_series_equal(label[before["windows"]["window_id"]], before["windows"].set_index("window_id")["label"])
    assert set(after["issues"]["window_id"]) == set(label.index[label.notna()])
    ends = before["frames"].groupby("clip_id")["frame_number"].max()
    assert (after["segments"]["start_frame"] <= after["segments"]["clip_id"].map(ends)).all()
    noted = " ".join(after["notes"]["reason"])
    assert ("no label" in noted) == (sum(more) > 0)
    assert ("is -1" in noted) == (sum(more) > 0 and said == "-1")
