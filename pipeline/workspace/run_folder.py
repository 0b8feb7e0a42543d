"""The files of one run: the only module that reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from numpy.typing import NDArray

from data_schemas.errors import StageError, WorkspaceError
from data_schemas.files import disk_errors, read_json_object, replaced_file
from data_schemas.renamed_keys import as_named_now, warn_of_earlier_version
from data_schemas.tables import validate
from pipeline.workspace.file_names import file_name

_FINGERPRINT = "pose_audit.fingerprint"
_CHECKPOINTS = "checkpoints"


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        """Return the folder of the arrays that an interrupted run goes on with."""
        return self.path / _CHECKPOINTS

    def record(self) -> dict[str, Any]:
        """Return ``run.json``: what the run is made from and what its stages found."""
        path = self.path / "run.json"
        try:
            record = self._named_now("run.json", read_json_object(path))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{path}: {error}", hint=f"delete the folder {self.path} and run again") from error
        return record | {"stages": self._named_now("run.json stages", record["stages"])} if "stages" in record else record

    def save_record(self, data: Mapping[str, Any]) -> None:
        """Replace ``run.json``."""
        self.write_bytes("run.json", json.dumps(data, ensure_ascii=False, indent=2).encode())

    def log(self, event: str, **facts: Any) -> None:
        """Add a line to ``log.jsonl``."""
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        with disk_errors(self.path / "log.jsonl"), (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def write_table(self, name: str, table: pd.DataFrame, *, schema: pa.DataFrameSchema, fingerprint: str) -> None:
        """Validate a table and write it with the hash of what it is made from."""
        valid = validate(table, schema, source=f"{name} (as made)")
        arrow = pyarrow.Table.from_pandas(valid, preserve_index=False)
        arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _FINGERPRINT.encode(): fingerprint.encode()})
        with self._placed(f"{name}.parquet") as part:
            pyarrow.parquet.write_table(arrow, part, compression="zstd")

    def read_table(self, name: str, schema: pa.DataFrameSchema) -> pd.DataFrame:
        """Read a table and check it again: somebody may have touched it.

        Raises
        ------
        StageError
            It is not there.
        WorkspaceError
            It is there, but cannot be read.
        """
        path = self._existing(name)
        with _readable(path):
            table = pd.read_parquet(path)
        table = table.set_axis(list(self._named_now(f"{name}.parquet", dict.fromkeys(table.columns))), axis="columns")
        return validate(table, schema, source=str(path))

    def read_columns(
        self, name: str, schema: pa.DataFrameSchema, columns: Sequence[str], *, clip_ids: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Read those of some columns that a table has, for a part of the clips or all: a table of frames is large.

        Raises
        ------
        StageError
            The table is not there.
        WorkspaceError
            It is there, but cannot be read.
        """
        path = self._existing(name)
        with _readable(path):
            known = pyarrow.parquet.read_schema(path)
            # Column of now to the one that is stored.
            stored = self._named_now(f"{name}.parquet", {c: c for c in known.names})
            there = {c: stored[c] for c in columns if c in stored}
            wanted = None
            if clip_ids is not None:
                # The type is given, for an empty list has none.
                wanted = pyarrow.compute.field("clip_id").isin(pyarrow.array(clip_ids, known.field("clip_id").type))
            table = pd.read_parquet(path, columns=list(there.values()), filters=wanted).set_axis(list(there), axis="columns")
        columns_alone = schema.select_columns(list(there))
        # What holds between columns was seen to when the table was written, and may speak of columns that are not here.
        columns_alone.checks = []
        return validate(table, columns_alone, source=str(path))

    def read_batches(self, name: str, *, rows: int) -> Iterator[pd.DataFrame]:
        """Give a table part by part, in order and as written: for tables that need not be held whole.

        Raises
        ------
        WorkspaceError
            It cannot be read.
        """
        path = self.path / f"{name}.parquet"
        with _readable(path), pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=rows):
                yield batch.to_pandas()

    def fingerprint(self, name: str) -> str | None:
        """Return the hash that a file carries of what it was made from, or None where it is missing or damaged."""
        try:
            metadata = pyarrow.parquet.read_schema(self.path / f"{name}.parquet").metadata or {}
        except (OSError, pyarrow.ArrowException):
            return None
        named_now, _ = as_named_now("metadata of tables", {k.decode(): v for k, v in metadata.items()})
        return named_now.get(_FINGERPRINT, b"").decode() or None

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write any other file."""
        with self._placed(name) as part:
            part.write_bytes(data)

    def write_array(self, name: str, array: NDArray[Any]) -> None:
        """Write a checkpoint, an array under ``checkpoints/``; its name may hold names from the data."""
        with self._placed(f"{_CHECKPOINTS}/{file_name(name)}.npy") as part, part.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    def read_array(self, name: str) -> NDArray[Any] | None:
        """Return the array of a checkpoint, or None where it has not been written."""
        path = self.checkpoints / f"{file_name(name)}.npy"
        try:
            return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{path}: {error}", hint="delete it and run again") from error

    def drop_arrays(self) -> None:
        """Delete the checkpoints."""
        for path in sorted(self.checkpoints.glob("*")):
            path.unlink(missing_ok=True)

    def _named_now(self, file: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values under the names of now, and warn once of all runs beside this one that have former names."""
        named_now, former = as_named_now(file, values)
        if former:
            warn_of_earlier_version(self.path.resolve().parent, remedy="`audit run` makes the run anew")
        return named_now

    def _existing(self, name: str) -> Path:
        """Return where a table lies, which must have been made."""
        path = self.path / f"{name}.parquet"
        if not path.exists():
            raise StageError(f"{path}: missing", hint="run `audit run` first")
        return path

    @contextmanager
    def _placed(self, name: str) -> Iterator[Path]:
        """Give a path to write to, and rename it to ``name`` once it is whole and on the disk."""
        path = self.path / name
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as part:
            yield part


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn a table that cannot be read into an error that says what to do."""
    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise WorkspaceError(f"{path}: {error}", hint="delete it and run `audit run` again") from error
