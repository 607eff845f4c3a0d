"""The HL7 FHIR to CDISC map 1.0 as a checklist, and each mapping that it asked for on one hand-made resource.

Expected values follow from SDTMIG 3.4 (the meaning of the variable) and the codelists of SDTM CT 2025-03-28.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.model import builtin_domains, resource_rules, terminology_maps
from fhir2cdisc.mappings.standard.datasets import codelist, sdtm_datasets
from fhir2cdisc.mappings.study import Study, load_study
from fhir2cdisc.sdtm.rows.engine import Engine
from support.others import others

ROOT = Path(__file__).resolve().parents[2]
SNOMED, LOINC, ATC = "http://snomed.info/sct", "http://loinc.org", "http://www.whocc.no/atc"
NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
SERIOUSNESS = "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness"
LATERALITY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier"
GRADE = "http://hl7.org/fhir/us/ctcae/CodeSystem/ctcae-grade-code-system"
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def tool(generator: Callable[[str], ModuleType]) -> ModuleType:
    """The generator of the document."""
    return generator("make_hl7_map")


@pytest.fixture(scope="module")
def study() -> Study:
    """A study that every patient belongs to, with one drug of its own."""
    return Study.model_validate(
        {
            "id": "map-test",
            "title": "Mapping test",
            "studyid": "MAP-1",
            "cohort": {"membership": "all"},
            "drugs": [{"name": "LENVATINIB", "terms": ["lenvatinib"]}],
            "privacy": {"identifiers": ["urn:lab"]},
        }
    )


@pytest.fixture(scope="module")
def engine(study: Study) -> Engine:
    return Engine.build(study, builtin_domains())


@pytest.fixture
def rows(engine: Engine):  # type: ignore[no-untyped-def]
    """A function: (resource, others that it refers to) to the rows of each domain and what was reported."""

    def run(resource: Resource, *others: Resource) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
        index = {f"{one['resourceType']}/{one['id']}": one for one in others}
        found: dict[str, list[dict[str, Any]]] = {}
        reported: list[str] = []

        def report(rule: str, variable: str, value: str, message: str) -> None:
            reported.append(f"{rule} {variable}")

        if engine.not_a_fact(resource):
            return {}, []
        for row in engine.rows(resource, Context(resource, index.get), report):
            found.setdefault(row.source.domain, []).append(dict(zip(row.source.columns, row.values, strict=True)))
        return found, reported

    return run


# The document


def hl7_variables() -> set[tuple[str, str]]:
    with others("data", "hl7", "cdiscMaps.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["Domain"], row["SDTM Element"].strip().rstrip("*"))
        for row in rows
        if row["Domain"] != "LAB" and row["SDTM Element"].strip()
    }


def test_the_document_names_each_of_the_211_variables_of_the_published_map(tool: ModuleType) -> None:
    published = hl7_variables()
    assert len(published) == 211
    assert set(tool.variables()) == published
    text = (ROOT / "docs" / "hl7_map.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    assert [v for v in sorted(published) if f"\n| {v[1]} | " not in sections[v[0]]] == []


def test_the_document_is_what_the_generator_writes_today(tool: ModuleType) -> None:
    text = (ROOT / "docs" / "hl7_map.md").read_text(encoding="utf-8")
    assert text == tool.document(), "run: python docs/make_hl7_map.py"


def test_every_variable_has_a_mapping_or_a_reason_and_never_both(tool: ModuleType) -> None:
    reasons = tool.facts()["reasons"]
    wrong = []
    for domain, name in tool.variables():
        kind, said = tool.how(domain, name)
        plain = name.removesuffix(".QVAL").rpartition(".")[2]
        if not said or (kind == "not") != (plain in reasons[domain]):
            wrong.append((domain, name, kind))
    assert wrong == []


def test_absent_from_the_guide_is_said_of_exactly_the_variables_that_are(tool: ModuleType) -> None:
    said = {(d, n) for d, names in tool.facts()["reasons"].items() for n, why in names.items() if why[:6] == "absent"}
    true = {
        (domain, name) for domain, name in tool.variables() if "." not in name and name not in sdtm_datasets()[domain]
    }
    assert said == true


# Terminology


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("laterality", "LAT"),
        ("direction", "DIR"),
        ("position", "POSITION"),
        ("specimen_condition", "SPECCOND"),
        ("fasting", "NY"),
        ("dose_form", "FRM"),
        ("frequency", "FREQ"),
    ],
)
def test_maps_lead_to_terms_of_their_codelist(name: str, terms: str) -> None:
    assert set(terminology_maps()[name].values()) <= set(codelist(terms).terms)


# Adverse events


def coded(system: str, code: str, display: str = "", text: str = "") -> Resource:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/p1"},
    "code": {"text": "Rash"},
    "bodySite": [{"text": "Skin"}],
    "abatementDateTime": "2024-03-09",
}
EVENT = {
    "resourceType": "AdverseEvent",
    "id": "e1",
    "actuality": "actual",
    "subject": {"reference": "Patient/p1"},
    "date": "2024-03-01",
}


@pytest.mark.parametrize(
    ("code", "variable"),
    [
        ("SeriousIsBirthDefect", "AESCONG"),
        ("seriousResultsInDisability", "AESDISAB"),
        ("SeriousResultsInDeath", "AESDTH"),
        ("seriousResultsInHospitalization", "AESHOSP"),
        ("seriousIsLifeThreatening", "AESLIFE"),
        ("SeriousRequiresPreventImpairment", "AESINTV"),
    ],
)
def test_one_criterion_of_seriousness_sets_its_flag_and_no_other(rows, code: str, variable: str) -> None:  # type: ignore[no-untyped-def]
    found, reported = rows(EVENT | {"event": {"text": "Rash"}, "seriousness": coded(SERIOUSNESS, code)})
    (row,) = found["AE"]
    flags = ("AESCONG", "AESDISAB", "AESDTH", "AESHOSP", "AESLIFE", "AESINTV")
    assert {name: row[name] for name in flags} == {name: "Y" if name == variable else "" for name in flags}
    assert row["AESER"] == "Y"
    assert reported == []


def test_disability_is_also_read_from_the_outcome_that_made_the_event_serious(rows) -> None:  # type: ignore[no-untyped-def]
    url = "http://hl7.org/fhir/us/ctcae/StructureDefinition/seriousness-outcome"
    found, _ = rows(EVENT | {"extension": [{"url": url, "valueCodeableConcept": coded(NCI, "C113380")}]})
    assert found["AE"][0]["AESDISAB"] == "Y"


def test_an_event_takes_term_place_and_end_from_the_condition_it_resulted_in(rows) -> None:  # type: ignore[no-untyped-def]
    found, _ = rows(EVENT | {"resultingCondition": [{"reference": "Condition/c1"}]}, CONDITION)
    (row,) = found["AE"]
    assert (row["AETERM"], row["AELOC"], row["AEENDTC"]) == ("Rash", "SKIN", "2024-03-09")


def test_the_event_s_own_term_and_end_come_before_those_of_its_condition(rows) -> None:  # type: ignore[no-untyped-def]
    resolved = {
        "url": "http://hl7.org/fhir/us/ctcae/StructureDefinition/adverse-event-resolved-date",
        "valueDateTime": "2024-03-05",
    }
    event = EVENT | {"event": {"text": "Rash maculo-papular"}, "extension": [resolved]}
    found, _ = rows(event | {"resultingCondition": [{"reference": "Condition/c1"}]}, CONDITION)
    assert (found["AE"][0]["AETERM"], found["AE"][0]["AEENDTC"]) == ("Rash maculo-papular", "2024-03-05")


def test_mitigating_actions_are_other_action_and_treatment_given(rows) -> None:  # type: ignore[no-untyped-def]
    def action(text: str) -> Resource:
        return {
            "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-AdverseEvent.mitigatingAction",
            "extension": [{"url": "item", "valueCodeableConcept": {"text": text}}],
        }

    found, _ = rows(EVENT | {"extension": [action("Hydrocortisone cream"), action("Antihistamine")]})
    (row,) = found["AE"]
    assert (row["AECONTRT"], row["AEACNOTH"]) == ("Y", "Hydrocortisone cream; Antihistamine")
    found, _ = rows(EVENT | {"event": {"text": "Rash"}})
    assert (found["AE"][0]["AECONTRT"], found["AE"][0]["AEACNOTH"]) == ("", "")


@pytest.mark.parametrize(
    ("outcome", "recorded", "expected"),
    [
        ("ongoing", "2024-04-02", ("ONGOING", "2024-04-02")),
        ("ongoing", None, ("", "")),  # the relation means nothing without the time point it relates to
        ("resolved", "2024-04-02", ("", "")),
    ],
)
def test_an_ongoing_event_was_ongoing_when_it_was_recorded(  # type: ignore[no-untyped-def]
    rows, outcome: str, recorded: str | None, expected: tuple[str, str]
) -> None:
    event = EVENT | {"outcome": coded("http://terminology.hl7.org/CodeSystem/adverse-event-outcome", outcome)}
    found, _ = rows(event | ({"recordedDate": recorded} if recorded else {}))
    assert (found["AE"][0]["AEENRTPT"], found["AE"][0]["AEENTPT"]) == expected


def test_the_category_of_an_event(rows) -> None:  # type: ignore[no-untyped-def]
    category = coded("http://terminology.hl7.org/CodeSystem/adverse-event-category", "wrong-dose", "Wrong Dose")
    found, _ = rows(EVENT | {"category": [category]})
    assert found["AE"][0]["AECAT"] == "WRONG DOSE"


# Medications

STATEMENT = {
    "resourceType": "MedicationStatement",
    "id": "m1",
    "status": "active",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"text": "Paracetamol 500 mg"},
    "effectiveDateTime": "2024-01-02",
}


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        ({"timing": {"code": {"coding": [{"code": "BID", "display": "two times a day"}]}}}, "BID"),
        ({"timing": {"code": {"text": "TID"}}}, "TID"),
        ({"timing": {"repeat": {"frequency": 1, "period": 3, "periodUnit": "wk"}}}, "EVERY 3 WEEKS"),
        ({"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}, "BID"),
        ({"asNeededBoolean": True}, "PRN"),
        ({"asNeededBoolean": False}, ""),
        ({"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, "asNeededBoolean": True}, "BID"),
        ({"timing": {"repeat": {"count": 1}}}, ""),
        ({}, ""),
    ],
)
def test_dosing_frequency(rows, dosage: Resource, expected: str) -> None:  # type: ignore[no-untyped-def]
    found, reported = rows(STATEMENT | {"dosage": [dosage]})
    assert found["CM"][0]["CMDOSFRQ"] == expected
    assert reported == []


def test_a_frequency_without_a_term_is_kept_and_reported(rows) -> None:  # type: ignore[no-untyped-def]
    dosage = {"timing": {"repeat": {"frequency": 2, "period": 5, "periodUnit": "d"}}}
    found, reported = rows(STATEMENT | {"dosage": [dosage]})
    assert found["CM"][0]["CMDOSFRQ"] == "2 TIMES PER 5 D"
    assert reported == ["codelist.extended CMDOSFRQ"]


def test_an_atc_code_of_seven_characters_is_a_substance_and_a_shorter_one_a_class(rows) -> None:  # type: ignore[no-untyped-def]
    codings = [
        {"system": ATC, "code": "N02BE01", "display": "paracetamol"},
        {"system": ATC, "code": "N02BE", "display": "Anilides"},
    ]
    found, _ = rows(STATEMENT | {"medicationCodeableConcept": {"text": "Paracetamol 500 mg", "coding": codings}})
    (row,) = found["CM"]
    assert (row["CMDECOD"], row["CMCLAS"], row["CMCLASCD"]) == ("PARACETAMOL", "ANILIDES", "N02BE")


def test_the_form_of_a_medication_resource(rows) -> None:  # type: ignore[no-untyped-def]
    drug = {
        "resourceType": "Medication",
        "id": "d1",
        "code": {"text": "Paracetamol"},
        "form": coded(SNOMED, "385055001"),
    }
    statement = {k: v for k, v in STATEMENT.items() if k != "medicationCodeableConcept"}
    found, _ = rows(statement | {"medicationReference": {"reference": "Medication/d1"}}, drug)
    assert (found["CM"][0]["CMTRT"], found["CM"][0]["CMDOSFRM"]) == ("Paracetamol", "TABLET")


def test_a_request_starts_and_ends_with_the_bounds_of_its_timing(rows) -> None:  # type: ignore[no-untyped-def]
    bounds = {"start": "2024-01-05", "end": "2024-02-04"}
    request = STATEMENT | {
        "resourceType": "MedicationRequest",
        "intent": "order",
        "authoredOn": "2024-01-02",
        "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": bounds}}}],
    }
    found, _ = rows(request)
    assert (found["CM"][0]["CMSTDTC"], found["CM"][0]["CMENDTC"]) == ("2024-01-05", "2024-02-04")
    found, _ = rows({k: v for k, v in request.items() if k != "dosageInstruction"})
    assert (found["CM"][0]["CMSTDTC"], found["CM"][0]["CMENDTC"]) == ("2024-01-02", "")


@pytest.mark.parametrize("drug", ["Aspirin", "Lenvatinib"])
def test_a_medication_that_was_not_taken_did_not_occur_and_has_no_dates(rows, drug: str) -> None:  # type: ignore[no-untyped-def]
    statement = STATEMENT | {
        "status": "not-taken",
        "medicationCodeableConcept": {"text": drug},
        "statusReason": [{"text": "Allergy"}],
        "effectivePeriod": {"start": "2024-01-01"},
    }
    found, _ = rows(statement)
    assert list(found) == ["CM"]  # a study drug that was not taken is no exposure
    (row,) = found["CM"]
    assert (row["CMTRT"], row["CMPRESP"], row["CMOCCUR"], row["SUPP.CMREASOC"]) == (drug, "Y", "N", "Allergy")
    assert "CMSTDTC" not in row


def test_the_indication_of_an_immunization(rows) -> None:  # type: ignore[no-untyped-def]
    immunization = {
        "resourceType": "Immunization",
        "id": "i1",
        "status": "completed",
        "patient": {"reference": "Patient/p1"},
        "vaccineCode": {"text": "Influenza vaccine"},
        "occurrenceDateTime": "2024-01-05",
        "reasonCode": [{"text": "Prophylaxis"}],
    }
    found, _ = rows(immunization)
    assert found["CM"][0]["CMINDC"] == "Prophylaxis"


# Laboratory and vital signs

HAEMOGLOBIN = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "subject": {"reference": "Patient/p1"},
    "code": coded(LOINC, "718-7"),
    "valueQuantity": {"value": 13, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
    "specimen": {"reference": "Specimen/s1"},
}
OWN_TERM = HAEMOGLOBIN | {
    "code": {"text": "Own test"},
    "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
}


def specimen(**fields: Any) -> Resource:
    return {"resourceType": "Specimen", "id": "s1", **fields}


@pytest.mark.parametrize("observation", [HAEMOGLOBIN, OWN_TERM], ids=["known test", "own term"])
@pytest.mark.parametrize(
    ("fields", "variable", "expected"),
    [
        ({"accessionIdentifier": {"system": "urn:lab", "value": "ACC-7"}}, "LBREFID", "ACC-7"),
        ({"condition": [coded("http://terminology.hl7.org/CodeSystem/v2-0493", "HEM")]}, "LBSPCCND", "HEMOLYZED"),
        ({"status": "unsatisfactory"}, "LBSPCUFL", "Y"),
        ({"status": "available"}, "LBSPCUFL", ""),
        ({"collection": {"collectedDateTime": "2024-01-05T08:00:00Z"}}, "LBDTC", "2024-01-05T08:00:00"),
        ({"collection": {"collectedPeriod": {"start": "2024-01-05", "end": "2024-01-06"}}}, "LBDTC", "2024-01-05"),
        ({"collection": {"collectedPeriod": {"start": "2024-01-05", "end": "2024-01-06"}}}, "LBENDTC", "2024-01-06"),
    ],
)
def test_what_the_specimen_says(  # type: ignore[no-untyped-def]
    rows, observation: Resource, fields: Resource, variable: str, expected: str
) -> None:
    found, reported = rows(observation, specimen(**fields))
    assert found["LB"][0][variable] == expected
    assert reported == ([] if "collection" in fields else ["record.incomplete LBDTC"])


@pytest.mark.parametrize(("code", "expected"), [("F", "Y"), ("NF", "N"), ("NG", "U")])
def test_fasting_status(rows, code: str, expected: str) -> None:  # type: ignore[no-untyped-def]
    status = coded("http://terminology.hl7.org/CodeSystem/v2-0916", code)
    found, _ = rows(HAEMOGLOBIN, specimen(collection={"fastingStatusCodeableConcept": status}))
    assert found["LB"][0]["LBFAST"] == expected


def test_the_laboratory_is_the_organisation_among_the_performers(rows) -> None:  # type: ignore[no-untyped-def]
    performers = [{"reference": "Practitioner/d9"}, {"reference": "Organization/lab"}]
    lab = {"resourceType": "Organization", "id": "lab", "name": "Central Laboratory"}
    found, _ = rows(HAEMOGLOBIN | {"performer": performers}, specimen(), lab)
    assert found["LB"][0]["LBNAM"] == "Central Laboratory"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [({"text": "negative"}, "negative"), ({"low": {"value": 12}, "text": "12 to 16"}, ""), ({}, "")],
)
def test_a_reference_range_of_words_only(rows, reference: Resource, expected: str) -> None:  # type: ignore[no-untyped-def]
    found, _ = rows(HAEMOGLOBIN | {"referenceRange": [reference]}, specimen())
    assert found["LB"][0]["LBSTNRC"] == expected


def test_a_ctcae_grade_among_the_interpretations(rows) -> None:  # type: ignore[no-untyped-def]
    flag = coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "L")
    found, _ = rows(HAEMOGLOBIN | {"interpretation": [flag, coded(GRADE, "2", "Moderate")]}, specimen())
    assert (found["LB"][0]["LBTOXGR"], found["LB"][0]["LBNRIND"]) == ("2", "LOW")


PRESSURE = {
    "resourceType": "Observation",
    "id": "v1",
    "status": "final",
    "subject": {"reference": "Patient/p1"},
    "code": coded(LOINC, "85354-9"),
    "effectiveDateTime": "2024-01-05",
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/observation-bodyPosition",
            "valueCodeableConcept": coded(SNOMED, "33586001"),
        }
    ],
    "component": [{"code": coded(LOINC, "8480-6"), "valueQuantity": {"value": 120, "code": "mm[Hg]"}}],
}


def test_position_and_side_of_a_blood_pressure_hold_for_its_components(rows) -> None:  # type: ignore[no-untyped-def]
    found, reported = rows(PRESSURE | {"bodySite": coded(SNOMED, "368208006", "Left upper arm structure")})
    (row,) = found["VS"]
    assert (row["VSTESTCD"], row["VSPOS"], row["VSLAT"]) == ("SYSBP", "SITTING", "LEFT")
    assert row["VSLOC"] == "LEFT UPPER ARM STRUCTURE"
    assert reported == []


@pytest.mark.parametrize(
    ("site", "expected"),
    [({"text": "Right arm"}, "RIGHT"), ({"text": "Arm"}, ""), ({"text": "Leftover"}, ""), (None, "")],
)
def test_the_side_is_read_from_a_body_site_that_begins_with_it(rows, site: Resource | None, expected: str) -> None:  # type: ignore[no-untyped-def]
    pulse = {k: v for k, v in PRESSURE.items() if k not in ("component", "extension")} | {
        "code": coded(LOINC, "8867-4"),
        "valueQuantity": {"value": 70, "code": "/min"},
    }
    found, _ = rows(pulse | ({"bodySite": site} if site else {}))
    assert (found["VS"][0]["VSLAT"], found["VS"][0]["VSPOS"]) == (expected, "")


# History and procedures


def test_category_body_site_and_side_of_a_condition(rows) -> None:  # type: ignore[no-untyped-def]
    site = {"text": "Breast", "extension": [{"url": LATERALITY, "valueCodeableConcept": coded(SNOMED, "24028007")}]}
    category = coded("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")
    found, _ = rows(CONDITION | {"category": [category], "bodySite": [site]})
    (row,) = found["MH"]
    assert (row["MHSCAT"], row["SUPP.MHBSITE"], row["SUPP.MHLATER"]) == ("PROBLEM LIST ITEM", "Breast", "RIGHT")


def test_the_category_of_an_allergy(rows) -> None:  # type: ignore[no-untyped-def]
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "Penicillin"},
        "category": ["medication"],
    }
    found, _ = rows(allergy)
    assert (found["MH"][0]["MHCAT"], found["MH"][0]["MHSCAT"]) == ("ALLERGY", "MEDICATION")


PROCEDURE = {
    "resourceType": "Procedure",
    "id": "r1",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "code": {"text": "Biopsy of liver"},
    "performedDateTime": "2024-01-05",
}
TARGET = "http://hl7.org/fhir/StructureDefinition/procedure-targetBodyStructure"


def test_side_and_direction_of_the_structure_that_a_procedure_is_for(rows) -> None:  # type: ignore[no-untyped-def]
    structure = {
        "resourceType": "BodyStructure",
        "id": "b1",
        "location": {"text": "Lung"},
        "locationQualifier": [coded(SNOMED, "7771000"), {"text": "Inferior"}],
    }
    extension = {"url": TARGET, "valueReference": {"reference": "BodyStructure/b1"}}
    found, reported = rows(PROCEDURE | {"extension": [extension]}, structure)
    (row,) = found["PR"]
    assert (row["PRLOC"], row["PRLAT"], row["PRDIR"]) == ("LUNG", "LEFT", "INFERIOR")
    assert reported == []


def test_a_procedure_has_a_standard_name_only_by_an_nci_code(rows) -> None:  # type: ignore[no-untyped-def]
    term, code = next(iter(sorted(codelist("PROCEDUR").terms.items())))
    found, _ = rows(PROCEDURE | {"code": coded(NCI, code, text="as written")})
    assert (found["PR"][0]["PRTRT"], found["PR"][0]["PRDECOD"]) == ("as written", term)
    found, _ = rows(PROCEDURE | {"code": coded(SNOMED, "86259008", "Biopsy of liver")})
    assert found["PR"][0]["PRDECOD"] == ""


def test_a_procedure_that_was_not_done_did_not_occur_and_has_no_dates(rows) -> None:  # type: ignore[no-untyped-def]
    found, _ = rows(PROCEDURE | {"status": "not-done", "statusReason": {"text": "Patient refused"}})
    (row,) = found["PR"]
    assert (row["PRTRT"], row["PRPRESP"], row["PROCCUR"]) == ("Biopsy of liver", "Y", "N")
    assert row["SUPP.PRREASOC"] == "Patient refused"
    assert "PRSTDTC" not in row


@pytest.mark.parametrize(
    ("resource", "status"),
    [("Procedure", "preparation"), ("MedicationStatement", "intended"), ("Procedure", "entered-in-error")],
)
def test_what_is_only_planned_or_in_error_stays_out(rows, resource: str, status: str) -> None:  # type: ignore[no-untyped-def]
    base = PROCEDURE if resource == "Procedure" else STATEMENT
    assert rows(base | {"status": status}) == ({}, [])
    assert all("not done" not in rule.reason for rule in resource_rules()[resource])


# What assembling derives


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, study: Study) -> SdtmRun:
    """One patient with consent, one active condition and drug, a visit, and two results with long test names."""
    long_name = "An own test whose name is longer than forty characters"
    subject = {"subject": {"reference": "Patient/p1"}}
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    own = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": long_name},
        "valueString": "present",
        "effectiveDateTime": "2024-01-10",
        "encounter": {"reference": "Encounter/v1"},
        **subject,
    }
    consent = {
        "resourceType": "Consent",
        "id": "k1",
        "status": "active",
        "scope": coded("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "category": [{"text": "research"}],
        "patient": {"reference": "Patient/p1"},
        "dateTime": "2024-01-08",
    }
    enrolled = {
        "resourceType": "ResearchSubject",
        "id": "n1",
        "status": "off-study",
        "study": {"reference": "ResearchStudy/s1"},
        "individual": {"reference": "Patient/p1"},
        "period": {"start": "2024-01-09", "end": "2024-06-01"},
        "identifier": [{"value": "001"}],
    }
    active = coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
    resources: list[Resource] = [
        {"resourceType": "Patient", "id": "p1", "birthDate": "1960-02-03", "gender": "female"},
        consent,
        enrolled,
        {
            "resourceType": "Encounter",
            "id": "v1",
            "status": "finished",
            "class": {"code": "AMB"},
            "period": {"start": "2024-01-10"},
            **subject,
        },
        {"resourceType": "Condition", "id": "c1", "clinicalStatus": active, "code": {"text": "Gout"}, **subject},
        {**STATEMENT, "effectivePeriod": {"start": "2024-01-01"}},
        {**own, "id": "o1", "category": [coded(category, "laboratory")]},
        {**own, "id": "o2", "category": [coded(category, "vital-signs")]},
        {k: v for k, v in {**HAEMOGLOBIN, "effectiveDateTime": "2024-01-10"}.items() if k != "specimen"} | {"id": "o3"},
        {**PRESSURE, "id": "o4"},
    ]
    folder = tmp_path_factory.mktemp("bundle")
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    (folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    return build_sdtm([folder], study)


def test_each_derivation_that_the_document_names_fills_its_variable(run: SdtmRun, tool: ModuleType) -> None:
    frames = run.sdtm.frames
    where = {
        "STUDYID": "DM",
        "SUBJID": "DM",
        "AGEU": "DM",
        "DMDTC": "DM",
        "VISIT": "LB",
        "CMENRTPT": "CM",
        "MHENRTPT": "MH",
        "SUPPLB": "SUPPLB",
        "SUPPVS": "SUPPVS",
    }
    assert set(where) == set(tool.facts()["derived"])
    expected = {
        "STUDYID": "MAP-1",
        "SUBJID": "001",
        "AGEU": "YEARS",
        "DMDTC": "2024-01-08",
        "CMENRTPT": "ONGOING",
        "MHENRTPT": "ONGOING",
    }
    assert {name: frames[where[name]][name].iloc[0] for name in expected} == expected
    assert (frames["LB"]["VISIT"] != "").any()
    for name in ("SUPPLB", "SUPPVS"):
        assert frames[name]["QVAL"].tolist() == ["An own test whose name is longer than forty characters"]


def test_the_built_in_studies_load_with_these_mappings() -> None:
    assert Engine.build(load_study("hepatobiliary-rws"), builtin_domains()).by_type["AdverseEvent"]
