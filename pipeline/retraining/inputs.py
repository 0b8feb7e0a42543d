"""What a retraining starts from: a finished run, its review and its blind samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config, load_config
from data_schemas.labels import Taxonomy
from data_schemas.skeletons import choose_skeleton
from data_schemas.tables import CLIPS, FRAMES, OOF, READER_MESSAGES, REVIEWED, WINDOWS, keypoints_of, text
from model.pose_rules import PoseRules
from model.windowing import Samples
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.readers.unseen import unseen_places
from pipeline.review.access import frames_of, stored_events, stored_samples
from pipeline.review.events import ADJUDICATION, REVIEW
from pipeline.review.frame_labels import review_frames
from pipeline.review.window_labels import clean_windows
from pipeline.windows.cutting import merged_labels
from pipeline.windows.folds import classes_of, split_again
from pipeline.windows.label_spans import labels_as_given, review_windows, reviewed_in_source
from pipeline.windows.sampling import sample_clips
from pipeline.workspace.file_names import file_name
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class TrainingInputs:
    """A finished run, its review and its blind samples.

    Attributes
    ----------
    config : Config
        That of the run; how the work is done, and how arms are made, as in audit.toml now.
    decisions : DataFrame
        The review events that training may use: reviews and adjudications of this run's clips, as they were stored.
    blind_events : DataFrame
        The events of blind streams.
    blind_samples : DataFrame or None
        What they label; None where nobody has labelled anything blind.
    held_out : mapping of set
        The windows of the hold-out in every run of the samples that is still there, by run_id.
    frames : DataFrame
        clip_id, frame_number and given label of every frame.
    windows : DataFrame
        As the source labels them; ``run_windows`` are those of the run, which in a later round are labelled as reviewed.
    """

    folder: RunFolder
    record: Mapping[str, Any]
    config: Config
    taxonomy: Taxonomy | None
    clips: pd.DataFrame
    frames: pd.DataFrame
    windows: pd.DataFrame
    run_windows: pd.DataFrame
    oof: pd.DataFrame
    decisions: pd.DataFrame
    blind_events: pd.DataFrame
    blind_samples: pd.DataFrame | None
    held_out: Mapping[str, Set[str]]

    @cached_property
    def poses(self) -> tuple[Samples, tuple[str, ...]]:
        """Return the matrix of samples that the windows were cut from, and the names of its keypoints."""
        frames = self.folder.read_table("frames", FRAMES)
        return sample_clips(self.clips, frames, config=self.config).samples, keypoints_of(list(frames.columns))

    @cached_property
    def rules(self) -> PoseRules:
        """Return which keypoints counted as missing when the source was read, and which poses as bad when it was cut."""
        pose, keypoints = self.config.pose, self.poses[1]
        skeleton = choose_skeleton(keypoints, wanted=pose.skeleton)
        return PoseRules(
            min_confidence=pose.min_confidence,
            unseen=unseen_places(self.folder.read_table("notes", READER_MESSAGES)["reason"]),
            min_visible=self.config.windows.min_visible,
            find_faults=pose.find_faults,
            max_implausible=pose.max_implausible,
            edges=skeleton.named(skeleton.edges),
            left_right=skeleton.named(skeleton.left_right),
        )

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Return the classes of every species that was audited."""
        found = {str(name): classes_of(part) for name, part in self.windows.groupby("species")}
        return {name: classes for name, classes in found.items() if classes}

    def clean(self, decisions: pd.DataFrame) -> tuple[pd.DataFrame, int]:
        """Return what the export makes of the windows with some of the decisions, and how many frames these reviewed."""
        # Blind labels train nothing here; they show which adjudications settled no review.
        after = review_frames(pd.concat([decisions, self.blind_events], ignore_index=True), self.frames)
        margin, merge = self.config.export.mixed_margin, self.config.labels.merge
        found = clean_windows(self.windows, after, margin=margin, merge=merge, taxonomy=self.taxonomy)
        return found.table, int((after["label_source"] != "given").sum())

    def target_of(self, species: str) -> dict[str, str | None]:
        """Return the class that each label of a species is trained as."""
        merge, taxonomy = self.config.labels.merge, self.taxonomy
        names = set(self.windows.loc[self.windows["species"] == species, "label"]) | set(self.blind_events["label"].dropna())
        return {name: taxonomy.merged(merge, species, name) if taxonomy else name for name in sorted(names)}

    def rows(self, species: str, *, split: str) -> NDArray[np.int64]:
        """Return the rows of the windows of a species in a split."""
        chosen = (self.windows["species"] == species) & (self.windows["split"] == split)
        return np.flatnonzero(chosen.to_numpy(bool))


