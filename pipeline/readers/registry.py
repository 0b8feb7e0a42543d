"""The formats that are known, which of them a source has, and reading it whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from data_schemas.config import Config
from data_schemas.errors import ConfigError, SourceError
from data_schemas.labels import nearest
from data_schemas.progress import Progress
from pipeline.readers.aihub59.aihub59_reader import Aihub59Reader
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import Listing, list_files, read_head
from pipeline.readers.files.other_programs import OTHER_PROGRAMS, OtherProgram, identify_file
from pipeline.readers.names import shown_path
from pipeline.readers.reader import Match, Reader
from pipeline.readers.recordings import ReaderMessage, Recordings
from pipeline.readers.tables.table_files import TableFiles
from pipeline.readers.tables.table_reader import TableReader
from pipeline.readers.tables.table_recordings import recordings_of
from pipeline.readers.taxonomy import taxonomy_of

READERS: tuple[Reader, ...] = (Aihub59Reader(), TableReader())
"""Every format; where several match equally well the first is taken, of a source as of a file."""

_LOOKED_AT = 20
"""Files by which a source is described that no format matches."""

_NAMED = 200
"""Files that are named for not being read."""


@dataclass(frozen=True)
class Source:
    """A source whose format is known and whose files are listed.

    Attributes
    ----------
    listing : Listing
        All its files.
    readers : tuple of (Reader, Listing)
        The format, and the formats whose tables are joined to its own; each with the files that it may read.
    """

    listing: Listing
    readers: tuple[tuple[Reader, Listing], ...]

    @property
    def name(self) -> str:
        """Return the name of the format."""
        return self.readers[0][0].name

    def manifest(self) -> list[tuple[str, int, int]]:
        """Return name, size and time of every file that reading depends on; of pictures, the number in each folder."""
        read = [file for reader, own in self.readers for file in reader.manifest(own)]
        files = [(shown_path(f.name), f.size, f.mtime_ns) for f in [*read, *self.listing.archives]]
        return sorted(files) + sorted((shown_path(folder), len(found), 0) for folder, found in self.listing.pictures.items())

    def read(self, config: Config, *, progress: Progress | None = None) -> Recordings:
        """Read all clips; one that cannot be read is rejected with its reason, and nothing else is lost.

        Raises
        ------
        SourceError
            A table lacks a column that is needed, or no table can be read.
        ConfigError
            ``labels.taxonomy`` or ``pose.skeleton`` cannot be read, or the skeleton does not fit the keypoints.
        """
        (reader, own), *others = self.readers
        found = reader.read(replace(own, notes=list(self._not_read())), config, progress=progress)
        if isinstance(found, Recordings):
            return found
        joined = [other.read(replace(rest, rejected=[]), config) for other, rest in others]
        tables = [found, *(tables for tables in joined if isinstance(tables, TableFiles))]
        return recordings_of(tables, config=config, taxonomy=taxonomy_of(self.name, config))

    def _not_read(self) -> Iterator[ReaderMessage]:
        """Yield a message on each file beside those that are read which may hold labels: one of another format or program."""
        rest = _without(self.listing, [file.name for reader, own in self.readers for file in reader.manifest(own)])
        of_format = {
            file.name: reader for reader in READERS if reader.matches(rest) is Match.CERTAIN for file in reader.manifest(rest)
        }
        for name in [f.name for f in rest.files if f.name.lower().endswith(OTHER_PROGRAMS)][:_NAMED]:
            if (other := _other_program(self.listing, name)) is not None:
                yield ReaderMessage(name, "", f"{other}: not read")
            elif (reader := of_format.get(name)) is not None:
                beside = self.readers[0][0].files
                yield ReaderMessage(
                    name, "", f"{reader.files} beside {beside}: not read (--format {reader.name} reads them instead)"
                )


def recognise(source: Path, *, format: str = "auto") -> Source:
    """Return a source with its format: the one asked for, else the one that its files match most surely.

    Raises
    ------
    ConfigError
        No format is called so.
    SourceError
        Nothing is there, nothing in it has a known format, or not the one asked for.
    """
    asked = [reader for reader in READERS if format in ("auto", reader.name)]
    if not asked:
        known = ["auto", *(reader.name for reader in READERS)]
        close = nearest(format, known)
        raise ConfigError(
            f"source.format = {format!r}: no such format",
            hint=f"did you mean {close!r}?" if close else f"known: {', '.join(known)}",
        )
    if not source.exists():
        raise SourceError(
            f"{source}: not found", hint="name a folder, a zip or tar archive, or a Parquet or CSV table that exists"
        )
    if not os.access(source, os.R_OK):
        raise SourceError(f"{source}: no permission to read it", hint="give read access, or copy it to where you have it")
    listing = list_files(source)
    match, surest = max(((reader.matches(listing), reader) for reader in asked), key=lambda found: found[0])
    # What could not be listed, such as an archive that is cut short, counts as clips that are rejected.
    if match is Match.NONE and not listing.rejected:
        raise _nothing_known(listing, asked)
    return Source(listing, _with_joined(surest, listing) if surest.joins else ((surest, listing),))


def _with_joined(asked: Reader, rest: Listing) -> tuple[tuple[Reader, Listing], ...]:
    """Return a format and those whose tables are joined to its own, each with the files that formats before it leave."""
    found: list[tuple[Reader, Listing]] = []
    for reader in (r for r in READERS if r.joins):
        if reader is asked or reader.matches(rest) is Match.CERTAIN:
            found.append((reader, rest))
            rest = _without(rest, [file.name for file in reader.manifest(rest)])
    return tuple(sorted(found, key=lambda own: own[0] is not asked))


def _without(listing: Listing, names: list[str]) -> Listing:
    taken = set(names)
    return replace(listing, files=[file for file in listing.files if file.name not in taken])


def _nothing_known(listing: Listing, asked: list[Reader]) -> SourceError:
    """Return what a source holds of which no format can be read, and what was expected."""
    source = listing.source
    if others := [(f.name, other) for f in listing.files[:_LOOKED_AT] if (other := _other_program(listing, f.name))]:
        return SourceError(
            "; ".join(f"{source / name if source.is_dir() else source}: {other.what}" for name, other in others[:3]),
            hint=others[0][1].next_step,
        )
    found = sorted({Path(f.name).suffix or "no ending" for f in listing.files})
    what = f"only files with {', '.join(found[:6])}" if found else "no file" + (", only pictures" if listing.pictures else "")
    wanted = " or ".join(reader.files for reader in asked)
    return SourceError(f"{source}: holds {what}", hint=f"expected {wanted}; docs/data-formats.md shows the formats")


def _other_program(listing: Listing, name: str) -> OtherProgram | None:
    try:
        return identify_file(name, read_head(listing.source, name))
    except Unreadable:
        return None
