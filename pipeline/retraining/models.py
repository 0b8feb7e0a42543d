"""Which models there have to be, which of them are there, and their predictions of the hold-out.

::

    RUN/
    ├── models/<arm>/<species>/           a bundle each
    └── retrain/
        ├── retrain.json                  figures of the arms
        ├── predictions.parquet           of the hold-out, by each arm's model
        └── checkpoints/                  by the hash of what a model is made from: its predictions, its losses

A model is known by the hash of all that it follows from, and only trained where no sound one with this hash is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import data_schemas
from data_schemas.errors import TooFewDataError, WorkspaceError
from data_schemas.progress import Progress
from model.bundle import fingerprint
from model.classifier import BehaviorClassifier
from model.device import choose_device
from model.recipe import Recipe
from model.training import Windows
from pipeline.detection.training_windows import recipe_of
from pipeline.retraining.inputs import TrainingInputs
from pipeline.retraining.training import (
    ModelSpec,
    optimizer_steps_by_search,
    optimizer_steps_of_recipe,
    place_bundle,
    train_models,
)
from pipeline.retraining.training_conditions import TrainingCondition
from pipeline.retraining.trusted_label_cache import TrustedLabelCache, hash_of
from pipeline.workspace.file_names import file_name
from pipeline.workspace.hashes import code_version, digest
from pipeline.workspace.run_folder import RunFolder


class Models:
    """The models of one run."""

    def __init__(self, inputs: TrainingInputs) -> None:
        self.inputs = inputs
        self.own = RunFolder(inputs.folder.path / "retrain")
        self._recipe = recipe_of(inputs.config)
        self._seed = inputs.config.folds.seed
        self._device = choose_device(inputs.config.run.device).type
        self._base_of_all = digest(
            data_schemas.__version__,
            code_version("pipeline.retraining.models"),
            inputs.record["run_hash"],
            asdict(self._recipe),
            self._seed,
        )
        self.trust = TrustedLabelCache(inputs, self.own, base=self._base_of_all)
        self._trusted = self.trust(inputs.windows)

    @property
    def views(self) -> tuple[str, ...]:
        """Return the views that the networks of a model have, in the order of their losses."""
        return self._recipe.views

    def specs(self, condition: TrainingCondition, *, keep: bool) -> list[ModelSpec]:
        """Return the models of a training condition, one a species; ``keep``: they become bundles.

        Raises
        ------
        TooFewDataError
            It has no window of a species.
        """
        found = []
        for species, classes in self.inputs.classes.items():
            own = condition.windows[condition.windows["species"] == species]
            target = pd.Categorical(own["target"], categories=classes).codes.astype(np.int64)
            if not len(own):
                raise TooFewDataError(
                    f"the arm {condition.arm} has no window of {species} left to train on",
                    hint="undo exclusions or relabels in the History, or retrain --on given pruned",
                )
            bundle = self.inputs.folder.path / "models" / condition.arm / file_name(species) if keep else None
            key = digest(self._base(species), hash_of(own[["window_id", "target"]]))
            found.append(ModelSpec(condition, species, classes, key, own["first_sample"].to_numpy(np.int64), target, bundle))
        return found

    def stale(self, specs: Iterable[ModelSpec]) -> list[ModelSpec]:
        """Return the models that are missing, damaged, or made from something else."""
        return [s for s in specs if self._stored(s) is None or (s.bundle is not None and fingerprint(s.bundle) != s.key)]

    def predictions(self, spec: ModelSpec) -> NDArray[np.float32]:
        """Return a trained model's probabilities for the hold-out windows of its species, shape (windows, classes).

        Raises
        ------
        WorkspaceError
            They are gone.
        """
        found = self._stored(spec)
        if found is None:
            gone = self.own.checkpoints / f"predictions-{spec.key}.npy"
            raise WorkspaceError(f"{gone} is gone", hint="something deletes files here; type it again")
        return found

    def losses(self, spec: ModelSpec) -> NDArray[np.float32] | None:
        """Return the loss of every optimizer step, shape (views, steps); None if not there."""
        return self.own.read_array(f"losses-{spec.key}")

    def optimizer_steps(self, species: str) -> int:
        """Return how many optimizer steps every model of a species gets, whatever its training set: found once, and kept.

        A length search looks at the labels that the audit trusts; a recipe of epochs counts those of all labels as given.
        """
        name = f"optimizer-steps-{self._base(species)}"
        known = self.own.read_array(name)
        if known is not None:
            return int(known)
        if self._recipe.length_search and not self._recipe.optimizer_steps:
            found = self._steps_by_search(species)
        else:
            found = optimizer_steps_of_recipe(self._recipe, self._given(species))
        self.own.write_array(name, np.array(found))
        return found

    def train(self, stale: Sequence[ModelSpec], *, optimizer_steps: Mapping[str, int], progress: Progress) -> None:
        """Train models and put their bundles in place, each as soon as it is whole.

        ``optimizer_steps`` has those of each species, the same for all its training sets.
        """
        config, samples = self.inputs.config, self.inputs.poses[0]
        recipes = {species: replace(self._recipe, optimizer_steps=steps) for species, steps in optimizer_steps.items()}
        queue = list({spec.key: spec for spec in stale}.values())
        views = len(self._recipe.views)
        progress(0, views * len(queue))
        made = train_models(queue, samples, recipes=recipes, config=config, device=self._device)
        for done, (spec, networks, losses) in enumerate(made, start=1):
            classifier = self._classifier(spec, recipes[spec.species])
            classifier.networks = networks
            rows = self.inputs.rows(spec.species, split="holdout")
            first = self.inputs.windows["first_sample"].to_numpy(np.int64)[rows]
            index = Windows.of(samples, first, steps=config.windows.steps, device=classifier.device)
            self.own.write_array(f"losses-{spec.key}", losses)
            self.own.write_array(f"predictions-{spec.key}", classifier.predict_windows(index))
            for other in stale:
                if other.key == spec.key and other.bundle is not None:
                    place_bundle(classifier, other.bundle, beside=self.own.checkpoints, fingerprint=other.key)
            progress(views * done, views * len(queue))

    def drop_all_but(self, specs: Iterable[ModelSpec]) -> None:
        """Delete the checkpoints of models that are not needed any more, and those of length searches."""
        # Arms that were not asked for this time keep theirs.
        others = (fingerprint(path) for path in (self.inputs.folder.path / "models").glob("*/*"))
        keys = {spec.key for spec in specs} | {key for key in others if key}
        bases = [self._base(species) for species in self.inputs.classes]
        kept = {f"{what}-{key}" for key in keys for what in ("predictions", "losses")}
        kept |= {f"optimizer-steps-{base}" for base in bases}
        kept |= self.trust.names
        for path in self.own.checkpoints.glob("*.npy"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def _stored(self, spec: ModelSpec) -> NDArray[np.float32] | None:
        return self.own.read_array(f"predictions-{spec.key}")

    def _base(self, species: str) -> str:
        """Return the hash of what all models of a species follow from."""
        rows = np.flatnonzero((self.inputs.windows["species"] == species).to_numpy(bool))
        trusted = hash_of(self._trusted.iloc[rows].reset_index())
        return digest(self._base_of_all, species, self.inputs.classes[species], trusted)

    def _given(self, species: str) -> NDArray[np.int64]:
        """Return the classes of the training windows of all labels as given."""
        part = self.inputs.windows.iloc[self.inputs.rows(species, split="audit")]
        given = part.loc[~part["bad_pose"] & ~part["mixed"], "target"]
        return pd.Categorical(given, categories=self.inputs.classes[species]).codes.astype(np.int64)

    def _steps_by_search(self, species: str) -> int:
        inputs = self.inputs
        rows, classes = inputs.rows(species, split="audit"), inputs.classes[species]
        part = inputs.windows.iloc[rows]
        fold = inputs.oof.set_index("window_id")["fold"].reindex(part["window_id"]).fillna(-1).to_numpy(np.int64)
        trusted = pd.Categorical(self._trusted.iloc[rows], categories=classes).codes.astype(np.int64)
        return optimizer_steps_by_search(
            self._recipe,
            inputs.poses[0],
            name=self._base(species),
            first=part["first_sample"].to_numpy(np.int64),
            fold=fold,
            trusted=trusted,
            kept=(trusted >= 0) & (trusted == pd.Categorical(part["target"], categories=classes).codes),
            classes=len(classes),
            config=inputs.config,
            device=self._device,
            checkpoints=self.own,
        )

    def _classifier(self, spec: ModelSpec, recipe: Recipe) -> BehaviorClassifier:
        windows, pose = self.inputs.config.windows, self.inputs.config.pose
        return BehaviorClassifier(
            spec.classes,
            self.inputs.poses[1],
            steps=windows.steps,
            hz=windows.hz,
            species=spec.species,
            max_gap_ms=windows.max_gap_ms,
            max_keypoint_gap_ms=pose.max_keypoint_gap_ms,
            rules=self.inputs.rules,
            recipe=recipe,
            device=self._device,
        )
