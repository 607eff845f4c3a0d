"""What the codes in an extract's columns mean: the dictionary of a REDCap project, or a table of codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError, Notice
from fhir2cdisc.converters.extracts.tables import read_table
from fhir2cdisc.mappings.extract_model import Codebook, Reading

_NAME, _TYPE, _CHOICES = "Variable / Field Name", "Field Type", "Choices, Calculations, OR Slider Labels"
_IDENTIFIER = "Identifier?"
_CODED = {"radio", "dropdown", "checkbox"}
_YES_NO = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}


class Meanings(NamedTuple):
    """Labels by column and code, and the columns that identify people."""

    labels: Mapping[str, Mapping[str, str]]
    identifying: frozenset[str] = frozenset()


def read_codebook(book: Codebook, path: Path, name: str, reading: Reading, notice: Notice) -> Meanings:
    """What the codes mean by a codebook; ExtractError for a file that is none."""
    grid = open_grid(path, name, "", reading.encoding, "", notice)
    table = read_table(name, grid, (1,), frozenset(), notice)
    asked = (
        (_NAME, _TYPE, _CHOICES) if book.kind == "redcap" else tuple(filter(None, (book.column, book.code, book.label)))
    )
    if lacking := [one for one in asked if one not in table.headings]:
        raise ExtractError(f"{name}: is no codebook: it has no column {' and no column '.join(lacking)}")
    rows = [{table.headings[n]: text for n, text in row.cells.items() if n < len(table.headings)} for row in table.rows]
    return _redcap(rows) if book.kind == "redcap" else Meanings(_plain(book, rows))


def _redcap(rows: list[dict[str, str]]) -> Meanings:
    labels: dict[str, Mapping[str, str]] = {}
    for row in rows:
        name, kind = row.get(_NAME, ""), row.get(_TYPE, "")
        if kind in _CODED:
            labels[name] = dict(choices(row.get(_CHOICES, "")))
        elif kind in _YES_NO:
            labels[name] = _YES_NO[kind]
    hidden = frozenset(row.get(_NAME, "") for row in rows if row.get(_IDENTIFIER, "").lower() == "y")
    return Meanings(labels, hidden)


def choices(text: str) -> Iterator[tuple[str, str]]:
    """Code and label of each choice: `1, Liver | 2, Lung`; a label may have commas."""
    for part in text.split("|"):
        code, comma, label = part.partition(",")
        if comma and code.strip():
            yield code.strip(), label.strip()


def _plain(book: Codebook, rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = {}
    for row in rows:
        if code := row.get(book.code, ""):
            for column in (row.get(book.column, ""),) if book.column else book.columns:
                labels.setdefault(column, {})[code] = row.get(book.label, "")
    return labels
