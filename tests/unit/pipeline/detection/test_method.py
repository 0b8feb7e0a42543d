"""What the method promises, asked of tables: each of these fails where one step of it is left out."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest

from data_schemas.config import Config, load_config
from data_schemas.tables import text
from model.windowing import Samples
from pipeline.detection.base_learners import KernelRidge
from pipeline.detection.issues import find_label_issues
from pipeline.detection.label_cleaning import EnsemblePrediction, clean_labels
from pipeline.detection.out_of_fold import predict_out_of_fold
from pipeline.detection.segments import cut_segments
from pipeline.detection.smoothing import WindowLabels
from pipeline.detection.training_windows import TrainingSet
from pipeline.windows.label_spans import ReviewedFrames
from tests.unit.pipeline.detection.small import Nowhere, config
from tests.unit.pipeline.detection.test_issues import clips_of, made_up

OTHER = {"SIT": "WALKRUN", "WALKRUN": "SIT"}
CLIP = np.repeat(np.arange(48), 20)
ANIMAL = CLIP // 4
DRAWN = np.isin(np.arange(12), (0, 3, 5, 6, 10, 11))
NAMES = ("SIT", "TURN", "WALKRUN")


def predicted(windows: pd.DataFrame, samples: Samples, **model: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    oof, trust = predict_out_of_fold(windows, samples, config=config(**model), checkpoints=Nowhere())
    return oof.set_index("window_id").loc[windows["window_id"]].reset_index(), trust


def test_no_window_is_predicted_by_a_network_that_learnt_its_own_group(standing_or_walking) -> None:
    """What a network says of a fold does not change by a bit with the labels of that fold."""
    windows, samples, _ = standing_or_walking
    before, _ = predicted(windows, samples, cleaning_iterations=0, optimizer_steps=5)
    own = (before["fold"] == before["fold"].iloc[0]).to_numpy()
    # Only where a group has as many windows of each class, so that folds are dealt alike.
    even = windows["target"].eq("SIT").groupby(windows["group"]).transform("mean").eq(0.5).to_numpy()
    assert (own & even).any()
    other = text(np.where(own & even, windows["target"].map(OTHER), windows["target"]).astype(object))
    after, _ = predicted(windows.assign(target=other), samples, cleaning_iterations=0, optimizer_steps=5)
    assert (after["fold"] == before["fold"]).all()
    pd.testing.assert_series_equal(after.loc[own, "p_SIT"], before.loc[own, "p_SIT"])
    audited = (windows["split"] == "audit").to_numpy()
    assert (after["p_SIT"] != before["p_SIT"])[audited & ~own].mean() > 0.9


def test_an_animal_is_not_known_to_networks_by_its_looks(standing_or_walking) -> None:
    """Every animal has a shape of its own and one label throughout, drawn at random: only who saw it knows its label."""
    windows, samples, _ = standing_or_walking
    shape = np.random.default_rng(3).normal(0, 40, (12, 1, 3, 2)).repeat(80, axis=1).reshape(-1, 3, 2)
    xy = shape + np.random.default_rng(4).normal(0, 0.5, samples.xy.shape)
    animal = windows["group"].str[1:].astype(int)
    label = text(np.where(DRAWN[animal], "SIT", "WALKRUN").astype(object))
    _, trust = predicted(
        windows.assign(target=label), replace(samples, xy=xy.astype(np.float32)), cleaning_iterations=0, optimizer_steps=30
    )
    assert trust["right"].iloc[0] < 0.75


def training_set(given: np.ndarray) -> TrainingSet:
    """Give windows of twelve animals with twenty each of four labels."""
    everybody = np.ones(len(ANIMAL), bool)
    labels = WindowLabels(given, clip=CLIP, block=CLIP, audited=everybody, valid_pose=everybody, reviewed=~everybody, sigma=0.1)
    return TrainingSet(labels, ANIMAL, everybody, everybody, classes=2, folds=3, seed=0)


def cleaned_once(features: np.ndarray, training: TrainingSet) -> EnsemblePrediction:
    members = [(KernelRidge("one", ()), features.astype(np.float32))]
    return clean_labels(members, training, most=1, relabelling=0, run=joblib.Parallel(n_jobs=1))


def test_an_animal_is_not_known_to_the_first_models_by_its_looks() -> None:
    looks = np.eye(12)[ANIMAL] + np.random.default_rng(0).normal(0, 0.05, (960, 12))
    given = DRAWN[ANIMAL].astype(np.int64)
    found = cleaned_once(looks, training_set(given))
    assert (found.first.argmax(axis=1) == given).mean() < 0.75


@pytest.mark.parametrize(("drawn", "share"), [(False, 0.02), (True, 0.3)])
def test_no_less_and_no_more_of_a_class_is_pruned_than_the_bounds_say(drawn: bool, share: float) -> None:
    """A fiftieth where models agree with every label, three tenths where labels are drawn at random."""
    rng = np.random.default_rng(0)
    true = CLIP % 2
    given = rng.permutation(true) if drawn else true
    seen = rng.normal(0, 0.2, (960, 4)) + 3 * true[:, None]
    found = cleaned_once(seen, training_set(given))
    for label in (0, 1):
        assert (~found.kept[given == label]).sum() == int(share * (given == label).sum())


def told(certainty: np.ndarray, label: np.ndarray, *, clip: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give windows of clips and what models say of them, shape (n, 3)."""
    place = pd.Series(clip).groupby(clip).cumcount().to_numpy()
    windows, oof, _ = made_up(clips=1, each=len(clip))
    windows = windows.assign(
        **{name: text([f"{name}{c:03d}" for c in clip]) for name in ("clip_id", "subject_id", "group")},
        start_frame=(place * 6).astype(np.int32),
        end_frame=(place * 6 + 24).astype(np.int32),
        # A gap between windows, so that none is averaged with another.
        first_sample=np.arange(len(clip)) * 20,
        split="audit",
        **dict.fromkeys(("label", "target"), text(np.array(NAMES, object)[label])),
    )
    own = certainty[np.arange(len(clip)), label].astype(np.float32)
    said = {f"p_{n}": certainty[:, i].astype(np.float32) for i, n in enumerate(NAMES)}
    return windows, oof.drop(columns=["p_SIT", "p_TURN"]).assign(network=own, base_learners=own, used_for_training=True, **said)


