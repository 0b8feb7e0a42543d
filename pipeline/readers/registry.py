"""Which format a source has, and reading it whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import joblib

from data_schemas.config import Config
from data_schemas.errors import SourceError
from data_schemas.labels import Taxonomy
from pipeline.readers.aihub59.aihub59 import looks_like_a_clip, read_clip, skeleton_of_clips
from pipeline.readers.checks import Unreadable
from pipeline.readers.clip_pictures import picture_root, with_pictures
from pipeline.readers.files.listing import Listing, StoredFile, list_files, read_bytes, read_head
from pipeline.readers.files.other_programs import ANOTHER_PROGRAMS, HEAD_BYTES, Foreign, foreign_file
from pipeline.readers.names import shown_path
from pipeline.readers.recordings import Clip, Progress, Recordings, Remark, assemble
from pipeline.readers.tables.tables import ENDINGS, read_tables
from pipeline.readers.taxonomy import taxonomy_of

__all__ = ["Reader", "recognise"]

_CHUNK = 100
_FEW = 200
_LOOKED_AT = 20
_TABLE_BESIDE = "a table beside label files: not read (--format table reads the tables instead)"


@dataclass(frozen=True)
class Reader:
    """A source whose format is known and whose files are listed."""

    name: Literal["aihub59", "table"]
    source: Path
    listing: Listing

    def manifest(self) -> list[tuple[str, int, int]]:
        """Return name, size and time of every file that reading depends on; of pictures, the number in each folder."""
        files = [(shown_path(f.name), f.size, f.mtime_ns) for f in [*_wanted(self), *self.listing.archives]]
        return sorted(files) + sorted((shown_path(folder), len(found), 0) for folder, found in self.listing.pictures.items())

    def read(self, config: Config, *, progress: Progress | None = None) -> Recordings:
        """Read all clips; one that cannot be read is set aside with its reason, and nothing else is lost.

        Raises
        ------
        SourceError
            A table lacks a column that is needed, or no table can be read.
        ConfigError
            ``labels.taxonomy`` or ``pose.skeleton`` cannot be read, or the skeleton does not fit the keypoints.
        """
        taxonomy = taxonomy_of(self.name, config)
        if self.name == "table":
            names = [f.name for f in _wanted(self)]
            return read_tables(
                names,
                partial(read_bytes, self.source),
                config=config,
                taxonomy=taxonomy,
                pictures=picture_root(self.source),
                rejected=self.listing.rejected,
                notes=_of_other_programs(self),
                progress=progress,
            )
        return _read_label_files(self, config=config, taxonomy=taxonomy, progress=progress)


def recognise(source: Path, *, format: str = "auto") -> Reader:
    """Return the reader of a source.

    Raises
    ------
    SourceError
        Nothing is there, nothing in it has a known format, or not the one asked for.
    """
    if not source.exists():
        raise SourceError(
            f"{source}: not found", hint="name a folder, a zip or tar archive, or a Parquet or CSV table that exists"
        )
    if not os.access(source, os.R_OK):
        raise SourceError(f"{source}: no permission to read it", hint="give read access, or copy it to where you have it")
    listing = list_files(source)
    labels = [f for f in listing.files if f.name.lower().endswith(".json")]
    tables = [f for f in listing.files if f.name.lower().endswith(ENDINGS)]
    if (
        format in ("auto", "aihub59")
        and labels
        and (format != "auto" or not tables or _any_clip(source, [f.name for f in labels]))
    ):
        return Reader("aihub59", source, listing)
    if format in ("auto", "table") and tables:
        return Reader("table", source, listing)
    if format in ("auto", "aihub59") and listing.rejected:
        return Reader("aihub59", source, listing)
    if others := [(f.name, other) for f in listing.files[:_LOOKED_AT] if (other := _other_program(source, f.name))]:
        raise SourceError(
            "; ".join(f"{source / name if source.is_dir() else source}: {other.what}" for name, other in others[:3]),
            hint=others[0][1].next_step,
        )
    found = sorted({Path(f.name).suffix or "no ending" for f in listing.files})
    what = f"only files with {', '.join(found[:6])}" if found else "no file" + (", only pictures" if listing.pictures else "")
    wanted = {"aihub59": "AI-Hub #59 label files (.json)", "table": "tables (.parquet, .csv)"}
    raise SourceError(
        f"{source}: holds {what}",
        hint=f"expected {wanted.get(format, ' or '.join(wanted.values()))}; docs/data-formats.md shows both",
    )


def _any_clip(source: Path, names: Sequence[str]) -> bool:
    for name in names[:_LOOKED_AT]:
        try:
            if looks_like_a_clip(read_bytes(source, name)):
                return True
        except Unreadable:
            continue
    return False


def _wanted(reader: Reader) -> list[StoredFile]:
    endings = ENDINGS if reader.name == "table" else (".json",)
    return [f for f in reader.listing.files if f.name.lower().endswith(endings)]


def _of_other_programs(reader: Reader) -> list[Remark]:
    """Return remarks on files beside those that are read: labels may well lie in one that nothing reads."""
    read = {f.name for f in _wanted(reader)}
    likely = [f.name for f in reader.listing.files if f.name not in read and f.name.lower().endswith(ANOTHER_PROGRAMS)]
    found = ((name, _other_program(reader.source, name)) for name in likely[:_FEW])
    return [
        Remark(name, "", f"{other}: not read" if other else _TABLE_BESIDE)
        for name, other in found
        if other is not None or name.lower().endswith(ENDINGS)
    ]


def _other_program(source: Path, name: str) -> Foreign | None:
    try:
        return foreign_file(name, read_head(source, name))
    except Unreadable:
        return None


def _read_label_files(reader: Reader, *, config: Config, taxonomy: Taxonomy | None, progress: Progress | None) -> Recordings:
    skeleton = skeleton_of_clips(config)
    names = [f.name for f in _wanted(reader)]
    clips: list[Clip] = []
    rejected = list(reader.listing.rejected)
    first_of: dict[str, tuple[str, str]] = {}
    for done, found in enumerate(_read_all(reader.source, names, config=config, taxonomy=taxonomy), start=1):
        if isinstance(found, Remark):
            rejected.append(found)
        elif (twin := first_of.get(found.facts["clip_id"])) is not None:
            other, digest = twin
            alike = digest == found.facts["source_hash"]
            reason = f"duplicate of {other}" if alike else f"same clip id as {other}, with other content: rename one"
            rejected.append(Remark(found.facts["source"], "", reason))
        else:
            first_of[found.facts["clip_id"]] = (found.facts["source"], found.facts["source_hash"])
            clips.append(found)
        if progress:
            progress(done, len(names))
    clips, lonely = with_pictures(clips, reader.listing)
    return assemble(clips, skeleton=skeleton, taxonomy=taxonomy, rejected=rejected, notes=[*lonely, *_of_other_programs(reader)])


def _read_all(source: Path, names: Sequence[str], *, config: Config, taxonomy: Taxonomy | None) -> Iterator[Clip | Remark]:
    """Yield every file's clip or remark in the order of the names, read by as many processes as are given."""
    chunks = [names[i : i + _CHUNK] for i in range(0, len(names), _CHUNK)]
    jobs = 1 if len(names) < _FEW else config.run.jobs or -1
    workers = joblib.Parallel(n_jobs=jobs, return_as="generator")
    for found in workers(joblib.delayed(_read_chunk)(source, chunk, config, taxonomy) for chunk in chunks):
        yield from found


def _read_chunk(source: Path, names: Sequence[str], config: Config, taxonomy: Taxonomy | None) -> list[Clip | Remark]:
    return [_read_one(source, name, config=config, taxonomy=taxonomy) for name in names]


def _read_one(source: Path, name: str, *, config: Config, taxonomy: Taxonomy | None) -> Clip | Remark:
    try:
        data = read_bytes(source, name)
    except Unreadable as error:
        return Remark(name, error.place, error.reason)
    found = read_clip(name, data, config=config, taxonomy=taxonomy)
    other = foreign_file(name, data[:HEAD_BYTES]) if isinstance(found, Remark) else None
    return Remark(name, "", str(other)) if other else found
