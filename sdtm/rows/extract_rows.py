"""One subject's rows of extracts: each mapped to rows of domains, booked, and kept like those of resources."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
from fhir2cdisc.fhir.accounts import add_finding
from fhir2cdisc.fhir.cells import CELLS, NUMBER
from fhir2cdisc.sdtm.columns import SUBJID
from fhir2cdisc.sdtm.rows.completeness import NO_DATE
from fhir2cdisc.sdtm.rows.engine import Engine
from fhir2cdisc.sdtm.rows.from_cells import MappedRow
from fhir2cdisc.sdtm.rows.resources import Resource, finding_of, reject_without_dm
from fhir2cdisc.sdtm.rows.verbs import Value
from fhir2cdisc.sdtm.rows.work import Work

# Domains of drugs, whose records are told apart by the study's drugs.
_OF_DRUGS = ("CM", "DA", "EC", "EX")
_RECORD = "the extract numbers its subjects by a hospital's record number, which is left out; a [link] gives numbers"
_SEVERAL = re.compile("[,;]")
_SAME_OF_ALL = ("codelist.", "unit.", "code.")


class _Spec(NamedTuple):
    name: str
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class _NumberSource:
    """What gives a subject of an extract its number."""

    spec: _Spec
    domain: str = "DM"
    columns: tuple[str, ...] = (SUBJID,)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """The row of DM that says under which number an extract has the subject."""

    source: _NumberSource
    values: list[Value]
    column: str = ""
    related: tuple[tuple[str, str], ...] = ()
    names: list[tuple[str, str]] = field(default_factory=list)


class ExtractMapper:
    """Maps the rows of one subject into the work of its bucket."""

    def __init__(self, engine: Engine, subject: str, items: list[Resource], work: Work) -> None:
        self.engine, self.subject, self.items, self.work = engine, subject, items, work
        self.current = items[0]
        self.shapes: dict[tuple[object, ...], tuple[str, ...]] = work.shapes
        self.named: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.pointing: list[tuple[Resource, int, tuple[str, str]]] = []

    def map(self, has_patient: bool) -> None:
        """Map the rows; where nothing says that the subject is one (no Patient, no row of DM) they are rejected."""
        made = [(item, list(self._rows(item))) for item in self.items]
        has_dm = has_patient or any(row.source.domain == "DM" for _, rows in made for row in rows)
        maker = next((item for item, _ in made if has_dm or item.head.type in self.engine.cells.made), None)
        if maker is None:
            reject_without_dm(self.items, self.work.accounts)
            return
        for item, rows in made:
            item.number = self.work.record(self.subject, item.head)
            for row in rows:
                self._keep(row, item)
            self._book(item, rows)
        self._number(maker, has_patient)
        self._relate()
        self._say_repeated()

    def _number(self, maker: Resource, has_patient: bool) -> None:
        """Keep the subject's number, where it is that of the study.

        Without a link that of a Patient is said by FHIR, and a record number of a hospital stands in no dataset.
        """
        cells = self.engine.cells
        named = [item for item in self.items if item.head.type not in cells.records]
        if cells.linked or (named and not has_patient):
            by = maker if cells.linked or maker in named else named[0]
            extract = by.head.type.partition("/")[0]
            self._keep(_Numbered(_NumberSource(_Spec(f"{extract}:number")), [str(by.resource[NUMBER])]), maker)
        elif not has_patient:
            self.current = maker
            self._report("privacy.record-number", "SUBJID", "", _RECORD)

    def _rows(self, item: Resource) -> Iterator[MappedRow]:
        self.current = item
        yield from self.engine.cells.rows(item.head.type, item.resource[CELLS], self._report)

    def _keep(self, row: MappedRow, item: Resource) -> None:
        source = row.source
        _, values = self.work.rows.setdefault((source.domain, source.spec.name), (source.columns, []))
        record = item.number
        if row.column:
            # A record that stands in one cell has the place of that cell.
            column = self.engine.cells.number_of(item.head.place.file, row.column)
            place = msgspec.structs.replace(item.head.place, entry=column)
            record = self.work.record(self.subject, msgspec.structs.replace(item.head, place=place))
        drug, antineoplastic = self._drug(row)
        values.append(
            [
                self.subject,
                self.work.next_row,
                record,
                f"{source.domain}/{source.spec.name}",
                -1,
                (),
                drug,
                antineoplastic,
                "",
                (),
                *row.values,
            ]
        )
        for name in row.names:
            self.named[name].append(self.work.next_row)
        self.pointing += [(item, self.work.next_row, pair) for pair in row.related]
        self.work.next_row += 1

    def _relate(self) -> None:
        """The records that point at others by their names, linked to them; a name that no record has is said."""
        for item, row, (target, names) in self.pointing:
            self.current = item
            for name in filter(None, map(str.strip, _SEVERAL.split(names))):
                found = self.named.get((target, name), [])
                self.work.links += [(row, other) for other in found]
                if not found:
                    self._report("relation.unknown", target, name, "is the name of no record of this subject")

    def _drug(self, row: MappedRow) -> tuple[str, str]:
        """The name that the study file gives the drug of a row, and Y where it is an antineoplastic one."""
        domain = row.source.domain
        if domain not in _OF_DRUGS:
            return "", ""
        for variable in (f"{domain}DECOD", f"{domain}TRT"):
            if variable in row.source.columns and (text := row.values[row.source.columns.index(variable)]):
                concept = {"text": str(text)}
                study, other = self.engine.study_drug(concept), self.engine.antineoplastic(concept)
                if study is not None or other is not None:
                    named = study if study is not None and domain != "CM" else other or study
                    return named.name if named is not None else "", "Y" if other is not None else ""
        return "", ""

    def _book(self, item: Resource, rows: list[MappedRow]) -> None:
        head = item.head
        if rows:
            self.work.accounts.add(head.place, head.type, head.id, "mapped")
            self._take(head.type, head.place.file, tuple(item.resource[CELLS]), rows)
        else:
            reason = "no source of the extract claims the row"
            self.work.accounts.add(head.place, head.type, head.id, "not needed", reason)

    def _take(self, table: str, file: str, filled: tuple[str, ...], rows: list[MappedRow]) -> None:
        """Count the filled cells of a row that its records took; rows of one shape are counted together."""
        key = (file, filled, tuple((row.source.domain, row.source.spec.name, row.column) for row in rows))
        taken = self.shapes.get(key)
        if taken is None:
            read = frozenset[str]().union(*(self.engine.cells.taken(row, file) for row in rows))
            taken = self.shapes[key] = tuple(name for name in filled if name in read)
        self.work.taken[table, file][taken] += 1

    def _say_repeated(self) -> None:
        """A finding for each row that stands several times, word for word: all of them make their records."""
        counts = Counter((item.head.type, item.head.id) for item in self.items)
        for item in self.items:
            count = counts.pop((item.head.type, item.head.id), 1)
            if count > 1:
                said = f"stands {count} times in what the mapping reads, word for word; each makes its records"
                made = finding_of(item, "row.repeated", said)
                self.work.accounts.findings.append(replace(made, count=count))

    def _report(self, rule: str, variable: str, value: str, message: str) -> None:
        severity = "info" if (rule, message) == ("record.incomplete", NO_DATE) else "warning"
        about = f"{variable}: {value + ' ' if value else ''}{message}"
        made = replace(finding_of(self.current, rule, about, severity), variable=variable, value=value)
        if rule.startswith(_SAME_OF_ALL):
            add_finding(self.work.terms, replace(made, message=f"{variable}: {value!r} {message}"))
        else:
            self.work.accounts.findings.append(made)
