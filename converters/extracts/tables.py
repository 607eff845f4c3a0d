"""A sheet as a table: headings of one or several rows, and below them rows whose cells are known by their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Merged, Notice, letters

_BLANKS = re.compile(r"\s+")
JOINED = "|"


class RawRow(NamedTuple):
    """A row: its number as the sheet shows it, and its cells by the number of their column, filled ones only."""

    line: int
    cells: dict[int, str]


class RawTable(NamedTuple):
    """The headings of all columns in order, each of them once, and the rows below them."""

    headings: tuple[str, ...]
    rows: Iterator[RawRow]


def read_table(name: str, grid: Grid, header: Sequence[int], missing: frozenset[str], notice: Notice) -> RawTable:
    """The table of a sheet whose headings stand in the rows `header` (0: nowhere; the columns' letters are taken).

    A heading that stands over several columns is `heading [C]` with the column's letters, a blank one over a filled
    column `[C]`. Cells that are merged from the top down have the value of the first. A cell of a text in `missing`
    is blank. Raises ExtractError where a row of headings is not there.
    """
    rows = iter(grid.rows)
    last = max(header)
    if last == 0:
        first = next(rows, None)
        width = len(first[1]) if first is not None else 0
        headings = tuple(letters(n) for n in range(width))
        rows = chain([first] if first is not None else [], rows)
    else:
        above, rows = _above(rows, header, last)
        if len(above) < len(header):
            raise ExtractError(f"{name}: has no row {last} of headings")
        headings = _headings(above, grid.merged)
    down = {(m.first_row, m.first_column): m for m in grid.merged if m.last_row > max(m.first_row, last)}
    return RawTable(headings, _below(rows, len(headings), missing, down, notice))


def _above(
    rows: Iterator[tuple[int, list[str]]], header: Sequence[int], last: int
) -> tuple[dict[int, list[str]], Iterator[tuple[int, list[str]]]]:
    """The rows of headings by their numbers, and the rows below them.

    Of a file without numbers of its own (a header row 0) the first row is the one of headings.
    """
    found: dict[int, list[str]] = {}
    for number, cells in rows:
        if number == 0:
            return {header[-1]: cells} if len(header) == 1 else {}, rows
        if number in header:
            found[number] = cells
        if number >= last:
            below = rows if number == last else chain([(number, cells)], rows)
            return found, below
    return found, iter(())


def _headings(above: dict[int, list[str]], merged: Sequence[Merged]) -> tuple[str, ...]:
    """One heading a column: the texts above it, from the top down, a merged one over all of its columns."""
    width = max(map(len, above.values()))
    parts: list[list[str]] = [[] for _ in range(width)]
    for row, cells in sorted(above.items()):
        spread = [_plain(text) for text in cells] + [""] * (width - len(cells))
        for m in merged:
            if m.first_row <= row <= m.last_row and (m.first_row in above):
                text = _plain((above[m.first_row] + [""] * width)[m.first_column])
                for column in range(m.first_column, min(m.last_column + 1, width)):
                    spread[column] = text
        for column, text in enumerate(spread):
            if text and text not in parts[column][-1:]:
                parts[column].append(text)
    names = [JOINED.join(part) for part in parts]
    return tuple(
        f"{name} [{letters(n)}]".strip() if not name or names.count(name) > 1 else name for n, name in enumerate(names)
    )


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _below(
    rows: Iterator[tuple[int, list[str]]],
    width: int,
    missing: frozenset[str],
    down: dict[tuple[int, int], Merged],
    notice: Notice,
) -> Iterator[RawRow]:
    ragged = first = 0
    open_: list[tuple[Merged, str]] = []
    for line, cells in rows:
        found = {n: text for n, cell in enumerate(cells) if (text := cell.strip()) and text not in missing}
        if any(n >= width for n in found):
            ragged, first = ragged + 1, first or line
        if down:
            open_ = [(m, text) for m, text in open_ if line <= m.last_row]
            for m, text in open_:
                found.setdefault(m.first_column, text)
            open_ += [(down[line, n], text) for n, text in found.items() if (line, n) in down]
        if found:
            yield RawRow(line, found)
    if ragged:
        said = f"{ragged} rows have filled cells beyond the last heading, the first of them row {first}; cells may be "
        notice("extract.ragged", first, said + "shifted")
