"""FHIR dates to ISO 8601 as SDTM writes them: partial dates stay partial, impossible ones are refused.

SDTMIG 3.4 section 4.4.1 (formats) and 4.4.2 (precision). A FHIR instant's fraction of a second and its offset, both
optional there, are dropped: what stays is the clock of the zone that is asked for, else the one that the source wrote.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from fhir2cdisc.mappings.errors import Fhir2CdiscError

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
# Offsets of FHIR R4's dateTime go up to 14:00.
_ZONE = re.compile(r"Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)", re.ASCII)
BARE = "no offset"
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class DateError(Fhir2CdiscError):
    """A text that is no date or names a day that does not exist."""


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 if month == 2 and not leap else _DAYS[month - 1]


@lru_cache(maxsize=1 << 16)
def to_dtc(text: str, zone: tzinfo | None = None) -> str:
    """A FHIR date, dateTime or instant as --DTC (`2024`, `2024-03`, `2024-03-01`, `2024-03-01T10:15:00`).

    A time with an offset is that of the clock in `zone`, to the precision of the source; without a zone, or without
    an offset, the clock that the source wrote. A midnight time of day is kept. Raises DateError with a sentence.
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
    written = f"{year}-{month}-{day}T{time}"
    if not match["zone"]:
        return written
    if not _ZONE.fullmatch(match["zone"]):
        raise DateError("has an offset from UTC that does not exist")
    return written if zone is None else _on_the_clock_of(zone, written, match["zone"])


def _on_the_clock_of(zone: tzinfo, written: str, offset: str) -> str:
    try:
        local = datetime.fromisoformat(written + offset).astimezone(zone).replace(tzinfo=None)
        # To minutes or to seconds, as it was written.
        return local.isoformat()[: len(written)]
    except OverflowError:
        raise DateError("is in no year from 1 to 9999 in the time zone of the study") from None


def update_of(text: str) -> str:
    """The instant of an update as `instant_of`, a day alone at its end; blank where the text is neither."""
    return instant_of(f"{text}T23:59:59Z" if len(text) == 10 else text)


@lru_cache(maxsize=1 << 16)
def offset_of(text: str) -> str:
    """`+08:00` or `Z` as written, `BARE` of a time without an offset, blank where there is no time of day."""
    match = _DATE.fullmatch(text.strip())
    if match is None or not match["hour"]:
        return ""
    return match["zone"] or BARE


def instant_of(text: str) -> str:
    """An instant in UTC as text that compares; a time without an offset counts as UTC; blank where there is no day."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return ""
