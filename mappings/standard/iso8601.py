"""Dates, durations and intervals of ISO 8601 as the SDTM guide takes them (SDTMIG 3.4, 4.4.1 to 4.4.3)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

# The part of a date that is missing: nothing, the day, or the month (and with it the day).
Missing = Literal["", "D", "M"]

_DATE = r"(?P<year>\d{4}|-)(?:-(?P<month>\d\d|-)(?:-(?P<day>\d\d|-))?)?"
_TIME = r"T(?P<hour>\d\d|-)(?::(?P<minute>\d\d|-)(?::(?P<second>\d\d)(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?"
_ONE = re.compile(rf"{_DATE}(?:{_TIME})?")
_N = r"\d+(?:\.\d+)?"
_DURATION = re.compile(
    rf"-?P(?:{_N}W|(?=\d|T)(?:{_N}Y)?(?:{_N}M)?(?:{_N}D)?(?:T(?=\d)(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?)"
)
_LAST_DECIMAL = re.compile(r"[^.]+(?:\.\d+[A-Z])?")
# A day whose year is unknown may be that of a leap year.
_LEAP_YEAR = 2000


class PossibleDays(NamedTuple):
    """The first and last day that a date allows, the same for a complete one, and the part that it lacks."""

    first: date
    last: date
    missing: Missing


@lru_cache(maxsize=1 << 16)
def possible_days(value: str) -> PossibleDays | None:
    """The days that a --DTC allows (`2024-03-01T10:15`, `2024-03`, `2024-03--`, `2024`); None where there is none.

    A time of day and blanks around the text are passed over; without year, or on a day that the calendar does not
    have, nothing is known. A day without its month is not taken.
    """
    found = _ONE.fullmatch(value.strip())
    return None if found is None else _days_of(found["year"], found["month"], found["day"])


@lru_cache(maxsize=1 << 16)
def _days_of(of_year: str, of_month: str | None, of_day: str | None) -> PossibleDays | None:
    """The days of the parts of a date; many moments are of one day."""
    if of_year in ("-", "0000"):
        return None
    year, month, day = int(of_year), _number(of_month), _number(of_day)
    if month is None:
        return PossibleDays(date(year, 1, 1), date(year, 12, 31), "M")
    if not 1 <= month <= 12:
        return None
    last = monthrange(year, month)[1]
    if day is None:
        return PossibleDays(date(year, month, 1), date(year, month, last), "D")
    return PossibleDays(date(year, month, day), date(year, month, day), "") if 1 <= day <= last else None


def _number(part: str | None) -> int | None:
    return None if part in (None, "-") else int(part)


def is_date(value: str) -> bool:
    """True for a date, complete or with parts missing, that the calendar and the clock have."""
    found = _ONE.fullmatch(value)
    if not found or not value.strip("-T:"):
        return False
    part = {name: int(said) for name, said in found.groupdict().items() if said and said != "-"}
    year, month = max(part.get("year", _LEAP_YEAR), 1), part.get("month", 1)
    if not 1 <= month <= 12 or not 1 <= part.get("day", 1) <= monthrange(year, month)[1]:
        return False
    return part.get("hour", 0) <= 24 and part.get("minute", 0) <= 59 and part.get("second", 0) <= 60


def is_duration(value: str) -> bool:
    """True for a duration with a part at least, and a decimal in the last part only."""
    return bool(_DURATION.fullmatch(value)) and bool(_LAST_DECIMAL.fullmatch(value))


def is_interval(value: str) -> bool:
    """True for an interval: date/date, date/duration or duration/date."""
    first, slash, last = value.partition("/")
    if not slash:
        return False
    if is_date(first):
        return is_date(last) or (last.startswith("P") and is_duration(last))
    return first.startswith("P") and is_duration(first) and is_date(last)
