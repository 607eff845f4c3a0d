"""Which record of a resource counts, who belongs to the study, and what an odd resource does to the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., dict[str, Any]]
WEIGHT = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}


def versions(fhir: Make, *metas: dict[str, str]) -> list[dict[str, Any]]:
    """Weights 1, 2, 3 ... of one id with these metas."""
    return [
        fhir(
            "Observation",
            "o",
            code=WEIGHT,
            meta=meta,
            valueQuantity={"value": n, "code": "kg"},
            effectiveDateTime="2024-01-01",
        )
        for n, meta in enumerate(metas, start=1)
    ]


LATEST = [
    ([{"versionId": "1"}, {"versionId": "2"}], "2", "the higher version"),
    ([{"versionId": "10"}, {"versionId": "9"}], "1", "as a number, not as text"),
    ([{"versionId": "²"}, {"versionId": "1"}], "2", "a superscript is no number"),
    ([{"versionId": "9" * 5000}, {"versionId": "1"}], "2", "nor are 5000 digits a version"),
    (
        [{"lastUpdated": "2024-01-01T10:00:00+08:00"}, {"lastUpdated": "2024-01-01T03:00:00Z"}],
        "2",
        "10:00 in Shanghai is 02:00 in UTC",
    ),
    (
        [{"lastUpdated": "2024-01-02T00:00:00Z"}, {"lastUpdated": "2024-01-01T00:00:00Z"}],
        "1",
        "the later update",
    ),
    ([{}, {}], "2", "by their content where nothing tells them apart"),
]


@pytest.mark.parametrize(("metas", "kept", "why"), LATEST)
def test_one_record_of_a_resource_counts(
    convert: Any, fhir: Make, metas: list[dict[str, str]], kept: str, why: str
) -> None:
    made = convert([fhir("Patient", "p"), *versions(fhir, *metas)])
    assert made.sdtm.frames["VS"]["VSORRES"].tolist() == [kept], why
    assert sum(made.accounts.counts.values()) == 3


REPEATS = [
    ([{}, {}], "resource.conflict", "warning"),
    ([{"versionId": "1"}, {"versionId": "2"}], "resource.superseded", "info"),
]


@pytest.mark.parametrize(("metas", "rule", "severity"), REPEATS)
def test_a_repeat_is_booked_and_said(
    convert: Any, fhir: Make, metas: list[dict[str, str]], rule: str, severity: str
) -> None:
    made = convert([fhir("Patient", "p"), *versions(fhir, *metas)])
    assert [(f.rule, f.severity) for f in made.accounts.findings] == [(rule, severity)]


def test_the_same_content_twice_is_a_duplicate_whatever_its_narrative(convert: Any, fhir: Make) -> None:
    one = versions(fhir, {})[0]
    made = convert([fhir("Patient", "p"), one, {**one, "text": {"div": "made by the server"}}])
    assert [f.rule for f in made.accounts.findings] == ["resource.duplicate"]


def enrolment(study: str, /, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ResearchSubject",
        "id": f"in-{study}",
        "status": "on-study",
        "study": {"reference": f"ResearchStudy/{study}"},
        "individual": {"reference": "Patient/p"},
        "period": {"start": "2024-01-01"},
        **more,
    }


def test_only_the_enrolment_in_this_study_counts(convert: Any, fhir: Make) -> None:
    resources = [fhir("Patient", "p"), enrolment("OTHER", period={"start": "2020-01-01"}), enrolment("S")]
    made = convert(resources, cohort={"membership": "research-subject"})
    assert made.sdtm.frames["DS"]["DSSTDTC"].tolist() == ["2024-01-01"]
    assert ("ResearchSubject", "not needed", "enrolment in a study that was not read") in made.accounts.counts
    others = [fhir("Patient", "p"), enrolment("OTHER"), enrolment("THIRD")]
    assert convert(others, cohort={"membership": "research-subject"}).sdtm.frames == {}


def test_the_only_study_that_enrolments_name_is_assumed_and_said(convert: Any, fhir: Make) -> None:
    made = convert([fhir("Patient", "p"), enrolment("77")], cohort={"membership": "research-subject"})
    assert len(made.sdtm.frames["DM"]) == 1
    said = [(f.severity, f.message) for f in made.accounts.findings if f.rule == "study.assumed"]
    assert [severity for severity, _ in said] == ["warning"] and 'research_study = ["77"]' in said[0][1]


def test_a_study_is_known_by_its_identifier_too(convert: Any, fhir: Make) -> None:
    study = {"resourceType": "ResearchStudy", "id": "77", "identifier": [{"value": "S"}, 5]}
    resources = [fhir("Patient", "p"), study, enrolment("77")]
    assert len(convert(resources, cohort={"membership": "research-subject"}).sdtm.frames["DM"]) == 1


ODD_ENROLMENTS = [{"study": "S"}, {"study": {"reference": 5}}, {"study": None}, {"study": []}]


@pytest.mark.parametrize("odd", ODD_ENROLMENTS)
def test_an_odd_enrolment_is_no_enrolment(convert: Any, fhir: Make, odd: dict[str, Any]) -> None:
    made = convert([fhir("Patient", "p"), enrolment("S", **odd)], cohort={"membership": "research-subject"})
    assert made.sdtm.frames == {} and sum(made.accounts.counts.values()) == 2


def test_a_cohort_by_condition_matches_system_and_code(convert: Any, fhir: Make) -> None:
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C22.0"}]}
    resources = [fhir("Patient", "p"), fhir("Condition", "c", code=code)]
    for listed, members in (("C22.0", 1), ("C22.1", 0)):
        cohort = {"membership": "condition", "conditions": [{"code": listed}]}
        made = convert(resources, cohort=cohort)
        assert len(made.sdtm.frames.get("DM", ())) == members
        if members:
            # A code without a system matches any system, for the cohort and for its category alike.
            assert made.sdtm.frames["MH"]["MHCAT"].tolist() == ["PRIMARY DIAGNOSIS"]


def test_a_resource_without_fhir_shape_is_rejected_whole_and_the_others_stay(convert: Any, fhir: Make) -> None:
    odd = fhir("Observation", "odd", status=["final", "amended"], code=WEIGHT)
    made = convert([fhir("Patient", "p"), odd, *versions(fhir, {})])
    assert made.accounts.counts[("Observation", "rejected", "resource.shape")] == 1
    assert len(made.sdtm.frames["VS"]) == 1


def test_contained_shared_and_missing_targets_of_references(convert: Any, fhir: Make) -> None:
    order = {
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "A"}}],
    }
    shared = {"resourceType": "Medication", "id": "s", "code": {"text": "B"}}
    made = convert(
        [
            fhir("Patient", "p"),
            shared,
            fhir("MedicationStatement", "1", **order),
            fhir("MedicationStatement", "2", medicationReference={"reference": "Medication/s"}),
            fhir("MedicationStatement", "3", medicationReference={"reference": "Medication/gone"}),
        ]
    )
    assert sorted(made.sdtm.frames["CM"]["CMTRT"]) == ["", "A", "B"]
    found = [(f.rule, f.resource, f.value) for f in made.accounts.findings if f.severity != "info"]
    assert sorted(found) == [
        ("medication.nameless", "MedicationStatement/3", ""),
        ("reference.dangling", "MedicationStatement/3", "Medication/gone"),
    ]


def test_nulls_of_a_naive_serialiser_change_nothing(convert: Any, fhir: Make) -> None:
    hb = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    quantity = {"value": 13.5, "unit": "g/dL", "code": "g/dL"}
    frames = []
    for more in ({}, {"comparator": None, "system": None}):
        made = convert(
            [
                fhir("Patient", "p"),
                fhir("Observation", "o", code=hb, valueQuantity={**quantity, **more}, effectiveDateTime="2024-01-01"),
            ]
        )
        frames.append(made.sdtm.frames["LB"][["LBORRES", "LBORRESU", "LBSTRESN"]].values.tolist())
        assert [f.rule for f in made.accounts.findings] == []
    assert frames[0] == frames[1] and frames[0][0][0] == "13.5"
