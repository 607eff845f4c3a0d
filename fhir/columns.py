"""The ledger of columns: what was filled in each column of an extract, what was taken from it, and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# So many different values of a column that nothing reads are counted; of more only the number of cells is known.
MOST_VALUES = 200
# A value that fewer cells have may be that of one person, and is not shown.
LEAST = 5
# What becomes of a column: its cells fill variables or decide about rows, or they do not, with a reason or without one.
USED, NOT_NEEDED, UNMAPPED, EMPTY = "used", "not needed", "unmapped", "empty"


class ColumnKey(NamedTuple):
    """A column: the table (`recist-cn/target`), the file with its sheet, the number from 0, the heading."""

    table: str
    file: str
    number: int
    name: str


@dataclass(slots=True)
class ColumnAccount:
    """What became of a column: `filled` cells, of them `taken` by records; `values` of one that nothing reads."""

    use: str
    reason: str = ""
    filled: int = 0
    taken: int = 0
    values: Counter[str] = field(default_factory=Counter)
    hidden: bool = False

    def add(self, other: ColumnAccount) -> None:
        """Add what was counted in another part of the file."""
        self.filled += other.filled
        self.taken += other.taken
        self.values.update(other.values)

    def most_frequent(self, least: int, number: int = 3) -> list[tuple[str, int]]:
        """The most frequent values that at least so many cells have; none of a column that identifies people."""
        return [] if self.hidden else most_frequent(self.values, least, number)


def most_frequent(values: Mapping[str, int], least: int, number: int = 3) -> list[tuple[str, int]]:
    """The most frequent of values that at least so many cells have, with their numbers."""
    found = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(value, count) for value, count in found if count >= least][:number]


ColumnBook = dict[ColumnKey, ColumnAccount]


def merge_columns(book: ColumnBook, other: Iterable[tuple[ColumnKey, ColumnAccount]]) -> None:
    """Add the columns of another book."""
    for key, account in other:
        if key in book:
            book[key].add(account)
        else:
            book[key] = account
