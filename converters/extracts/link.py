"""Who is who: a table that leads the numbers of extracts and the identifiers of FHIR Patients to one subject."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from dataclasses import dataclass, replace
from pathlib import Path

from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import Notice
from fhir2cdisc.converters.extracts.tables import read_table
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Identities, Person
from fhir2cdisc.mappings.extract_model import Link, Reading
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.sdtm.cells.needed import nearest
from fhir2cdisc.sdtm.rows.identifiers import OWN_SYSTEMS


def subject_key(number: str) -> str:
    """The key of a subject of an extract, a digest: a number may be a hospital's, and stands in no finding or name."""
    return f"Subject/{hashlib.sha256(number.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The rows of the table: of each subject the number in the study and the values of its keys.

    `keys` are the columns with the name of an extract or the system of an identifier that each stands for.
    """

    name: str
    keys: Mapping[str, str]
    rows: tuple[tuple[int, str, Mapping[str, str]], ...]

    def numbers(self, extract: str) -> dict[str, str]:
        """The number in the study of each number in an extract; of one that has no column its own numbers."""
        column = next((column for column, of in self.keys.items() if of == extract), "")
        if not column:
            return {subject: subject for _, subject, _ in self.rows}
        return {number: subject for _, subject, keys in self.rows if (number := keys.get(column, ""))}

    def subjects(self, people: Iterable[Person], identities: Identities) -> tuple[Identities, list[Finding]]:
        """The identities with each subject joined to the FHIR Patient that has its identifier.

        A subject whose identifiers lead to several Patients is refused; one that has none stands alone, which is said.
        """
        by_name: dict[tuple[str, str], set[str]] = {}
        for person in people:
            key, _ = identities.subject(person.space, person.plain)
            for name in person.names:
                by_name.setdefault(name, set()).add(key)
        if not by_name:
            return identities, []
        main, unresolved, findings = dict(identities.main), set(identities.unresolved), []
        for line, subject, values in self.rows:
            own = subject_key(subject)
            names = [(of, value) for column, of in self.keys.items() if (value := values.get(column, ""))]
            keys = sorted({key for name in names for key in by_name.get(name, ())})
            if len(keys) == 1:
                main[own] = keys[0]
                continue
            if keys:
                unresolved.add(own)
            findings.append(_said(self.name, line, keys))
        return replace(identities, main=main, unresolved=frozenset(unresolved)), findings


def by_number(
    people: Iterable[Person], identities: Identities, numbers: Set[str], systems: Set[str]
) -> tuple[Identities, list[Finding]]:
    """Without a table: the subjects of extracts joined to the Patients of whom their number is the subject number.

    `numbers` are the keys of the subjects, `systems` those of subject numbers. That a number is an identifier of
    another system may be chance: nobody is joined by it, which is said.
    """
    people = list(people)
    found: dict[str, set[str]] = {}
    chance: dict[str, set[str]] = {}
    for person in people:
        key, _ = identities.subject(person.space, person.plain)
        for system, value in person.names:
            if (own := subject_key(value)) in numbers:
                if system in systems or system.startswith(OWN_SYSTEMS):
                    found.setdefault(own, set()).add(key)
                else:
                    chance.setdefault(system, set()).add(own)
    joined = {own: next(iter(keys)) for own, keys in found.items() if len(keys) == 1}
    several = found.keys() - joined.keys()
    findings = list(_by_number(len(numbers), joined, several, len(numbers - found.keys()) if people else 0))
    for system, some in sorted(chance.items()):
        if left := len(some - found.keys()):
            said = (
                f"{left} numbers of the extracts are identifiers of FHIR Patients in {system}, which is no system of "
            )
            said += "subject numbers ([privacy] identifiers): nobody is joined by them; a [link] says who is who"
            findings.append(Finding("link.not-joined", said, count=left))
    unresolved = frozenset({*identities.unresolved, *several})
    return replace(identities, main={**identities.main, **joined}, unresolved=unresolved), findings


def _by_number(every: int, joined: Sized, several: Sized, alone: int) -> Iterator[Finding]:
    """What is said of the numbers that are subject numbers of one Patient, of several, and (`alone`) of none."""
    if joined:
        said = f"{len(joined)} of {every} numbers of the extracts are subject numbers of FHIR Patients, and these are "
        yield Finding("link.by-number", f"{said}the same subjects", "info", count=len(joined))
    if several:
        said = f"{len(several)} numbers of the extracts are subject numbers of several FHIR Patients each; nothing of "
        yield Finding("link.ambiguous", f"{said}these subjects' extracts is mapped", "error", count=len(several))
    if alone:
        said = f"{alone} of {every} numbers of the extracts are the subject number of no FHIR Patient that was read; "
        yield Finding("link.no-patient", f"{said}these subjects have what the extracts say alone", count=alone)


def _said(name: str, line: int, keys: list[str]) -> Finding:
    if keys:
        said = f"leads to several Patients ({', '.join(keys)}); nothing of this subject's extracts is mapped"
        return Finding("link.ambiguous", f"{name} row {line}: {said}", "error", file=name, line=line)
    said = "leads to no FHIR Patient that was read; the subject has what the extracts say alone"
    return Finding("link.no-patient", f"{name} row {line}: {said}", file=name, line=line)


def read_link(link: Link, path: Path, name: str, reading: Reading, notice: Notice) -> LinkTable:
    """The table of a link; MappingError where a column is not there or one key leads to two subjects."""
    grid = open_grid(path, name, link.sheet, reading.encoding, reading.delimiter, notice)
    table = read_table(name, grid, (1,), frozenset(reading.missing), notice)
    for column in (link.subject, *link.keys):
        if column not in table.headings:
            raise MappingError(f"link {name}: there is no column {column!r}{nearest(column, table.headings)}")
    rows = []
    for row in table.rows:
        cells = {table.headings[n]: text for n, text in row.cells.items() if n < len(table.headings)}
        if subject := cells.get(link.subject, ""):
            rows.append((row.line, subject, {key: cells.get(key, "") for key in link.keys}))
    for column in (link.subject, *link.keys):
        _once(
            name, column, [(line, subject if column == link.subject else keys[column]) for line, subject, keys in rows]
        )
    return LinkTable(name, link.keys, tuple(rows))


def _once(name: str, column: str, values: list[tuple[int, str]]) -> None:
    """MappingError where a value stands in two rows: it would lead to two subjects."""
    first: dict[str, int] = {}
    for line, value in values:
        if value and first.setdefault(value, line) != line:
            said = f"rows {first[value]} and {line} have the same {column!r}, which would lead to two subjects"
            raise MappingError(f"link {name}: {said}")
