"""Time zones by name, and the day that an instant falls on.

A zone is a name of the IANA database, as the standard library finds it, or a fixed offset such as `+08:00`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.study_base import LAST_DAY

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)
# Files of the database that are no places: the zone of the machine, or clocks that count leap seconds.
_NO_PLACE = re.compile(r"(localtime|posixrules|Factory)|(posix|right)/.*", re.ASCII)
_LAST_SECOND = int(datetime.combine(LAST_DAY, time(), UTC).timestamp())
# Where nothing says in which zone a day is meant, it may be as late as here (Kiribati); no place is later.
_LATEST_ON_EARTH = timezone(timedelta(hours=14))


class EpochError(Fhir2CdiscError):
    """SOURCE_DATE_EPOCH that is no time."""


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of a name or a fixed offset; ValueError with a sentence where there is none."""
    if found := _OFFSET.fullmatch(name):
        distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if distance <= timedelta(hours=14):
            return timezone(-distance if found[1] == "-" else distance)
    try:
        if _NO_PLACE.fullmatch(name):
            raise ValueError
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        if not available_timezones():
            said = "this machine has no database of time zones (the package tzdata brings one); name an offset"
            raise ValueError(f"{name!r}: {said} such as '+08:00'") from None
        raise ValueError(f"{name!r} is no zone of the IANA database (Asia/Shanghai), nor an offset (+08:00)") from None


def day_of(instant: str, zones: Collection[tzinfo]) -> str:
    """The day (ISO 8601) of an instant (ISO 8601 with an offset) in the zone where it is latest.

    Without `zones` that is the latest zone on earth, so that no day is refused that had begun somewhere.
    """
    at = datetime.fromisoformat(instant)
    days = []
    for zone in zones or (_LATEST_ON_EARTH,):
        try:
            days.append(at.astimezone(zone).date().isoformat())
        except OverflowError:
            days.append(at.date().isoformat())
    return max(days)


def now() -> str:
    """The instant of the run, or that of SOURCE_DATE_EPOCH (seconds since 1970); EpochError where that is no time."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not said:
        return datetime.now(UTC).isoformat()
    if not (said.isascii() and said.isdigit()) or int(said) >= _LAST_SECOND:
        raise EpochError(f"SOURCE_DATE_EPOCH is no number of seconds from 1970 to {LAST_DAY.year}")
    return datetime.fromtimestamp(int(said), UTC).isoformat()