def read_inputs(place: Workspace, config: Config) -> TrainingInputs:
    """Read the newest finished run and its review; ``config`` is that of audit.toml and the command line.

    Raises
    ------
    StageError
        There is no finished run, or a table of it is missing.
    """
    folder = place.finished()
    record = folder.record()
    now = {name: getattr(config, name).model_dump() for name in ("run", "export", "retrain")}
    merged = load_config(None, overrides={**record["config"], **now})
    clips = folder.read_table("clips", CLIPS)
    events = stored_events(place)
    is_blind = events["stream"].str.startswith("blind:")
    is_decision = events["stream"].isin((REVIEW, ADJUDICATION)) & events["clip_id"].isin(clips["clip_id"])
    taxonomy = taxonomy_of(str(record["format"]), merged)
    windows = folder.read_table("windows", WINDOWS)
    samples = stored_samples(place) if is_blind.any() else None
    return TrainingInputs(
        folder=folder,
        record=record,
        config=merged,
        taxonomy=taxonomy,
        clips=clips,
        frames=frames_of(folder),
        windows=_before_review(folder, windows, clips, config=merged, taxonomy=taxonomy),
        run_windows=windows,
        oof=folder.read_table("oof", OOF),
        decisions=events[is_decision].reset_index(drop=True),
        blind_events=events[is_blind].reset_index(drop=True),
        blind_samples=samples,
        held_out={} if samples is None else _held_out(place, samples["run_id"].unique().tolist()),
    )


def _held_out(place: Workspace, run_ids: Sequence[str]) -> dict[str, Set[str]]:
    """Return the windows of the hold-out in those of some runs that are still there."""
    found: dict[str, Set[str]] = {}
    for run_id in run_ids:
        folder = RunFolder(place.runs / file_name(run_id))
        if folder.fingerprint("windows") is not None:
            windows = folder.read_columns("windows", WINDOWS, ("window_id", "split", "start_frame", "end_frame"))
            found[run_id] = set(windows.loc[windows["split"] == "holdout", "window_id"])
    return found


def _before_review(
    folder: RunFolder, windows: pd.DataFrame, clips: pd.DataFrame, *, config: Config, taxonomy: Taxonomy | None
) -> pd.DataFrame:
    if folder.record()["round"]["number"] == 1:
        return windows
    frames = folder.read_columns("frames", FRAMES, ("clip_id", "frame_number", "frame_label", "label_source"))
    reviewed = folder.read_table("reviewed", REVIEWED)
    return windows_before_review(windows, clips, frames, reviewed, config=config, taxonomy=taxonomy)


def windows_before_review(
    windows: pd.DataFrame,
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    reviewed: pd.DataFrame,
    *,
    config: Config,
    taxonomy: Taxonomy | None,
) -> pd.DataFrame:
    """Return the windows of a run as its source labels them: a later round has laid decisions of reviewers over them.

    What the source itself says was reviewed stays so. Windows that a decision took out of the round are not brought back, and the
    groups of the hold-out stay what they are.

    Parameters
    ----------
    windows
        Of the round.
    clips, frames
        As read: their labels are those of the source.
    reviewed
        The stretches that the round knew to be decided.
    """
    given = labels_as_given(windows, clips, frames, reviewed)
    target = merged_labels(given["species"], given["label"], merge=config.labels.merge, taxonomy=taxonomy)
    before = split_again(given.assign(target=text(target), reviewed=False))
    return review_windows(before, clips, frames, reviewed_in_source(frames), config=config, taxonomy=taxonomy)
