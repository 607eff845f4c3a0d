"""Habits around death: by month, by year, as a flag, or in one place only."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart
from fhir2cdisc.fhir.simulation.dialects import concept
from fhir2cdisc.fhir.simulation.habits.planted import Planted, drop, written
from fhir2cdisc.fhir.simulation.plan import iso
from fhir2cdisc.fhir.simulation.subject_resources import ACT_CLASS
from fhir2cdisc.fhir.simulation.vocabulary import HL7

LOST = "finding: date of death"


def death_month(chart: Chart) -> list[Planted]:
    """Every record of the death has its month only."""
    return _shorten(chart, 7, "month")


def death_year(chart: Chart) -> list[Planted]:
    """Every record of the death has its year only."""
    return _shorten(chart, 4, "year")


def _shorten(chart: Chart, length: int, name: str) -> list[Planted]:
    if chart.course.death is None:
        return []
    text = iso(chart.course.death)[:length]
    for kind, key, element in (("Patient", "", "deceasedDateTime"), ("Observation", CAUSE, "effectiveDateTime")):
        one = written(chart, kind, key)
        if one is not None and element in one:
            one[element] = text
    subject = written(chart, "ResearchSubject", "")
    if subject is not None and "end" in subject["period"]:
        subject["period"] = {**subject["period"], "end": text}
    return [Planted(f"the death of {iso(chart.course.death)} is known by {name}: {text}", LOST)]


CAUSE = "cause-of-death"


def _keep(chart: Chart, place: str) -> bool:
    """Leave the death in one place (`cause`, `participation` or none); whether there was a death."""
    if chart.course.death is None:
        return False
    patient, subject = written(chart, "Patient", ""), written(chart, "ResearchSubject", "")
    if patient is not None:
        patient.pop("deceasedDateTime", None)
    if place != "cause":
        drop(chart, {chart.id("Observation", CAUSE)})
    if place != "participation" and subject is not None:
        subject.pop("extension", None)
        subject.update(status="follow-up", period={"start": subject["period"]["start"]})
    return True


def death_flag(chart: Chart) -> list[Planted]:
    """Only deceasedBoolean says that the subject died."""
    if not _keep(chart, ""):
        return []
    patient = written(chart, "Patient", "")
    if patient is not None:
        patient["deceasedBoolean"] = True
    return [Planted("deceasedBoolean is true and nothing has a date", LOST)]


def death_disposition(chart: Chart) -> list[Planted]:
    """The death is the discharge from a stay (every other subject) or the end of participation, and nothing else."""
    death = chart.course.death
    if chart.course.index % 2:
        known = _keep(chart, "participation")
        return [Planted("the death is the reason for the end of participation only")] if known else []
    if not _keep(chart, "") or death is None:
        return []
    start = max(chart.course.consent, death - 5)
    chart.add(
        "Encounter",
        "last-stay",
        status="finished",
        **{"class": {"system": ACT_CLASS, "code": "IMP"}},
        subject=chart.patient,
        period={"start": iso(start), "end": iso(death)},
        hospitalization={"dischargeDisposition": concept(HL7 + "discharge-disposition", "exp", "Expired")},
        serviceProvider=chart.ref("Organization", chart.course.site),
    )
    return [Planted("the death is the discharge disposition of a stay only")]


def death_observation(chart: Chart) -> list[Planted]:
    """Only the dated cause of death says that the subject died."""
    return [Planted("the death is a dated cause of death only")] if _keep(chart, "cause") else []
