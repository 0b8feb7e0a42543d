"""Tables: Parquet or CSV with one row a frame, a label per clip (``label``) or per frame (``frame_label``), or labels alone."""

from __future__ import annotations

from data_schemas.config import Config
from data_schemas.progress import Progress
from pipeline.readers.files.listing import Listing, StoredFile, source_folder
from pipeline.readers.names import shown_path
from pipeline.readers.reader import Match
from pipeline.readers.tables.table_files import ENDINGS, TableFile, TableFiles, read_table_file, read_tables
from pipeline.readers.tables.table_pictures import with_found_pictures


class TableReader:
    """Tables of poses, of labels, or of both."""

    name = "table"
    files = "tables (.parquet, .csv)"
    joins = True

    def matches(self, listing: Listing) -> Match:
        """Tell whether there are files with the ending of a table."""
        return Match.CERTAIN if self.manifest(listing) else Match.NONE

    def manifest(self, listing: Listing) -> list[StoredFile]:
        """Return the files with the ending of a table."""
        return [file for file in listing.files if file.name.lower().endswith(ENDINGS)]

    def read(self, listing: Listing, config: Config, *, progress: Progress | None = None) -> TableFiles:
        """Read every table by itself."""

        def table(name: str, data: bytes) -> TableFile:
            file = read_table_file(shown_path(name), data, encoding=config.source.encoding)
            return with_found_pictures(file, name, source_folder(listing.source))

        return read_tables(listing, self.manifest(listing), table, progress=progress)
