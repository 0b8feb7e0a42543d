"""`audit predict`: the windows of any supported source, with what a model bundle says of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_schemas.config import Config, load_config
from data_schemas.errors import BundleError, TooFewDataError, UsageError, WorkspaceError
from data_schemas.files import replaced_file
from data_schemas.skeletons import Skeleton
from data_schemas.tables import PREDICTIONS, keypoints_of, probability_columns, text, validate
from model.bundle import is_bundle
from model.classifier import BehaviorClassifier
from model.frames import missing_keypoints
from model.training import Windows
from pipeline.readers import Recordings
from pipeline.readers.spreadsheets import guarded_table
from pipeline.readers.tables.table_clips import NO_SPECIES
from pipeline.windows.cutting import cut_windows
from pipeline.windows.sampling import sample_clips

_OF_WINDOW = ["window_id", "clip_id", "subject_id", "species", "start_frame", "end_frame", "visible", "bad_pose", "pose_fault"]
ENDINGS = (".parquet", ".csv")


@dataclass(frozen=True)
class Predictions:
    """The predictions table, the clips of each species that no bundle is for, and what could not be done as in training."""

    table: pd.DataFrame
    clips: int
    left_out: Mapping[str, int]
    unmet_rules: tuple[str, ...] = ()


def load_models(folder: Path, *, device: str = "auto") -> dict[str, BehaviorClassifier]:
    """Return the classifier of each species: of one bundle, or of a folder with a bundle for each.

    Raises
    ------
    BundleError
        There is none, one is damaged, or two are for one species.
    """
    if is_bundle(folder):
        found = BehaviorClassifier.load(folder, device=device)
        return {found.species.upper(): found}
    models: dict[str, BehaviorClassifier] = {}
    for inner in sorted(path for path in folder.glob("*") if is_bundle(path)):
        found = BehaviorClassifier.load(inner, device=device)
        species = (found.species or inner.name).upper()
        if species in models:
            raise BundleError(f"{folder}: more than one bundle is for {species}", hint="name the bundle that you mean")
        models[species] = found
    if not models:
        raise _no_bundle(folder)
    return models


def _no_bundle(folder: Path) -> BundleError:
    """Return what is wrong with a folder in which no bundle lies, and where one may be."""
    arms = [inner for inner in sorted(folder.glob("*")) if any(map(is_bundle, inner.glob("*")))]
    if arms:
        best = next((arm for arm in arms if arm.name == "reviewed"), arms[0])
        problem = f"holds the models of {len(arms)} arms: {', '.join(arm.name for arm in arms)}"
        return BundleError(f"{folder}: {problem}", hint=f"name one: --model {best}")
    run = next((place for place in (folder, *folder.parents)[:4] if (place / "run.json").exists()), None)
    problem = "no bundle in it" if folder.is_dir() else "not found"
    if run is not None:
        return BundleError(f"{folder}: {problem}", hint=f"audit retrain -w {run.parent.parent} trains the models of this run")
    return BundleError(
        f"{folder}: {problem}",
        hint="name a folder with model.json, or one that holds such a folder for each species, as models/reviewed of a run does "
        "once audit retrain has trained it",
    )


def reading_config(*, format: str | None) -> Config:
    """Return how to read a source that is only to be predicted: labels and groups are not asked for."""
    settings: dict[str, dict[str, object]] = {
        "labels": {"taxonomy": "none", "missing": "unlabelled"},
        "groups": {"missing": "clip"},
        "source": {"format": format},
    }
    return load_config(None, overrides=settings)


def predict_recordings(
    found: Recordings, models: Mapping[str, BehaviorClassifier], *, stride_s: float, config: Config
) -> Predictions:
    """Cut the clips of each species as its model was trained on them, and predict a window every ``stride_s`` seconds.

    Raises
    ------
    BundleError
        No clip is of a species that a bundle is for, or keypoints of a model are missing.
    TooFewDataError
        No clip is long enough for a window.
    UsageError
        A model has no sample at that stride.
    """
    species = found.clips["species"].to_numpy(object)
    model_of = {name: _model_of(name, models) for name in dict.fromkeys(species.tolist())}
    left_out = {name: int((species == name).sum()) for name, model in model_of.items() if model is None}
    if len(left_out) == len(model_of):
        raise BundleError(
            f"no bundle is for {', '.join(left_out) or 'the species of no clip'}: {', '.join(models)}"
            if len(found.clips)
            else f"no clip could be read: {_first_reason(found)}",
            hint="name a bundle of the species of the clips" if len(found.clips) else "correct the source; docs/data-formats.md",
        )
    parts = [
        _predict(found, species == name, model, stride_s=stride_s, config=config) for name, model in model_of.items() if model
    ]
    if not sum(map(len, parts)):
        raise TooFewDataError("no clip is long enough for a window", hint="windows take about a second of frames")
    classes = sorted({c for model in model_of.values() if model for c in model.classes})
    table = pd.concat(parts, ignore_index=True)[[*_OF_WINDOW, "predicted_label", "probability", *probability_columns(classes)]]
    return Predictions(
        table=validate(table, PREDICTIONS, source="predictions"),
        clips=len(species) - sum(left_out.values()),
        left_out=left_out,
        unmet_rules=tuple(dict.fromkeys(rule for model in model_of.values() if model for rule in _unmet(found, model))),
    )


def require_writable(path: Path) -> None:
    """Refuse a file of predictions that could not be written, before the work.

    Raises
    ------
    UsageError
        Its name ends otherwise than in .parquet or .csv.
    WorkspaceError
        Its folder does not exist.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: predictions are written as {' or '.join(ENDINGS)}", hint=f"--out {path.stem}.parquet")
    if not path.parent.is_dir():
        raise WorkspaceError(f"{path.parent}: no such folder", hint="make it first, or name another")


