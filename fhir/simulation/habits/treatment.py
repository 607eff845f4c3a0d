"""Habits around treatment: orders, drugs without an end, earlier and later lines, procedures that treat no cancer."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart, Json
from fhir2cdisc.fhir.simulation.habits.planted import Planted, drop, redirect, written
from fhir2cdisc.fhir.simulation.molecular import progression_day
from fhir2cdisc.fhir.simulation.plan import Dose, Therapy, iso
from fhir2cdisc.fhir.simulation.subject_resources import dose_key, drug_concept, write_dose
from fhir2cdisc.fhir.simulation.vocabulary import DEFAULT_SCHEDULE, SCHEDULES

# Cycles of treatment that is no study treatment, far from the numbers of real ones.
EARLIER, LATER = 801, 901


def orders(chart: Chart) -> list[Planted]:
    """A MedicationRequest beside every given cycle of an oral drug; the first up to three days before the dose."""
    given = [one for one in chart.course.doses if one.end is not None and one.status != "not-done"]
    for dose in given:
        day = max(chart.course.consent, dose.start - 3) if dose.cycle == 1 else dose.start
        chart.add(
            "MedicationRequest",
            f"order-{dose.drug}-{dose.cycle}",
            status="completed",
            intent="order",
            medicationCodeableConcept=drug_concept(chart, dose.drug),
            subject=chart.patient,
            encounter=chart.encounter(chart.visit(f"cycle-{dose.cycle}")),
            authoredOn=iso(day),
        )
    return [Planted(f"{len(given)} orders beside the doses of oral drugs")] if given else []


def open_ended(chart: Chart) -> list[Planted]:
    """All cycles of an oral drug as one record in progress that has a start only; every other subject's a statement."""
    found = []
    for drug in chart.course.drugs:
        doses = [one for one in chart.course.doses if one.drug == drug and one.end is not None]
        given = [one for one in doses if one.status != "not-done"]
        if given:
            found.append(_leave_open(chart, doses, given[0]))
    return found


def _leave_open(chart: Chart, doses: list[Dose], first: Dose) -> Planted:
    kind = "MedicationStatement" if chart.course.index % 2 == 0 else "MedicationAdministration"
    kept = written(chart, "MedicationAdministration", dose_key(first.drug, first.cycle))
    assert kept is not None
    old = {dose_key(one.drug, one.cycle) for one in doses}
    place = chart.ref("MedicationAdministration", dose_key(first.drug, first.cycle))["reference"]
    place = place.replace("MedicationAdministration/", f"{kind}/")
    moved = {chart.ref("MedicationAdministration", key)["reference"]: place for key in old}
    drop(chart, {chart.id("MedicationAdministration", key) for key in old} - {kept["id"]})
    redirect(chart, moved)
    _open(kept, kind)
    what = f"{first.drug} is one {kind} from {iso(first.start)} without an end"
    return Planted(what, "finding: end of treatment")


def _open(one: Json, kind: str) -> None:
    start = one.pop("effectivePeriod")["start"]
    dosage = one.pop("dosage")
    # A statement of what was taken has several.
    dosage = dosage[0] if isinstance(dosage, list) else dosage
    for name in ("statusReason", "note"):
        one.pop(name, None)
    one.update(resourceType=kind, effectivePeriod={"start": start})
    if kind == "MedicationStatement":
        dose = {"doseAndRate": [{"doseQuantity": dosage["dose"]}]} if "dose" in dosage else {}
        one.update(status="active", dosage=[{"route": dosage["route"], **dose}])
    else:
        one.update(status="in-progress", dosage=dosage)


def dispense(chart: Chart) -> list[Planted]:
    """Every given cycle of an oral drug as what was handed out on its first day; nothing says that it was taken."""
    given = [one for one in chart.course.doses if one.end is not None and one.status != "not-done"]
    handed_out = {}
    for dose in given:
        key = dose_key(dose.drug, dose.cycle)
        kept = written(chart, "MedicationAdministration", key)
        if kept is None or dose.end is None:
            continue
        days = dose.end - dose.start + 1
        kind, place = "MedicationDispense", chart.ref("MedicationAdministration", key)["reference"]
        handed_out[place] = place.replace("MedicationAdministration/", f"{kind}/")
        _hand_out(kept, iso(dose.start), days)
    redirect(chart, handed_out)
    first = {dose.drug: iso(dose.start) for dose in reversed(given)}
    return [
        Planted(f"{drug} is known by dispenses only, the first on {day}", "finding: treatment")
        for drug, day in sorted(first.items())
        if handed_out
    ]


