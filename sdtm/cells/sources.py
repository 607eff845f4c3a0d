"""The sources of an extract compiled: the rows of its tables become rows of domains, as resources do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.mappings.extract_model import Extract, RowSource, Table
from fhir2cdisc.mappings.model import MappingError, SiteMap, Terminology, Test
from fhir2cdisc.mappings.standard.datasets import Dataset, model_variable, sdtm_datasets
from fhir2cdisc.sdtm.cells.conditions import Condition, cell_text, columns_of, compile_condition
from fhir2cdisc.sdtm.cells.needed import read_columns
from fhir2cdisc.sdtm.cells.verbs import CellVerb, RowCells, compile_cells, fields_of
from fhir2cdisc.sdtm.rows.completeness import Needs
from fhir2cdisc.sdtm.rows.engine import known_tests
from fhir2cdisc.sdtm.rows.from_cells import MappedRow
from fhir2cdisc.sdtm.rows.mapping_names import column_fault, no_variable
from fhir2cdisc.sdtm.rows.verbs import Report, Value


class RowSpec(NamedTuple):
    """What a mapped row says of the source that made it; see `SourceMap`."""

    name: str
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class CellSource:
    """A compiled source of an extract: its condition, its columns of one record each, and a verb for each variable.

    `related` are the names that other records have in a variable (`AE.AESPID`) and this one points at, `keys` the
    variables (by their places) in which its own records have such names.
    """

    domain: str
    spec: RowSpec
    where: Condition | None
    each: re.Pattern[str] | None
    columns: tuple[str, ...]
    verbs: tuple[CellVerb, ...]
    needs: Needs
    of_row: RowSource
    tests: Mapping[tuple[str, str], Test]
    of_all: frozenset[str]
    related: tuple[tuple[str, CellVerb], ...]
    keys: tuple[tuple[str, int], ...]
    reads: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, extract: Extract, source: RowSource, terms: Terminology) -> CellSource:
        """The source compiled; MappingError lists everything that it asks for and that is not there."""
        known = sdtm_datasets().get(source.domain)
        if known is None:
            raise MappingError(f"no SDTM domain {source.domain} is known")
        faults = list(_faults(source, known))
        verbs: dict[str, CellVerb] = {}
        for prefix, specs in (("", source.all_variables), ("SUPP.", source.supp)):
            for name, spec in specs.items():
                try:
                    verbs[prefix + name] = compile_cells(name, spec, terms, extract.read)
                except (PathError, KeyError, ValueError) as error:
                    faults.append(f"{name}: {error.args[0]}")
        related = []
        for target, spec in source.related.items():
            try:
                related.append((target, compile_cells(target, spec, terms, extract.read)))
            except (PathError, KeyError, ValueError) as error:
                faults.append(f"related {target}: {error.args[0]}")
            if not any(target == f"{one.domain}.{name}" for one in extract.source for name in one.all_variables):
                faults.append(f"related {target}: no source of the extract fills it")
        pointed_at = {target for one in extract.source for target in one.related}
        try:
            where = compile_condition(source.where) if source.where else None
        except PathError as error:
            faults.append(f"where: {error}")
        if faults:
            raise MappingError("; ".join(faults))
        return cls(
            source.domain,
            RowSpec(f"{extract.extract}:{source.name}"),
            where,
            re.compile(source.each) if source.each else None,
            tuple(verbs),
            tuple(verbs.values()),
            Needs.of(source.domain, tuple(verbs)),
            source,
            known_tests(terms) if source.test is not None else {},
            of_every_row(next(table for table in extract.table if table.name == source.table)),
            tuple(related),
            tuple((f"{source.domain}.{n}", i) for i, n in enumerate(verbs) if f"{source.domain}.{n}" in pointed_at),
        )

    def rows(self, cells: Mapping[str, Any], report: Report) -> Iterator[CellRow]:
        """The records that a row becomes: none, one, or one for each column of `each` that is filled."""
        if self.where is not None and not self.where(cells):
            return
        test = self.test_of(cells) if self.of_row.test is not None else None
        if self.of_row.test is not None and (test is None or test.domain != self.domain):
            return
        if self.each is None:
            yield self._row(RowCells(cells, test=test), report)
            return
        for column, cell in cells.items():
            if (text := cell_text(cell)) and text not in self.of_row.blank and (match := self.each.fullmatch(column)):
                yield self._row(RowCells(cells, column, test, match.groupdict("")), report)

    def test_of(self, cells: Mapping[str, Any]) -> Test | None:
        """The test whose code a row has, None where CDISC has no test for it."""
        by = self.of_row.test
        return self.tests.get((by.system, cell_text(cells.get(by.column, "")))) if by is not None else None

    def _row(self, row: RowCells, report: Report) -> CellRow:
        values = [verb(row, report) for verb in self.verbs]
        if lacks := self.needs.lacks(values):
            self.needs.report(lacks, {}, report)
        pointed = [(target, str(verb(row, report))) for target, verb in self.related]
        return CellRow(self, values, row.column, tuple(pair for pair in pointed if pair[1]))


@dataclass(slots=True)
class CellRow:
    """A mapped row of an extract; `column` is that of a record made by `each`."""

    source: CellSource
    values: list[Value]
    column: str = ""
    related: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(key, str(self.values[place])) for key, place in self.source.keys]


def of_every_row(table: Table) -> frozenset[str]:
    """The columns that are read of every row of a table: its subject's number, its joins, and which rows are needed."""
    conditions = [column for rule in table.rows_not_needed for column in columns_of(rule.where)]
    return frozenset([*fields_of(table.subject), *(join.on for join in table.join), *conditions])