def write_predictions(table: pd.DataFrame, path: Path) -> None:
    """Write the table as Parquet or CSV, in one step.

    Raises
    ------
    WorkspaceError
        The disk refuses; a file that was there before stays.
    """
    with replaced_file(path, hint="make room, or name a file elsewhere") as part:
        if path.suffix.lower() == ".csv":
            safe = guarded_table(pa.Table.from_pandas(table, preserve_index=False)).to_pandas()
            safe.to_csv(part, index=False, float_format="%.6g")
        else:
            table.to_parquet(part, index=False)


def _model_of(species: str, models: Mapping[str, BehaviorClassifier]) -> BehaviorClassifier | None:
    """Return the model for a species; a bundle that names none, or clips that name none, go with the only one there is."""
    only = next(iter(models.values())) if len(models) == 1 else None
    if species in models:
        return models[species]
    return only if only is not None and (not only.species or species == NO_SPECIES) else None


def _predict(
    found: Recordings,
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
    model: BehaviorClassifier,
    *,
    stride_s: float,
    config: Config,
) -> pd.DataFrame:
    clips = found.clips[chosen].reset_index(drop=True)
    rows = np.repeat(chosen, found.clips["frame_count"].to_numpy())
    columns = _columns(found, model)
    frames = found.frames.loc[rows, ["clip_id", "frame_number", "timestamp_ms"]].reset_index(drop=True)
    frames[columns] = _seen_in_training(found.frames, rows, columns=columns, model=model)
    settings = _as_trained(model, stride_s=stride_s, config=config)
    sampled = sample_clips(clips, frames, config=settings)
    windows = cut_windows(clips, frames, sampled=sampled, config=settings, taxonomy=None, skeleton=_skeleton_of(model))
    index = Windows.of(sampled.samples, windows["first_sample"].to_numpy(), steps=model.steps, device=model.device)
    probabilities = model.predict_windows(index)
    best = probabilities.argmax(axis=1) if len(windows) else np.empty(0, np.int64)
    facts = windows[_OF_WINDOW].assign(
        predicted_label=text(np.array(model.classes, object)[best]), probability=probabilities.max(axis=1, initial=0.0).clip(0, 1)
    )
    return pd.concat([facts, pd.DataFrame(probabilities, columns=probability_columns(model.classes))], axis=1)