def ranked(windows: pd.DataFrame, oof: pd.DataFrame, **issues: object) -> pd.DataFrame:
    keys: Config = load_config(None, overrides={"issues": issues})
    found = find_label_issues(windows, oof, clips_of(windows), config=keys)
    return found.set_index("window_id").loc[windows["window_id"]].reset_index()


def believed(clips: int = 60, each: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give probabilities that believe every label, the labels and clips."""
    clip = np.repeat(np.arange(clips), each)
    label = clip % 3
    noise = np.random.default_rng(0).uniform(0, 0.04, (len(clip), 3))
    p = np.eye(3)[label] * 0.7 + 0.1 + noise
    return p / p.sum(axis=1, keepdims=True), label, clip


@pytest.mark.parametrize("swapped", [False, True])
def test_a_label_scores_lower_where_one_other_class_leads(swapped: bool) -> None:
    """Both windows have the same chance for their label; in one of them a single class has all the rest."""
    p, label, clip = believed()
    one, spread = (35, 95) if swapped else (95, 35)
    p[one], p[spread] = np.roll([0.4, 0.5, 0.1], label[one]), np.roll([0.4, 0.3, 0.3], label[spread])
    found = ranked(*told(p, label, clip=clip), clip_error_rate=0.0)
    assert found["rank"][one] < found["rank"][spread] <= 2


def test_a_window_scores_lower_in_a_clip_whose_other_windows_are_believed() -> None:
    """A model that misjudges a clip misjudges all of it."""
    p, label, clip = believed()
    hard, stray = np.flatnonzero(clip == 6), 95
    p[[*hard, stray]] = np.array([0.4, 0.35, 0.25])
    label[hard] = label[stray] = 0
    found = ranked(*told(p, label, clip=clip), clip_error_rate=0.0)
    assert found["rank"][stray] == 1
    assert found["label_quality"][stray] < found["label_quality"][hard].min()


def test_a_clip_wrong_throughout_takes_the_quality_of_its_windows_with_it() -> None:
    windows, oof, _ = made_up(clips=40, bad=slice(0, 0))
    whole = (windows["clip_id"] == "clip06").to_numpy()
    oof.loc[whole, ["p_SIT", "p_TURN"]] = oof.loc[whole, ["p_TURN", "p_SIT"]].to_numpy()
    without, with_it = (ranked(windows, oof, clip_error_rate=share)["label_quality"] for share in (0.0, 0.1))
    assert (with_it[whole] < 0.6 * without[whole]).all()
    np.testing.assert_allclose(with_it[~whole], without[~whole], atol=0.05)


@pytest.mark.parametrize("power", [0.35, 1.0, 2.5])
def test_quality_does_not_hang_on_how_sure_the_models_are_of_themselves(power: float) -> None:
    """Probabilities that are too soft or too sharp are scaled: as many labels are expected to be wrong."""
    rng = np.random.default_rng(1)
    clip = np.repeat(np.arange(90), 10)
    true = clip % 3
    label = np.where(rng.random(900) < 0.1, (true + rng.integers(1, 3, 900)) % 3, true)
    evidence = np.eye(3)[true] * 2.5 + rng.normal(0, 1, (900, 3))
    p = np.exp(power * evidence)
    found = ranked(*told(p / p.sum(axis=1, keepdims=True), label, clip=clip), clip_error_rate=0.0)
    assert (1 - found["label_quality"]).mean() == pytest.approx(0.064, abs=0.006)


def test_no_segment_starts_or_ends_with_a_frame_that_was_decided() -> None:
    windows, oof, _ = made_up()
    issues = find_label_issues(windows, oof, clips_of(windows), config=load_config(None))
    frames = pd.DataFrame({"clip_id": "clip00", "frame_number": np.arange(260)})
    first = cut_segments(issues, windows, config=load_config(None))[1].set_index("clip_id").loc["clip00"]
    # The stretch reaches into frames of which somebody decided the first four and the last two.
    ends = [(first["start_frame"], first["start_frame"] + 3), (first["end_frame"] - 1, first["end_frame"])]
    reviewed = pd.DataFrame([{"clip_id": "clip00", "start_frame": a, "end_frame": b, "label": "SIT"} for a, b in ends])
    reviewed_frames = ReviewedFrames.of(frames, reviewed)
    left, segments = cut_segments(issues, windows, config=load_config(None), reviewed=reviewed_frames)
    # No window stands for such frames alone, so that all that were an issue still are.
    assert left.set_index("window_id")["is_issue"].equals(issues.set_index("window_id")["is_issue"])
    cut = segments.set_index("clip_id").loc["clip00"]
    assert cut["start_frame"] == first["start_frame"] + 4
    assert cut["end_frame"] == first["end_frame"] - 2
