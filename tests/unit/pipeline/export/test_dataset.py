"""The export as a whole: identity without decisions, the same bytes for the same decisions, and nothing half."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.config import Config, Export
from data_schemas.errors import StageError, TooFewDataError
from data_schemas.tables import FRAMES, WINDOWS, keypoints_of
from pipeline.export.dataset import export_dataset
from pipeline.export.placing import sha256_of
from pipeline.readers import recognise
from pipeline.review.access import frames_of, stored_events
from pipeline.review.frame_labels import labels_after_review
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.unit.pipeline.export.conftest import finished_run

CLIPS = ("DOG-00-0-SIT", "DOG-00-0-WALKRUN")
SPANS = st.tuples(st.integers(0, 59), st.integers(0, 59)).map(sorted)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(CLIPS),
        st.sampled_from(["kim", "lee"]),
        SPANS,
        st.sampled_from(["SIT", "WALKRUN", "other", "Übung", "unsure", "exclude"]),
        st.sampled_from(["review", "review", "adjudication", "blind:b1"]),
    ),
    min_size=1,
    max_size=5,
)
on_the_disk = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, make_table) -> Workspace:
    """Return a workspace for tests of many examples, which take its decisions out again."""
    folder = tmp_path_factory.mktemp("once")
    make_table(subjects=1, clips_each=1).to_parquet(folder / "poses.parquet", index=False)
    return finished_run(Workspace(folder / "ws"), folder / "poses.parquet")


def fresh(place: Workspace) -> Workspace:
    """Return the workspace without its decisions."""
    for path in place.root.glob("review.db*"):
        path.unlink()
    return place


def exported(place: Workspace, **more: object) -> tuple[dict[str, bytes], dict]:
    """Return the bytes of every file of an export, and its datasheet."""
    with tempfile.TemporaryDirectory() as folder:
        sheet = export_dataset(place, Path(folder) / "out", settings=Export(**more))
        found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
        for name, file in sheet["files"].items():
            assert file["sha256"] == sha256_of(Path(folder) / "out" / name)
        return found, sheet


def table(files: dict[str, bytes], name: str, folder: Path) -> pd.DataFrame:
    (folder / name).write_bytes(files[f"out/{name}"])
    return pd.read_parquet(folder / name)


def act_all(place: Workspace, decide, acts) -> None:
    for clip, reviewer, (a, b), label, stream in acts:
        decide(place, reviewer, (a, b, label), clip=clip, stream=stream)


def test_without_decisions_the_frames_and_windows_are_those_of_the_run(ws, tmp_path: Path) -> None:
    files, sheet = exported(ws)
    run = ws.latest()
    frames, given = run.read_table("frames", FRAMES), frames_of(run)["given"]
    clean = table(files, "frames.parquet", tmp_path)
    assert clean[list(frames.columns)].equals(frames)
    assert clean["frame_label"].tolist() == clean["given_label"].tolist() == given.tolist()
    assert set(clean["label_source"]) == {"given"}
    assert clean[["event_id", "mark"]].isna().all(axis=None)
    windows, clean_windows = run.read_table("windows", WINDOWS), table(files, "windows.parquet", tmp_path)
    assert (clean_windows["reviewed"] == 0).all()
    shared = [c for c in windows.columns if c in clean_windows and c != "reviewed"]
    assert {"window_id", "label", "target", "split"} <= set(shared)
    assert clean_windows[shared].equals(windows[shared])
    assert table(files, "changes.parquet", tmp_path).empty
    assert (sheet["frames"]["changed"], sheet["decisions"]["newest"], sheet["changes"]) == (0, None, [])


@on_the_disk
@given(ACTS)
def test_the_same_decisions_give_the_same_bytes_and_undoing_all_gives_back_the_identity(once, decide, acts) -> None:
    place = fresh(once)
    untouched, _ = exported(place)
    act_all(place, decide, acts)
    with contextlib.suppress(TooFewDataError):
        assert exported(place, csv=True)[0] == exported(place, csv=True)[0]
    with ReviewStore.open(place.review_db) as store:
        operations = store.events()[["operation_id", "clip_id", "reviewer", "stream"]].drop_duplicates()
    for row in operations.iloc[::-1].itertuples():
        decide(place, row.reviewer, clip=row.clip_id, stream=row.stream, undoes=row.operation_id)
    undone, sheet = exported(place)
    for name in ("frames", "windows", "changes"):
        assert undone[f"out/{name}.parquet"] == untouched[f"out/{name}.parquet"]
    assert sheet["decisions"]["events"] == 2 * len(acts)


@on_the_disk
@given(ACTS, st.booleans())
def test_every_frame_is_exported_as_reviewers_left_it_or_counted_as_excluded(once, decide, acts, blind) -> None:
    place = fresh(once)
    act_all(place, decide, acts)
    run = place.latest()
    wanted = labels_after_review(stored_events(place), frames_of(run), blind=blind)
    if wanted["excluded"].all():
        with pytest.raises(TooFewDataError):
            exported(place, include_blind=blind)
        return
    with tempfile.TemporaryDirectory() as name:
        files, sheet = exported(place, include_blind=blind, csv=True)
        folder = Path(name)
        clean = table(files, "frames.parquet", folder)
        left = wanted[~wanted["excluded"]].reset_index(drop=True)
        assert clean["frame_label"].tolist() == left["label"].tolist()
        assert clean["label_source"].tolist() == left["source"].tolist()
        assert clean["event_id"].fillna("").tolist() == left["event_id"].fillna("").tolist()
        assert (clean["mark"] == "disputed").sum() == left["disputed"].sum() == sheet["frames"]["disputed"]
        assert (clean["mark"] == "unsure").sum() == left["unsure"].sum() == sheet["frames"]["unsure"]
        assert sheet["frames"]["exported"] + sheet["frames"]["excluded"] == sheet["frames"]["run"] == len(wanted)
        changes = table(files, "changes.parquet", folder)
        changed = int((left["label"] != left["given"]).sum())
        assert changes["frames"].sum() == changed + wanted["excluded"].sum()
        (folder / "frames.csv").write_bytes(files["out/frames.csv"])
        parquet, csv = (recognise(folder / f"frames.{e}").read(Config()) for e in ("parquet", "csv"))
        assert parquet.frames.equals(csv.frames)
        assert parquet.clips.drop(columns=["source", "source_hash"]).equals(csv.clips.drop(columns=["source", "source_hash"]))
        assert parquet.frames["frame_label"].tolist() == clean["frame_label"].tolist()
        assert parquet.rejected.empty


@pytest.mark.parametrize("name", ["windows", "changes"])
def test_csv_and_parquet_hold_the_same(ws, decide, tmp_path: Path, name: str) -> None:
    decide(ws, "kim", (10, 39, "WALKRUN"), (50, 52, "exclude"), clip=CLIPS[0], note='says "up", then\nsits')
    files, _ = exported(ws, csv=True)
    parquet = table(files, f"{name}.parquet", tmp_path)
    (tmp_path / "x.csv").write_bytes(files[f"out/{name}.csv"])
    csv = pd.read_csv(
        tmp_path / "x.csv", dtype={c: parquet[c].dtype for c in parquet}, true_values=["true"], false_values=["false"]
    )
    pd.testing.assert_frame_equal(csv, parquet)


def test_labels_per_frame_and_confidences_and_pictures_go_through(tmp_path: Path, make_table, make_run, decide) -> None:
    poses = make_table(subjects=1, clips_each=1).assign(nose_confidence=0.5, image="a/1.jpg")
    poses["frame_label"] = poses["label"].where(poses["frame_number"] % 20 > 9, "LYING")
    place = make_run(tmp_path / "ws", poses)
    decide(place, "kim", (0, 9, "STAND"), clip=CLIPS[0])
    files, sheet = exported(place)
    clean = table(files, "frames.parquet", tmp_path)
    assert clean["given_label"].tolist() == poses["frame_label"].tolist()
    assert clean["label"].drop_duplicates().tolist() == ["SIT", "WALKRUN"]
    assert (clean["frame_label"] == "STAND").sum() == 10
    assert set(clean["image"]) == {"a/1.jpg"}
    assert set(clean["nose_confidence"]) == {0.5}
    assert set(keypoints_of(list(clean.columns))) == {"nose", "neck", "tail"}
    assert sheet["windows"]["left_out_mixed"] > 0


def test_the_datasheet_counts_what_happened(ws, decide, tmp_path: Path) -> None:
    decide(ws, "kim", (0, 29, "WALKRUN"), (30, 39, "SIT"), (40, 44, "exclude"), (45, 49, "unsure"), clip=CLIPS[0])
    decide(ws, "lee", (20, 29, "other"), clip=CLIPS[0])
    decide(ws, "lee", (0, 5, "SIT"), clip="gone")
    files, sheet = exported(ws)
    assert sheet == json.loads(files["out/datasheet.json"])
    assert {k: sheet["frames"][k] for k in ("run", "exported", "excluded", "reviewed", "changed", "unsure", "disputed")} == {
        "run": 120,
        "exported": 115,
        "excluded": 5,
        "reviewed": 35,
        "changed": 20,
        "unsure": 5,
        "disputed": 10,
    }
    assert sheet["classes"][0] | {"windows_before": 0, "windows_after": 0} == {
        "species": "DOG",
        "label": "SIT",
        "frames_before": 60,
        "frames_after": 35,
        "windows_before": 0,
        "windows_after": 0,
    }
    assert sheet["changes"] == [
        {"species": "DOG", "from": "SIT", "to": "WALKRUN", "spans": 1, "frames": 20},
        {"species": "DOG", "from": "SIT", "to": None, "spans": 1, "frames": 5},
    ]
    rates = {r["label"]: r for r in sheet["error_rates"]}
    assert (rates["SIT"]["reviewed_frames"], rates["SIT"]["observed_wrong"]) == (30, round(20 / 30, 6))
    assert rates["WALKRUN"]["observed_wrong"] is None
    assert 0 < rates["WALKRUN"]["expected_wrong"] < 1
    assert sheet["decisions"]["reviewers"] == {"kim": 4, "lee": 2}
    assert sheet["decisions"]["orphans"] == 1
    assert sheet["decisions"]["newest"] == stored_events(ws)["at"].max()
    page = files["out/DATASHEET.md"].decode()
    for told in ("| frames excluded | 5 |", "| DOG | SIT | WALKRUN | 1 | 20 |", "kim (4 events), lee (2 events)", "66.7%"):
        assert told in page


def test_no_run_and_an_unfinished_run_say_what_to_type(tmp_path: Path, ws) -> None:
    with pytest.raises(StageError, match="no run yet") as none:
        export_dataset(Workspace(tmp_path / "none"), tmp_path / "out", settings=Export())
    assert "audit run YOUR_CLIPS" in none.value.hint
    (ws.runs / "latest").unlink()
    with pytest.raises(StageError, match="no finished run yet"):
        export_dataset(ws, tmp_path / "out", settings=Export())
    assert not (tmp_path / "out").exists()


def test_a_run_whose_table_was_damaged_leaves_the_earlier_export(ws, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(ws, out, settings=Export())
    before = (out / "SHA256SUMS").read_bytes()
    shutil.copy(ws.latest().path / "clips.parquet", ws.latest().path / "issues.parquet")
    with pytest.raises(Exception, match="issues"):
        export_dataset(ws, out, settings=Export())
    assert (out / "SHA256SUMS").read_bytes() == before
    assert not list(tmp_path.glob(".out*"))
