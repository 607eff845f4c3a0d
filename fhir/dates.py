"""FHIR dates to ISO 8601 as SDTM writes them: partial dates stay partial, impossible ones are refused.

SDTMIG 3.4 section 4.4.1 (formats) and 4.4.2 (precision). A FHIR instant's fraction of a second and its time zone,
both optional there, are dropped: what stays is the local clock, as the source wrote it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from fhir2cdisc.mappings.errors import Fhir2CdiscError

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class DateError(Fhir2CdiscError):
    """A text that is no date or names a day that does not exist."""


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 if month == 2 and not leap else _DAYS[month - 1]


@lru_cache(maxsize=1 << 16)
def to_dtc(text: str) -> str:
    """A FHIR date, dateTime or instant as --DTC (`2024`, `2024-03`, `2024-03-01`, `2024-03-01T10:15:00`).

    A midnight time of day is kept, as the source wrote it. Raises DateError with a sentence.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise DateError("is not a FHIR date or dateTime")
    year, month, day = match["year"], match["month"], match["day"]
    if year == "0000":
        raise DateError("has year 0000, which does not exist")
    if month and not 1 <= int(month) <= 12:
        raise DateError(f"has month {month}, which does not exist")
    if day and not 1 <= int(day) <= _days(int(year), int(month)):
        raise DateError(f"has day {day}, which month {month} of {year} does not have")
    if not match["hour"]:
        return "-".join(part for part in (year, month, day) if part)
    if int(match["hour"]) > 23 or int(match["minute"]) > 59 or int(match["second"] or 0) > 59:
        raise DateError("has a time of day that does not exist")
    time = f"{match['hour']}:{match['minute']}" + (f":{match['second']}" if match["second"] else "")
    return f"{year}-{month}-{day}T{time}"
