"""The classifier as another program would use it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from data_schemas.errors import BundleError, ConfigError, DataError
from data_schemas.renamed_keys import RENAMED, RenamedKey
from model.bundle import _digest
from model.classifier import BehaviorClassifier
from model.recipe import PRESETS, make_recipe

KEYPOINTS = ("nose", "neck", "tail")
QUICK = replace(PRESETS["default"], min_optimizer_steps=30)


@pytest.fixture(scope="module")
def task() -> tuple[np.ndarray, list[str]]:
    """Give windows of animals that stand or move, with keypoints missing here and there."""
    rng = np.random.default_rng(0)
    moving = rng.random(240) < 0.4
    xy = rng.normal(0, 0.3, (240, 5, 3, 2)) + np.array([[0, 0], [2, 0], [4, 1]])
    xy[:, :, :, 0] += np.arange(5)[None, :, None] * 2.0 * moving[:, None, None]
    xy[rng.random((240, 5, 3)) < 0.1] = np.nan
    return xy, ["walk" if m else "stand" for m in moving]


def classifier(recipe=QUICK) -> BehaviorClassifier:
    return BehaviorClassifier(["stand", "walk"], KEYPOINTS, recipe=recipe, device="cpu")


@pytest.mark.parametrize("balance", ["none", "weights", "downsample"])
@pytest.mark.parametrize("schedule", ["step", "one-cycle"])
def test_it_learns_to_tell_standing_from_walking(task, balance, schedule) -> None:
    poses, labels = task
    fitted = classifier(replace(QUICK, balance=balance, schedule=schedule, views=("body",))).fit(poses[:160], labels[:160])
    assert np.mean(np.array(fitted.predict(poses[160:])) == labels[160:]) > 0.9


def test_probabilities_sum_to_one_and_survive_a_window_without_any_keypoint(task) -> None:
    poses, labels = task
    probabilities = classifier().fit(poses, labels).predict_proba(np.full((2, 5, 3, 2), np.nan))
    assert probabilities.shape == (2, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_classifier_and_another_seed_another(task) -> None:
    poses, labels = task
    first, again, other = (classifier().fit(poses, labels, seed=s).predict_proba(poses) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_a_bundle_gives_the_same_predictions_after_a_round_trip(task, tmp_path: Path) -> None:
    poses, labels = task
    fitted = classifier().fit(poses, labels)
    fitted.save(tmp_path / "bundle")
    loaded = BehaviorClassifier.load(tmp_path / "bundle", device="cpu")
    np.testing.assert_array_equal(loaded.predict_proba(poses), fitted.predict_proba(poses))
    assert (loaded.classes, loaded.keypoints, loaded.recipe) == (fitted.classes, fitted.keypoints, fitted.recipe)
    assert sorted(p.name for p in (tmp_path / "bundle").iterdir()) == ["MODEL_CARD.md", "model.json", "weights.safetensors"]


def rewritten(path: Path, change) -> None:
    """Change model.json as someone would who also corrects its hash."""
    facts = json.loads(path.read_text())
    del facts["sha256"]
    change(facts)
    path.write_text(json.dumps({**facts, "sha256": _digest(facts)}))


@pytest.fixture(scope="module")
def saved(task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "bundle"
    poses, labels = task
    classifier().fit(poses, labels).save(folder)
    return folder


@pytest.fixture
def bundle(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "bundle"))


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("weights.safetensors", lambda d: d[:-1] + bytes([d[-1] ^ 1]), "is not the file that model.json was written with"),
        ("weights.safetensors", lambda d: d[: len(d) // 2], "cut short"),
        ("weights.safetensors", lambda d: None, "cannot be read: No such file"),
        ("model.json", lambda d: d[: len(d) // 2], "not JSON, or cut short"),
        ("model.json", lambda d: b"", "not JSON, or cut short"),
        ("model.json", lambda d: bytes(range(256)), "not JSON, or cut short"),
        ("model.json", lambda d: d.replace(b'"walk"', b'"wolk"'), "was changed after it was written"),
        ("model.json", lambda d: None, "cannot be read: No such file"),
        ("model.json", lambda d: b'{"name": "someone else\'s"}', "not the model.json of a pose-audit bundle"),
        ("model.json", lambda d: b"[1, 2]", "model.json: holds no JSON object"),
    ],
)
def test_a_damaged_bundle_or_one_of_another_program_is_refused_by_the_name_of_its_file(
    bundle: Path, file: str, damage, message: str
) -> None:
    path = bundle / file
    data = damage(path.read_bytes())
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(BundleError, match=message) as caught:
        BehaviorClassifier.load(bundle)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_bundle_of_a_newer_version_says_so(bundle: Path) -> None:
    rewritten(bundle / "model.json", lambda facts: facts.update(format=99, pose_audit="7.0"))
    with pytest.raises(BundleError, match=r"format 99 \(by pose-audit 7.0\), newer than 1") as caught:
        BehaviorClassifier.load(bundle)
    assert caught.value.hint == "update pose-audit"


def test_a_bundle_whose_recipe_has_the_former_names_is_the_same_bundle(bundle: Path) -> None:
    now = BehaviorClassifier.load(bundle, device="cpu")

    def as_before(facts: dict) -> None:
        former = {new: old for old, new in RENAMED["model"].items()}
        facts["recipe"] = {former.get(name, name): value for name, value in facts["recipe"].items()}
        assert {"hidden", "batch", "rate", "updates", "min_updates", "passes", "trial"} <= facts["recipe"].keys()

    rewritten(bundle / "model.json", as_before)
    with pytest.warns(RenamedKey, match="written by an earlier version.*train the model again, or load it and save it"):
        before = BehaviorClassifier.load(bundle, device="cpu")
    assert before.recipe == now.recipe
    np.testing.assert_array_equal(before.predict_proba(np.ones((1, 5, 3, 2))), now.predict_proba(np.ones((1, 5, 3, 2))))


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.pop("classes"),
        lambda f: f.update(classes=["stand", "stand"]),
        lambda f: f.update(classes="ab"),
        lambda f: f.update(steps=7),
        lambda f: f.update(steps=0),
        lambda f: f.update(hz="fast"),
        lambda f: f["recipe"].update(hidden_size=10**9),
        lambda f: f["recipe"].update(views=["bodi"]),
        lambda f: f["recipe"].update(invented=1),
    ],
)
def test_facts_that_do_not_fit_the_weights_are_refused(bundle: Path, change) -> None:
    rewritten(bundle / "model.json", change)
    with pytest.raises(BundleError, match=r"model\.json: does not fit its weights"):
        BehaviorClassifier.load(bundle)


def test_weights_of_another_format_are_refused_though_their_hash_is_right(bundle: Path) -> None:
    data = b"weights of another program"
    (bundle / "weights.safetensors").write_bytes(data)
    rewritten(bundle / "model.json", lambda facts: facts.update(weights_sha256=hashlib.sha256(data).hexdigest()))
    with pytest.raises(BundleError, match=r"weights\.safetensors: not a safetensors file"):
        BehaviorClassifier.load(bundle)


def test_weights_that_are_no_numbers_are_refused(task, tmp_path: Path) -> None:
    fitted = classifier().fit(*task)
    with torch.no_grad():
        fitted.networks[0].linear.bias[0] = torch.nan
    fitted.save(tmp_path)
    with pytest.raises(BundleError, match=r"0\.linear\.bias holds values that are not finite"):
        BehaviorClassifier.load(tmp_path)


def test_a_folder_without_a_bundle_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        BehaviorClassifier.load(tmp_path)
    assert "model.json" in caught.value.hint


def test_what_was_not_trained_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has not been trained"):
        classifier().save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_window_gets_the_same_probabilities_alone_and_among_others(task) -> None:
    poses, labels = task
    fitted = classifier().fit(poses, labels)
    together = fitted.predict_proba(poses)
    alone = np.concatenate([fitted.predict_proba(poses[i : i + 1]) for i in range(0, 240, 7)])
    np.testing.assert_array_equal(alone, together[::7])


def frames_table(frames: int = 95) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    columns = {f"{k}_{a}": rng.normal(0, 1, frames) for k in reversed(KEYPOINTS) for a in "xy"}
    return pd.DataFrame({"clip_id": "c1", "frame_number": range(frames), **columns, "note": "nothing"})


def test_a_table_of_frames_is_cut_and_predicted(task) -> None:
    fitted = classifier().fit(*task)
    table = frames_table()
    xy = table[[f"{k}_{a}" for k in KEYPOINTS for a in "xy"]].to_numpy().reshape(-1, 3, 2)
    decisions = fitted.predict_frames(table)
    assert fitted.predict(table) == [d.label for d in decisions] == [d.label for d in fitted.predict_frames(xy)]
    np.testing.assert_array_equal(fitted.predict_proba(table), [d.probabilities for d in fitted.predict_frames(xy)])
    assert [(d.clip_id, d.start_frame) for d in decisions] == [("c1", 0), ("c1", 30), ("c1", 60)]


def test_clips_of_a_table_never_share_a_window_and_times_lead(task) -> None:
    fitted = classifier().fit(*task)
    one, two = frames_table(40).assign(timestamp_ms=np.arange(40) * 100), frames_table(40).assign(clip_id="c2")
    two["timestamp_ms"] = np.arange(40) * 100
    decisions = fitted.predict_frames(pd.concat([one, two]))
    assert [(d.clip_id, d.start_frame) for d in decisions] == [(c, n) for c in ("c1", "c2") for n in (0, 10, 20, 30)]


def test_nullable_columns_are_read_and_a_table_without_rows_has_no_window(task) -> None:
    fitted = classifier().fit(*task)
    table = frames_table().convert_dtypes()
    table.loc[3:8, "nose_x"] = pd.NA
    assert len(fitted.predict(table)) == 3
    assert fitted.predict_proba(table.head(0)).shape == (0, 2)


def test_a_table_that_lacks_keypoints_is_refused_by_their_names(task) -> None:
    with pytest.raises(DataError, match="lacks keypoints that the model needs: nose, tail") as caught:
        classifier().fit(*task).predict(frames_table().drop(columns=["nose_x", "tail_y"]))
    assert "it has tail, neck" in caught.value.hint


def test_a_column_that_holds_no_numbers_is_named(task) -> None:
    with pytest.raises(DataError, match="column neck_y"):
        classifier().fit(*task).predict(frames_table().astype({"neck_y": object}).assign(neck_y="left"))


def test_poses_of_another_shape_are_refused(task) -> None:
    poses, labels = task
    with pytest.raises(DataError, match=r"expected poses of shape \(n, 5, 3, 2\), got \(240, 4, 3, 2\)"):
        classifier().fit(poses[:, :4], labels)


def test_labels_and_radii_are_as_many_as_windows(task) -> None:
    poses, labels = task
    with pytest.raises(DataError, match="240 windows but 239 labels"):
        classifier().fit(poses, labels[:-1])
    with pytest.raises(DataError, match="0 windows but 0 labels"):
        classifier().fit(poses[:0], [])
    with pytest.raises(DataError, match=r"240 windows, but scale has shape \(3,\)"):
        classifier().fit(poses, labels, scale=np.ones(3))
    fitted = classifier().fit(poses, labels, scale=2.0)
    np.testing.assert_array_equal(fitted.predict_proba(poses, scale=2.0), fitted.predict_proba(poses, scale=np.full(240, 2.0)))
    np.testing.assert_allclose(fitted.predict_proba(poses * 3, scale=6.0), fitted.predict_proba(poses, scale=2.0), atol=1e-4)


def test_an_unknown_label_is_named(task) -> None:
    poses, labels = task
    with pytest.raises(DataError, match="'fly' is not one of the classes"):
        classifier().fit(poses, [*labels[:-1], "fly"])


def test_an_untrained_classifier_says_so(task) -> None:
    with pytest.raises(BundleError, match="has not been trained"):
        classifier().predict(task[0])


def test_a_recipe_takes_former_names_with_a_warning_and_refuses_both() -> None:
    with pytest.warns(RenamedKey, match="hidden of a recipe is now called hidden_size"):
        assert make_recipe("default", hidden=7) == make_recipe("default", hidden_size=7)
    with pytest.raises(ConfigError, match="both are given"):
        make_recipe("default", hidden=7, hidden_size=7)


def test_the_classic_preset_is_the_recipe() -> None:
    recipe = PRESETS["classic"]
    assert (recipe.layers, recipe.hidden_size, recipe.epochs, recipe.batch_size, recipe.lr) == (3, 30, 100, 100, 0.01)
    assert (recipe.schedule, recipe.step_epochs, recipe.gamma, recipe.balance) == ("step", 10, 0.3, "downsample")
    assert (recipe.views, recipe.standardise, recipe.mask) == (("frame",), False, False)
    network = classifier(replace(recipe, epochs=1)).fit(np.zeros((4, 5, 3, 2)), ["stand", "walk"] * 2).networks[0]
    assert network.linear.in_features == 150


def test_an_unknown_view_gets_the_nearest_known() -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe("default", views=("bodi",))
    assert caught.value.hint == "did you mean 'body'?"


def test_embedding_loads_neither_page_nor_pandas(bundle: Path) -> None:
    code = f"""
