"""The tables of a run, and what its names mean: all that the parts of the report draw on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.config import Config
from data_schemas.errors import UsageError
from data_schemas.labels import OTHER, Taxonomy
from data_schemas.skeletons import Skeleton, choose_skeleton
from data_schemas.tables import PROBABILITY_PREFIX, SELFTEST, keypoints_of, text
from pipeline.audit.rounds import rounds_before
from pipeline.audit.stages import SCHEMAS
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.report.colours import Look, class_looks
from pipeline.windows.sampling import clip_bounds
from pipeline.workspace.run_folder import RunFolder


@dataclass(frozen=True)
class RunTables:
    """The tables of a run, and what its names mean.

    Each table is read when it is first asked for: millions of frames are not read for a page that shows none.
    """

    folder: RunFolder
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table by its name."""
        if name not in self.tables:
            self.tables[name] = self.folder.read_table(name, SCHEMAS[name])
        return self.tables[name]

    @cached_property
    def record(self) -> dict[str, Any]:
        """Return run.json."""
        return self.folder.record()

    @property
    def is_simulated(self) -> bool:
        """Tell whether the source is the simulated sample, which says so in a file beside it."""
        source = Path(str(self.record["source"]))
        return any((folder / "demo.json").is_file() for folder in (source, source.parent))

    @cached_property
    def rounds(self) -> list[dict[str, Any]]:
        """Return the figures of the rounds up to this one."""
        return rounds_before(self.folder)

    @property
    def round(self) -> int:
        """Return the number of this round; the audit of the labels as given is the first."""
        return int(self.record.get("round", {}).get("number", 1))

    @cached_property
    def selftest(self) -> pd.DataFrame | None:
        """Return what `audit selftest` found on this run's data, if it was asked."""
        fingerprint = self.folder.fingerprint("selftest")
        made_here = fingerprint is not None and fingerprint == self.record.get("run_hash")
        return self.folder.read_table("selftest", SELFTEST) if made_here else None

    @cached_property
    def config(self) -> Config:
        """Return the configuration that the run was made with."""
        return Config.model_validate(self.record["config"])

    @cached_property
    def taxonomy(self) -> Taxonomy | None:
        """Return the taxonomy of the labels."""
        return taxonomy_of(self.record["format"], self.config)

    @cached_property
    def skeleton(self) -> Skeleton:
        """Return the skeleton of the frames' keypoints."""
        return choose_skeleton(keypoints_of(list(self["frames"].columns)), wanted=self.config.pose.skeleton)

    @cached_property
    def looks(self) -> dict[str, Look]:
        """Return the look of every class that occurs, or that the taxonomy has."""
        windows, issues = self["windows"], self["issues"]
        pairs = [windows[["species", "label"]], issues[["species", "suggested_label"]].set_axis(["species", "label"], axis=1)]
        grouped = pd.concat(pairs).dropna().drop_duplicates().groupby("species")["label"]
        occurring = {str(species): labels.tolist() for species, labels in grouped}
        further = {species: [*(self.taxonomy.names(species) if self.taxonomy else ()), OTHER] for species in occurring}
        return class_looks(occurring, further)

    def look(self, name: str) -> Look:
        """Return the look of a class, of one that people made up, too."""
        return self.looks.get(name) or class_looks({"": self.looks}, {"": [name]})[name]

    def clip(self, clip_id: str) -> tuple[pd.Series, pd.DataFrame]:
        """Return a clip's row and its frames, in order."""
        clips, bounds = self["clips"], clip_bounds(self["clips"])
        rows = np.flatnonzero((clips["clip_id"] == clip_id).to_numpy())
        if not len(rows):
            raise UsageError(f"no clip {clip_id!r} in {self.folder.path}", hint="choose one from the queue")
        return clips.iloc[rows[0]], self["frames"].iloc[bounds[rows[0]] : bounds[rows[0] + 1]].reset_index(drop=True)

    def opinions(self, clip_id: str) -> pd.DataFrame:
        """Return what the models say of a clip's windows, by time: its issues, and the likeliest class of those without a label.

        ``given_label`` and ``label_quality`` are null of the latter.
        """
        issues, windows = self["issues"], self["windows"]
        own = issues[issues["clip_id"] == clip_id]
        without = windows.loc[
            (windows["clip_id"] == clip_id) & windows["label"].isna(), ["window_id", "start_frame", "end_frame"]
        ]
        if len(without):
            own = pd.concat([own, _likeliest(without, self["oof"])], ignore_index=True)
        return own.sort_values("start_frame", kind="stable", ignore_index=True)


def _likeliest(windows: pd.DataFrame, oof: pd.DataFrame) -> pd.DataFrame:
    """Return the windows that were predicted, each with its likeliest class as the suggestion."""
    predicted = windows.merge(oof, on="window_id")
    probabilities = predicted.filter(regex=f"^{PROBABILITY_PREFIX}").dropna(axis="columns", how="all")
    if predicted.empty:
        return predicted[["window_id", "start_frame", "end_frame"]]
    return predicted[["window_id", "start_frame", "end_frame"]].assign(
        given_label=text([None] * len(predicted)),
        suggested_label=text([str(name).removeprefix(PROBABILITY_PREFIX) for name in probabilities.idxmax(axis=1)]),
        suggested_probability=probabilities.max(axis=1).clip(0, 1).astype("float32"),
        label_quality=np.full(len(predicted), np.nan, np.float32),
        is_issue=False,
    )
