"""Stage one for extracts: read a table once and deal its rows out to the buckets of their subjects.

A row is a record like a resource: its type is the table (`recist-cn/target`), its id a digest of its cells, so that
nothing depends on the order in which the rows stand, and its content the cells that the mapping reads.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.extracts.bind import Bound
from fhir2cdisc.converters.extracts.grid import ExtractError
from fhir2cdisc.converters.extracts.link import subject_key
from fhir2cdisc.converters.extracts.tables import RawRow, RawTable
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.cells import encode_row
from fhir2cdisc.fhir.columns import MOST_VALUES, NOT_NEEDED, UNMAPPED, USED, ColumnAccount, ColumnKey
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Place
from fhir2cdisc.fhir.route import Buckets, Routed
from fhir2cdisc.mappings.extract_model import RECORD_NUMBER
from fhir2cdisc.sdtm.cells.conditions import Condition, cell_text, compile_condition
from fhir2cdisc.sdtm.cells.needed import is_named, reason_of
from fhir2cdisc.sdtm.cells.verbs import filled

# Where the ids of rows live, and their subjects: in no namespace of a server.
BASE = "|"
_ERRORS = ("extract.unreadable", "extract.cell-too-long", "extract.nul")
_INFO = ("extract.encoding", "extract.formula", "extract.hidden-sheet")
# Headings under which people are named or can be told: no value of such a column is ever shown.
IDENTIFYING = re.compile(
    r"name|birth|brth|dob|phone|mobile|address|street|e-?mail|zip|postcode|initials|ssn|姓名|出生|电话|手机|地址|"
    rf"{RECORD_NUMBER}",
    re.IGNORECASE,
)


def route_rows(bounds: list[Bound], folder: Path, buckets: int, task: int) -> Accounts:
    """Deal the rows of tables out to `folder`; a file that breaks off is booked, and its rows before that are kept."""
    accounts = Accounts()
    dealt = Buckets(folder, buckets, task)
    for bound in bounds:
        try:
            router = _Router(bound, accounts)
            for row in router.rows():
                dealt.add(row)
            router.close()
        except ExtractError as error:
            accounts.findings.append(Finding("extract.unreadable", str(error), "error", file=bound.name))
    dealt.close()
    return accounts


@dataclass(slots=True)
class _Lost:
    """Rows of one kind that are rejected: how many, and the first."""

    count: int = 0
    line: int = 0


@dataclass(slots=True)
class _Router:
    """One table while its rows are read."""

    bound: Bound
    accounts: Accounts
    kept: list[str | None] = field(default_factory=list)
    books: list[ColumnAccount] = field(default_factory=list)
    lost: dict[str, _Lost] = field(default_factory=dict)
    above: dict[str, Any] = field(default_factory=dict)
    not_needed: list[tuple[Condition, str]] = field(default_factory=list)
    number_of: Callable[[Mapping[str, Any]], str] = field(init=False)

    def __post_init__(self) -> None:
        table = self.bound.table
        self.kept = [name if name in self.bound.needed else None for name in self.bound.headings]
        self.books = [_book(self.bound, name) for name in self.bound.headings]
        self.not_needed = [(compile_condition(rule.where), rule.reason) for rule in table.rows_not_needed]
        subject = table.subject
        if "{" in subject:
            self.number_of = lambda cells: filled(subject, lambda name: cells.get(name, ""))
        else:
            self.number_of = lambda cells: cell_text(cells.get(subject, ""))

    def rows(self) -> Iterator[Routed]:
        """The rows of subjects that are known, as records; the others are booked."""
        table: RawTable = self.bound.open(self._notice)
        kind, file = self.bound.kind, self.bound.name
        for row in table.rows:
            cells = self._cells(row)
            reason = next((why for holds, why in self.not_needed if holds(cells)), "") if self.not_needed else ""
            place = Place(file, row.line)
            if reason:
                self.accounts.add(place, kind, "", "not needed", reason)
                continue
            number = self.number_of(cells)
            subject = number if self.bound.numbers is None else self.bound.numbers.get(number, "")
            raw = encode_row(subject, cells)
            id_ = hashlib.blake2b(raw, digest_size=8).hexdigest()
            if not subject:
                self._lose("subject.unknown" if number else "subject.missing", place, id_)
                continue
            key = subject_key(subject)
            self.accounts.numbers.add(key)
            yield Routed(key, kind, id_, "", "", place, "", raw, BASE, BASE)

    def _cells(self, row: RawRow) -> dict[str, Any]:
        """The cells that the mapping reads, by their headings; all cells are counted."""
        found: dict[str, Any] = {}
        kept, books, labels, width = self.kept, self.books, self.bound.labels, len(self.kept)
        for n, text in row.cells.items():
            if n >= width:
                continue
            book, name = books[n], kept[n]
            book.filled += 1
            if name is not None:
                found[name] = text
            elif book.use is UNMAPPED and not book.hidden and (len(book.values) < MOST_VALUES or text in book.values):
                book.values[text] += 1
        for name in self.bound.table.fill_down:
            if name in found:
                self.above[name] = found[name]
            elif name in self.above:
                found[name] = self.above[name]
        for join in self.bound.table.join:
            more = self.bound.joined[join.name].get(found.get(join.on, ""), {})
            found |= {full: text for name, text in more.items() if (full := f"{join.name}.{name}") in self.bound.needed}
        for name in labels.keys() & found.keys() if labels else ():
            found[name] = (found[name], labels[name].get(found[name], ""))
        return found

    def _lose(self, rule: str, place: Place, id_: str) -> None:
        self.accounts.add(place, self.bound.kind, id_, "rejected", rule)
        lost = self.lost.setdefault(rule, _Lost(line=place.line))
        lost.count += 1

    def _notice(self, rule: str, row: int, message: str) -> None:
        severity = "error" if rule in _ERRORS else "info" if rule in _INFO else "warning"
        name = self.bound.name
        message = message if message.startswith(self.bound.file.name) else f"{name}: {message}"
        self.accounts.findings.append(Finding(rule, message, severity, file=name, line=row))

    def close(self) -> None:
        """Book the columns, and the rows that are of nobody."""
        kind, file = self.bound.kind, self.bound.name
        for number, (name, book) in enumerate(zip(self.bound.headings, self.books, strict=True)):
            self.accounts.columns[ColumnKey(kind, file, number, name)] = book
        said = {
            "subject.missing": "have no number of a subject",
            "subject.unknown": "have the number of a subject that the link table does not have",
        }
        for rule, lost in sorted(self.lost.items()):
            message = f"{file}: {lost.count} rows {said[rule]}, the first of them row {lost.line}; they are not mapped"
            self.accounts.findings.append(
                Finding(
                    rule,
                    message,
                    "error",
                    file=file,
                    line=lost.line,
                    variable=self.bound.table.subject,
                    count=lost.count,
                )
            )


def _book(bound: Bound, name: str) -> ColumnAccount:
    """The account of a column: used, not needed with the reason, or neither."""
    table = bound.table
    identifies = name in bound.hidden or is_named(table.identifying, name) or IDENTIFYING.search(name) is not None
    if name in bound.needed:
        return ColumnAccount(USED, hidden=identifies)
    reason = reason_of(table, name)
    return ColumnAccount(NOT_NEEDED if reason else UNMAPPED, reason, values=Counter(), hidden=identifies)
