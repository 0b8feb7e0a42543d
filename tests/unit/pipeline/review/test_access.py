"""Where the review of a workspace lies, which labels it knows, and what a run says of the events over it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_schemas.errors import StageError
from data_schemas.labels import load_taxonomy
from data_schemas.tables import BLIND_SAMPLES, CLIPS, FRAMES, ISSUES, text
from pipeline.review.access import (
    KnownLabels,
    database_of,
    frames_of,
    known_labels,
    open_store,
    orphans_of,
    stored_events,
    stored_samples,
    stored_size,
)
from pipeline.review.blind import draw_sample
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.generated_run import write_generated_run
from tests.pages_run import paint, run_of

FIRST, OTHER_CLIP = "dog-sit-000000", "dog-sit-000001"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a workspace with a run of two clips, whose frames are numbered from 100 to 160, without 150."""
    return write_generated_run(tmp_path_factory.mktemp("access") / "work", clips=2, frames=60)


@pytest.fixture(scope="module")
def coded(root: Path) -> RunFolder:
    """Give a run of a dog's clip that carries labels by frame, and of one of a cat that has none at all."""
    before = run_of(root)
    run = RunFolder(root / "runs" / "coded")
    clips, frames = before.read_table("clips", CLIPS), before.read_table("frames", FRAMES)
    said = pd.Series(None, index=frames.index, dtype="str")
    said.iloc[:2], said.iloc[2:4] = "ZIGZAG", "SIT"
    run.write_table(
        "clips",
        clips.assign(species=text(["DOG", "CAT"]), label=text([None, None])),
        schema=CLIPS,
        fingerprint="made",
    )
    run.write_table("frames", frames.assign(frame_label=said), schema=FRAMES, fingerprint="made")
    run.save_record(before.record())
    return run


def test_the_database_is_the_workspaces_unless_the_configuration_names_one(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert database_of(place) == tmp_path / "review.db"
    assert stored_events(place).empty
    assert stored_samples(place).columns.tolist() == list(BLIND_SAMPLES.columns)
    assert stored_size(place) == (0, 0)
    assert not (tmp_path / "review.db").exists()
    place.config_path.write_text('[review]\ndatabase = "postgresql+psycopg://host/audits"\n')
    assert database_of(place) == "postgresql+psycopg://host/audits"


def test_what_is_stored_is_read_and_counted(root: Path) -> None:
    place = Workspace(root)
    paint(root, FIRST, 100, 103)
    sample = draw_sample(run_of(root).read_table("issues", ISSUES), sizes={"unflagged": 2}, seed=0, run_id="r")
    with open_store(place) as store:
        store.save_sample(sample)
    assert stored_events(place)["clip_id"].tolist() == [FIRST]
    assert stored_samples(place)["window_id"].tolist() == sample["window_id"].tolist()
    assert stored_size(place) == (1, 2)


def test_a_database_that_does_not_answer_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "review.db").write_bytes(b"not a database at all" * 100)
    assert stored_size(Workspace(tmp_path)) is None


def test_frames_of_a_run_have_the_label_of_their_own_or_of_their_clip(root: Path, coded: RunFolder) -> None:
    frames = frames_of(run_of(root))
    assert frames.columns.tolist() == ["clip_id", "frame_number", "given"]
    assert (len(frames), set(frames["given"])) == (120, {"SIT"})
    one = frames_of(run_of(root), [OTHER_CLIP])
    assert (len(one), set(one["clip_id"])) == (60, {OTHER_CLIP})
    assert frames_of(coded, [FIRST])["given"].fillna("").tolist() == ["ZIGZAG"] * 2 + ["SIT"] * 2 + [""] * 56


def test_events_beside_the_frames_of_a_run_are_told_with_the_reason(root: Path, tmp_path: Path) -> None:
    spans = [(FIRST, 100, 160), (FIRST, 99, 120), (FIRST, 120, 161), ("gone", 100, 101), (OTHER_CLIP, 150, 150)]
    events = pd.DataFrame(spans, columns=["clip_id", "start_frame", "end_frame"])
    found = orphans_of(run_of(root), events)
    assert found["reason"].to_dict() == {
        1: "frames outside the clip",
        2: "frames outside the clip",
        3: "the run has no such clip",
    }
    unread = orphans_of(RunFolder(tmp_path), events)
    assert (len(unread), unread.columns[-1]) == (0, "reason")


def test_labels_are_known_by_name_and_by_the_taxonomys_phrasings() -> None:
    labels = KnownLabels({"DOG": ("SIT", "other")}, load_taxonomy("aihub59"))
    assert labels.resolve("DOG", "sit") == "SIT"
    assert labels.resolve("DOG", "앉는 동작") is not None
    assert labels.resolve("DOG", "Other") == "other"
    assert labels.resolve("DOG", "SITT") is None
    assert labels.nearest("DOG", "SITT") == "SIT"
    assert labels.resolve("CAT", "other") == "other"
    assert KnownLabels({"DOG": ("SIT",)}).resolve("DOG", "앉는 동작") is None


def test_the_labels_of_a_run_are_those_of_its_taxonomy_then_of_its_clips_and_frames_then_other(
    root: Path, coded: RunFolder, tmp_path: Path
) -> None:
    of_taxonomy = {species: load_taxonomy("aihub59").names(species) for species in ("DOG", "CAT")}
    assert known_labels(run_of(root)).by_species == {"DOG": (*of_taxonomy["DOG"], "other")}
    assert known_labels(coded).by_species == {
        "DOG": (*of_taxonomy["DOG"], "ZIGZAG", "other"),
        "CAT": (*of_taxonomy["CAT"], "other"),
    }
    record = coded.record()
    record["config"]["labels"]["taxonomy"] = None
    bare = RunFolder(tmp_path / "bare")
    for name, schema in (("clips", CLIPS), ("frames", FRAMES)):
        bare.write_table(name, coded.read_table(name, schema), schema=schema, fingerprint="made")
    bare.save_record(record)
    assert known_labels(bare).by_species == {"CAT": ("other",), "DOG": ("SIT", "ZIGZAG", "other")}


def test_a_run_without_a_configuration_or_clips_knows_no_labels(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.save_record({})
    with pytest.raises(StageError, match=r"no configuration in run\.json") as told:
        known_labels(run)
    assert told.value.hint == "run `audit run` again"
    with pytest.raises(StageError, match=r"clips\.parquet: missing"):
        frames_of(run)
