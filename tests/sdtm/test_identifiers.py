"""Identifiers of the source: which may stand in a dataset. HL7 version 2, table 0203: MR is a medical record number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., dict[str, Any]]
MRN, TRIAL = "http://hospital.example/mrn", "http://trial.example/numbers"
RECORD = {"coding": [{"code": "MR"}]}


def enrolment(**number: Any) -> dict[str, Any]:
    made = {"resourceType": "ResearchSubject", "id": "r", "status": "on-study", "period": {"start": "2024-01-01"}}
    return {**made, "individual": {"reference": "Patient/p"}, "identifier": [{"value": "ABC-0001", **number}]}


# Identifier of the enrolment | systems that the study names | whether it is the subject number.
NUMBERS: list[tuple[dict[str, Any], list[str], bool, str]] = [
    ({}, [], True, "a number without a system"),
    ({"system": TRIAL}, [], True, "a number of the trial"),
    ({"system": MRN}, [], False, "the Patient has one of this system, too: a record number"),
    ({"type": RECORD}, [], False, "a record number by its type"),
    ({"system": MRN}, [MRN], True, "the study file says that it may stand there"),
]


@pytest.mark.parametrize(("number", "systems", "kept", "why"), NUMBERS)
def test_a_record_number_is_no_subject_number(
    convert: Any, fhir: Make, number: dict[str, Any], systems: list[str], kept: bool, why: str
) -> None:
    patient = fhir("Patient", "p", identifier=[{"system": MRN, "value": "ABC-0001"}])
    made = convert([patient, enrolment(**number)], privacy={"identifiers": systems})
    assert (made.sdtm.frames["DM"]["SUBJID"].tolist() == ["ABC-0001"]) is kept, why
    assert any("ABC-0001" in frame.to_csv() for frame in made.sdtm.frames.values()) is kept
    rules = {f.rule for f in (*made.accounts.findings, *made.sdtm.findings)}
    assert ("privacy.record-number" in rules, "privacy.reversible" in rules) == (not kept, not kept)


@pytest.mark.parametrize("systems", [[], [TRIAL]])
def test_an_identifier_of_a_record_stands_where_the_study_names_its_system(
    convert: Any, fhir: Make, systems: list[str]
) -> None:
    event = fhir("AdverseEvent", "a", actuality="actual", event={"text": "Rash"}, date="2024-01-02")
    event["identifier"] = {"system": TRIAL, "value": "E-17"}
    made = convert([fhir("Patient", "p"), event], privacy={"identifiers": systems})
    assert made.sdtm.frames["AE"].iloc[0].get("AESPID", "") == ("E-17" if systems else "")
    said = [f.count for f in made.accounts.findings if f.rule == "privacy.identifier"]
    assert said == ([] if systems else [1])


def test_with_a_key_numbers_are_not_reversible(convert: Any, fhir: Make) -> None:
    from fhir2cdisc.converters.run.pipeline import RunOptions

    for key, rules in ((b"", ["privacy.reversible"]), (b"secret", [])):
        made = convert([fhir("Patient", "p")], RunOptions(key=key))
        assert [f.rule for f in made.sdtm.findings if f.rule.startswith("privacy.")] == rules