def _faults(source: RowSource, known: Dataset) -> Iterator[str]:
    """What is wrong with each name of a source."""
    for name in source.all_variables:
        if name.startswith("_"):
            if fault := column_fault(name, known.name):
                yield fault
        elif name not in known and model_variable(known, name) is None:
            yield no_variable(name, known)
    for name, spec in source.supp.items():
        if not spec.label:
            yield f"{name}: a supplemental qualifier has a label"
        if not re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", name) or name in known:
            yield f"{name} is no name of a supplemental qualifier of {known.name}"


@dataclass(slots=True)
class RowEngine:
    """All extracts of a run compiled: the sources of each table, by the name that the records of the table bear.

    `linked`: a table says which number of an extract is which number in the study; `records` are the tables whose
    numbers of subjects are those of a hospital's records.
    """

    by_table: dict[str, tuple[CellSource, ...]] = field(default_factory=dict)
    made: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    headings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    linked: bool = False
    records: frozenset[str] = frozenset()

    def rows(self, table: str, cells: Mapping[str, Any], report: Report) -> Iterator[CellRow]:
        """The rows of domains that a row of a table becomes, in the order of its sources."""
        made, code = False, ""
        for source in self.by_table[table]:
            for row in source.rows(cells, report):
                made = True
                yield row
            if (by := source.of_row.test) is not None:
                code = f"{by.system}|{cell_text(cells.get(by.column, ''))}"
        if code and not made:
            report("code.unmapped", "", code, "is claimed by no source of the extract; its rows are not mapped")

    def taken(self, row: MappedRow, file: str) -> frozenset[str]:
        """The columns of a file that the source of a row reads; of a record of one cell those of that cell.

        Those of the subject's number, of joins and of rows that are not needed are read of every row.
        """
        source = row.source
        assert isinstance(source, CellSource)
        if (file, row.column) not in source.reads:
            read = read_columns(source.of_row, row.column, self.headings[file])
            source.reads[file, row.column] = read | source.of_all
        return source.reads[file, row.column]

    def number_of(self, file: str, column: str) -> int:
        """The number of a column of a file, from 0."""
        return self.headings[file][column]

    @classmethod
    def of(
        cls, extracts: Iterable[Extract], terms: Terminology, headings: Mapping[str, Mapping[str, int]]
    ) -> RowEngine:
        """The engine; `headings` has the numbers of columns by file.

        MappingError names each source of each extract that asks for what is not there, all at once.
        """
        extracts = tuple(extracts)
        linked = any(extract.link is not None for extract in extracts)
        tables: dict[str, list[CellSource]] = {}
        faults = []
        made: set[str] = set()
        known: set[str] = set()
        for extract in extracts:
            words = terms.with_site(SiteMap(site=extract.extract, maps=extract.maps, pattern=extract.pattern))
            for table in extract.table:
                name = table_name(extract.extract, table.name)
                tables[name] = []
                (known if extract.subjects == "known" else made if not extract.makes_dm else set()).add(name)
            for source in extract.source:
                try:
                    compiled = CellSource.of(extract, source, words)
                    tables[table_name(extract.extract, source.table)].append(compiled)
                except MappingError as error:
                    faults.append(f"source {source.name}: {error}")
            if faults:
                raise MappingError(f"extract {extract.extract}: " + "; ".join(faults))
        sources = {name: tuple(some) for name, some in tables.items()}
        records = {table_name(e.extract, t.name) for e in extracts for t in e.table if t.has_record_numbers}
        return cls(sources, frozenset(made), frozenset(known), headings, linked, frozenset(records))


def table_name(extract: str, table: str) -> str:
    """What stands for a resource type with the rows of a table: `recist-cn/target`. No type of FHIR has such a name."""
    return f"{extract}/{table}"
