"""`audit predict` and `audit export-onnx` with small bundles of two species, as a user's shell would start them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.skeletons import load_skeleton
from data_schemas.tables import PREDICTIONS, validate
from model.classifier import BehaviorClassifier
from model.recipe import make_recipe
from tests.integration.shell import Shell

pytestmark = pytest.mark.integration

KEYPOINTS = ("tail", "neck", "nose")
COLUMNS = [f"{k}_{a}" for k in KEYPOINTS for a in "xy"]


def trained(table: pd.DataFrame, *, species: str, seed: int = 0) -> BehaviorClassifier:
    """Train on the first seconds of each clip, five poses each."""
    poses, labels = [], []
    for _, clip in table.groupby("clip_id", sort=False):
        xy = clip[COLUMNS].to_numpy().reshape(-1, 3, 2)
        poses += [xy[i : i + 9 : 2] for i in range(0, 40, 4)]
        labels += [clip["label"].iloc[0]] * 10
    recipe = make_recipe("default", min_optimizer_steps=40)
    classes = sorted(set(labels))
    return BehaviorClassifier(classes, KEYPOINTS, species=species, recipe=recipe, device="cpu").fit(poses, labels, seed=seed)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, make_table: Callable) -> Path:
    """Return a folder with a bundle for dogs and one for cats."""
    folder = tmp_path_factory.mktemp("models")
    trained(make_table(subjects=4, seed=5), species="DOG").save(folder / "DOG")
    cats = make_table(subjects=4, seed=6, species="CAT", labels=("CAT_SIT", "CAT_WALK"))
    trained(cats, species="CAT", seed=1).save(folder / "CAT")
    return folder


@pytest.fixture
def clips(tmp_path: Path, make_table: Callable) -> pd.DataFrame:
    """Write clips of both species, without labels and in another order of columns, and return them with labels."""
    dogs = make_table(subjects=2, clips_each=1, seed=7)
    cats = make_table(subjects=1, clips_each=1, seed=8, species="CAT", labels=("CAT_SIT", "CAT_WALK"))
    both = pd.concat([dogs, cats], ignore_index=True)
    columns = ["clip_id", "species", "frame_number", "timestamp_ms", *sorted(COLUMNS)]
    both[columns].to_parquet(tmp_path / "new.parquet", index=False)
    return both


def test_clips_without_labels_go_to_the_bundle_of_their_species(audit: Shell, bundles: Path, clips: pd.DataFrame) -> None:
    done = audit("predict", "new.parquet", "--model", bundles, "--out", "out.parquet")
    table = pd.read_parquet(audit.folder / "out.parquet")
    validate(table, PREDICTIONS, source="out.parquet")
    assert f"wrote {len(table)} windows of 6 clips to out.parquet" in done.stdout
    assert table.groupby("clip_id").size().tolist() == [6] * 6
    given = clips.groupby("clip_id")["label"].first()
    assert (table["predicted_label"] == table["clip_id"].map(given)).mean() > 0.9
    cats = table[table["species"] == "CAT"]
    assert cats["p_SIT"].isna().all()
    assert cats["p_CAT_SIT"].notna().all()


def test_files_are_predicted_as_the_classifier_predicts_their_frames(audit: Shell, bundles: Path, clips: pd.DataFrame) -> None:
    audit("predict", "new.parquet", "--model", bundles / "DOG", "--out", "out.csv", "--stride-s", "0.2")
    table = pd.read_csv(audit.folder / "out.csv")
    assert table.groupby("clip_id").size().tolist() == [26] * 4
    model = BehaviorClassifier.load(bundles / "DOG", device="cpu")
    for name, windows in table.groupby("clip_id"):
        frames = clips[clips["clip_id"] == name]
        xy = frames[COLUMNS].to_numpy(np.float32).reshape(-1, 3, 2)
        radius = np.sqrt(((xy - xy.mean(1, keepdims=True)) ** 2).sum(2).mean(1))[::2]
        decisions = model.predict_frames(frames, stride_s=0.2, scale=float(np.median(radius)))
        assert [d.start_frame for d in decisions] == windows["start_frame"].tolist()
        np.testing.assert_allclose([d.probabilities for d in decisions], windows[["p_SIT", "p_WALKRUN"]], atol=1e-4)


def test_clips_that_no_bundle_is_for_are_counted_and_none_at_all_is_refused(
    audit: Shell, bundles: Path, clips: pd.DataFrame
) -> None:
    done = audit("predict", "new.parquet", "--model", bundles / "DOG", "--out", "out.csv")
    assert "left out: 2 clips of CAT, which no bundle is for" in done.stdout
    clips[clips["species"] == "CAT"].to_csv(audit.folder / "cats.csv", index=False)
    refused = audit("predict", "cats.csv", "--model", bundles / "DOG", "--out", "none.csv", code=3)
    assert "error: no bundle is for CAT: DOG" in refused.stderr
    assert not (audit.folder / "none.csv").exists()


def test_missing_keypoints_are_named_with_what_may_be_meant(audit: Shell, bundles: Path, clips: pd.DataFrame) -> None:
    renamed = clips.rename(columns={"nose_x": "noses_x", "nose_y": "noses_y"}).drop(columns=["tail_x", "tail_y"])
    renamed.to_csv(audit.folder / "other.csv", index=False)
    done = audit("predict", "other.csv", "--model", bundles, "--out", "out.csv", code=3)
    assert "error: the source lacks keypoints that the model of DOG needs: tail, nose" in done.stderr
    assert "noses may be nose" in done.stderr


def test_a_broken_clip_is_listed_and_the_others_are_predicted(audit: Shell, bundles: Path, clips: pd.DataFrame) -> None:
    broken = clips.astype({"frame_number": object})
    broken.loc[3, "frame_number"] = "three"
    broken.to_csv(audit.folder / "broken.csv", index=False)
    done = audit("predict", "broken.csv", "--model", bundles, "--out", "out.csv")
    assert "rejected: broken.csv: row 3, column frame_number: clip DOG-00-0-SIT: 'three' is not a number" in done.stderr
    assert pd.read_csv(audit.folder / "out.csv")["clip_id"].nunique() == 5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--model", "nowhere", "--out", "out.csv"], 3, "error: nowhere: not found"),
        (["--model", ".", "--out", "out.csv"], 3, "error: .: no bundle in it"),
        (["--model", "{models}", "--out", "out.xlsx"], 2, "error: out.xlsx: predictions are written as .parquet or .csv"),
        (["--model", "{models}", "--out", "no/out.csv"], 4, "error: no: no such folder"),
        (["--model", "{models}", "--out", "out.csv", "--stride-s", "0.3"], 2, "a stride a multiple of 0.2 s"),
        (["--model", "{models}", "--out", "out.csv", "--format", "tabel"], 2, "source.format = 'tabel'"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    audit: Shell, bundles: Path, clips: pd.DataFrame, words: list[str], code: int, message: str
) -> None:
    done = audit("predict", "new.parquet", *(w.format(models=bundles) for w in words), code=code)
    assert message in done.stderr
    assert "hint: " in done.stderr
    assert sorted(p.name for p in audit.folder.iterdir()) == ["new.parquet"]


def test_clips_too_short_for_a_window_are_refused(audit: Shell, bundles: Path, clips: pd.DataFrame) -> None:
    clips[clips["frame_number"] < 5].to_parquet(audit.folder / "short.parquet")
    done = audit("predict", "short.parquet", "--model", bundles, "--out", "out.csv", code=3)
    assert "no clip is long enough for a window" in done.stderr


def test_aihub_clips_are_predicted_whatever_their_action(audit: Shell, tmp_path: Path) -> None:
    audit("demo", "demo", "--clips", "20", "--no-pictures")
    for path in (tmp_path / "demo" / "clips").rglob("*.json"):
        try:
            clip = json.loads(path.read_bytes())
            clip["metadata"]["action"] = None if "DOG" in path.name.upper() else "something unheard of"
        except (ValueError, KeyError, TypeError):
            continue  # the sample has broken files, too
        path.write_text(json.dumps(clip, ensure_ascii=False), encoding="utf-8")
    rng = np.random.default_rng(0)
    model = BehaviorClassifier(
        ["a", "b"], load_skeleton("aihub59").keypoints, recipe=make_recipe("default", min_optimizer_steps=2)
    )
    model.fit(rng.normal(300, 80, (20, 5, 15, 2)), ["a", "b"] * 10).save(tmp_path / "model")
    audit("predict", "demo/clips", "--model", "model", "--out", "out.parquet")
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert set(table["species"]) == {"CAT", "DOG"}
    assert table["clip_id"].nunique() > 15


def test_a_bundle_becomes_an_onnx_file(audit: Shell, bundles: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    done = audit("export-onnx", "--model", bundles / "DOG", "--out", "dog.onnx")
    assert done.stdout.startswith("wrote dog.onnx: poses (batch, 5, 3, 2) -> probabilities (batch, 2)")
    poses = np.random.default_rng(0).normal(100, 30, (9, 5, 3, 2)).astype(np.float32)
    poses[0, :, 1] = np.nan
    (found,) = runtime.InferenceSession(audit.folder / "dog.onnx").run(None, {"poses": poses})
    expected = BehaviorClassifier.load(bundles / "DOG", device="cpu").predict_proba(poses)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_onnx_file_has_its_ending(audit: Shell, bundles: Path) -> None:
    done = audit("export-onnx", "--model", bundles / "DOG", "--out", "dog.pt", code=2)
    assert "hint: --out dog.onnx" in done.stderr
