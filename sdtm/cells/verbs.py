"""From the cells of a row to the text or number of one SDTM variable: the verbs of a mapping of an extract.

A cell is a text until a verb says otherwise. Nothing is guessed: a date that two formats read differently, a word that
a map does not have, a number that is none, are reported with the column that they stand in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhir2cdisc.mappings.extract_model import ColumnMap, Reading
from fhir2cdisc.mappings.model import Terminology, Test
from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.sdtm.cells.conditions import cell_text, compile_condition
from fhir2cdisc.sdtm.cells.dates import CellDateError, RawDates, with_time
from fhir2cdisc.sdtm.cells.days import as_date
from fhir2cdisc.sdtm.cells.numbers import flag, measured
from fhir2cdisc.sdtm.rows.verbs import Report, Term, Value, printable
from fhir2cdisc.sdtm.standard_results import LARGEST, SMALLEST

PLUS = " + "
_FIELD = re.compile(r"\{([^{}]+)\}")
_GROUP = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)
_RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+)")
CELL = "cell"
# So many different cells of one variable are remembered with their values.
_MOST_KNOWN = 1 << 16


@dataclass(slots=True)
class RowCells:
    """The cells of a row that are filled, a coded one as (code, label); of a record made by `each` its column.

    `groups` are the named groups of `each` in the name of that column, `test` is the test that the row is of.
    """

    cells: Mapping[str, Any]
    column: str = ""
    test: Test | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Any:
        """The cell of a column that a mapping names, blank where it is; `$name` is a group of `each`."""
        if "$" in name:
            if name == f"${CELL}":
                return self.cells.get(self.column, "")
            if (group := _GROUP.fullmatch(name)) and (key := group[1] or group[2]) in self.groups:
                return self.groups[key]
            name = substituted(name, self.groups)
        return self.cells.get(name, "")


def substituted(name: str, groups: Mapping[str, str]) -> str:
    """A column's name with the groups of `each` put in: `$visit|DATE` is `WEEK 8|DATE`, `${test}_U` is `SYSBP_U`."""
    return _GROUP.sub(lambda match: groups.get(match[1] or match[2], match[0]), name)


CellVerb = Callable[[RowCells, Report], Value]
_Read = Callable[[RowCells], Any]
Shape = Callable[[Any, str, Report], Value]


def compile_cells(name: str, spec: ColumnMap, terms: Terminology, reading: Reading) -> CellVerb:
    """One function for one variable; PathError, KeyError or ValueError where the mapping asks for what is not there."""
    when = compile_condition(spec.when) if spec.when else None
    read, shape = _reader(spec), _shape(name, spec, terms, reading)
    match = re.compile(spec.match) if spec.match else None
    if spec.as_ == "dtc":
        read = _first(spec.column, _day_and_time)

    known: dict[Any, Value] = {}
    first = spec.column[0] if spec.column else ""

    def valued(cell: Any, report: Report) -> Value:
        """The value of a cell; what gives no finding is worked out once for all cells that are the same."""
        said: list[tuple[str, str, str, str]] = []

        def note(rule: str, variable: str, value: str, message: str) -> None:
            said.append((rule, variable, value, message))

        taken = cell
        if match is not None:
            taken = (_matched(match, cell[0]), *cell[1:]) if spec.as_ == "dtc" else _matched(match, cell)
        value = printable(name, shape(taken, first, note), note) if taken else ""
        for one in said:
            report(*one)
        if not said and len(known) < _MOST_KNOWN:
            known[cell] = value
        return value

    def verb(row: RowCells, report: Report) -> Value:
        if when is not None and not when(row.cells):
            return ""
        cell = read(row)
        if not cell:
            return ""
        value = known.get(cell)
        return value if value is not None else valued(cell, report)

    return verb


def _parts(column: str) -> list[str]:
    return [part.strip() for part in column.split(PLUS)]


def _day_and_time(column: str) -> _Read:
    """The texts of the cells of a date: a day, or a day and a time."""
    parts = _parts(column)
    if len(parts) == 1 and "$" not in column:
        return lambda row: (cell_text(row.cells.get(column, "")),)
    if len(parts) == 2 and "$" not in column:
        day, time = parts
        return lambda row: (cell_text(row.cells.get(day, "")), cell_text(row.cells.get(time, "")))
    return lambda row: tuple(cell_text(row.of(part)) for part in parts)


