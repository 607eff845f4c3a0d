"""Time never starts with an order while a better record exists, and never with a plan: reproduction 7.

FHIR R4, MedicationRequest.intent (proposal, plan, order, option ...) and status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., dict[str, Any]]
DRUGS = [{"name": "DOCETAXEL"}, {"name": "CISPLATIN"}]


def order(fhir: Make, key: str, day: str, drug: str = "Docetaxel", intent: str | None = "order") -> dict[str, Any]:
    more = {"intent": intent} if intent else {}
    return fhir(
        "MedicationRequest", key, status="active", authoredOn=day, medicationCodeableConcept={"text": drug}, **more
    )


def taken(fhir: Make, key: str, day: str, drug: str = "Docetaxel") -> dict[str, Any]:
    period = {"effectivePeriod": {"start": day}} if day else {}
    return fhir("MedicationStatement", key, medicationCodeableConcept={"text": drug}, **period)


def given(fhir: Make, key: str, day: str, drug: str = "Docetaxel") -> dict[str, Any]:
    return fhir("MedicationAdministration", key, medicationCodeableConcept={"text": drug}, effectiveDateTime=day)


EARLY, LATE, LATER = "2020-12-15", "2021-02-03", "2021-03-01"
STARTS = [
    (lambda f: [order(f, "r", EARLY, intent="plan"), taken(f, "s", LATE)], "prescribed", LATE, 0, "reproduction 7"),
    (lambda f: [order(f, "r", EARLY), taken(f, "s", LATE)], "prescribed", LATE, 0, "a statement of the drug"),
    (lambda f: [order(f, "r", EARLY), given(f, "s", LATE)], "prescribed", LATE, 0, "an administration of the drug"),
    (lambda f: [order(f, "r", EARLY)], "prescribed", EARLY, 1, "only an order: a prescribed therapy, which is said"),
    (lambda f: [order(f, "r", EARLY, intent=None)], "prescribed", EARLY, 1, "an order without intent"),
    (lambda f: [order(f, "r", EARLY)], "never", "", 0, "unless orders never count"),
    *[
        (lambda f, i=intent: [order(f, "r", EARLY, intent=i)], "prescribed", "", 0, f"{intent}: no order yet")
        for intent in ("proposal", "plan", "option")
    ],
    (lambda f: [order(f, "r", EARLY, "Cisplatin"), taken(f, "s", LATE)], "prescribed", EARLY, 1, "of another drug"),
    (lambda f: [order(f, "r", LATER, "Cisplatin"), taken(f, "s", LATE)], "prescribed", LATE, 0, "an order after it"),
    (lambda f: [order(f, "r", EARLY), taken(f, "s", "")], "prescribed", "", 0, "taken, though nobody says since when"),
]


@pytest.mark.parametrize(("records", "orders", "start", "said", "why"), STARTS)
def test_what_was_given_starts_time_before_what_was_ordered(
    convert: Any, fhir: Make, records: Any, orders: str, start: str, said: int, why: str
) -> None:
    reference = {"start": ["first-antineoplastic"], "orders": orders}
    made = convert([fhir("Patient", "p"), *records(fhir)], drugs=DRUGS, reference=reference)
    dm = made.sdtm.frames["DM"].iloc[0]
    assert dm["RFSTDTC"] == start, why
    found = [f for f in made.sdtm.findings if f.rule == "start.order"]
    assert [f.usubjid for f in found] == [dm["USUBJID"]] * said


def test_orders_that_a_study_takes_as_exposure_give_way_to_administrations(convert: Any, fhir: Make) -> None:
    reference = {"start": ["first-dose"], "exposure": ["MedicationRequest", "MedicationAdministration"]}
    resources = [fhir("Patient", "p"), order(fhir, "r", EARLY), given(fhir, "m", LATE), order(fhir, "q", LATER)]
    dm = convert(resources, drugs=DRUGS, reference=reference).sdtm.frames["DM"].iloc[0]
    assert (dm["RFSTDTC"], dm["RFXSTDTC"], dm["RFXENDTC"]) == (LATE, LATE, LATE)
    alone = convert([fhir("Patient", "p"), order(fhir, "r", EARLY)], drugs=DRUGS, reference=reference)
    assert alone.sdtm.frames["DM"]["RFXSTDTC"].tolist() == [EARLY]
    assert [f.rule for f in alone.sdtm.findings if f.rule.startswith("start.")] == ["start.order"]
    planned = [fhir("Patient", "p"), order(fhir, "r", EARLY, intent="plan")]
    assert "EX" not in convert(planned, drugs=DRUGS, reference=reference).sdtm.frames
