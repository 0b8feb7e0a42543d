"""What CSV files have in common, whoever wrote them: encoding, Excel's first line, separator, header and decimal commas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import pandas as pd

from pipeline.readers.files.encodings import decode_text
from pipeline.readers.spreadsheets import unguarded

_SEP_LINE = re.compile(r'\s*"?sep=(?P<separator>\\t|.)"?[,;\t ]*(?:\r\n|\r|\n)', re.IGNORECASE)
_HEAD = 30
"""Rows by which the program of a file is recognised."""

_HEAD_LETTERS = 2**20
"""The first rows lie within so many letters."""

_QUOTED = re.compile(r'"[^"]*"')

_COMMA = r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+\s*"
_POINT = r"\s*[+-]?\d*\.\d*(?:[eE][+-]?\d+)?\s*"


@dataclass(frozen=True)
class CsvText:
    """A CSV file as text.

    Attributes
    ----------
    text : str
        From the header on.
    header : tuple of str
        Its cells, without what guards a spreadsheet from formulas.
    head : tuple of tuple of str
        The cells of the first rows, the header among them.
    separator : str
        Comma, semicolon, tab or bar, or what Excel's line ``sep=`` says.
    first_line : int
        The number of the header's line in the file, from 1.
    notes : dict
        What was repaired, and how often.
    """

    text: str
    header: tuple[str, ...]
    head: tuple[tuple[str, ...], ...]
    separator: str
    first_line: int
    notes: dict[str, int]


def csv_text(data: bytes, encoding: str = "auto") -> CsvText:
    """Return a file's text and how it is written.

    Raises
    ------
    Unreadable
        It is no text; see :func:`pipeline.readers.files.encodings.decode_text`.
    ValueError
        Its first rows are not CSV.
    """
    text, notes = decode_text(data, encoding)
    sep_line = _SEP_LINE.match(text)
    body = text[sep_line.end() :] if sep_line else text
    whole = body.lstrip("\r\n")
    first_line = 1 + len(text[: len(text) - len(whole)].splitlines())
    if sep_line:
        separator = sep_line["separator"].replace("\\t", "\t")
    else:
        names = _QUOTED.sub("", re.findall(r"\A[^\r\n]*", whole[:_HEAD_LETTERS])[0])
        separator = max(",;\t|", key=names.count)
    try:
        head = list(islice(csv.reader(io.StringIO(whole[:_HEAD_LETTERS], newline=""), delimiter=separator), _HEAD))
    except csv.Error as error:
        raise ValueError(f"its first rows are not CSV: {error}") from error
    header = tuple(map(unguarded, head[0])) if head else ()
    return CsvText(whole, header, tuple(map(tuple, head)), separator, first_line, notes)


def has_decimal_commas(columns: Iterable[pd.Series], *, separator: str) -> bool:
    """Tell whether the numbers of a file have decimal commas: 348,71 as most of Europe writes it, not 1,234 for a thousand.

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