import sys
from model.classifier import BehaviorClassifier
stream = BehaviorClassifier.load({str(bundle)!r}, device="cpu").stream()
decisions = [d for _ in range(30) for d in stream.push([[0, 0], [1, 2], [3, 4]])]
heavy = {{"streamlit", "cleanlab", "pandera", "pandas", "sklearn", "plotly", "pyarrow", "scipy", "pydantic", "onnx", "pipeline"}}
print(len(decisions), heavy & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 set()"


def test_the_program_in_the_documentation_works(bundle: Path, tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "embedding.md").read_text(encoding="utf-8")
    (tmp_path / "watch.py").write_text(page.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    (tmp_path / "my_pose_estimator.py").write_text(
        "def poses_of(count):\n    return [{'nose': (0.0, i), 'tail': (4.0, i + 1.0)} for i in range(int(count))]\n"
    )
    command = [sys.executable, str(tmp_path / "watch.py")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run([*command, str(bundle), "75"], capture_output=True, text=True, check=True, env=environment)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["0.0", "1.0"]
    refused = subprocess.run([*command, str(tmp_path), "75"], capture_output=True, text=True, check=False, env=environment)
    assert refused.returncode == 1
    assert "model.json: cannot be read" in refused.stderr
    assert "Traceback" not in refused.stderr
