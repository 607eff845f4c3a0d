"""What a mapping of an extract may say: tables and columns of spreadsheets and exports, and what they become.

One TOML file holds the mapping of one extract: how its files are read (`read`), its tables, the sources that make
rows of SDTM domains from a table's rows, words of its own (`maps`, `pattern`), and who its subjects are (`link`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fhir2cdisc.mappings.model import MappingError, Paths, Pattern, place_in
from fhir2cdisc.mappings.study import Model
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

# Headings of the numbers under which hospitals, states and insurers keep their records of a person.
RECORD_NUMBER = r"mrn|(?<![a-z])ssn|passport|insurance|住院号|病案号|门诊号|就诊号|登记号|身份证"
_RECORD_NUMBER = re.compile(RECORD_NUMBER, re.IGNORECASE)
_QUERY = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
NAME = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"


def is_query(text: str) -> bool:
    """Whether a text is one query of a database, and nothing that could change it."""
    return _QUERY.match(text) is not None and ";" not in text.rstrip().rstrip(";")


def _rows(value: object) -> object:
    return (value,) if isinstance(value, int) else value


class Reading(Model):
    """How cells are read.

    `missing` are texts that stand for a blank cell, `not_done` those that say that something was not done, `unknown`
    those that stand for an unknown part of a date. `dates` are the formats of dates in order of preference, `decimal`
    the sign of decimals, `century` the last two-digit year that is of this century. `encoding` and `delimiter` of
    delimited text are found where they are blank. `days_from` says in words what the days of an extract without dates
    are counted from (`diagnosis`), `month` how many days its months have.
    """

    encoding: str = ""
    delimiter: str = ""
    missing: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    century: int | None = None
    days_from: str = ""
    month: float = Field(30.4375, gt=0)


class NotNeeded(Model):
    """Rows of a table that are no records: the condition, and the reason that the accounts give."""

    where: str
    reason: str = Field(min_length=1)


class Join(Model):
    """A table of codes or of more about a row: its file, and which column of it (`key`) `on` points at.

    Its columns are those of the row under `name.column`.
    """

    name: str = Field(pattern=NAME)
    file: str
    sheet: str = ""
    on: str
    key: str


class Codebook(Model):
    """What the codes of columns mean: a dictionary of REDCap, the metadata of ODM, or a table of these columns.

    In a plain table `column` holds the name of the column that a code is of, `code` and `label` the code and its words;
    without `column` its codes are of every one of `columns`.
    """

    file: str
    kind: Literal["odm", "redcap", "table"] = "table"
    column: str = ""
    code: str = "code"
    label: str = "label"
    columns: tuple[str, ...] = ()


class Table(Model):
    """A table of an extract.

    `file` is a pattern of file names, `sheet` one of its sheets; `header` the rows of its headings as the sheet shows
    them (0: no heading, columns are named by their letters); headings of several rows are joined by `|`. `fill_down`
    are columns whose blank cells have the value above. `subject` is the column of the subject's number, or a template
    of several (`{SITEID}-{SUBJID}`). `rows_not_needed` and `not_needed` say which rows and columns are no data, with
    the reason; names of columns there and in `identifying` (whose values are never shown) may be patterns with `*`.
    `query` is what a database is asked in place of a table (a SELECT). `refused` are patterns of columns that no
    variable may be filled from, with the reason: dates that the system has imputed. `number` says what the subject's
    number is: that of the study (`subject`), or the number under which a hospital keeps its records (`record`), which
    stands in no dataset; without it the heading tells (mrn, 住院号).
    """

    name: str = Field(pattern=NAME)
    file: str
    sheet: str = ""
    header: Annotated[tuple[int, ...], BeforeValidator(_rows)] = (1,)
    fill_down: tuple[str, ...] = ()
    subject: str
    rows_not_needed: tuple[NotNeeded, ...] = ()
    not_needed: dict[str, str] = Field(default_factory=dict)
    codebook: tuple[Codebook, ...] = ()
    join: tuple[Join, ...] = ()
    identifying: tuple[str, ...] = ()
    refused: dict[str, str] = Field(default_factory=dict)
    number: Literal["", "subject", "record"] = ""
    query: str = ""

    @property
    def place(self) -> str:
        """What stands behind the name of the file: its sheet, or the name of the table for a query."""
        return self.sheet or (self.name if self.query else "")

    @field_validator("query")
    @classmethod
    def _reads_only(cls, query: str) -> str:
        if query and not is_query(query):
            raise ValueError("query is one SELECT, without a ; inside")
        return query

    @property
    def has_record_numbers(self) -> bool:
        """Whether subjects are known by the number of a hospital's records."""
        return self.number == "record" or (not self.number and _RECORD_NUMBER.search(self.subject) is not None)

    @field_validator("header")
    @classmethod
    def _in_order(cls, rows: tuple[int, ...]) -> tuple[int, ...]:
        if not rows or min(rows) < 0 or list(rows) != sorted(set(rows)) or (0 in rows and len(rows) > 1):
            raise ValueError("header is the number of a row, or of several from the top down, or 0")
        return rows


