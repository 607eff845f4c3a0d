"""A habit of clocks: the same instants, partly in local time and partly in UTC."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart, Json
from fhir2cdisc.fhir.simulation.habits.planted import Planted
from fhir2cdisc.fhir.simulation.plan import iso, ordinal

# Half past six in the morning in China is half past ten of the evening before in UTC.
LOCAL_TIME, UTC_TIME = "T06:30:00+08:00", "T22:30:00Z"


def time_zones(chart: Chart) -> list[Planted]:
    """Infusions, examinations and deaths at 06:30+08:00, each second one written in UTC."""
    count = {False: 0, True: 0}
    for one in chart.resources:
        element = _timed(one)
        if element:
            utc = (sum(count.values()) + chart.course.index) % 2 == 0
            day = str(one[element])[:10]
            one[element] = iso(ordinal(day) - 1) + UTC_TIME if utc else day + LOCAL_TIME
            count[utc] += 1
    return [Planted(f"{count[False]} times are in +08:00 and {count[True]} in UTC")] if any(count.values()) else []


def _timed(one: Json) -> str:
    """The element with a point in time that hospitals take from a clock, or ''."""
    if one["resourceType"] == "Patient":
        return "deceasedDateTime" if len(one.get("deceasedDateTime", "")) == 10 else ""
    if one["resourceType"] == "MedicationAdministration":
        return "effectiveDateTime" if "effectiveDateTime" in one else ""
    timed = one["resourceType"] == "Observation" and "T" in str(one.get("effectiveDateTime", ""))
    return "effectiveDateTime" if timed else ""
