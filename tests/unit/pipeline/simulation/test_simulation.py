"""The simulated sample: the format as delivered, faults as promised, the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_schemas.config import load_config
from data_schemas.errors import UsageError
from data_schemas.labels import load_taxonomy
from pipeline.readers import recognise
from pipeline.simulation import simulate_clips, write_demo
from pipeline.simulation.actions import ACTIONS, TRANSITIONS
from pipeline.simulation.frame_pictures import LONGEST_SIDE, draw_frame


def digest(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def clips() -> list:
    return list(simulate_clips(300, seed=3))


def test_every_action_of_both_species_is_simulated_and_has_plausible_neighbours() -> None:
    taxonomy = load_taxonomy("aihub59")
    for species in ("DOG", "CAT"):
        assert set(ACTIONS[species]) == set(taxonomy.names(species)) == set(TRANSITIONS[species])
        assert all(set(after) < set(ACTIONS[species]) and action not in after for action, after in TRANSITIONS[species].items())


def test_a_quarter_of_the_frames_and_half_of_the_clips_are_contaminated(clips) -> None:
    wrong = [np.mean([t != c.script.label for t in c.truth]) for c in clips]
    frames = [len(c.truth) for c in clips]
    assert np.average(wrong, weights=frames) == pytest.approx(0.25, abs=0.05)
    assert np.mean([len(set(c.truth)) > 1 for c in clips]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([c.script.label not in c.truth for c in clips]) == pytest.approx(0.03, abs=0.025)


def test_more_contamination_is_made_when_asked_for() -> None:
    many = list(simulate_clips(150, seed=1, contamination=0.45))
    assert np.mean([t != c.script.label for c in many for t in c.truth]) == pytest.approx(0.45, abs=0.07)
    none = list(simulate_clips(20, seed=1, contamination=0.0))
    assert all(set(c.truth) == {c.script.label} for c in none)


def test_the_label_is_the_commonest_action_but_of_wholly_wrong_clips(clips) -> None:
    for clip in clips:
        counts = pd.Series(clip.truth).value_counts()
        if clip.script.label in counts:
            assert counts[clip.script.label] >= counts.max() - 2


def test_frames_are_counted_as_the_format_counts_them(clips) -> None:
    for clip in clips[:60]:
        ticks = np.rint(clip.timestamp_ms / 200).astype(int)
        assert (np.abs(np.floor(ticks * clip.fps / 5) - clip.frame_number) <= 1).all()
        np.testing.assert_array_equal(clip.timestamp_ms, np.rint(clip.frame_number / clip.fps * 1000))
    assert len({c.fps for c in clips}) >= 4
    assert any(np.diff(c.frame_number).max() > 1.5 * np.diff(c.frame_number).min() + 1 for c in clips), "no clip misses frames"


def test_every_animal_has_a_body_and_a_name_of_its_own(clips) -> None:
    animals = {(c.plan.animal.species, c.plan.animal.number): c.plan.animal for c in clips}
    assert len(animals) == 50
    assert len({(a.species, a.date, a.breed, a.gender, a.age) for a in animals.values()}) == len(animals)
    assert len({a.front_leg for a in animals.values()}) == len(animals)


def test_keypoints_are_whole_pixels_hidden_in_places_and_sometimes_outside(clips) -> None:
    points = np.concatenate([c.keypoints for c in clips])
    known = np.isfinite(points)
    assert 0.01 < 1 - known.mean() < 0.1
    assert (points[known] == np.rint(points[known])).all()
    assert (points[known] < 0).any()


def test_the_sample_is_read_whole_but_for_its_broken_files(tmp_path: Path) -> None:
    made = write_demo(tmp_path / "demo", clips=24, pictures=True, seed=1)
    found = recognise(made.source).read(load_config(None))
    truth = pd.read_parquet(made.truth)
    assert len(found.clips) == made.clips == 24
    assert len(found.rejected) == made.broken_files == 5
    assert found.frames["image"].notna().all()
    assert (tmp_path / "demo" / "clips" / found.frames["image"].iloc[0]).is_file()
    pd.testing.assert_frame_equal(
        found.frames[["clip_id", "frame_number"]].sort_values(["clip_id", "frame_number"], ignore_index=True),
        truth[["clip_id", "frame_number"]].sort_values(["clip_id", "frame_number"], ignore_index=True),
    )
    assert set(found.clips["species"]) == {"DOG", "CAT"}
    sources = found.clips["source"].tolist()
    assert any(s.endswith(".mp4.json") for s in sources)
    assert any(s.startswith("training/label/") for s in sources)
    assert not list((tmp_path / "demo" / "clips").rglob("truth*"))


def test_it_says_that_it_is_simulated(tmp_path: Path) -> None:
    write_demo(tmp_path, clips=20, pictures=False)
    assert "SIMULATED" in (tmp_path / "README.txt").read_text()
    assert json.loads((tmp_path / "demo.json").read_text())["simulated"] is True
    label_file = next((tmp_path / "clips").rglob("cat-*.json"))
    assert "simulated" in json.loads(label_file.read_bytes())["metadata"]["owner"]["situation"]


@pytest.mark.parametrize("frame_labels", [False, True])
def test_the_same_seed_writes_the_same_bytes_however_many_processes(tmp_path: Path, frame_labels: bool) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        write_demo(tmp_path / name, clips=24, seed=5, pictures=False, frame_labels=frame_labels, jobs=jobs)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    write_demo(tmp_path / "one", clips=24, seed=6, pictures=False, frame_labels=frame_labels, jobs=1)
    assert digest(tmp_path / "one") != digest(tmp_path / "two")


def test_recordings_are_coded_frame_by_frame_with_the_faults_of_people(tmp_path: Path) -> None:
    made = write_demo(tmp_path, clips=60, seed=2, frame_labels=True)
    coded, truth = pd.read_parquet(made.source), pd.read_parquet(made.truth)
    wrong = (coded["frame_label"] != truth["true_label"]).mean()
    assert wrong == made.error_frame_share
    assert 0.04 < wrong < 0.2
    seconds = coded.groupby("clip_id")["timestamp_ms"].max() / 1000
    assert seconds.between(55, 200).all()
    found = recognise(made.source).read(load_config(None))
    assert found.rejected.empty
    assert "frame_label" in found.frames


def test_nothing_of_the_users_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UsageError) as caught:
        write_demo(tmp_path, clips=20)
    assert "new folder" in caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_earlier_sample_is_replaced_and_a_run_beside_it_stays(tmp_path: Path) -> None:
    write_demo(tmp_path, clips=20, pictures=False)
    (tmp_path / "runs").mkdir()
    write_demo(tmp_path, clips=22, pictures=False)
    assert (tmp_path / "runs").is_dir()
    assert json.loads((tmp_path / "demo.json").read_text())["clips"] == 22


def test_a_picture_shows_the_animal_where_its_keypoints_are(clips) -> None:
    clip = clips[0]
    data = draw_frame(clip.plan.animal, clip.camera, points=clip.shown[3], depth=clip.depth[3])
    picture = Image.open(io.BytesIO(data))
    assert max(picture.size) == LONGEST_SIDE
    empty = Image.open(
        io.BytesIO(draw_frame(clip.plan.animal, clip.camera, points=np.full((15, 2), -9000.0), depth=clip.depth[3]))
    )
    difference = np.abs(np.asarray(picture, float) - np.asarray(empty, float)).sum(axis=2) > 60
    rows, columns = np.nonzero(difference)
    scale = LONGEST_SIDE / max(clip.camera.width, clip.camera.height)
    middle = clip.shown[3].mean(axis=0) * scale
    assert abs(columns.mean() - middle[0]) < 25
    assert abs(rows.mean() - middle[1]) < 30