class ColumnMap(Model):
    """How one variable is filled from the cells of a row.

    `column` is a column, or several of which the first that is not blank counts; `A + B` joins two cells. `text` is a
    template (`T{NUMBER}`), `checked` a pattern of check-box columns, whose codes are those that say 1, `test` a field
    of the test by whose code the source takes the row. `map`, `codelist` and `match` (a pattern, of which the first
    group is taken) turn the text into a term; `else` is what a text becomes that the map does not have. `as = "result"`
    is a number with its sign (`<5`) or a word, `"unit"` the unit in the cell, else `unit`; `"low"` and `"high"` are the
    limits of a range, `"flag"` is HIGH or LOW by an arrow or letter; `"status"` is NOT DONE where the cell says so;
    `"days"` and `"months"` are an interval in place of a date (see `Reading.days_from`).
    `when` is a condition on the row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    column: Paths = ()
    value: str = ""
    test: Literal["", "testcd", "test", "category", "specimen", "method"] = ""
    text: str = ""
    checked: str = ""
    match: str = ""
    map: str = ""
    otherwise: str | None = Field(None, alias="else")
    codelist: str = ""
    as_: Literal["text", "dtc", "days", "months", "number", "result", "unit", "status", "low", "high", "flag"] = Field(
        "text", alias="as"
    )
    unit: str = ""
    join: str = " "
    upper: bool = False
    when: str = ""
    label: str = ""

    @model_validator(mode="after")
    def _one_beginning(self) -> ColumnMap:
        given = [name for name in ("column", "value", "text", "checked", "test") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                "takes one of column, value, text, checked and test" + (f", not {' and '.join(given)}" * bool(given))
            )
        for name in ("match", "checked"):
            try:
                compiled = re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f"{name} is no pattern: {error}") from error
            if getattr(self, name) and compiled.groups < 1:
                raise ValueError(f"{name} has no group ( ) that says what is taken")
        return self


class Coded(Model):
    """The column with the code of a test, and its system: `http://loinc.org`."""

    column: str
    system: str


class RowSource(Model):
    """One kind of row that a table's rows become.

    `where` is a condition on the row. `each` is a pattern of column names: a record for each of them that is filled;
    its named groups are `$name` and the cell `$cell` in the variables; a cell (or code) of `blank` makes none. With
    `test` only rows of a test of the domain are taken. `same` are columns that are named as the variables that they
    fill. A source of DM with `adds` fills the record of a subject and makes none. `related` are records of the same
    subject that a record points at (RELREC): by the variable that names them (`AE.AESPID`) the column with their names,
    several of which are parted by `,` or `;`.
    """

    domain: str = Field(pattern=r"^[A-Z][A-Z0-9]$")
    name: str = Field(pattern=NAME)
    table: str
    where: str = ""
    each: str = ""
    blank: tuple[str, ...] = ()
    test: Coded | None = None
    adds: bool = False
    same: tuple[str, ...] = ()
    variables: dict[str, ColumnMap] = Field(default_factory=dict)
    supp: dict[str, ColumnMap] = Field(default_factory=dict)
    related: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]\.[A-Z][A-Z0-9]{1,7}$")], ColumnMap] = Field(
        default_factory=dict
    )

    @property
    def all_variables(self) -> dict[str, ColumnMap]:
        """The variables with those that are filled from a column of their own name."""
        return {**{name: ColumnMap(column=(name,)) for name in self.same}, **self.variables}

    @model_validator(mode="after")
    def _makes_something(self) -> RowSource:
        if not self.variables and not self.same:
            raise ValueError("fills no variable")
        if self.blank and not self.each:
            raise ValueError("blank is for the cells of each")
        if self.adds and self.domain != "DM":
            raise ValueError("adds is for DM, whose records subjects have one of")
        try:
            re.compile(self.each)
        except re.error as error:
            raise ValueError(f"each is no pattern: {error}") from error
        return self


class Link(Model):
    """Who is who: a table with a row a subject.

    `subject` is the column of the subject's number in the study, `keys` other columns: to the name of an extract, whose
    subjects are numbered so, or to the system of an identifier of a FHIR Patient.
    """

    file: str
    sheet: str = ""
    subject: str
    keys: dict[str, str] = Field(default_factory=dict)


class Extract(Model):
    """The mapping of one extract; `subjects = "known"` where its rows add to subjects that others bring.

    With `columns = "some"` a column that a variable asks for need not be there (the variable is blank, which is said
    once); else it stops the run. `origins` says whose records of a domain count where FHIR has some, too: of `both`
    unless it says otherwise.
    """

    extract: str = Field(pattern=NAME)
    title: str = ""
    read: Reading = Reading()
    subjects: Literal["made", "known"] = "made"
    columns: Literal["all", "some"] = "all"
    table: tuple[Table, ...] = ()
    source: tuple[RowSource, ...] = ()
    link: Link | None = None
    origins: dict[str, Literal["both", "extract", "fhir"]] = Field(default_factory=dict)
    maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    pattern: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Extract:
        tables = [table.name for table in self.table]
        faults = [f"two tables are named {name}" for name in sorted({n for n in tables if tables.count(n) > 1})]
        faults += [f"source {s.name}: there is no table {s.table}" for s in self.source if s.table not in tables]
        names = [(s.domain, s.name) for s in self.source]
        faults += [f"two sources are named {d}/{n}" for d, n in sorted({n for n in names if names.count(n) > 1})]
        faults += self._days()
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _days(self) -> Iterator[str]:
        """Dates and days on one scale would give intervals of centuries: an extract has the ones or the others."""
        for source in self.source:
            for name, spec in {**source.all_variables, **source.supp}.items():
                if spec.as_ in ("days", "months") and not self.read.days_from:
                    yield f'source {source.name}, {name}: as = "{spec.as_}" needs [read] days_from'
                if spec.as_ == "dtc" and self.read.days_from:
                    yield f"source {source.name}, {name}: is a date; by [read] days_from the extract has none"

    @property
    def makes_dm(self) -> bool:
        """Whether the extract itself says who its subjects are."""
        return any(source.domain == "DM" and not source.adds for source in self.source)


def builtin_extracts() -> dict[str, Path]:
    """The mappings of extracts that ship with the project: name to file."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "extracts").glob("*.toml"))}


def load_extract(name_or_path: str) -> Extract:
    """A built-in mapping of an extract by name, or a file by path; MappingError lists all that is wrong with it."""
    path = builtin_extracts().get(name_or_path, Path(name_or_path))
    data: Any = None
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return Extract.model_validate(data)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"extract {path.name}: {error}") from error
    except ValidationError as error:
        said = [f"{place_in(one['loc'], data)}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()]
        raise MappingError(f"extract {path.name}: " + "; ".join(text.removeprefix(": ") for text in said)) from error
