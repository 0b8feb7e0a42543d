"""Which models there have to be, which of them are there, and what they said of the hold-out.

::

    RUN/
    ├── models/<arm>/<species>/           a bundle each
    └── retrain/
        ├── retrain.json                  figures of the arms
        ├── predictions.parquet           what each arm's model says of the hold-out
        └── parts/                        by the hash of what a model is made from: its answers, its losses

A model is known by the hash of all that it follows from, and only trained where no sound one with this hash is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import data_schemas
from data_schemas.errors import TooFewDataError
from data_schemas.progress import Progress
from model.bundle import made_from
from model.classifier import BehaviorClassifier
from model.device import choose_device
from model.training import Windows
from pipeline.detection.training_sets import recipe_of
from pipeline.retraining.material import Material
from pipeline.retraining.plan import Lesson
from pipeline.retraining.training import (
    Course,
    Trained,
    Tried,
    place_bundle,
    train_courses,
    updates_by_recipe,
    updates_by_trial,
)
from pipeline.retraining.trust import Trust, hash_of
from pipeline.workspace.file_names import file_name
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.run_folder import RunFolder

__all__ = ["Models", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """A model that has to be there: that of a lesson for a species; arms keep theirs as a bundle.

    Attributes
    ----------
    key : str
        Hash of what it is made from; lessons that teach the same share a model.
    first, target : int64, shape (n,)
        First samples and classes of the windows that teach.
    """

    lesson: Lesson
    species: str
    key: str
    first: NDArray[np.int64]
    target: NDArray[np.int64]
    bundle: Path | None


class Models:
    """The models of one run."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.own = RunFolder(material.folder.path / "retrain")
        self._recipe = recipe_of(material.config)
        self._seed = material.config.folds.seed
        self._device = choose_device(material.config.run.device).type
        self._base_of_all = digest(
            data_schemas.__version__,
            code_version("pipeline.retraining.models"),
            material.record["identity"],
            asdict(self._recipe),
            self._seed,
        )
        self.trust = Trust(material, self.own, base=self._base_of_all)
        self._trusted = self.trust(material.windows)

    @property
    def views(self) -> tuple[str, ...]:
        """Return the views that the networks of a model have, in the order of their losses."""
        return self._recipe.views

    def wanted(self, lesson: Lesson, *, keep: bool) -> list[Wanted]:
        """Return the models of a lesson, one a species; ``keep`` tells whether they become bundles.

        Raises
        ------
        TooFewDataError
            It teaches nothing of a species.
        """
        found = []
        for species, classes in self.material.classes.items():
            own = lesson.taught[lesson.taught["species"] == species]
            target = pd.Categorical(own["target"], categories=classes).codes.astype(np.int64)
            if not len(own):
                raise TooFewDataError(
                    f"the arm {lesson.arm} has no window of {species} left to teach",
                    hint="undo exclusions or relabels in the History, or retrain --on given pruned",
                )
            bundle = self.material.folder.path / "models" / lesson.arm / file_name(species) if keep else None
            key = digest(self._base(species), hash_of(own[["window_id", "target"]]))
            found.append(Wanted(lesson, species, key, own["first_sample"].to_numpy(np.int64), target, bundle))
        return found

    def stale(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Return the models that are missing, damaged, or made from something else."""
        return [w for w in wanted if self.answers(w) is None or (w.bundle is not None and made_from(w.bundle) != w.key)]

    def answers(self, wanted: Wanted) -> NDArray[np.float32] | None:
        """Return what a model says of the hold-out windows of its species, shape (windows, classes)."""
        return self.own.read_array(f"answers-{wanted.key}")

    def losses(self, wanted: Wanted) -> NDArray[np.float32] | None:
        """Return the loss of every update, shape (views, updates)."""
        return self.own.read_array(f"losses-{wanted.key}")

    def updates(self, species: str) -> int:
        """Return how many updates every model of a species gets, whatever it is taught: found once, and kept.

        A trial looks at what the run trusts; a recipe that counts epochs counts those of all labels as given.
        """
        name = f"updates-{self._base(species)}"
        known = self.own.read_array(name)
        if known is not None:
            return int(known)
        if self._recipe.length_search and not self._recipe.optimizer_steps:
            found = self._tried(species)
        else:
            found = updates_by_recipe(self._recipe, self._given(species))
        self.own.write_array(name, np.array(found))
        return found

    def train(self, stale: Sequence[Wanted], *, updates: Mapping[str, int], progress: Progress) -> None:
        """Train models and put their bundles in place, each as soon as it is whole."""
        config, (samples, keypoints) = self.material.config, self.material.poses
        by_key = {w.key: w for w in stale}
        courses = [self._course(w, updates[w.species]) for w in by_key.values()]
        views, done = len(self._recipe.views), 0
        progress(done, views * len(courses))
        made = train_courses(courses, samples, config=config, device=self._device)
        for course, trained in made:
            classifier = self._classifier(course, keypoints, trained)
            rows = self.material.rows(course.species, split="holdout")
            first = self.material.windows["first_sample"].to_numpy(np.int64)[rows]
            index = Windows.of(samples, first, steps=config.windows.steps, device=classifier.device)
            self.own.write_array(f"losses-{course.made_from}", trained.losses)
            self.own.write_array(f"answers-{course.made_from}", classifier.predict_windows(index))
            for w in stale:
                if w.key == course.made_from and w.bundle is not None:
                    place_bundle(classifier, w.bundle, beside=self.own.path / "parts", made_from=w.key)
            done += views
            progress(done, views * len(courses))

    def drop_all_but(self, wanted: Iterable[Wanted]) -> None:
        """Delete the parts of models that are not wanted any more, and those of trials."""
        # Arms that were not asked for this time keep theirs.
        others = (made_from(path) for path in (self.material.folder.path / "models").glob("*/*"))
        keys = {w.key for w in wanted} | {key for key in others if key}
        bases = [self._base(species) for species in self.material.classes]
        kept = {f"{what}-{key}" for key in keys for what in ("answers", "losses")} | {f"updates-{base}" for base in bases}
        kept |= self.trust.names
        for path in (self.own.path / "parts").glob("*.npy"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def _base(self, species: str) -> str:
        """Return the hash of what all models of a species follow from."""
        rows = np.flatnonzero((self.material.windows["species"] == species).to_numpy(bool))
        trusted = hash_of(self._trusted.iloc[rows].reset_index())
        return digest(self._base_of_all, species, self.material.classes[species], trusted)

    def _given(self, species: str) -> NDArray[np.int64]:
        """Return the classes that all labels as given teach."""
        part = self.material.windows.iloc[self.material.rows(species, split="audit")]
        given = part.loc[~part["bad_pose"] & ~part["mixed"], "target"]
        return pd.Categorical(given, categories=self.material.classes[species]).codes.astype(np.int64)

    def _tried(self, species: str) -> int:
        material = self.material
        rows, classes = material.rows(species, split="audit"), material.classes[species]
        part = material.windows.iloc[rows]
        fold = material.oof.set_index("window_id")["fold"].reindex(part["window_id"]).fillna(-1).to_numpy(np.int64)
        trusted = pd.Categorical(self._trusted.iloc[rows], categories=classes).codes.astype(np.int64)
        tried = Tried(
            name=self._base(species),
            first=part["first_sample"].to_numpy(np.int64),
            fold=fold,
            trusted=trusted,
            kept=(trusted >= 0) & (trusted == pd.Categorical(part["target"], categories=classes).codes),
            classes=len(classes),
            seed=self._seed,
        )
        return updates_by_trial(
            self._recipe, tried, material.poses[0], config=material.config, device=self._device, checkpoints=self.own
        )

    def _course(self, wanted: Wanted, updates: int) -> Course:
        return Course(
            species=wanted.species,
            classes=tuple(self.material.classes[wanted.species]),
            recipe=replace(self._recipe, optimizer_steps=updates),
            seed=self._seed,
            first=wanted.first,
            target=wanted.target,
            made_from=wanted.key,
        )

    def _classifier(self, course: Course, keypoints: tuple[str, ...], trained: Trained) -> BehaviorClassifier:
        windows, pose = self.material.config.windows, self.material.config.pose
        classifier = BehaviorClassifier(
            course.classes,
            keypoints,
            steps=windows.steps,
            hz=windows.hz,
            species=course.species,
            max_gap_ms=windows.max_gap_ms,
            max_keypoint_gap_ms=pose.max_keypoint_gap_ms,
            rules=self.material.rules,
            recipe=course.recipe,
            device=self._device,
        )
        classifier.networks = trained.networks
        return classifier
