"""Where a workspace keeps its review, and what a run knows that reviewing needs: frames with given labels, and label names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data_schemas.config import load_config
from data_schemas.errors import StageError, WorkspaceError
from data_schemas.labels import OTHER, Taxonomy, nearest, normal_name
from data_schemas.tables import BLIND_SAMPLES, CLIPS, FRAMES, REVIEW_EVENTS
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.review.store import ReviewStore, table_of
from pipeline.windows.frame_index import given_labels
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class KnownLabels:
    """The labels that reviewers may give, by species, at the finest level; phrasings of the taxonomy mean their label."""

    by_species: dict[str, tuple[str, ...]]
    taxonomy: Taxonomy | None = None

    def resolve(self, species: str, phrase: str) -> str | None:
        """Return the label that a name or phrasing means, or None where it means none."""
        names = {normal_name(n).casefold(): n for n in self.by_species.get(species, (OTHER,))}
        exact = names.get(normal_name(phrase).casefold())
        return exact or (self.taxonomy.resolve(species, phrase) if self.taxonomy else None)

    def nearest(self, species: str, phrase: str) -> str | None:
        """Return the label that looks most like a name, for messages."""
        return nearest(phrase, self.by_species.get(species, (OTHER,)))


def database_of(place: Workspace) -> Path | str:
    """Return the path of the workspace's review.db, or the URL that its configuration names."""
    config = place.config()
    return config.review.database or place.review_db


def open_store(place: Workspace) -> ReviewStore:
    """Open the workspace's review store, making it where there is none.

    Raises
    ------
    WorkspaceError
        It cannot be opened.
    """
    return ReviewStore.open(database_of(place))


@contextmanager
def _store_if_any(place: Workspace) -> Iterator[ReviewStore | None]:
    """Give the review store; a workspace without a review has none, and gets no database for being asked."""
    database = database_of(place)
    if isinstance(database, Path) and not database.exists():
        yield None
        return
    with ReviewStore.open(database) as store:
        yield store


def stored_events(place: Workspace) -> pd.DataFrame:
    """Return all review events of a workspace."""
    with _store_if_any(place) as store:
        return store.events() if store else no_events()


def stored_samples(place: Workspace) -> pd.DataFrame:
    """Return all blind samples of a workspace."""
    with _store_if_any(place) as store:
        return store.samples() if store else table_of([], BLIND_SAMPLES)


def stored_size(place: Workspace) -> tuple[int, int] | None:
    """Return how many events and windows of blind samples a workspace has, or None where its database does not answer."""
    try:
        with _store_if_any(place) as store:
            return store.size() if store else (0, 0)
    except WorkspaceError:
        return None


def no_events() -> pd.DataFrame:
    """Return an empty table of review events."""
    return table_of([], REVIEW_EVENTS)


def frames_of(folder: RunFolder, clip_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """Return clip_id, frame_number and given label (null where nobody labelled it) of the frames of a run, or of some clips.

    Raises
    ------
    StageError
        The run has not read its clips yet.
    """
    clips = folder.read_table("clips", CLIPS)
    wanted = clips if clip_ids is None else clips[clips["clip_id"].isin(list(clip_ids))]
    frames = folder.read_columns("frames", FRAMES, ("clip_id", "frame_number", "frame_label"), clip_ids=wanted["clip_id"])
    return frames[["clip_id", "frame_number"]].assign(given=given_labels(wanted, frames))


def orphans_of(folder: RunFolder, events: pd.DataFrame) -> pd.DataFrame:
    """Return the events over clips or frames that a run does not have, with the reason: nothing of them is lost or applied.

    A run that has not read its clips yet has no orphans: nobody knows.
    """
    try:
        frames = folder.read_columns("frames", FRAMES, ("clip_id", "frame_number"), clip_ids=events["clip_id"].unique())
    except StageError:
        return events.head(0).assign(reason=pd.Series(dtype="str"))
    extents = frames.groupby("clip_id")["frame_number"].agg(["min", "max"])
    first, last = events["clip_id"].map(extents["min"]), events["clip_id"].map(extents["max"])
    gone = first.isna()
    outside = ~gone & ((events["start_frame"] < first) | (events["end_frame"] > last))
    reason = pd.Series("the run has no such clip", index=events.index, dtype="str").mask(outside, "frames outside the clip")
    return events.assign(reason=reason)[gone | outside]


def known_labels(folder: RunFolder) -> KnownLabels:
    """Return the labels that reviewers of a run may give: those of its taxonomy, of its data, and ``other``.

    Raises
    ------
    StageError
        The run has not read its clips yet.
    """
    record = folder.record()
    if "config" not in record:
        raise StageError(f"{folder.path}: no configuration in run.json", hint="run `audit run` again")
    config = load_config(None, overrides=record["config"])
    taxonomy = taxonomy_of(str(record.get("format")), config)
    clips = folder.read_table("clips", CLIPS)
    given = clips.set_index("clip_id")["species"]
    frames = folder.read_columns("frames", FRAMES, ("clip_id", "frame_label"))
    found = [clips[["species", "label"]]]
    if "frame_label" in frames:
        coded = frames.dropna(subset="frame_label").drop_duplicates()
        found.append(pd.DataFrame({"species": coded["clip_id"].map(given), "label": coded["frame_label"]}))
    pairs = pd.concat(found).drop_duplicates()
    by_species = {}
    for species, part in pairs.groupby("species"):
        names = taxonomy.names(str(species)) if taxonomy else ()
        by_species[str(species)] = tuple(dict.fromkeys([*names, *sorted(part["label"].dropna()), OTHER]))
    return KnownLabels(by_species, taxonomy)
