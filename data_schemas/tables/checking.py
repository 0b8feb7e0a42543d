"""Whether a table keeps its schema, and how its columns are read and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
from numpy.typing import NDArray
from pandera.errors import SchemaErrors

from data_schemas.errors import TableError


def validate(table: pd.DataFrame, schema: pa.DataFrameSchema, *, source: str) -> pd.DataFrame:
    """Return ``table`` when it keeps ``schema``.

    Raises
    ------
    TableError
        It does not; the message names ``source``, the column, the first bad row and its value.
    """
    try:
        return schema.validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        raise TableError(
            f"{source}: {schema.name} table: {_breach(cases.iloc[0])}"
            + (f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""),
            hint="correct the table, or delete the file if pose-audit wrote it, and run again",
        ) from error


def _breach(case: pd.Series) -> str:
    if str(case["check"]).startswith("column_in_dataframe"):
        return f"column {case['failure_case']!r} is missing"
    if case["check"] == "column_in_schema":
        return f"column {case['failure_case']!r} is not one of this table"
    where = f"column {case['column']!r}" if case["schema_context"] == "Column" else "row"
    row = "" if pd.isna(case["index"]) else f", row {case['index']}"
    return f"{where}{row}: {case['failure_case']!r} fails {case['check']}"


def text(values: Any) -> Any:
    """Return values as a text column of pandas 3; None is null."""
    return pd.array(values, dtype="str")


def text_by_code(names: Sequence[str], codes: NDArray[np.integer]) -> Any:
    """Return a text column, shape (rows,), from each row's place in ``names``; a negative one is null."""
    places = pyarrow.array(codes, mask=codes < 0)
    return pd.array(pyarrow.array(names, pyarrow.large_string()).take(places), dtype="str")


def keypoints_of(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the keypoints that have both an ``_x`` and a ``_y`` column, in column order."""
    known = set(columns)
    return tuple(m[1] for c in columns if (m := re.fullmatch(r"(.+)_x", c)) and f"{m[1]}_y" in known)
