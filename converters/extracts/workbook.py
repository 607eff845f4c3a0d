"""Sheets of workbooks: every cell as the text that a person sees, with what is hidden or computed said."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.extracts.grid import (
    MOST_CHARACTERS,
    MOST_COLUMNS,
    ExtractError,
    Grid,
    Merged,
    Notice,
    letters,
)
from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

# A workbook that unpacks to more than this, or a large one that unpacks to so many times its size, is not opened.
MOST_BYTES, MOST_TIMES, LARGE = 1 << 30, 200, 100 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_workbook(path: Path, name: str, sheet: str, notice: Notice) -> Grid:
    """A sheet of a workbook (xlsx, xlsm, xlsb, xls, ods); without a name its only one that has cells.

    Numbers are written as a sheet shows them (`40`, `0.3`), days and times in ISO 8601, errors are blank. Of a formula
    the value that the workbook holds is read. Raises ExtractError for a workbook that is protected, broken or unpacks
    to more than is sane, and for a sheet that is not there, stands twice or is empty.
    """
    _check_size(path, name)
    try:
        book = CalamineWorkbook.from_path(str(path))
        chosen = _chosen(book, name, sheet)
        table = book.get_sheet_by_name(chosen)
        rows = table.to_python(skip_empty_area=False)
        merged = table.merged_cell_ranges or []
    except ExtractError:
        raise
    except (CalamineError, ValueError, OSError, OverflowError) as error:
        raise ExtractError(f"{name}: is a workbook that cannot be read ({type(error).__name__})") from None
    if not any(any(cell != "" for cell in row) for row in rows):
        raise ExtractError(f"{name}: sheet {chosen!r} is empty")
    if max(map(len, rows)) > MOST_COLUMNS:
        raise ExtractError(f"{name}: sheet {chosen!r} has more than {MOST_COLUMNS} columns")
    hidden = next(one for one in book.sheets_metadata if one.name == chosen).visible != SheetVisibleEnum.Visible
    if hidden:
        notice("extract.hidden-sheet", 0, f"sheet {chosen!r} is hidden in the workbook; it is read")
    if zipfile.is_zipfile(path):
        _say_formulas(path, chosen, notice)
    ranges = tuple(Merged(first[0] + 1, first[1], last[0] + 1, last[1]) for first, last in merged)
    return Grid(chosen, _texts(rows, notice), ranges)


def sheet_names(path: Path, name: str) -> list[str]:
    """The sheets of a workbook in its order."""
    _check_size(path, name)
    try:
        return list(CalamineWorkbook.from_path(str(path)).sheet_names)
    except (CalamineError, ValueError, OSError) as error:
        raise ExtractError(f"{name}: is a workbook that cannot be read ({type(error).__name__})") from None


def _check_size(path: Path, name: str) -> None:
    """ExtractError for a workbook with a password, and for one that would fill the memory."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
    if head.startswith(_OLE) and _PROTECTED in head:
        raise ExtractError(f"{name}: is protected by a password; save it without one")
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise ExtractError(f"{name}: is protected by a password; save it without one")
    total, packed = sum(m.file_size for m in members), max(1, sum(m.compress_size for m in members))
    if total > MOST_BYTES or (total > LARGE and total > MOST_TIMES * packed):
        raise ExtractError(f"{name}: unpacks to {total >> 20} MB, which no workbook of data does; it is not opened")


def _chosen(book: CalamineWorkbook, name: str, sheet: str) -> str:
    """The name of the sheet that is asked for."""
    names = list(book.sheet_names)
    twice = [one for one, count in Counter(names).items() if count > 1]
    if twice:
        raise ExtractError(f"{name}: two sheets are named {twice[0]!r}, and cannot be told apart")
    if sheet:
        if sheet not in names:
            raise ExtractError(f"{name}: has no sheet {sheet!r}; it has {', '.join(map(repr, names))}")
        return sheet
    filled = [one for one in names if book.get_sheet_by_name(one).end is not None]
    if not filled:
        raise ExtractError(f"{name}: all sheets are empty")
    if len(filled) > 1:
        raise ExtractError(f"{name}: has several sheets, {', '.join(map(repr, filled))}; say which one is the table")
    return filled[0]


def _texts(rows: list[list[Any]], notice: Notice) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=1):
        cells = [_text(cell) for cell in row]
        for column, cell in enumerate(cells):
            if len(cell) > MOST_CHARACTERS:
                said = f"cell {letters(column)}{number} has more than {MOST_CHARACTERS} characters and is left out"
                notice("extract.cell-too-long", number, said)
                cells[column] = ""
        yield number, cells


def _text(cell: Any) -> str:
    """A cell as a sheet shows it."""
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # A sheet holds 15 digits.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else f"{cell.date().isoformat()}T{_clock(cell.time())}"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return _clock(cell)
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return str(cell)


def _clock(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def _say_formulas(path: Path, sheet: str, notice: Notice) -> None:
    """Say that a sheet has formulas, or that the workbook points at other files; nothing is followed or computed."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if any(name.startswith("xl/externalLinks/") for name in names):
            said = "the workbook has links to other files; the values that it holds are read, and no link is followed"
            notice("extract.external-link", 0, said)
        part = _part_of(archive, names, sheet)
        if part is None:
            return
        count, first, blank, errors = _formulas(archive, part)
    if count:
        notice("extract.formula", 0, f"{count} cells are formulas, the first of them {first}; their last value is read")
    if errors:
        said = f"{len(errors)} cells hold the error of a formula, the first of them {errors[0]}; they are blank"
        notice("extract.cell-error", 0, said)
    if blank:
        said = (
            f"{len(blank)} formulas have no value, the first of them {blank[0]}; they are blank. Open the workbook and "
        )
        notice("extract.formula-empty", 0, said + "save it to have them computed")


def _parsed(archive: zipfile.ZipFile, part: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    return etree.fromstring(archive.read(part), parser)


def _part_of(archive: zipfile.ZipFile, names: set[str], sheet: str) -> str | None:
    """The part of an xlsx that holds a sheet; None in other kinds of workbooks."""
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    try:
        relations = {one.get("Id"): one.get("Target", "") for one in _parsed(archive, "xl/_rels/workbook.xml.rels")}
        sheets = {
            one.get("name"): one.get(_RELATION) for one in _parsed(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
        }
    except etree.XMLSyntaxError:
        return None
    target = relations.get(sheets.get(sheet), "")
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in names else None


def _formulas(archive: zipfile.ZipFile, part: str) -> tuple[int, str, list[str], list[str]]:
    """How many cells of a sheet are formulas, the first of them, those without a value, and those that hold errors."""
    count, first = 0, ""
    blank: list[str] = []
    errors: list[str] = []
    with archive.open(part) as file:
        content = file.read()
    # Most sheets have none: the parser is for those that have.
    if not re.search(rb"<f[ >/]|\bt=.e.", content):
        return 0, "", [], []
    for cell in etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True)).iter(f"{_MAIN}c"):
        if cell.get("t") == "e":
            errors.append(cell.get("r", ""))
        if cell.find(f"{_MAIN}f") is not None:
            count, first = count + 1, first or cell.get("r", "")
            if not cell.findtext(f"{_MAIN}v"):
                blank.append(cell.get("r", ""))
    return count, first, blank, errors
