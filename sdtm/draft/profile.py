"""What is seen of a column before anybody has said what it is: how full it is, and what its values look like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from fhir2cdisc.sdtm.cells.dates import CellDateError, RawDates

# So many different values of a column are looked at.
MOST_VALUES = 2_000
# Texts that systems write for nothing.
NOTHING = ("NA", "N/A", "NULL", "null", "nan", "NaN", ".", "#N/A", "None")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
# A date has a year beside other parts, or the four digits of a year of our time.
_LIKE_DATE = re.compile(r".*\d{4}.*[-/. ]|.*[-/. ].*\d{2,4}|(?:19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?|.*年.*")
# In the order in which a draft asks for them.
FORMATS = (
    "DD-MMM-YYYY",
    "D-MMM-YYYY",
    "DD MMM YYYY",
    "D MMM YYYY",
    "DDMMMYYYY",
    "MMM-YYYY",
    "MMM YYYY",
    "YYYY年M月D日",
    "YYYY年M月",
    "YYYY/M/D",
    "YYYY.M.D",
    "YYYYMMDD",
    "D.M.YYYY",
    "D/M/YYYY",
    "M/D/YYYY",
    "M/YYYY",
    "D-M-YYYY",
    "M-D-YYYY",
    "YYYY",
)
_EITHER = (("D/M/YYYY", "M/D/YYYY"), ("D-M-YYYY", "M-D-YYYY"))


@dataclass(slots=True)
class Column:
    """One column: its heading, its label where a codebook gives one, and its values with their numbers."""

    name: str
    label: str = ""
    hidden: bool = False
    values: Counter[str] = field(default_factory=Counter)
    filled: int = 0

    def add(self, text: str) -> None:
        self.filled += 1
        if text in self.values or len(self.values) < MOST_VALUES:
            self.values[text] += 1

    @property
    def texts(self) -> list[str]:
        """The different values, without those that stand for nothing."""
        return sorted(text for text in self.values if text not in NOTHING)

    @property
    def is_number(self) -> bool:
        """Whether every value is a number."""
        return bool(self.texts) and all(_NUMBER.fullmatch(text) for text in self.texts)

    @property
    def is_code(self) -> bool:
        """Whether every value is a small whole number, as codes of answers are."""
        return bool(self.texts) and all(re.fullmatch(r"\d{1,2}", text) for text in self.texts)

    @property
    def is_like_dates(self) -> bool:
        return bool(self.texts) and all(_LIKE_DATE.match(text) for text in self.texts)


@dataclass(slots=True)
class Sheet:
    """A table of an extract: file, sheet, rows of its headings, its columns, and how many rows it has."""

    file: str
    sheet: str
    header: tuple[int, ...]
    columns: list[Column]
    rows: int = 0


def formats_of(columns: Iterable[Column]) -> tuple[tuple[str, ...], bool]:
    """The formats that the dates of columns need, and whether one of two that read them differently was not decided.

    Of two orders of day and month the one that reads all dates of all columns is taken.
    """
    texts = sorted({text for column in columns if column.is_like_dates for text in column.texts})
    reads = {one: {text for text in texts if _reads(one, text)} for one in FORMATS}
    undecided = False
    for one, other in _EITHER:
        if not reads[one] & reads[other]:
            continue
        if reads[one] > reads[other]:
            reads[other] = set()
        elif reads[other] > reads[one]:
            reads[one] = set()
        else:
            reads[one], reads[other], undecided = set(), set(), True
    left, needed = {text for text in texts if not is_date(text, ())}, []
    for one in FORMATS:
        if reads[one] & left:
            needed.append(one)
            left -= reads[one]
    return tuple(needed), undecided


def _reads(format_: str, text: str) -> bool:
    return is_date(text, (format_,)) and not is_date(text, ())


def is_date(text: str, formats: tuple[str, ...]) -> bool:
    """Whether a text is a date by formats, or by ISO 8601."""
    try:
        RawDates.of(formats).read(text)
    except CellDateError:
        return False
    return True
