"""Conditions, allergies, procedures, enrolments and sex as hospitals send them: reproductions 12, 15, 17, 18 and 19.

SDTMIG 3.4, MH (--PRESP, --OCCUR), DM and 8.4; IPS absent-unknown codes; US Core sex extensions; MII oncology.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun

Convert = Callable[..., SdtmRun]
Make = Callable[..., dict[str, Any]]
SNOMED, IPS = "http://snomed.info/sct", "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def coded(system: str, code: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def rows(made: SdtmRun, domain: str, *names: str) -> list[tuple[Any, ...]]:
    """The rows of a domain; blank for a variable that no row has."""
    frame = made.sdtm.frames.get(domain)
    found = [] if frame is None else frame.fillna("").to_dict("records")
    return [tuple(row.get(name, "") for name in names) for row in found]


def supp(made: SdtmRun, domain: str) -> dict[str, str]:
    return dict(rows(made, f"SUPP{domain}", "QNAM", "QVAL"))


def whose(kind: str) -> dict[str, Any]:
    return {"patient": {"reference": "Patient/p"}} if kind == "AllergyIntolerance" else {}


# Resource type, code | MHTERM that did not occur, blank where the record is none of ours; what
NONE_KNOWN = [
    ("AllergyIntolerance", coded(SNOMED, "716186003", "No known allergy"), "ALLERGY"),
    ("AllergyIntolerance", coded(SNOMED, "409137002"), "DRUG ALLERGY"),
    ("AllergyIntolerance", coded(IPS, "no-known-food-allergies"), "FOOD ALLERGY"),
    ("AllergyIntolerance", {"text": "NKDA"}, "DRUG ALLERGY"),
    ("AllergyIntolerance", {"text": "否认药物过敏史"}, "DRUG ALLERGY"),
    ("Condition", coded(SNOMED, "160245001"), "PROBLEM"),
    ("Condition", coded(IPS, "no-known-problems"), "PROBLEM"),
]


@pytest.mark.parametrize(("kind", "code", "term"), NONE_KNOWN)
def test_what_is_known_to_be_absent_did_not_occur(
    convert: Convert, fhir: Make, kind: str, code: dict[str, Any], term: str
) -> None:
    made = convert([fhir("Patient", "p"), fhir(kind, "a", code=code, **whose(kind))])
    assert rows(made, "MH", "MHTERM", "MHPRESP", "MHOCCUR") == [(term, "Y", "N")]


@pytest.mark.parametrize(
    ("kind", "code"), [("AllergyIntolerance", "no-allergy-info"), ("Condition", "no-problem-info")]
)
def test_that_nothing_is_known_is_no_history(convert: Convert, fhir: Make, kind: str, code: str) -> None:
    made = convert([fhir("Patient", "p"), fhir(kind, "a", code=coded(IPS, code), **whose(kind))])
    assert "MH" not in made.sdtm.frames
    assert [reason for (found, _, reason) in made.accounts.counts if found == kind] == [
        f"it says that nothing is known about {'allergies' if kind != 'Condition' else 'problems'}"
    ]


def test_an_allergy_is_one(convert: Convert, fhir: Make) -> None:
    made = convert(
        [fhir("Patient", "p"), fhir("AllergyIntolerance", "a", code=coded(SNOMED, "91936005", "Penicillin"))]
    )
    assert rows(made, "MH", "MHTERM", "MHOCCUR") == [("Penicillin", "")]


def test_no_known_procedure_did_not_occur(convert: Convert, fhir: Make) -> None:
    made = convert([fhir("Patient", "p"), fhir("Procedure", "a", code=coded(IPS, "no-known-procedures"))])
    assert rows(made, "PR", "PRTRT", "PRPRESP", "PROCCUR") == [("PROCEDURE", "Y", "N")]


# Elements of a Condition | MHSTDTC, what SUPPMH has of the onset and the end
ONSETS = [
    ({"onsetDateTime": "2020-05"}, "2020-05", {}),
    ({"onsetString": "2019"}, "2019", {}),
    ({"onsetAge": {"value": 54, "unit": "years", "code": "a"}}, "", {"MHONSTXT": "54 years"}),
    (
        {"onsetRange": {"low": {"value": 50, "unit": "a"}, "high": {"value": 55, "unit": "a"}}},
        "",
        {"MHONSTXT": "50-55 a"},
    ),
    ({"onsetString": "in childhood"}, "", {"MHONSTXT": "in childhood"}),
    ({"abatementAge": {"value": 60, "code": "a"}}, "", {"MHENDTXT": "60 a"}),
    ({"onsetString": "since my husband died in the spring"}, "", {}),  # the patient's own words
]


@pytest.mark.parametrize(("elements", "start", "kept"), ONSETS)
def test_an_onset_that_is_no_date_is_kept_as_reported(
    convert: Convert, fhir: Make, elements: dict[str, Any], start: str, kept: dict[str, str]
) -> None:
    made = convert([fhir("Patient", "p"), fhir("Condition", "c", code={"text": "Asthma"}, **elements)])
    assert rows(made, "MH", "MHTERM", "MHSTDTC") == [("Asthma", start)]
    assert supp(made, "MH") == kept
    incomplete = [f.variable for f in made.accounts.findings if f.rule == "record.incomplete"]
    assert incomplete == ([] if start else ["MHSTDTC"])


PERFORMED = [
    ({"performedString": "spring 2019"}, "spring 2019"),
    ({"performedAge": {"value": 54, "unit": "years"}}, "54 years"),
]


@pytest.mark.parametrize(("elements", "kept"), PERFORMED)
def test_the_time_of_a_procedure_that_is_no_date_is_kept(
    convert: Convert, fhir: Make, elements: dict[str, Any], kept: str
) -> None:
    made = convert([fhir("Patient", "p"), fhir("Procedure", "c", code={"text": "Biopsy"}, **elements)])
    assert supp(made, "PR") == {"PRDTTXT": kept}


SIDE = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-seitenlokalisation"
ORGAN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/icd-o-3", "code": "C50.4", "display": "Mamma"}]}
LEFT = {"coding": [{"system": SIDE, "code": "L", "display": "links"}]}
SITES = [
    ([LEFT, ORGAN], {"MHBSITE": "Mamma", "MHLATER": "LEFT"}),
    ([ORGAN, LEFT], {"MHBSITE": "Mamma", "MHLATER": "LEFT"}),
    ([{"coding": [*LEFT["coding"], *ORGAN["coding"]]}], {"MHBSITE": "Mamma", "MHLATER": "LEFT"}),
    ([{"coding": [{"system": SIDE, "code": "T", "display": "trifft nicht zu"}]}, ORGAN], {"MHBSITE": "Mamma"}),
    ([coded(SNOMED, "24028007"), ORGAN], {"MHBSITE": "Mamma", "MHLATER": "RIGHT"}),
    ([{"text": "左乳"}], {"MHBSITE": "左乳"}),
]


@pytest.mark.parametrize(("sites", "kept"), SITES)
def test_the_side_is_no_organ(convert: Convert, fhir: Make, sites: list[dict[str, Any]], kept: dict[str, str]) -> None:
    made = convert([fhir("Patient", "p"), fhir("Condition", "c", code={"text": "Ca"}, bodySite=sites)])
    assert supp(made, "MH") == kept


CONCERN = [{"coding": [{"code": "health-concern"}]}]
# Text, elements of the Condition | whether it is a clinician's term
TERMS: list[tuple[str, dict[str, Any], bool]] = [
    ("Afraid my community will not be as close with COVID19", {}, False),
    ("Afraid of what comes next", {"category": CONCERN}, False),
    ("Afraid of what comes next", {"asserter": {"reference": "Patient/p"}}, False),
    ("肝恶性肿瘤cT2N1M0 ⅢA期(EGFR 19外显子缺失)", {}, True),
    ("我院肺癌术后化疗4程后", {}, True),
    ("Z. n. Adeno-Ca. der li. Mamma, pT2 pN1 (2/14) M0, R0, chron. Niereninsuff.", {}, True),
    ("Stage I non-small cell lung cancer of the right upper lobe", {}, True),
    ("ME/CFS after a viral infection in 2019", {"asserter": {"reference": "Practitioner/d"}}, True),
]


@pytest.mark.parametrize(("text", "elements", "taken"), TERMS)
def test_a_term_of_a_clinician_is_history_and_the_words_of_a_patient_are_none(
    convert: Convert, fhir: Make, text: str, elements: dict[str, Any], taken: bool
) -> None:
    made = convert([fhir("Patient", "p"), fhir("Condition", "c", code={"text": text}, **elements)])
    assert rows(made, "MH", "MHTERM") == ([(text,)] if taken else [])
    assert ("text.withheld" in [f.rule for f in made.accounts.findings]) is not taken


def sex(**elements: Any) -> dict[str, Any]:
    urls = {"individual": "us-core-individual-sex", "sex": "us-core-sex", "birth": "us-core-birthsex"}
    extensions = [
        {
            "url": CORE + urls[name],
            **({"valueCode": value} if len(value) < 4 else {"valueCoding": {"system": SNOMED, "code": value}}),
        }
        for name, value in elements.items()
        if name in urls
    ]
    return {"extension": extensions, **({"gender": elements["gender"]} if "gender" in elements else {})}


SEXES = [
    (sex(gender="female"), "F"),
    (sex(individual="248152002"), "F"),
    (sex(individual="248153007"), "M"),
    (sex(sex="248152002"), "F"),
    (sex(birth="M"), "M"),
    (sex(birth="UNK"), "U"),
    (sex(gender="unknown"), "U"),
    (sex(gender="other", individual="248152002"), "F"),
    (sex(gender="male", birth="F"), "M"),
    (sex(gender="other"), ""),
    (sex(), ""),
]


@pytest.mark.parametrize(("elements", "term"), SEXES)
def test_sex(convert: Convert, fhir: Make, elements: dict[str, Any], term: str) -> None:
    made = convert([fhir("Patient", "p", **elements)])
    assert rows(made, "DM", "SEX") == [(term,)]
    unknown = [f.value for f in made.accounts.findings if f.rule == "codelist.unknown"]
    assert unknown == (["other"] if elements.get("gender") == "other" and not term else [])


# Status of an enrolment without a date | whether the subject entered the trial
STATUSES = [("on-study", True), ("off-study", True), ("candidate", False), ("screening", False)]


@pytest.mark.parametrize(("status", "entered"), STATUSES)
def test_an_enrolment_without_a_date_gives_number_and_arm(
    convert: Convert, fhir: Make, status: str, entered: bool
) -> None:
    enrolment = {
        "resourceType": "ResearchSubject",
        "id": "r",
        "status": status,
        "individual": {"reference": "Patient/p"},
        "study": {"reference": "ResearchStudy/s"},
        "identifier": [{"value": "ABC-0001"}],
        "assignedArm": "A",
    }
    made = convert([fhir("Patient", "p"), enrolment])
    assert rows(made, "DM", "SUBJID", "ARMCD") == [("ABC-0001", "A")]
    assert rows(made, "DS", "DSDECOD", "DSSTDTC") == ([("ENTERED INTO TRIAL", "")] if entered else [])
    found = [(f.rule, f.variable) for f in made.accounts.findings]
    assert found == ([("record.incomplete", "DSSTDTC")] if entered else [])
