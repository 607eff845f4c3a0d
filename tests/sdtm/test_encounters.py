"""Stays in hospital, specimens, relatives, and who was lost: HO, BE, APMH and DS of resources written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun

Make = Callable[..., dict[str, Any]]


def coded(code: str, system: str = "http://terminology.hl7.org/CodeSystem/v3-ActCode", **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, **more}]}


def rows(made: SdtmRun, domain: str, *names: str) -> list[tuple[Any, ...]]:
    frame = made.sdtm.frames.get(domain)
    if frame is None:
        return []
    return list(frame.reindex(columns=list(names)).fillna("").itertuples(index=False, name=None))


def supplemental(made: SdtmRun, domain: str) -> dict[str, str]:
    frame = made.sdtm.frames.get(f"SUPP{domain}", pd.DataFrame(columns=["QNAM", "QVAL"]))
    return dict(zip(frame["QNAM"], frame["QVAL"], strict=True))


STAY = {"start": "2024-03-05", "end": "2024-03-08"}
KONTAKT = "http://fhir.de/CodeSystem/Kontaktebene"
# Encounter | term, category, subcategory, start, end of HO
ENCOUNTERS: list[tuple[str, dict[str, Any], list[tuple[str, ...]]]] = [
    (
        "a stay",
        {"class": {"code": "IMP"}, "type": [{"text": "Inpatient stay"}], "period": STAY},
        [("Inpatient stay", "INPATIENT", "", "2024-03-05", "2024-03-08")],
    ),
    (
        "an emergency room",
        {"class": {"code": "EMER"}, "type": [{"text": "Emergency room admission"}], "period": STAY},
        [("Emergency room admission", "EMERGENCY", "", "2024-03-05", "2024-03-08")],
    ),
    ("a visit", {"class": {"code": "AMB"}, "type": [{"text": "WEEK 4"}], "period": STAY}, []),
    ("planned", {"status": "planned", "class": {"code": "IMP"}, "period": STAY}, []),
    (
        "no type",
        {"class": {"code": "IMP", "display": "inpatient encounter"}},
        [("inpatient encounter", "INPATIENT", "", "", "")],
    ),
    (
        "a ward of a stay (MII): its level is no name",
        {
            "class": {"code": "IMP"},
            "type": [coded("abteilungskontakt", KONTAKT)],
            "serviceType": {"text": "Allgemeine Chirurgie"},
            "partOf": {"reference": "Encounter/e0"},
            "period": {"start": "2024-03-05"},
        },
        [("Allgemeine Chirurgie", "INPATIENT", "PART OF A STAY", "2024-03-05", "")],
    ),
]


@pytest.mark.parametrize(("why", "encounter", "expected"), ENCOUNTERS, ids=[e[0] for e in ENCOUNTERS])
def test_a_stay_is_a_healthcare_encounter(
    convert: Any, fhir: Make, why: str, encounter: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    made = convert([fhir("Patient", "p"), fhir("Encounter", "e", **encounter)])
    assert rows(made, "HO", "HOTERM", "HOCAT", "HOSCAT", "HOSTDTC", "HOENDTC") == expected


def test_a_stay_says_its_reason_its_discharge_and_what_it_was_for(convert: Any, fhir: Make) -> None:
    made = convert(
        [
            fhir("Patient", "p"),
            fhir("Condition", "c", code={"text": "Pneumonia"}, onsetDateTime="2024-03-04"),
            fhir(
                "Encounter",
                "e",
                **{"class": {"code": "IMP"}},
                type=[{"text": "Inpatient stay"}],
                period=STAY,
                reasonReference=[{"reference": "Condition/c"}],
                hospitalization={"dischargeDisposition": {"text": "Home"}},
            ),
        ]
    )
    assert supplemental(made, "HO") == {"HOREAS": "Pneumonia", "HODISP": "Home"}
    related = made.sdtm.frames["RELREC"]
    assert sorted(related["RDOMAIN"]) == ["HO", "MH"] and related["RELID"].nunique() == 1


def test_a_stay_that_goes_on_says_so(convert: Any, fhir: Make) -> None:
    stay = fhir("Encounter", "e", status="in-progress", **{"class": {"code": "IMP"}}, period={"start": "2024-03-05"})
    made = convert([fhir("Patient", "p", deceasedDateTime="2024-04-01"), stay])
    assert rows(made, "HO", "HOENDTC", "HOENRTPT", "HOENTPT") == [("", "ONGOING", "2024-04-01")]


LOST = {"text": "Lost to follow-up"}
# Resource | terms of DS: decoded, category, subcategory, date
LOSSES: list[tuple[str, str, dict[str, Any], list[tuple[str, ...]]]] = [
    (
        "a flag",
        "Flag",
        {"status": "active", "code": LOST, "period": {"start": "2024-05-02"}},
        [("LOST TO FOLLOW-UP", "DISPOSITION EVENT", "STUDY PARTICIPATION", "2024-05-02")],
    ),
    (
        "a flag by SNOMED CT",
        "Flag",
        {"status": "active", "code": coded("399307001", "http://snomed.info/sct"), "period": {"start": "2024-05-02"}},
        [("LOST TO FOLLOW-UP", "DISPOSITION EVENT", "STUDY PARTICIPATION", "2024-05-02")],
    ),
    (
        "another flag",
        "Flag",
        {"status": "active", "code": {"text": "Fall risk"}, "period": {"start": "2024-05-02"}},
        [],
    ),
    (
        "who was found again is not lost",
        "Flag",
        {"status": "inactive", "code": LOST, "period": {"start": "2024-05-02", "end": "2024-06-01"}},
        [],
    ),
    ("entered in error", "Flag", {"status": "entered-in-error", "code": LOST}, []),
    (
        "an episode of care",
        "EpisodeOfCare",
        {"status": "finished", "type": [LOST], "period": {"start": "2023-01-01", "end": "2024-05-02"}},
        [("LOST TO FOLLOW-UP", "DISPOSITION EVENT", "STUDY PARTICIPATION", "2024-05-02")],
    ),
    (
        "the end of an episode of care says no more than that",
        "EpisodeOfCare",
        {"status": "finished", "type": [{"text": "Oncology"}], "period": {"start": "2023-01-01", "end": "2024-05-02"}},
        [("END OF EPISODE OF CARE", "OTHER EVENT", "", "2024-05-02")],
    ),
    ("an episode that goes on", "EpisodeOfCare", {"status": "active", "period": {"start": "2023-01-01"}}, []),
    (
        "a follow-up (MII)",
        "ClinicalImpression",
        {
            "status": "completed",
            "effectiveDateTime": "2024-05-02",
            "statusReason": coded("lost-to-fu", "urn:x/mii-cs-mtb-follow-up-grund-nicht-umsetzung"),
        },
        [("LOST TO FOLLOW-UP", "DISPOSITION EVENT", "STUDY PARTICIPATION", "2024-05-02")],
    ),
]


@pytest.mark.parametrize(("why", "kind", "elements", "expected"), LOSSES, ids=[one[0] for one in LOSSES])
def test_who_was_lost_to_follow_up(
    convert: Any, fhir: Make, why: str, kind: str, elements: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    resource = fhir(kind, "x", **elements)
    if kind == "EpisodeOfCare":
        resource["patient"] = resource.pop("subject")
    made = convert([fhir("Patient", "p"), resource])
    assert rows(made, "DS", "DSDECOD", "DSCAT", "DSSCAT", "DSSTDTC") == expected


def test_a_follow_up_that_found_a_death_is_one(convert: Any, fhir: Make) -> None:
    found = coded("patient-death", "urn:x/mii-cs-mtb-follow-up-grund-nicht-umsetzung")
    made = convert(
        [
            fhir("Patient", "p"),
            fhir("ClinicalImpression", "x", status="completed", statusReason=found, date="2024-05-02"),
        ]
    )
    assert rows(made, "DM", "DTHFL", "DTHDTC") == [("Y", "")]


SPECIMEN = {
    "identifier": [{"system": "urn:biobank", "value": "B-17"}],
    "type": {"text": "Tumor tissue"},
    "collection": {"collectedDateTime": "2024-03-01T08:00:00", "bodySite": {"text": "liver"}},
    "receivedTime": "2024-03-02",
    "processing": [{"procedure": {"text": "Freezing"}, "timeDateTime": "2024-03-03"}, {"description": "undated"}],
}


def test_a_specimen_is_taken_received_and_processed(convert: Any, fhir: Make) -> None:
    names = ("BEREFID", "BETERM", "BEDECOD", "BECAT", "BELOC", "BESTDTC")
    given = [fhir("Patient", "p"), fhir("Specimen", "s", **SPECIMEN)]
    made = convert(given, privacy={"identifiers": ["urn:biobank"]})
    assert sorted(rows(made, "BE", *names)) == [
        ("B-17", "COLLECTED", "COLLECTING", "COLLECTION", "LIVER", "2024-03-01T08:00:00"),
        ("B-17", "FREEZING", "FREEZING", "PREPARATION", "", "2024-03-03"),
        ("B-17", "RECEIVED", "RECEIVING", "TRANSPORT", "", "2024-03-02"),
    ]
    # An identifier of the source stands in a dataset only where the study names its system.
    assert {row[0] for row in rows(convert(given), "BE", *names)} == {""}


def relative(fhir: Make, identifier: str, relation: str, *conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = fhir(
        "FamilyMemberHistory", identifier, **{"status": "completed", "relationship": {"text": relation}, **more}
    )
    return {**made, "patient": made.pop("subject"), "condition": list(conditions)}


def test_what_a_relative_had_is_of_the_relative(convert: Any, fhir: Make) -> None:
    ovary = {"system": "http://snomed.info/sct", "code": "363443007", "display": "Malignant tumor of ovary"}
    made = convert(
        [
            fhir("Patient", "p"),
            relative(fhir, "a", "maternal aunt", {"code": {"coding": [ovary]}}, {"code": {"text": "Stroke"}}),
            relative(fhir, "b", "brother", {"code": {"text": "Colon cancer"}, "contributedToDeath": True}),
            relative(fhir, "c", "mother", {"code": {"text": "Unknown"}}, status="health-unknown"),
        ]
    )
    (subject,) = made.sdtm.frames["DM"]["USUBJID"]
    names = ("APID", "MHSEQ", "RSUBJID", "SREL", "MHTERM", "MHCAT", "MHOUT")
    assert rows(made, "APMH", *names) == [
        (f"{subject}-R1", 1, subject, "MATERNAL AUNT", "Malignant tumor of ovary", "FAMILY HISTORY", ""),
        (f"{subject}-R1", 2, subject, "MATERNAL AUNT", "Stroke", "FAMILY HISTORY", ""),
        (f"{subject}-R2", 3, subject, "BROTHER", "Colon cancer", "FAMILY HISTORY", "FATAL"),
    ]
    # Nothing of it is the subject's: no history, no death, no start of time.
    assert "MH" not in made.sdtm.frames and "USUBJID" not in made.sdtm.frames["APMH"]
    assert rows(made, "DM", "DTHFL", "RFSTDTC") == [("", "")]
    lineage = made.sdtm.lineage
    assert list(lineage[lineage["DATASET"] == "APMH"]["ID"]) == ["a", "a", "b"]
