"""Delimited text as it is exported and mailed: encodings and delimiters found, broken quotes and bytes said."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fhir2cdisc.converters.extracts.grid import MOST_CHARACTERS, MOST_COLUMNS, ExtractError, Grid, Notice, letters

_HEAD = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t|"
_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_AROUND = "\ufeff"


def read_delimited(path: Path, name: str, encoding: str, delimiter: str, notice: Notice) -> Grid:
    """The rows of a file of delimited text, read as they are asked for; a row's number is the line that it begins in.

    `encoding` and `delimiter` are found where they are blank: a byte order mark, UTF-8, UTF-16, GB18030 with Chinese
    characters, else Latin (cp1252); comma, semicolon, tab or bar, whichever parts the first lines most evenly. Raises
    ExtractError for an empty file, an encoding that does not fit, a quote that is never closed.
    """
    if not path.stat().st_size:
        raise ExtractError(f"{name}: is empty")
    found = encoding or _encoding(path)
    if not encoding and found not in ("utf-8", "utf-8-sig"):
        notice("extract.encoding", 0, f"is read as {found}; [read] encoding says which one it is")
    sign = delimiter or _delimiter(path, found, name)
    return Grid("", _rows(path, name, found, sign, notice))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _is_chinese(head) and _decodes(path, "gb18030"):
        return "gb18030"
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"


def _is_chinese(head: bytes) -> bool:
    """Whether the bytes beyond ASCII come in pairs, as Chinese characters do and accented letters do not."""
    high = sum(byte > 127 for byte in head)
    return high > 0 and 2 * len(_PAIR.findall(head)) >= 0.8 * high


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(path: Path, encoding: str, name: str) -> str:
    """The sign by which the first lines have the same number of cells, most of them; a comma where none has any."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = [line for line in file.read(_HEAD).splitlines()[:50] if line.strip()]
    except UnicodeDecodeError as error:
        raise _undecoded(name, encoding, error) from None
    best = (0.0, "")
    for sign in _DELIMITERS:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=sign))
        width, times = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))
        if width > 1:
            best = max(best, (times / len(lines) * 100 + width, sign))
    return best[1] or ","


def _undecoded(name: str, encoding: str, error: UnicodeDecodeError) -> ExtractError:
    return ExtractError(f"{name}: is not of the encoding {encoding} (byte {error.start} of what was read at once)")


def _rows(path: Path, name: str, encoding: str, delimiter: str, notice: Notice) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MOST_CHARACTERS * 64)
    with path.open(encoding=encoding, newline="") as file:
        source = _Lines(file, notice)
        reader = csv.reader(source, delimiter=delimiter)
        begins, width = 1, 0
        while (cells := _next(reader, name, encoding, begins)) is not None:
            lines = reader.line_num - begins + 1
            if source.ended and source.has_open_quote:
                raise ExtractError(f"{name}: a quote that opens in row {begins} is not closed")
            if lines > 1 and width and len(cells) != width:
                said = f"row {begins} goes over {lines} lines and has {len(cells)} cells, not {width} as the headings; "
                notice("extract.quote", begins, said + "a quote in it may not be closed, and rows are lost in it")
            width = width or len(cells)
            yield begins, _checked(cells, name, begins, notice)
            begins = reader.line_num + 1
            source.record.clear()


def _next(reader: Iterator[list[str]], name: str, encoding: str, row: int) -> list[str] | None:
    """The next record, None after the last."""
    try:
        return next(reader, None)
    except UnicodeDecodeError as error:
        raise _undecoded(name, encoding, error) from None
    except csv.Error as error:
        raise ExtractError(f"{name}: row {row} is no delimited text: {error}") from None


def _checked(cells: list[str], name: str, row: int, notice: Notice) -> list[str]:
    """The cells of a row without marks around them; blank where one is longer than any cell needs to be."""
    if len(cells) > MOST_COLUMNS:
        raise ExtractError(f"{name}: row {row} has more than {MOST_COLUMNS} cells")
    for number, cell in enumerate(cells):
        if _AROUND in cell:
            cells[number] = cell.strip(_AROUND)
        elif len(cell) > MOST_CHARACTERS:
            said = f"cell {letters(number)}{row} has more than {MOST_CHARACTERS} characters and is left out"
            notice("extract.cell-too-long", row, said)
            cells[number] = ""
    return cells


class _Lines:
    """The lines of a file without NUL; `record` are those of the record that is being read."""

    def __init__(self, file: Iterator[str], notice: Notice) -> None:
        self.file, self.notice = file, notice
        self.number = 0
        self.ended = False
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.file, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        if "\0" in line:
            self.notice("extract.nul", self.number, f"row {self.number} has NUL characters, which are taken out")
            line = line.replace("\0", "")
        self.record.append(line)
        return line

    @property
    def has_open_quote(self) -> bool:
        return sum(line.count('"') for line in self.record) % 2 == 1
