"""Which FHIR version a resource was written in, by elements that R4 does not have (each version's own pages)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir2cdisc.fhir.versions import OTHER_TYPES, R4_TYPES, other_version

SIGNS: list[tuple[dict[str, Any], tuple[str, str] | None]] = [
    ({"resourceType": "MedicationStatement", "medication": {"concept": {}}}, ("medication", "R5")),
    ({"resourceType": "Encounter", "class": [{"coding": []}]}, ("class", "R5")),
    ({"resourceType": "Encounter", "actualPeriod": {}}, ("actualPeriod", "R5")),
    ({"resourceType": "Procedure", "occurrenceDateTime": "2024"}, ("occurrenceDateTime", "R5")),
    ({"resourceType": "AdverseEvent", "occurrenceDateTime": "2024"}, ("occurrenceDateTime", "R5")),
    ({"resourceType": "BodyStructure", "includedStructure": []}, ("includedStructure", "R5")),
    ({"resourceType": "Condition", "context": {}}, ("context", "STU3")),
    ({"resourceType": "Condition", "verificationStatus": "entered-in-error"}, ("verificationStatus", "STU3")),
    ({"resourceType": "AllergyIntolerance", "clinicalStatus": "active"}, ("clinicalStatus", "STU3")),
    ({"resourceType": "Procedure", "notDone": True}, ("notDone", "STU3")),
    ({"resourceType": "Immunization", "notGiven": True, "status": "completed"}, ("notGiven", "STU3")),
    ({"resourceType": "Condition", "dateRecorded": "2014"}, ("dateRecorded", "DSTU2")),
    ({"resourceType": "Encounter", "class": "inpatient"}, ("class", "DSTU2")),
    ({"resourceType": "MedicationAdministration", "wasNotGiven": True}, ("wasNotGiven", "DSTU2")),
    ({"resourceType": "Condition", "verificationStatus": {"coding": []}}, None),
    ({"resourceType": "Encounter", "class": {"code": "AMB"}, "period": {}}, None),
    ({"resourceType": "MedicationStatement", "medicationCodeableConcept": {}}, None),
    ({"resourceType": "Patient"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("resource", "sign"), SIGNS)
def test_an_element_of_another_version_is_recognised(resource: dict[str, Any], sign: tuple[str, str] | None) -> None:
    assert other_version(resource) == sign


def test_no_type_is_both_of_r4_and_of_another_version() -> None:
    assert R4_TYPES & set(OTHER_TYPES) == set()
