"""AI-Hub #59: a folder or archive of label files, one JSON a clip, read by several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import joblib

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.progress import Progress
from pipeline.readers.aihub59.clip_file import looks_like_a_clip, read_clip, skeleton_of_clips
from pipeline.readers.aihub59.clip_pictures import with_pictures
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import Listing, StoredFile, read_bytes
from pipeline.readers.files.other_programs import HEAD_BYTES, identify_file
from pipeline.readers.reader import Match
from pipeline.readers.recordings import Clip, ReaderMessage, Recordings, assemble
from pipeline.readers.taxonomy import taxonomy_of
from pipeline.workspace.workers import workers

_LOOKED_AT = 20
"""JSON files that are looked at to find clips among them."""

_CHUNK = 100
"""Files that a process reads at a time."""

_FEW = 200
"""Files fewer than these are read by one process: starting more takes longer."""


class Aihub59Reader:
    """Label files of AI-Hub #59; what it reads is complete."""

    name = "aihub59"
    files = "AI-Hub #59 label files (.json)"
    joins = False

    def matches(self, listing: Listing) -> Match:
        """Tell by the first JSON files whether they are label files of clips; any JSON may be a broken one."""
        names = [file.name for file in self.manifest(listing)]
        if not names:
            return Match.NONE
        return Match.CERTAIN if any(_is_a_clip(listing.source, name) for name in names[:_LOOKED_AT]) else Match.POSSIBLE

    def manifest(self, listing: Listing) -> list[StoredFile]:
        """Return the JSON files."""
        return [file for file in listing.files if file.name.lower().endswith(".json")]

    def read(self, listing: Listing, config: Config, *, progress: Progress | None = None) -> Recordings:
        """Read every label file; of several with the name of one clip the first is kept."""
        skeleton, taxonomy = skeleton_of_clips(config), taxonomy_of(self.name, config)
        names = [file.name for file in self.manifest(listing)]
        clips: list[Clip] = []
        rejected = list(listing.rejected)
        first_of: dict[str, tuple[str, str]] = {}
        for done, found in enumerate(_read_all(listing.source, names, config=config, taxonomy=taxonomy), start=1):
            if isinstance(found, ReaderMessage):
                rejected.append(found)
            elif (twin := first_of.get(found.facts["clip_id"])) is not None:
                other, digest = twin
                alike = digest == found.facts["source_hash"]
                reason = f"duplicate of {other}" if alike else f"same clip id as {other}, with other content: rename one"
                rejected.append(ReaderMessage(found.facts["source"], "", reason))
            else:
                first_of[found.facts["clip_id"]] = (found.facts["source"], found.facts["source_hash"])
                clips.append(found)
            if progress:
                progress(done, len(names))
        clips, unmatched = with_pictures(clips, listing)
        return assemble(clips, skeleton=skeleton, taxonomy=taxonomy, rejected=rejected, notes=[*unmatched, *listing.notes])


def _is_a_clip(source: Path, name: str) -> bool:
    try:
        return looks_like_a_clip(read_bytes(source, name))
    except Unreadable:
        return False


def _read_all(source: Path, names: Sequence[str], *, config: Config, taxonomy: Taxonomy | None) -> Iterator[Clip | ReaderMessage]:
    """Yield every file's clip or message in the order of the names, read by as many processes as are given."""
    chunks = [names[i : i + _CHUNK] for i in range(0, len(names), _CHUNK)]
    with workers(config, serial=len(names) < _FEW) as run:
        for found in run(joblib.delayed(_read_chunk)(source, chunk, config, taxonomy) for chunk in chunks):
            yield from found


def _read_chunk(source: Path, names: Sequence[str], config: Config, taxonomy: Taxonomy | None) -> list[Clip | ReaderMessage]:
    return [_read_one(source, name, config=config, taxonomy=taxonomy) for name in names]


def _read_one(source: Path, name: str, *, config: Config, taxonomy: Taxonomy | None) -> Clip | ReaderMessage:
    try:
        data = read_bytes(source, name)
    except Unreadable as error:
        return ReaderMessage(name, error.place, error.reason)
    found = read_clip(name, data, config=config, taxonomy=taxonomy)
    other = identify_file(name, data[:HEAD_BYTES]) if isinstance(found, ReaderMessage) else None
    return ReaderMessage(name, "", str(other)) if other else found