def _first(columns: tuple[str, ...], of: Callable[[str], _Read]) -> _Read:
    """What the first column gives that gives anything."""
    reads = [of(column) for column in columns]
    if len(reads) == 1:
        return reads[0]
    return lambda row: next((cell for read in reads if _is_filled(cell := read(row))), "")


def _is_filled(cell: Any) -> bool:
    """Whether a cell, or the day of a day and its time, is filled."""
    return bool(cell) and (not isinstance(cell, tuple) or bool(cell[0]))


def _reader(spec: ColumnMap) -> _Read:
    """What takes the cell of a variable: a text, or (code, label)."""
    if spec.value:
        return lambda row: spec.value
    if spec.test:
        field_ = spec.test
        return lambda row: str(getattr(row.test, field_)) if row.test is not None else ""
    if spec.text:
        return lambda row: filled(spec.text, row.of)
    if spec.checked:
        pattern = re.compile(spec.checked)
        return lambda row: spec.join.join(_checked(pattern, row.cells))

    def of(column: str) -> _Read:
        parts = _parts(column)
        if len(parts) == 1 and "$" not in column:
            return lambda row: row.cells.get(column, "")
        if len(parts) == 1:
            return lambda row: row.of(column)
        return lambda row: spec.join.join(text for part in parts if (text := cell_text(row.of(part))))

    return _first(spec.column, of)


def filled(template: str, of: Callable[[str], Any]) -> str:
    """A template with the cells that it names (`{SITEID}-{SUBJID}`); blank where one of them is."""
    texts = {name: cell_text(of(name)) for name in _FIELD.findall(template)}
    return _FIELD.sub(lambda match: texts[match[1]], template) if all(texts.values()) else ""


def fields_of(template: str) -> list[str]:
    """The columns that a template names; a template without any is the name of one column."""
    return _FIELD.findall(template) or [template]


def _checked(pattern: re.Pattern[str], cells: Mapping[str, Any]) -> list[str]:
    """The codes of the check boxes that are ticked."""
    found = ((pattern.fullmatch(name), cell) for name, cell in cells.items())
    return [match[1] for match, cell in found if match and cell_text(cell) in ("1", "TRUE", "true", "Checked")]


def _matched(match: re.Pattern[str], cell: Any) -> str:
    found = match.search(_label(cell))
    return (found[1] or "") if found else ""


def _label(cell: Any) -> str:
    """A cell as a person reads it: of a coded one the label, where it has one."""
    return (cell if isinstance(cell, str) else str(cell[1] or cell[0])).strip()


def _concept(cell: Any) -> Any:
    """A coded cell as a concept, whose code is looked up before its words."""
    return cell.strip() if isinstance(cell, str) else {"coding": [{"code": cell[0]}], "text": cell[1] or cell[0]}


def _shape(name: str, spec: ColumnMap, terms: Terminology, reading: Reading) -> Shape:
    """What is done to the cell of a variable."""
    term = _Words.of(name, spec, terms) if spec.codelist or spec.map else None
    if spec.as_ == "dtc":
        return _Dates(name, RawDates.of(reading.dates, reading.century, reading.unknown), reading.not_done)
    if spec.as_ in ("days", "months"):
        return _Days(_Numbers(name, reading, term), reading.month if spec.as_ == "months" else 1.0)
    if spec.as_ == "number":
        return _Numbers(name, reading, term)
    if spec.as_ in ("result", "low", "high"):
        return _Results(spec.as_, reading, term)
    if spec.as_ == "unit":
        return _Units(name, spec.unit, terms.units, reading, term)
    if spec.as_ == "flag":
        return lambda cell, column, report: flag(_label(cell))
    if spec.as_ == "status":
        return lambda cell, column, report: "NOT DONE" if _label(cell) in reading.not_done else ""
    if term is not None:
        return term
    return lambda cell, column, report: _label(cell).upper() if spec.upper else _label(cell)


@dataclass(frozen=True, slots=True)
class _Words:
    """A word or code as a term of a map or codelist; what neither has is `otherwise`, else kept and reported."""

    name: str
    map: str
    otherwise: str | None
    term: Term

    @classmethod
    def of(cls, name: str, spec: ColumnMap, terms: Terminology) -> _Words:
        return cls(name, spec.map, spec.otherwise, Term.of(name, spec, terms))

    def find(self, cell: Any) -> str | None:
        return self.term.find(_concept(cell))

    def __call__(self, cell: Any, column: str, report: Report) -> Value:
        found = self.find(cell)
        if found is not None or self.otherwise is not None:
            return found if found is not None else str(self.otherwise)
        if self.term.codelist is None:
            report("code.not-in-map", self.name, _label(cell), f"is not in the map {self.map}; kept as it is")
        return self.term(_concept(cell), report)


