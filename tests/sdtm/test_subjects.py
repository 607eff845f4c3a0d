"""DM: identifiers, reference dates, age, race, death (SDTMIG 3.4 section 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.subject.subjects import SubjectError, arm_findings, completed_years, pseudonym

Make = Callable[..., dict[str, Any]]
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"

AGES = [
    ("1960-03-01", "2024-03-01", 64, "the birthday"),
    ("1960-03-02", "2024-03-01", 63, "the day before it"),
    ("1960-02-29", "2023-02-28", 62, "born on a leap day: not yet"),
    ("1960-02-29", "2023-03-01", 63, "born on a leap day: now"),
    ("1960-03", "2024-03-01", None, "a partial birth date gives no age"),
    ("1960-03-01", "2024", None, "nor does a partial reference"),
]


@pytest.mark.parametrize(("birth", "at", "age", "why"), AGES)
def test_age_in_completed_years(birth: str, at: str, age: int | None, why: str) -> None:
    found = completed_years(pd.Series([birth]), pd.Series([at])).iloc[0]
    assert (None if pd.isna(found) else found) == age, why


def race(*codes: str) -> dict[str, Any]:
    inner = [{"url": "ombCategory", "valueCoding": {"code": code}} for code in codes]
    return {"extension": [{"url": RACE, "extension": inner}]}


RACES = [
    (("2106-3",), "WHITE", []),
    (("2106-3", "2028-9"), "MULTIPLE", ["WHITE", "ASIAN"]),
    (("2106-3", "2106-3"), "WHITE", []),
    (("UNK",), "UNKNOWN", []),
    (("9999-9",), "", []),
    ((), "", []),
]


@pytest.mark.parametrize(("codes", "expected", "supp"), RACES)
def test_race_is_a_term_several_or_nothing_and_never_guessed(
    convert: Any, fhir: Make, codes: tuple[str, ...], expected: str, supp: list[str]
) -> None:
    made = convert([fhir("Patient", "p", **race(*codes))])
    assert made.sdtm.frames["DM"]["RACE"].tolist() == [expected]
    kept = made.sdtm.frames.get("SUPPDM")
    assert (kept["QVAL"].tolist() if kept is not None else []) == supp
    assert any(f.rule == "codelist.unknown" for f in made.accounts.findings) is ("9999-9" in codes)


DEATHS = [
    ({"deceasedDateTime": "2024-05"}, "2024-05", "Y"),
    ({"deceasedBoolean": True}, "", "Y"),
    ({"deceasedBoolean": False}, "", ""),
    ({}, "", ""),
    # A day that there is not is no date of death; that there is a date says that the patient died.
    ({"deceasedDateTime": "2024-02-30"}, "", "Y"),
]


@pytest.mark.parametrize(("elements", "date", "flag"), DEATHS)
def test_death(convert: Any, fhir: Make, elements: dict[str, Any], date: str, flag: str) -> None:
    dm = convert([fhir("Patient", "p", **elements)]).sdtm.frames["DM"]
    assert (dm["DTHDTC"].iloc[0], dm["DTHFL"].iloc[0]) == (date, flag)


@pytest.mark.parametrize(
    ("elements", "ended"),
    [
        ({"deceasedDateTime": "2024-05-03T10:00:00Z"}, "2024-05-03"),  # the last contact of who died
        ({"deceasedDateTime": "2024-05"}, ""),  # not complete to the day
        ({"deceasedBoolean": True}, ""),
        ({}, ""),
    ],
)
def test_participation_ends_with_death_where_no_disposition_says_when(
    convert: Any, fhir: Make, elements: dict[str, Any], ended: str
) -> None:
    dm = convert([fhir("Patient", "p", **elements)]).sdtm.frames["DM"]
    assert dm["RFPENDTC"].iloc[0][:10] == ended


DRUGS = [{"name": "DRUG", "terms": ["drug"]}]


def doses(fhir: Make, *days: str) -> list[dict[str, Any]]:
    return [
        fhir(
            "MedicationAdministration",
            f"m{i}",
            medicationCodeableConcept={"text": "drug"},
            effectiveDateTime=day,
        )
        for i, day in enumerate(days)
    ]


def test_reference_dates_come_from_exposure_and_only_from_complete_dates(convert: Any, fhir: Make) -> None:
    resources = [
        fhir("Patient", "p", birthDate="1960-01-15"),
        *doses(fhir, "2024-02-01", "2024-01-15", "2024"),
    ]
    dm = convert(resources, drugs=DRUGS).sdtm.frames["DM"].iloc[0]
    assert (dm["RFSTDTC"], dm["RFXSTDTC"], dm["RFXENDTC"]) == ("2024-01-15", "2024-01-15", "2024-02-01")
    assert (dm["AGE"], dm["AGEU"], dm["BRTHDTC"]) == (64.0, "YEARS", "1960")


def test_the_start_of_time_is_the_first_that_the_subject_has(convert: Any, fhir: Make) -> None:
    consent = {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "patient": {"reference": "Patient/p"},
        "scope": {"coding": [{"code": "research"}]},
        "dateTime": "2024-01-02",
    }
    reference = {"start": ["first-dose", "consent"]}
    dm = convert([fhir("Patient", "p"), consent], drugs=DRUGS, reference=reference).sdtm.frames["DM"].iloc[0]
    assert (dm["RFSTDTC"], dm["RFICDTC"], dm["RFXSTDTC"]) == ("2024-01-02", "2024-01-02", "")


def number(value: str) -> dict[str, Any]:
    return {"identifier": [{"system": "urn:fhir2cdisc:subject", "value": value}]}


def test_two_patients_of_one_subject_number_stop_the_run(convert: Any, fhir: Make) -> None:
    with pytest.raises(SubjectError, match="share the subject number"):
        convert([fhir("Patient", "p", **number("001")), fhir("Patient", "q", **number("001"))])
    made = convert([fhir("Patient", "p", **number("001")), fhir("Patient", "q", **number("002"))])
    assert sorted(made.sdtm.frames["DM"]["USUBJID"]) == ["S-001", "S-002"]


def test_a_pseudonym_is_the_same_in_every_run_and_other_with_a_key(convert: Any, fhir: Make) -> None:
    plain = [convert([fhir("Patient", "p")]).sdtm.frames["DM"]["SUBJID"].iloc[0] for _ in range(2)]
    keyed = convert([fhir("Patient", "p")], RunOptions(key=b"secret")).sdtm.frames["DM"]["SUBJID"].iloc[0]
    assert plain[0] == plain[1] != keyed
    assert len(keyed) == 12 and "p" not in keyed
    # HMAC-SHA-256 of RFC 4231, test case 2, first twelve digits.
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5BDCC146BF60"


def test_an_arm_that_the_study_file_does_not_have_is_kept_and_said() -> None:
    arms = [{"code": "A", "label": "Drug A"}]
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "t", "arms": arms})
    dm = pd.DataFrame({"ARMCD": ["A", "", "B", "B"], "ACTARMCD": ["A", "", "", "C"]})
    found = [(f.rule, f.variable, f.value, f.count, f.severity) for f in arm_findings(dm, study)]
    assert found == [
        ("arm.unknown", "ARMCD", "B", 2, "warning"),
        ("arm.unknown", "ACTARMCD", "C", 1, "warning"),
    ]
    assert arm_findings(dm, study.model_copy(update={"arms": ()})) == []
