"""Tables to files: validated part by part, as Parquet and, where asked for, as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from data_schemas.tables import validate
from pipeline.readers.spreadsheets import guarded_table

__all__ = ["WrittenTable", "write_parts"]


@dataclass(frozen=True)
class WrittenTable:
    """A table that was written, under the names of its files."""

    names: tuple[str, ...]
    rows: int


def write_parts(folder: Path, name: str, parts: Iterable[pd.DataFrame], *, schema: pa.DataFrameSchema, csv: bool) -> WrittenTable:
    """Write the parts of a table, one after the other; there is at least one, and it may be empty.

    The same parts give the same bytes: nothing in the files tells when they were written.

    Raises
    ------
    TableError
        A part breaks the schema.
    """
    names = (f"{name}.parquet", *([f"{name}.csv"] if csv else []))
    rows = 0
    spreadsheet: pyarrow.csv.CSVWriter | None = None
    arrow_schema = None
    with ExitStack() as opened:
        for part in parts:
            valid = validate(part, schema, source=f"{name} (as made)")
            table = pyarrow.Table.from_pandas(valid, schema=arrow_schema, preserve_index=False)
            if arrow_schema is None:
                arrow_schema = table.schema
                parquet = opened.enter_context(pyarrow.parquet.ParquetWriter(folder / names[0], arrow_schema, compression="zstd"))
                if csv:
                    spreadsheet = opened.enter_context(pyarrow.csv.CSVWriter(folder / names[1], guarded_table(table).schema))
            parquet.write_table(table)
            if spreadsheet is not None:
                spreadsheet.write_table(guarded_table(table))
            rows += len(valid)
    return WrittenTable(names, rows)
