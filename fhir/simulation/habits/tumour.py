"""Habits around tumour assessments: no written calls, other spellings, scans that are close together."""

from __future__ import annotations

from copy import deepcopy

from fhir2cdisc.fhir.simulation.chart import Chart, Json, stable_id
from fhir2cdisc.fhir.simulation.dialects import category
from fhir2cdisc.fhir.simulation.habits.planted import Planted, drop
from fhir2cdisc.fhir.simulation.plan import Assessment, Visit, iso
from fhir2cdisc.fhir.simulation.subject_resources import ACT_CLASS, visit_text
from fhir2cdisc.fhir.simulation.vocabulary import URN

IMAGING = category("imaging")
RESPONSES = ("TRGRESP", "NTRGRESP", "NEWLIND", "OVRLRESP")
# How a subject's hospital spells criteria and readers: each change in turn.
CRITERIA = ("RECIST1.1", "recist 1.1", "RECIST v1.1", " RECIST 1.1 ")
READERS = (str.title, str.lower, "{} ".format, str.capitalize)


def _responses(chart: Chart) -> dict[str, str]:
    """Ids of the responses of all readers, with the word for what each judges."""
    return {
        chart.id("Observation", f"{name}-{one.number}-{read.evaluator}"): name
        for one in chart.course.assessments
        for read in one.reads
        for name in RESPONSES
    }


def no_calls(chart: Chart) -> list[Planted]:
    """Lesions are measured and nobody wrote a response."""
    count = drop(chart, set(_responses(chart)))
    return [Planted(f"{count} responses are not written; the lesions are")] if count else []


def spellings(chart: Chart) -> list[Planted]:
    """Criteria and readers as texts in another spelling."""
    turn = chart.course.index % len(CRITERIA)
    responses, count = _responses(chart), 0
    for one in chart.resources:
        for extension in one.get("extension", ()):
            if extension["url"] == URN + "evaluator":
                extension["valueString"] = READERS[turn](extension["valueString"])
                count += 1
        if one["id"] in responses:
            one["method"] = {"text": CRITERIA[turn]}
    said = f"{count} readings are by readers spelt otherwise, responses by {CRITERIA[turn]!r}"
    return [Planted(said)] if count else []


def close_scans(chart: Chart) -> list[Planted]:
    """The first scan after baseline is seen again three days later, at an unscheduled visit, as it was.

    Only where a scan follows it and nothing happens between the two, so that no best response, no progression and no
    last assessment is another one.
    """
    course = chart.course
    after = [one for one in course.assessments if one.number]
    if len(after) < 2 or course.first_dose is None:
        return []
    first, again = after[0], after[0].day + 3
    early = first.day - course.first_dose < 42
    clear = all(read.overall not in ("PD", "NE") for read in first.reads)
    therapy = course.new_therapy is not None and course.new_therapy <= after[1].day
    if early or not clear or therapy or again >= after[1].day:
        return []
    _repeat(chart, first, again)
    return [Planted(f"the scan of {iso(first.day)} is repeated on {iso(again)} with the same result")]


def _repeat(chart: Chart, scan: Assessment, day: int) -> None:
    visit, place = Visit("close-scan", "UNSCHEDULED", day), chart.encounter(chart.visit(f"scan-{scan.number}"))
    identified = tuple(f"{word}-{scan.number}-" for word in ("identify", "merge"))
    left = {
        chart.id("Observation", f"{key}{read.evaluator}{end}")
        for key in identified
        for read in scan.reads
        for end in ("", *(f"-{lesion.id}" for lesion in read.new))
    }
    copies = [
        _copy(one, chart.encounter(visit), iso(day))
        for one in chart.resources
        if _imaging(one) and one.get("encounter") == place and one["id"] not in left
    ]
    chart.add(
        "Encounter",
        visit.key,
        status="finished",
        **{"class": {"system": ACT_CLASS, "code": "AMB"}},
        type=[{"text": visit_text(chart, visit.name)}],
        subject=chart.patient,
        period={"start": iso(day), "end": iso(day)},
        serviceProvider=chart.ref("Organization", chart.course.site),
    )
    chart.resources += copies


def _imaging(one: Json) -> bool:
    return one["resourceType"] == "ImagingStudy" or one.get("category") == IMAGING


def _copy(one: Json, encounter: Json | None, day: str) -> Json:
    made = deepcopy(one)
    made["id"], made["encounter"] = stable_id(f"close|{one['id']}"), encounter
    if made["resourceType"] == "ImagingStudy":
        uid = int(made["id"].replace("-", ""), 16)
        made["identifier"] = [{**made["identifier"][0], "value": f"urn:oid:2.25.{uid}"}]
        made["started"] = day
    else:
        made["effectiveDateTime"] = day
    return made
