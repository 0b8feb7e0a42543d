"""What a format brings with it to be read: see "Adding a format" in docs/architecture.md."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from data_schemas.config import Config
from data_schemas.progress import Progress
from pipeline.readers.files.listing import Listing, StoredFile
from pipeline.readers.recordings import Recordings
from pipeline.readers.tables.table_files import TableFiles


class Match(IntEnum):
    """How surely the files of a source are of a format."""

    NONE = 0
    POSSIBLE = 1
    """By the endings of their names alone: any program may have written such files."""
    CERTAIN = 2
    """By what is in them, or by an ending that no other format has."""


class Reader(Protocol):
    """One format.

    Attributes
    ----------
    name : str
        What ``--format`` and ``run.json`` call it. Its labels have the built-in taxonomy of the same name, where there is one.
    files : str
        What its files are, for messages: ``tables (.parquet, .csv)``.
    joins : bool
        True where ``read`` gives tables, which are joined with those of other formats in the same source: poses of one program,
        labels of another. False where it gives recordings that are complete.
    """

    name: str
    files: str
    joins: bool

    def matches(self, listing: Listing) -> Match:
        """Tell how surely some of the listed files are of this format."""

    def manifest(self, listing: Listing) -> list[StoredFile]:
        """Return the files that this format reads, all that bear on the result but pictures and archives."""

    def read(self, listing: Listing, config: Config, *, progress: Progress | None = None) -> Recordings | TableFiles:
        """Read these files. What cannot be read is rejected with its reason, and nothing else is lost.

        ``listing.rejected`` and ``listing.notes`` are to be among the messages that come back.
        """
