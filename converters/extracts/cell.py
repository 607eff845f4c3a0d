"""What stands in one cell of an extract, for those who ask where a value comes from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fhir2cdisc.converters.extracts.bind import files_of, silent
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError

NOT_THERE = "(the file was not given)"


class CellReader:
    """Reads cells of the files below the sources; a file is read once, when it is first asked for."""

    def __init__(self, sources: Iterable[str | Path]) -> None:
        self.files = {file.name: file.path for file in files_of(sources)}
        self.rows: dict[str, dict[int, list[str]]] = {}

    def __call__(self, file: str, row: int, number: int) -> str:
        """The text of a cell by file and sheet (`book.xlsx!Sheet`), row as the sheet shows it, and column from 0."""
        if file not in self.rows:
            self.rows[file] = self._read(file)
        cells = self.rows[file].get(row, [])
        return cells[number] if number < len(cells) else "" if self.rows[file] else NOT_THERE

    def _read(self, file: str) -> dict[int, list[str]]:
        name, _, sheet = file.partition("!")
        if name not in self.files:
            return {}
        try:
            return dict(open_grid(self.files[name], file, sheet, "", "", silent).rows)
        except ExtractError:
            return {}
