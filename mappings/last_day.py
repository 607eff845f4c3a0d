"""The last day that the data of a study can know: nothing that is dated later has happened yet."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.time_zones import day_of, now, zone_of

RUN = "the day of the run"
STATED = "the newest update that the data state"
NAMED = "[clock] latest"
CUT = "the data cut-off"
# The first draft of FHIR is of 2011: an update before it stands for no date, such as second 0 of 1970.
_FIRST_FHIR = "2011"


class LastDay(NamedTuple):
    """A day (ISO 8601) and what says that it is the last one."""

    day: str
    why: str


def study_zones(study: Study) -> tuple[tzinfo, ...]:
    """The zones of a study and its sites; none where the study names none of its own, so that any may be meant."""
    named = [study.clock.zone, *(one.zone for one in study.clock.sites)] if study.clock.zone else []
    return tuple(map(zone_of, named))


def today(study: Study) -> str:
    """The day of the run in the study's zones."""
    return day_of(now(), study_zones(study))


def last_day(study: Study, stated: str = "") -> LastDay:
    """The last day that the data can know, and what says so: `[clock] latest`, else the newest update, else today.

    `stated` is the instant of the newest update of all data, by what they say of themselves; blank where they do not.
    An update after the run is no reason to believe a date after it.
    """
    if study.clock.latest not in ("", "today"):
        return LastDay(study.clock.latest, NAMED)
    run = LastDay(today(study), RUN)
    if stated < _FIRST_FHIR or study.clock.latest == "today":
        return run
    return min(LastDay(day_of(stated, study_zones(study)), STATED), run, key=lambda one: one.day)


def cut_day(study: Study, known: LastDay) -> LastDay:
    """The earlier one of the last day that the data can know and the data cut-off."""
    return LastDay(study.cutoff, CUT) if study.cutoff and study.cutoff < known.day else known
