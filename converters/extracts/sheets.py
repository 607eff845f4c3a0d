"""The tables of an extract that no mapping describes yet: files, sheets, rows of headings, and what columns hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from fhir2cdisc.converters.extracts.bind import SourceFile, files_of, silent
from fhir2cdisc.converters.extracts.codebooks import read_codebook
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid
from fhir2cdisc.converters.extracts.route_rows import IDENTIFYING
from fhir2cdisc.converters.extracts.tables import read_table
from fhir2cdisc.converters.extracts.workbook import sheet_names
from fhir2cdisc.mappings.extract_model import Codebook, Reading
from fhir2cdisc.sdtm.draft.profile import Column, Sheet

# Headings are looked for in so many rows.
_ABOVE = 12
_BOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_NO_TABLES = (".json", ".ndjson", ".md", ".toml", ".zip", ".gz", ".xml", ".html", ".pdf", ".py", ".r")
_DICTIONARY = "Variable / Field Name"
Say = Callable[[str], None]


def read_sheets(sources: Iterable[str | Path], say: Say) -> list[Sheet]:
    """The tables below the sources with the profile of each column; what cannot be read is said and left out."""
    found: list[Sheet] = []
    labels: dict[str, str] = {}
    hidden: set[str] = set()
    for file in files_of(sources):
        if file.path.suffix.lower() in _NO_TABLES:
            continue
        for sheet in _sheets_of(file, say):
            try:
                made = _profile(file, sheet)
            except ExtractError as error:
                say(str(error))
                continue
            if made is None:
                continue
            if any(column.name == _DICTIONARY for column in made.columns):
                labels |= _field_labels(file)
                hidden |= read_codebook(
                    Codebook(file="*", kind="redcap"), file.path, file.name, Reading(), silent
                ).identifying
            else:
                found.append(made)
    for column in (column for sheet in found for column in sheet.columns):
        column.label = labels.get(column.name, "")
        column.hidden = column.hidden or column.name in hidden
    return found


def _sheets_of(file: SourceFile, say: Say) -> Sequence[str]:
    if not file.path.suffix.lower().startswith(_BOOKS):
        return [""]
    try:
        return sheet_names(file.path, file.name)
    except ExtractError as error:
        say(str(error))
        return []


def _profile(file: SourceFile, sheet: str) -> Sheet | None:
    """The columns of one table; None where it has no row of headings."""
    name = f"{file.name}!{sheet}" if sheet else file.name

    def grid() -> Grid:
        return open_grid(file.path, name, sheet, "", "", silent)

    header = _header(grid())
    if header is None:
        return None
    table = read_table(name, grid(), header, frozenset(), silent)
    columns = [Column(heading, hidden=IDENTIFYING.search(heading) is not None) for heading in table.headings]
    made = Sheet(file.name, sheet, header, columns)
    for row in table.rows:
        made.rows += 1
        for n, text in row.cells.items():
            if n < len(columns):
                columns[n].add(text)
    return made


def _header(grid: Grid) -> tuple[int, ...] | None:
    """The rows of headings: the first row in which most columns have a text, and the next where it spans columns."""
    above = list(_first(grid.rows, _ABOVE))
    if not above:
        return None
    width = max(len([cell for cell in cells if cell.strip()]) for _, cells in above)
    for number, cells in above:
        filled = [cell.strip() for cell in cells if cell.strip()]
        words = [cell for cell in filled if not cell.replace(".", "").isdigit() and not cell.startswith("#")]
        if len(filled) > width / 2 and len(words) == len(filled):
            if any(m.first_row == number and m.last_column > m.first_column for m in grid.merged):
                return number, number + 1
            return (max(number, 1),)
    return None


def _first(rows: Iterable[tuple[int, list[str]]], count: int) -> Iterator[tuple[int, list[str]]]:
    for place, row in enumerate(rows):
        if place == count:
            return
        yield row


def _field_labels(file: SourceFile) -> dict[str, str]:
    """The labels of fields by a REDCap dictionary."""
    table = read_table(file.name, open_grid(file.path, file.name, "", "", "", silent), (1,), frozenset(), silent)
    rows = [{table.headings[n]: text for n, text in row.cells.items() if n < len(table.headings)} for row in table.rows]
    return {row[_DICTIONARY]: row.get("Field Label", "") for row in rows if _DICTIONARY in row}