def _hand_out(one: Json, day: str, days: int) -> None:
    dosage = one.pop("dosage")
    # A statement of what was taken has several.
    dosage = dosage[0] if isinstance(dosage, list) else dosage
    for name in ("statusReason", "note", "effectivePeriod"):
        one.pop(name, None)
    amount = [{"doseQuantity": dosage["dose"]}] if "dose" in dosage else []
    one.update(
        resourceType="MedicationDispense",
        status="completed",
        whenHandedOver=day,
        quantity={"value": days, "unit": "tablet"},
        daysSupply={"value": days, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"},
        dosageInstruction=[{"route": dosage["route"], **({"doseAndRate": amount} if amount else {})}],
    )


def earlier_line(chart: Chart) -> list[Planted]:
    """Two cycles of a study drug about three years before enrolment, stopped then."""
    course = chart.course
    if not course.drugs or course.first_dose is None:
        return []
    drug, start = course.drugs[0], course.consent - 1100 + course.index % 90
    for number in (0, 1):
        _dose(chart, drug, EARLIER + number, start + 28 * number, start + 27 + 28 * number)
    return [Planted(f"{drug} was given from {iso(start)} to {iso(start + 55)}, years before enrolment")]


def second_line(chart: Chart) -> list[Planted]:
    """New anticancer therapy after progression is another study drug, written like the study treatment."""
    course, seen = chart.course, progression_day(chart.course)
    if seen is None:
        return []
    recommended = {drug for board in course.boards for drug in board.drugs}
    taken = {*course.drugs, *recommended, *(one.name for one in course.therapies)}
    others = [one.name for one in chart.study.drugs if one.name not in taken]
    found = []
    for number, therapy in enumerate(course.therapies, 1):
        later = not therapy.prior and therapy.kind == "drug" and therapy.start > seen
        if later and others and therapy.name not in recommended:
            found.append(_replace(chart, therapy, number, others[course.index % len(others)]))
    return found


def _replace(chart: Chart, therapy: Therapy, number: int, drug: str) -> Planted:
    drop(chart, {chart.id("MedicationStatement", f"therapy-{number}")})
    last = min(chart.course.end, therapy.end or chart.course.end)
    for turn in range(3):
        start = therapy.start + 21 * turn
        if start <= last:
            _dose(chart, drug, LATER + turn, start, min(start + 20, last))
    return Planted(f"{drug} is given from {iso(therapy.start)}, after progression, as a second line")


def _dose(chart: Chart, drug: str, cycle: int, start: int, end: int) -> None:
    how = SCHEDULES.get(drug, DEFAULT_SCHEDULE)
    route = "ORAL" if how.oral else "INTRAVENOUS"
    write_dose(chart, Dose(drug, cycle, start, end if how.oral else None, how.amount, how.unit, route))


# Text, Chinese text and the days after the first dose.
PROCEDURES = (("Cataract surgery", "白内障手术", 30), ("CT pulmonary embolism protocol", "CT肺栓塞检查", 36))


def unrelated_surgery(chart: Chart) -> list[Planted]:
    """Surgery and an examination that treat no cancer, while treatment goes on."""
    found = []
    for text, chinese, days in PROCEDURES:
        day = (chart.course.first_dose or chart.course.end) + days
        if day > chart.course.end:
            continue
        chart.add(
            "Procedure",
            f"unrelated-{days}",
            status="completed",
            category={"text": chart.word("Surgical procedure", "手术")} if "surgery" in text else None,
            code={"text": chart.word(text, chinese)},
            subject=chart.patient,
            performedDateTime=iso(day),
        )
        found.append(Planted(f"{text} on {iso(day)}"))
    return found