def _seen_in_training(
    frames: pd.DataFrame, rows: NDArray[np.bool_], *, columns: list[str], model: BehaviorClassifier
) -> NDArray[np.float32]:
    """Return coordinates of some rows as a model takes them, shape (rows, 2 x keypoints): NaN where missing, or by its rules."""
    xy = frames.loc[rows, columns].to_numpy(np.float32)
    names = [f"{name}_confidence" for name in model.keypoints]
    there = [name for name in names if name in frames]
    confidence = frames.loc[rows, there].reindex(columns=names).to_numpy(np.float64) if there else None
    return model.rules.applied(xy.reshape(len(xy), -1, 2), confidence).reshape(xy.shape)


def _unmet(found: Recordings, model: BehaviorClassifier) -> list[str]:
    """Return what of a model's rules the source cannot fulfil."""
    has_confidence = any(f"{name}_confidence" in found.frames for name in model.keypoints)
    return [model.rules.unmet] if model.rules.needs_confidence and not has_confidence else []


def _columns(found: Recordings, model: BehaviorClassifier) -> list[str]:
    """Return the coordinate columns that a model needs, in its order."""
    missing = missing_keypoints(list(found.frames.columns), model.keypoints)
    if missing:
        there = keypoints_of(list(found.frames.columns))
        pairs = ((name, difflib.get_close_matches(name, there, n=1, cutoff=0.6)) for name in missing)
        near = [f"{close[0]} may be {name}" for name, close in pairs if close]
        raise BundleError(
            f"the source lacks keypoints that the model of {model.species or 'any species'} needs: {', '.join(missing)}",
            hint=f"it has {', '.join(there)}" + (f"; {', '.join(near[:3])}" if near else "") + "; rename its columns",
        )
    return [f"{name}_{axis}" for name in model.keypoints for axis in "xy"]


def _as_trained(model: BehaviorClassifier, *, stride_s: float, config: Config) -> Config:
    """Return how to cut, and which poses to call bad, as a model's training did."""
    grid, rules = model.grid, model.rules
    stride = round(stride_s * grid.hz)
    if stride < 1 or abs(stride - stride_s * grid.hz) > 1e-6:
        raise UsageError(
            f"--stride-s {stride_s:g}: the model takes {grid.hz:g} samples a second, a stride a multiple of {1 / grid.hz:g} s",
            hint=f"--stride-s {max(1, stride) / grid.hz:g}",
        )
    windows = {
        "hz": grid.hz,
        "steps": grid.steps,
        "stride": stride,
        "max_gap_ms": round(grid.max_gap_ms),
        "min_visible": rules.min_visible,
    }
    pose = {
        "max_keypoint_gap_ms": round(grid.max_keypoint_gap_ms),
        "find_faults": rules.find_faults,
        "max_implausible": rules.max_implausible,
    }
    return config.model_copy(
        update={"windows": config.windows.model_copy(update=windows), "pose": config.pose.model_copy(update=pose)}
    )


def _skeleton_of(model: BehaviorClassifier) -> Skeleton | None:
    """Return the skeleton by which training looked for implausible keypoints, None where the bundle does not say."""
    rules, place = model.rules, {name: i for i, name in enumerate(model.keypoints)}
    if rules.edges is None or rules.left_right is None:
        return None
    edges, pairs = (
        tuple((place[a], place[b]) for a, b in named if a in place and b in place) for named in (rules.edges, rules.left_right)
    )
    return Skeleton(name="of the model", keypoints=model.keypoints, edges=edges, left_right=pairs)


def _first_reason(found: Recordings) -> str:
    if not len(found.rejected):
        return "the source holds none"
    first = found.rejected.iloc[0]
    return f"{first['file']}: {first['reason']}"
