"""Days instead of dates: extracts that count from an event of each subject (cBioPortal, GDC) and know no calendar.

Inside a run a day is a date of a calendar that no patient lived in, so that everything that follows counts intervals
as it always does. None of these dates leaves the run: what is written has study days and intervals (see
`without_dates`).
"""

from __future__ import annotations

import re
from datetime import date, timedelta

# Day 0 of every subject. All days are before the first year of which a real record is read (`dates.FIRST_YEAR`).
DAY_0 = date(1739, 1, 1)
# Sixty years before and after: what a calendar of nanoseconds holds, and what is before 1800.
MOST_DAYS = 21_900
# As a whole --DTC, which privacy may have cut to the month or year.
_WHOLE = re.compile(r"1[67]\d\d(?:-\d\d(?:-\d\d(?:T[\d:.]+)?)?)?")
_OF_THIS_CALENDAR = re.compile(r"\b1[67]\d\d-\d\d-\d\d(?:T[\d:.]+)?")


def as_date(days: int) -> str:
    """A number of days from day 0 as a date of this calendar; ValueError where it is beyond it."""
    if abs(days) > MOST_DAYS:
        raise ValueError(f"is more than {MOST_DAYS} days from day 0")
    return (DAY_0 + timedelta(days)).isoformat()


def is_day(text: str) -> bool:
    """Whether a --DTC is a date of this calendar, whole or cut."""
    return _WHOLE.fullmatch(text) is not None


def in_days(text: str) -> str:
    """A text in which dates of this calendar are days from day 0: `day 240`."""
    return _OF_THIS_CALENDAR.sub(lambda found: f"day {(date.fromisoformat(found[0][:10]) - DAY_0).days}", text)
