"""Adverse events as the guides and registries write them: reproduction 8 of the field report.

R4 backport of the adverse-event guide for research, US CTCAE guide, oncology module of the German MII. NCIt: C41338 to
C41340, C41337 and C48275 are grades 1 to 5. MedDRA codes have eight digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import build_sdtm
from fhir2cdisc.mappings.study import Study
from support.others import others

Make = Callable[..., dict[str, Any]]
Json = dict[str, Any]
BACKPORT = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"
NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
MEDDRA = "https://www.meddra.org"
MII = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-nebenwirkung-ctcae-grad"
SERIOUS = "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness"
CTCAE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/"


def concept(system: str, code: str, text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def event(fhir: Make, **more: Any) -> Json:
    term = {"coding": [{"system": MEDDRA, "code": "10001551", "display": "Alanine aminotransferase increased"}]}
    return fhir("AdverseEvent", "a", **{"actuality": "actual", "event": term, "date": "2022-02-20", **more})


def extended(name: str, **value: Any) -> Json:
    return {"extension": [{"url": BACKPORT + name, **value}]}


def graded(code: str, text: str = "") -> Json:
    return extended("ae-grade", valueCodeableConcept=concept(NCI, code, text))


def caused(code: str, display: str) -> Json:
    related = {
        "url": "entityRelatedness",
        "valueCodeableConcept": {"coding": [{"system": NCI, "code": code, "display": display}]},
    }
    return extended("suspect-entity", extension=[{"url": "causality", "extension": [related]}])


# What stands in the resource, the variable, its value.
SAID: list[tuple[Json, str, Any]] = [
    (graded("C41338", "Grade 1 Mild Adverse Event"), "AETOXGR", "1"),
    (graded("C41340", "Grade 3 Severe Adverse Event"), "AETOXGR", "3"),
    (graded("C41337"), "AETOXGR", "4"),
    (extended("ae-grade", valueCodeableConcept={"text": "Grade 2 Moderate Adverse Event"}), "AETOXGR", "2"),
    ({"seriousness": concept(MII, "3", "schwerwiegend")}, "AETOXGR", "3"),
    ({"seriousness": concept(MII, "3", "schwerwiegend")}, "AESER", ""),
    ({"severity": concept(MII, "2")}, "AETOXGR", "2"),
    (extended("resolve-date", valueDateTime="2022-03-05"), "AEENDTC", "2022-03-05"),
    (caused("C53258", "Possibly Related"), "AEREL", "RELATED"),
    (caused("C53256", "Not Related"), "AEREL", "NOT RELATED"),
    ({}, "AELLTCD", 10001551.0),
    ({}, "AELLT", "Alanine aminotransferase increased"),
    ({"event": {"text": "Nausea"}}, "AETERM", "Nausea"),
    ({"seriousness": concept(SERIOUS, "serious")}, "AESER", "Y"),
    ({"seriousness": {"text": "schwerwiegend"}}, "AESER", "Y"),
    ({"seriousness": {"text": "严重"}}, "AESER", "Y"),
    ({"outcome": concept(NCI, "C49494")}, "AEOUT", "NOT RECOVERED/NOT RESOLVED"),
    (
        {"extension": [{"url": CTCAE + "seriousness-outcome", "valueCodeableConcept": concept(NCI, "C83052")}]},
        "AESHOSP",
        "Y",
    ),
    (
        {"extension": [{"url": CTCAE + "seriousness-outcome", "valueCodeableConcept": concept(NCI, "C84266")}]},
        "AESLIFE",
        "Y",
    ),
    (
        extended("mitigating-action", extension=[{"url": "item", "valueCodeableConcept": {"text": "Loperamide"}}]),
        "AEACNOTH",
        "Loperamide",
    ),
    (
        extended(
            "mitigating-action",
            extension=[{"url": "item", "valueReference": {"reference": "MedicationAdministration/x"}}],
        ),
        "AECONTRT",
        "Y",
    ),
]


@pytest.mark.parametrize(("said", "variable", "value"), SAID)
def test_what_an_adverse_event_says(convert: Any, fhir: Make, said: Json, variable: str, value: Any) -> None:
    made = convert([fhir("Patient", "p"), event(fhir, **said)])
    ae = made.sdtm.frames["AE"].iloc[0]
    assert ae.get(variable, "") == value
    assert not [f.message for f in made.accounts.findings if f.rule.startswith("codelist.")]


DEADLY: list[Json] = [
    graded("C48275"),
    {"seriousness": concept(MII, "5", "tödlich")},
    {"seriousness": concept(SERIOUS, "SeriousResultsInDeath")},
]


@pytest.mark.parametrize("said", DEADLY)
def test_a_grade_5_is_a_death(convert: Any, fhir: Make, said: Json) -> None:
    dm = convert([fhir("Patient", "p"), event(fhir, **said)]).sdtm.frames["DM"].iloc[0]
    assert (dm["DTHFL"], dm.get("DTHDTC", "")) == ("Y", "")


def test_a_grade_4_is_none(convert: Any, fhir: Make) -> None:
    assert convert([fhir("Patient", "p"), event(fhir, **graded("C41337"))]).sdtm.frames["DM"].iloc[0]["DTHFL"] == ""


def test_an_event_without_term_and_date_is_said(convert: Any, fhir: Make) -> None:
    made = convert([fhir("Patient", "p"), fhir("AdverseEvent", "a", actuality="actual", detected="2022-02-21")])
    said = {f.variable for f in made.accounts.findings if f.rule == "record.incomplete"}
    assert said == {"AETERM", "AESTDTC"}
    supp = made.sdtm.frames["SUPPAE"]
    assert supp.loc[supp["QNAM"] == "AEDETDTC", "QVAL"].tolist() == ["2022-02-21"]


# Typed from the three AdverseEvents of the example: AESTDTC to AETOXGR, AEREL, AEOUT and AEENDTC.
EXAMPLE = {
    "2020-04-22": ("1", "RELATED", "NOT RECOVERED/NOT RESOLVED", ""),
    "2020-05-13": ("3", "RELATED", "NOT RECOVERED/NOT RESOLVED", ""),
    "2020-05-20": ("1", "RELATED", "RECOVERED/RESOLVED", "2020-06-10"),
}


def test_the_example_of_the_guide() -> None:
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "cohort": {"membership": "all"}})
    ae = build_sdtm([others("data", "fhir", "ae_backport")], study).sdtm.frames["AE"]
    rows = ae[["AESTDTC", "AETOXGR", "AEREL", "AEOUT", "AEENDTC"]].values.tolist()
    assert {row[0]: tuple(row[1:]) for row in rows} == EXAMPLE
    assert set(ae["AELLTCD"]) == {10001551.0} and set(ae["AESER"]) == {"N"}
