"""What is said of the columns of extracts: those that nothing reads, and those whose cells no record took."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.converters.extracts.bind import Bound, Prepared
from fhir2cdisc.converters.extracts.grid import letters
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.columns import EMPTY, LEAST, UNMAPPED, USED, ColumnAccount, ColumnKey
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.extract_model import Extract
from fhir2cdisc.sdtm.cells.needed import variable_columns

ADDRESSES = ["RULE", "VARIABLE", "FILE", "ENTRY", "NUMBER", "COLUMN", "HEADING"]
COLUMNS = ["TABLE", "FILE", "COLUMN", "HEADING", "USE", "REASON", "FILLED", "TAKEN", "FREQUENT"]


def column_findings(accounts: Accounts) -> list[Finding]:
    """A finding for each column that no line of a mapping names, and for each whose cells were not all taken.

    Columns are also counted as taken here, from what the mapping of rows has booked.
    """
    for key, book in accounts.columns.items():
        book.taken = accounts.taken.get((key.table, key.file), Counter())[key.name]
    used = {(key.file, key.number) for key, book in accounts.columns.items() if book.use == USED}
    return [
        finding
        for key, book in sorted(accounts.columns.items(), key=lambda pair: pair[0])
        # A sheet may be several tables.
        if book.use == USED or (key.file, key.number) not in used
        for finding in _said(key, book)
    ]


def _said(key: ColumnKey, book: ColumnAccount) -> Iterator[Finding]:
    place = f"{key.file}: column {letters(key.number)} ({key.name})"
    if book.use == UNMAPPED and book.filled:
        frequent = ", ".join(f"{value!r} {count}" for value, count in book.most_frequent(LEAST))
        said = f"{place} is named by no line of the mapping; {book.filled} cells are filled"
        said += f", most often {frequent}" if frequent else ""
        yield Finding("column.unmapped", said, file=key.file, variable=key.name, count=book.filled)
    elif book.use == USED and book.taken < book.filled:
        lost = book.filled - book.taken
        said = f"{place}: {lost} of {book.filled} filled cells are in rows or at places that no record was made from"
        yield Finding("column.partly", said, "info", file=key.file, variable=key.name, count=lost)


def column_table(accounts: Accounts) -> pd.DataFrame:
    """One row for each column of each table: what became of it, its filled cells, and those that records took."""
    rows = [
        (
            key.table,
            key.file,
            letters(key.number),
            key.name,
            book.use if book.filled or book.use == USED else EMPTY,
            book.reason,
            book.filled,
            book.taken,
            "; ".join(f"{value} ({count})" for value, count in book.most_frequent(LEAST)),
        )
        for key, book in sorted(accounts.columns.items(), key=lambda pair: pair[0])
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def address_table(prepared: Prepared) -> pd.DataFrame:
    """From rule and variable to the columns that fill it, in each file: number, letters and heading.

    ENTRY is the number of the column in which a record stands (`each`), -1 for records of whole rows: as in the lineage
    of records. The row is that of the lineage, so that together they are the address of a cell.
    """
    rows = [row for bound in prepared.bound for row in _addresses(bound, prepared.extract(bound.extract))]
    return pd.DataFrame(rows, columns=ADDRESSES)


def _addresses(bound: Bound, extract: Extract) -> Iterator[tuple[str, str, str, int, int, str, str]]:
    numbers = {name: n for n, name in enumerate(bound.headings)}
    for source in extract.source:
        if source.table != bound.table.name:
            continue
        rule = f"{source.domain}/{extract.extract}:{source.name}"
        cells = [name for name in bound.headings if re.fullmatch(source.each, name)] if source.each else [""]
        for cell in cells:
            for variable, spec in (*source.all_variables.items(), *source.supp.items(), *source.related.items()):
                for column in variable_columns(source, spec, cell, bound.headings):
                    if column in numbers:
                        number = numbers[column]
                        yield rule, variable, bound.name, numbers.get(cell, -1), number, letters(number), column
