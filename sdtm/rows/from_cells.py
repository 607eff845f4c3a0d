"""What mapping a subject needs of the extracts of a run; the sources themselves are compiled in `sdtm.cells`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhir2cdisc.sdtm.rows.verbs import Report, Value


class RowSpec(Protocol):
    """The name of a source."""

    @property
    def name(self) -> str: ...

    @property
    def fallback(self) -> bool: ...


class RowSource(Protocol):
    """The source of a mapped row: its domain, its name and the variables that it fills."""

    @property
    def domain(self) -> str: ...

    @property
    def spec(self) -> RowSpec: ...

    @property
    def columns(self) -> tuple[str, ...]: ...


class MappedRow(Protocol):
    """A row of a domain that a row of an extract became; `column` is that of a record which stands in one cell.

    `related` are the names of records that it points at by their variable (`AE.AESPID`), `names` its own.
    """

    @property
    def source(self) -> RowSource: ...

    @property
    def values(self) -> list[Value]: ...

    @property
    def column(self) -> str: ...

    @property
    def related(self) -> tuple[tuple[str, str], ...]: ...

    @property
    def names(self) -> list[tuple[str, str]]: ...


class RowMapper(Protocol):
    """The extracts of a run: tables whose rows make subjects, and those whose rows only add to known ones.

    `linked`: the numbers of their subjects are those of the study; `records` are tables whose numbers are a hospital's.
    """

    @property
    def made(self) -> frozenset[str]: ...

    @property
    def known(self) -> frozenset[str]: ...

    @property
    def linked(self) -> bool: ...

    @property
    def records(self) -> frozenset[str]: ...

    def rows(self, table: str, cells: Mapping[str, Any], report: Report) -> Iterator[MappedRow]:
        """The rows of domains that a row of a table becomes."""
        ...

    def taken(self, row: MappedRow, file: str) -> frozenset[str]:
        """The columns of a file that a mapped row was filled from or decided by."""
        ...

    def number_of(self, file: str, column: str) -> int:
        """The number of a column of a file, from 0."""
        ...


@dataclass(frozen=True, slots=True)
class NoExtracts:
    """A run without extracts."""

    made: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    linked: bool = False
    records: frozenset[str] = frozenset()

    def rows(self, table: str, cells: Mapping[str, Any], report: Report) -> Iterator[MappedRow]:
        return iter(())

    def taken(self, row: MappedRow, file: str) -> frozenset[str]:
        return frozenset()

    def number_of(self, file: str, column: str) -> int:
        return -1
