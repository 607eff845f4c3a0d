"""Which columns a mapping asks for, checked against the headings of a file before any row of it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import NamedTuple

from fhir2cdisc.mappings.extract_model import ColumnMap, Extract, RowSource, Table
from fhir2cdisc.sdtm.cells.conditions import columns_of
from fhir2cdisc.sdtm.cells.verbs import CELL, PLUS, fields_of, substituted


class _Asked:
    """The columns that are asked for, and those that are not there, with who asks."""

    def __init__(self, headings: Iterable[str], table: Table) -> None:
        self.headings = tuple(headings)
        self.known = frozenset(self.headings)
        self.table = table
        self.needed: set[str] = set()
        self.faults: list[str] = []
        self.lacking: list[str] = []

    def all_of(self, names: Iterable[str], place: str) -> None:
        for name in names:
            self.any_of([name], place)

    def any_of(self, names: Iterable[str], place: str, may_lack: bool = False) -> None:
        """Of several columns, the first filled of which counts, one must be there, unless it `may_lack`."""
        wanted = list(dict.fromkeys(names))
        here = [name for name in wanted if name in self.known]
        self.needed.update(here)
        if wanted and not here:
            shown = " or ".join(repr(name) for name in wanted[:3])
            said = f"{place}: there is no column {shown}{nearest(wanted[0], self.headings)}"
            (self.lacking if may_lack else self.faults).append(said)
        for name in here:
            if reason := _matching(self.table.refused, name):
                self.faults.append(f"{place}: column {name!r} is not to be read: {reason}")


def nearest(name: str, known: Iterable[str]) -> str:
    """` (the nearest is 'X')`, blank where nothing is near."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.3)
    return f" (the nearest is {found[0]!r})" if found else ""


def _matching(patterns: dict[str, str], name: str) -> str:
    """What the first pattern that a name fits stands for, blank where it fits none."""
    return next((said for pattern, said in patterns.items() if pattern == name or fnmatchcase(name, pattern)), "")


def is_named(patterns: Iterable[str], name: str) -> bool:
    """Whether a column is one of those that patterns with `*` name."""
    return any(pattern == name or fnmatchcase(name, pattern) for pattern in patterns)


def reason_of(table: Table, name: str) -> str:
    """Why a column of a table is not needed, blank where the mapping does not say so."""
    return _matching(table.not_needed, name)


class Needed(NamedTuple):
    """The columns of a table that its mapping reads; in sentences what is wrong, and what it can do without."""

    columns: frozenset[str]
    faults: list[str]
    lacking: list[str]


def columns_needed(extract: Extract, table: Table, headings: Iterable[str]) -> Needed:
    """The columns of a table that its mapping reads, and one sentence for each that is not there."""
    asked = _Asked(headings, table)
    place = f"table {table.name}"
    asked.all_of(fields_of(table.subject), f"{place}, subject")
    asked.all_of(table.fill_down, f"{place}, fill_down")
    asked.all_of((join.on for join in table.join), f"{place}, join")
    for rule in table.rows_not_needed:
        for one in columns_of(rule.where):
            asked.any_of([one], f"{place}, rows_not_needed", extract.columns == "some")
    for source in extract.source:
        if source.table == table.name:
            _source(source, asked, extract.columns == "some")
    return Needed(frozenset(asked.needed), asked.faults, asked.lacking)


def read_columns(source: RowSource, column: str, headings: Iterable[str]) -> frozenset[str]:
    """The columns that a source reads of a row; of a record made by `each` those of its column."""
    found = {column} if column else set()
    found |= columns_of(source.where) if source.where else set()
    found |= {source.test.column} if source.test is not None else set()
    for spec in (*source.all_variables.values(), *source.supp.values(), *source.related.values()):
        found |= columns_of(spec.when) if spec.when else set()
        found |= set(variable_columns(source, spec, column, headings))
    return frozenset(found)


def variable_columns(source: RowSource, spec: ColumnMap, column: str, headings: Iterable[str]) -> list[str]:
    """The columns that a variable is filled from; of a record made by `each` from `column` that column for `$cell`."""
    match = re.fullmatch(source.each, column) if source.each and column else None
    groups = [match.groupdict("")] if match else [{}]
    if spec.checked:
        return [one for one in headings if re.fullmatch(spec.checked, one)]
    if spec.text:
        return [one for part in fields_of(spec.text) for one in _meant(part, groups)] if "{" in spec.text else []
    # A group alone stands in the heading of the record's column.
    of_cell = [column] if column and any(_is_group(name, groups) for name in spec.column) else []
    return list(dict.fromkeys([*of_cell, *(one for name in spec.column for one in _parts(name, groups))]))


def _source(source: RowSource, asked: _Asked, may_lack: bool) -> None:
    place = f"source {source.name}"
    for one in columns_of(source.where) if source.where else ():
        asked.any_of([one], f"{place}, where", may_lack)
    if source.test is not None:
        asked.all_of([source.test.column], f"{place}, test")
    groups: list[dict[str, str]] = [{}]
    if source.each:
        matches = [m for name in asked.headings if (m := re.fullmatch(source.each, name))]
        asked.needed.update(match[0] for match in matches)
        groups = [match.groupdict("") for match in matches]
        if not matches:
            (asked.lacking if may_lack else asked.faults).append(f"{place}, each: no column fits {source.each!r}")
    for name, spec in (*source.all_variables.items(), *source.supp.items(), *source.related.items()):
        here = f"{place}, {name}"
        for one in columns_of(spec.when) if spec.when else ():
            asked.any_of([one], f"{here}, when", may_lack)
        if spec.checked:
            ticked = [one for one in asked.headings if re.fullmatch(spec.checked, one)]
            asked.needed.update(ticked)
            if not ticked:
                (asked.lacking if may_lack else asked.faults).append(f"{here}: no column fits {spec.checked!r}")
        elif spec.text:
            for one in fields_of(spec.text) if "{" in spec.text else ():
                asked.any_of(_meant(one, groups), here, may_lack)
        else:
            asked.any_of((meant for one in spec.column for meant in _parts(one, groups)), here, may_lack)


def _parts(column: str, groups: list[dict[str, str]]) -> Iterator[str]:
    for part in column.split(PLUS):
        yield from _meant(part.strip(), groups)


def _meant(name: str, groups: list[dict[str, str]]) -> Iterator[str]:
    """The columns that a name with groups of `each` stands for; none for a group alone, which is no column."""
    if "$" not in name:
        yield name
    elif not _is_group(name, groups):
        yield from (substituted(name, group) for group in groups)


def _is_group(name: str, groups: list[dict[str, str]]) -> bool:
    """Whether a name is the record's cell or a group of `each`, and no column."""
    return name == f"${CELL}" or any(name in (f"${group}", f"${{{group}}}") for some in groups for group in some)
