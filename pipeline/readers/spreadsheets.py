"""CSV that people open in a spreadsheet: text that would run there as a formula is made harmless, and read back as it was.

Names come from data that strangers made: a class ``=HYPERLINK(...)`` would be live in Excel. An apostrophe before it makes it
text. What begins with apostrophes before such a sign gets one more, so that taking one away always gives what was written. Plain
numbers stay.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# Spreadsheets drop control characters at the beginning, and Japanese ones take the wide signs for the narrow ones.
_SIGNS = "=+\\-@\t\r\n＝＋－＠"
_FORMULA = f"^'*[{_SIGNS}]"
_NUMBER = r"^[+\-]?[0-9]+([.,][0-9]+)?([eE][+\-]?[0-9]+)?$"
_GUARDED = re.compile(f"'+[{_SIGNS}]")


def guarded(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; what is no text is returned as it is."""
    if not isinstance(cell, str) or not re.match(_FORMULA, cell) or re.match(_NUMBER, cell):
        return cell
    return "'" + cell


def unguarded(cell: str) -> str:
    """Return what :func:`guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def guarded_table(table: pa.Table) -> pa.Table:
    """Return a table whose text, names of columns included, no spreadsheet takes for a formula."""
    columns = [_guarded_column(column) if _is_text(column.type) else column for column in table.columns]
    return pa.table(columns, names=[guarded(name) for name in table.column_names])


def unguarded_column(column: pd.Series) -> pd.Series:
    """Return a column of text as it was before :func:`guarded_table`."""
    found = column.str.match(_GUARDED.pattern).fillna(False).astype(bool)
    return column.mask(found, column.str[1:]) if found.any() else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _guarded_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    risky = pc.and_(pc.match_substring_regex(column, _FORMULA), pc.invert(pc.match_substring_regex(column, _NUMBER)))
    if not pc.any(risky).as_py():
        return column
    mark = pa.scalar("'", column.type)
    return pc.if_else(risky, pc.binary_join_element_wise(mark, column, pa.scalar("", column.type)), column)