@dataclass(frozen=True, slots=True)
class _Dates:
    """A date, or a date and a time in two cells, as --DTC."""

    name: str
    dates: RawDates
    not_done: tuple[str, ...]

    def __call__(self, cell: tuple[str, ...], column: str, report: Report) -> Value:
        day, *times = (part.strip() for part in cell)
        if not day or day in self.not_done:
            return ""
        try:
            dtc = self.dates.read(day)
        except CellDateError as error:
            report(error.rule, self.name, day, f"(column {column}) {error}")
            return ""
        for time in filter(None, times):
            try:
                dtc = with_time(dtc, time)
            except CellDateError as error:
                report(error.rule, self.name, time, f"(column {column}) {error}; the time is left out")
        return dtc


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A whole cell as a number."""

    name: str
    reading: Reading
    term: _Words | None

    def __call__(self, cell: Any, column: str, report: Report) -> Value:
        text = cell_text(cell).strip()
        if self.term is not None and (found := self.term.find(cell)) is not None:
            text = found
        if text in self.reading.not_done:
            return ""
        number = measured(text, self.reading.decimal)
        try:
            value = float(Decimal(number.result)) if number is not None and not number.unit else None
        except ArithmeticError:
            value = None
        if value is None:
            report("number.not-a-number", self.name, text[:40], f"(column {column}) is not a number")
            return ""
        if value and not SMALLEST <= abs(value) <= LARGEST:
            report("number.out-of-range", self.name, text[:40], "is a number that a transport file cannot hold")
            return ""
        return value


@dataclass(frozen=True, slots=True)
class _Days:
    """An interval from day 0, in days or in units of `length` days, as a date of the run's own calendar."""

    number: _Numbers
    length: float

    def __call__(self, cell: Any, column: str, report: Report) -> Value:
        value = self.number(cell, column, report)
        if value == "":
            return ""
        days = float(value) * self.length
        try:
            if self.length == 1 and not days.is_integer():
                raise ValueError("is no whole number of days")
            return as_date(math.floor(days + 0.5))
        except ValueError as error:
            report("days.unreadable", self.number.name, _label(cell)[:40], f"(column {column}) {error}")
            return ""


@dataclass(frozen=True, slots=True)
class _Results:
    """A result as --ORRES has it: a number with its sign, a term, or the words of the cell; or a limit of a range."""

    kind: str
    reading: Reading
    term: _Words | None

    def __call__(self, cell: Any, column: str, report: Report) -> Value:
        if _label(cell) in self.reading.not_done:
            return ""
        if self.term is not None and (found := self.term.find(cell)) is not None:
            return found
        number = measured(cell_text(cell), self.reading.decimal)
        if self.kind != "result":
            return self._limit(number.result if number else "")
        if number is not None:
            return number.result
        return self.term(cell, column, report) if self.term is not None else _label(cell)

    def _limit(self, text: str) -> str:
        """`9` and `50` of `9-50`; of `<5` the upper limit alone, of `>5` the lower one."""
        low, high = "", ""
        if both := _RANGE.fullmatch(text):
            low, high = both[1], both[2]
        elif text.startswith("<"):
            high = text.lstrip("<=")
        elif text.startswith(">"):
            low = text.lstrip(">=")
        return low if self.kind == "low" else high


@dataclass(frozen=True, slots=True)
class _Units:
    """The CDISC unit in a cell of units, or beside the number in a cell of results, else the one that is given."""

    name: str
    given: str
    units: Mapping[str, str]
    reading: Reading
    term: _Words | None

    def __call__(self, cell: Any, column: str, report: Report) -> Value:
        if _label(cell) in self.reading.not_done:
            return ""
        found = self.term.find(cell) if self.term is not None else None
        number = measured(found if found is not None else cell_text(cell), self.reading.decimal)
        unit = number.unit if number is not None else "" if self.given else _label(cell)
        unit = unit or (self.given if number is not None else "")
        if not unit or unit in self.units:
            return self.units.get(unit, unit)
        if unit in codelist("UNIT").terms:
            return unit
        report("unit.unknown", self.name, unit, "unit has no CDISC unit; kept as the source wrote it")
        return unit
