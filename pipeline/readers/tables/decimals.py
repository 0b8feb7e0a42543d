"""Decimal commas: 348,71 as spreadsheets of most of Europe write it, as opposed to 1,234 with a comma for thousands."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

__all__ = ["has_decimal_commas"]

_COMMA = r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*"
_POINT = r"\s*[+-]?\d*\.\d*(?:[eE][+-]?\d+)?\s*"


def has_decimal_commas(columns: Iterable[pd.Series], *, separator: str) -> bool:
    """Tell whether the numbers of a file are written with decimal commas.

    Parameters
    ----------
    columns : iterable of Series
        The columns that hold numbers, as text.
    separator : str
        Between cells. A program that writes semicolons does so because its comma is taken; with another separator 1,234 may
        as well be a thousand, and other numbers must show that it is not.
    """
    commas = points = decimals = 0
    for column in columns:
        written = column.dropna()
        with_comma = written.str.fullmatch(_COMMA)
        commas += int(with_comma.sum())
        decimals += int((with_comma & ~written.str.fullmatch(_THOUSANDS)).sum())
        points += int(written.str.fullmatch(_POINT).sum())
    return commas > points and (separator == ";" or decimals > 0)
