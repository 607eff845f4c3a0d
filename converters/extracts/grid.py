"""A table of an extract as it stands in its file: rows of cells, each cell a text, each row with its number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from fhir2cdisc.mappings.errors import Fhir2CdiscError

# What is noticed about a file while it is read: rule, row as the sheet shows it (0: the whole sheet), one sentence.
Notice = Callable[[str, int, str], None]
# The widest and the highest sheet that Excel can hold, and more than a cell ever needs.
MOST_COLUMNS, MOST_ROWS, MOST_CHARACTERS = 16_384, 1_048_576, 1 << 20


class ExtractError(Fhir2CdiscError):
    """A file of an extract that cannot be read as a whole; one sentence that names file, sheet and row."""


class Merged(NamedTuple):
    """A range of merged cells: rows as the sheet shows them (from 1), columns from 0, both ends inside."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


class Grid(NamedTuple):
    """One sheet: `rows` gives (row number as the sheet shows it, cells as text) in order, and can be read once.

    `sheet` is blank for a file that is one table. A blank cell is `""`; a row may be shorter than others. `merged`
    holds the ranges whose value stands in their first cell only.
    """

    sheet: str
    rows: Iterable[tuple[int, list[str]]]
    merged: tuple[Merged, ...] = ()


def letters(column: int) -> str:
    """The letters over a column as spreadsheets show them: 0 is A, 26 is AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text
