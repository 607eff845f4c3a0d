"""The clocks of a subject's sources: each time on the clock of its site's zone, and what is to be said of the offsets.

A time with an offset is an instant; its day depends on where it is looked at from. With a zone (`[clock]`) that is
certain. Without one the day is the one that the source wrote, which is right where a hospital writes its local time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise
from typing import NamedTuple

from fhir2cdisc.fhir.dates import BARE, instant_of, offset_of, to_dtc
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study_facts import Clock
from fhir2cdisc.mappings.time_zones import zone_of

UTC_OFFSETS = frozenset({"Z", "+00:00", "-00:00"})
OPTION = "[clock] zone (or [[clock.sites]]) names the place whose days count"
# Months in which it is summer time, and standard time, wherever there are both; in the others clocks are changed.
_NORTH = (frozenset({4, 5, 6, 7, 8, 9}), frozenset({12, 1, 2}))
_SOUTH = (frozenset({11, 12, 1, 2}), frozenset({5, 6, 7, 8}))


@dataclass(frozen=True, slots=True)
class Zones:
    """The zone of the study, and those of single sites by the name of their source."""

    study: tzinfo | None = None
    sites: Mapping[str, tzinfo] = field(default_factory=dict)

    @classmethod
    def of(cls, clock: Clock) -> Zones:
        return cls(zone_of(clock.zone) if clock.zone else None, {one.site: zone_of(one.zone) for one in clock.sites})

    def at(self, space: str) -> tzinfo | None:
        """The zone in which a record of the namespace `site|server` is read; None: as it is written."""
        return self.sites.get(space.partition("|")[0], self.study)


class Times(NamedTuple):
    """The times of one subject that were read: how many of each offset where no zone is named, and with a zone.

    `one_place`: the offsets are those of one place in summer and in winter. `placed` are the times with an offset that
    a zone was named for, `bare` those beside them without one, `midnights` those of them that were written as midnight
    and are the day before in that zone.
    """

    subject: str
    offsets: tuple[tuple[str, int], ...] = ()
    one_place: bool = False
    placed: int = 0
    bare: int = 0
    midnights: int = 0

    @property
    def mixed(self) -> bool:
        return len({_plain(one) for one, _ in self.offsets}) > 1 and not self.one_place

    @property
    def utc_only(self) -> bool:
        return bool(self.offsets) and all(one in UTC_OFFSETS for one, _ in self.offsets)

    @property
    def timed(self) -> bool:
        return self.placed > 0 or any(one != BARE for one, _ in self.offsets)


class SubjectClock:
    """Reads the dates of one subject's records, and notes each time once for each record."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.seen: dict[tuple[int, str], tzinfo | None] = {}

    def read(self, text: str, record: int, space: str) -> str:
        """A date of a record as --DTC in the zone of its site; raises DateError."""
        zone = self.zones.at(space)
        dtc = to_dtc(text, zone)
        if len(dtc) > 10:
            self.seen[record, text.strip()] = zone
        return dtc

    def times(self, subject: str) -> Times | None:
        """What was noted; None where no time was read."""
        if not self.seen:
            return None
        loose = [text for (_, text), zone in self.seen.items() if zone is None]
        counts = Counter(map(offset_of, loose))
        offsets = tuple(sorted(counts.items()))
        zoned = [(text, zone) for (_, text), zone in self.seen.items() if zone is not None]
        placed = [(text, zone) for text, zone in zoned if offset_of(text) != BARE]
        return Times(
            subject,
            offsets,
            _one_place(loose, set(counts)),
            len(placed),
            len(zoned) - len(placed) if placed else 0,
            sum(text[11:16] == "00:00" and to_dtc(text, zone)[:10] < text[:10] for text, zone in placed),
        )


def _plain(offset: str) -> str:
    return "Z" if offset in UTC_OFFSETS else offset


def _minutes(offset: str) -> int:
    hours, minutes = offset[1:].split(":")
    return int(f"{offset[0]}1") * (int(hours) * 60 + int(minutes))


def _one_place(texts: Iterable[str], offsets: set[str]) -> bool:
    """Whether two offsets are the summer and the standard time of one place.

    They are one hour apart, the greater one in summer, and in a month in which clocks are changed the one follows the
    other. `Z` is no local time, so that beside another offset it is never taken for a winter.
    """
    if len(offsets) != 2 or offsets & {"Z", BARE}:
        return False
    standard, summer = sorted(offsets, key=_minutes)
    if _minutes(summer) - _minutes(standard) != 60:
        return False
    written = sorted((instant_of(text), int(text[5:7]), offset_of(text) == summer, text[:7]) for text in texts)
    changes: Counter[str] = Counter()
    for (_, _, before, month), (_, _, after, next_month) in pairwise(written):
        changes[month] += before != after and month == next_month
    if max(changes.values(), default=0) > 1:
        return False
    seen = {(month, is_summer) for _, month, is_summer, _ in written}
    return any(
        not any((month in cold and is_summer) or (month in warm and not is_summer) for month, is_summer in seen)
        for warm, cold in (_NORTH, _SOUTH)
    )


def clock_findings(every: Iterable[Times]) -> list[Finding]:
    """What is to be said of the clocks: subjects whose offsets are mixed, or all in UTC, where no zone is named.

    Rules `clock.*`; a finding of a subject has its key as `resource`, that of the study none.
    """
    times = sorted(every)
    found = [finding for one in times for finding in _of_subject(one)]
    utc, timed = sum(one.utc_only for one in times), sum(one.timed for one in times)
    if utc:
        message = (
            f"{utc} of {timed} subjects have times in UTC only and no time zone is named: days may be shifted; {OPTION}"
        )
        found.append(Finding("clock.no-zone", message))
    return found


def _of_subject(one: Times) -> Iterator[Finding]:
    def said(rule: str, message: str) -> Finding:
        return Finding(rule, f"{one.subject}: {message}", resource=one.subject)

    total = sum(count for _, count in one.offsets)
    if one.mixed:
        listed = ", ".join(f"{offset} ({count})" for offset, count in one.offsets)
        message = f"times have different offsets, {listed}, and count on the day that is written; {OPTION}"
        yield said("clock.mixed-offsets", message)
    elif one.utc_only:
        message = f"its {total} times are all in UTC and count on the day in UTC, not where the subject was; {OPTION}"
        yield said("clock.utc-only", message)
    if one.bare:
        message = f"{one.bare} times without an offset stay as written, beside {one.placed} that have one"
        yield said("clock.no-offset", message)
    if one.midnights:
        message = (
            f"{one.midnights} times are written as midnight and count on the day before in the time zone named; where "
            "the source means days and no times, those are a day too early"
        )
        yield said("clock.midnight", message)
