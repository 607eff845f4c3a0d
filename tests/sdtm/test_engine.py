"""The mapping engine: which source takes a resource, which drug is the study's, what a mapping may not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.model import DomainMap, MappingError, builtin_domains, builtin_terminology
from fhir2cdisc.mappings.study import Drug, Study
from fhir2cdisc.sdtm.rows.engine import Engine, known_tests
from fhir2cdisc.sdtm.rows.medications import DrugMatcher

Convert = Callable[..., SdtmRun]
SORAFENIB = Drug.model_validate({"name": "SORAFENIB", "terms": ["Nexavar"], "codes": [{"code": "495881"}]})
CAMRELIZUMAB = Drug.model_validate({"name": "CAMRELIZUMAB", "terms": ["卡瑞利珠单抗"]})
CONCEPTS = [
    ({"text": "sorafenib 200 mg tablet"}, "SORAFENIB", "the name is a term, in any case"),
    ({"coding": [{"display": "NEXAVAR 200 MG"}]}, "SORAFENIB", "in a display"),
    ({"coding": [{"code": "495881", "system": "any"}]}, "SORAFENIB", "by code"),
    ({"text": "notsorafenibX"}, None, "whole words only"),
    ({"text": "注射用卡瑞利珠单抗200mg"}, "CAMRELIZUMAB", "Chinese has no word edges"),
    ({"text": "placebo"}, None, ""),
    (None, None, ""),
]


@pytest.mark.parametrize(("concept", "name", "why"), CONCEPTS)
def test_a_drug_is_found_by_code_or_whole_word(concept: Any, name: str | None, why: str) -> None:
    found = DrugMatcher([SORAFENIB, CAMRELIZUMAB])(concept)
    assert (found.name if found else None) == name, why


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.build(Study(id="s", studyid="S", title="t"), builtin_domains())


def rows(engine: Engine, resource: dict[str, Any]) -> list[str]:
    """domain/source of each row that a resource becomes."""
    made = engine.rows(resource, Context(resource), lambda *said: None)
    return [f"{row.source.domain}/{row.source.spec.name}" for row in made]


def loinc(code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        **more,
    }


PRESSURE = [
    {"code": {"coding": [{"system": "http://loinc.org", "code": c}]}, "valueQuantity": {"value": 80}}
    for c in ("8480-6", "8462-4")
]
CATEGORY = [{"coding": [{"code": "laboratory"}]}]
CLAIMED = [
    ("a known laboratory test", loinc("2571-8"), ["LB/laboratory"]),
    (
        "a panel of two known components",
        loinc("85354-9", component=PRESSURE),
        ["VS/vital-sign"] * 2,
    ),
    (
        "an unknown laboratory test",
        loinc("x", category=CATEGORY, valueString="a"),
        ["LB/laboratory-own-term"],
    ),
    ("a finding of no category", loinc("x", valueString="a"), ["XO/finding-own-term"]),
    ("no value, no category", loinc("x"), []),
    ("a condition", {"resourceType": "Condition"}, ["MH/condition"]),
    ("nothing of ours", {"resourceType": "Claim"}, []),
]


@pytest.mark.parametrize(("case", "resource", "expected"), CLAIMED)
def test_which_source_takes_a_resource(
    engine: Engine, case: str, resource: dict[str, Any], expected: list[str]
) -> None:
    assert rows(engine, resource) == expected


RESPONSES = ["97509-4", "21976-6", "88040-1"]


@pytest.mark.parametrize("code", RESPONSES)
def test_a_coded_response_is_one_record(engine: Engine, code: str) -> None:
    value = {"coding": [{"system": "http://loinc.org", "code": "LA28366-5"}]}
    assert rows(engine, loinc(code, valueCodeableConcept=value)) == ["RS/response-loinc"]


NOT_FACTS = [
    ({"resourceType": "Observation", "status": "final"}, True),
    ({"resourceType": "Observation", "status": "entered-in-error"}, False),
    ({"resourceType": "Observation"}, False),
    ({"resourceType": "MedicationAdministration", "status": "not-done"}, False),
    ({"resourceType": "MedicationRequest", "status": "active", "doNotPerform": True}, False),
    ({"resourceType": "MedicationRequest", "status": "active", "doNotPerform": False}, True),
    ({"resourceType": "AdverseEvent"}, True),
    ({"resourceType": "AdverseEvent", "actuality": "potential"}, False),
    ({"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "refuted"}]}}, False),
    ({"resourceType": "Condition"}, True),
]


@pytest.mark.parametrize(("resource", "fact"), NOT_FACTS)
def test_what_did_not_happen_is_no_fact(engine: Engine, resource: dict[str, Any], fact: bool) -> None:
    assert (engine.not_a_fact(resource) == "") is fact


def test_a_code_of_two_codelists_belongs_to_the_first_domain_and_the_table_comes_first() -> None:
    tests = known_tests(builtin_terminology())
    assert tests[("http://loinc.org", "29463-7")].testcd == "WEIGHT"
    assert tests[("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C96613")].domain in (
        "RS",
        "TR",
        "TU",
    )


WRONG = [
    ({"resource": "Spaceship"}, "VSORRES", {}, "is no resource type"),
    ({"resource": "Observatoin"}, "VSORRES", {}, r"Observatoin is .* \(nearest known name: Observation\)"),
    ({}, "VSNOPE", {}, "VS has no variable VSNOPE"),
    ({}, "VSORES", {}, r"VS has no variable VSORES \(nearest known name: VSORRES\)"),
    ({}, "_STRES", {}, r"_STRES is no working column that a mapping sets \(nearest known name: _STRESC\)"),
    ({}, "_RECORD_NO", {}, "_RECORD_NO is no working column that a mapping sets"),
    ({}, "_READER", {}, "_READER is read in RS and TR and TU only, not in VS"),
    ({}, "VSORRES", {"path": "a..b"}, "source x, VSORRES"),
    ({}, "VSORRES", {"codelist": "NOPE"}, "no codelist NOPE"),
    ({}, "VSORRES", {"map": "nope"}, "no map nope"),
    ({"where": "f("}, "VSORRES", {}, "source x"),
    ({"where": "f(", "aside": True}, "VSORRES", {}, "source x"),
    ({"supp": {"TOOLONGNAME": {"path": "a", "label": "A"}}}, "VSORRES", {}, "TOOLONGNAME is no name of a"),
    ({"supp": {"VSLOC": {"path": "a", "label": "A"}}}, "VSORRES", {}, "VSLOC is a variable of VS"),
    ({"supp": {"VSX": {"path": "a"}}}, "VSORRES", {}, "VSX: a supplemental qualifier has a label of at most 40 bytes"),
    ({"supp": {"VSX": {"path": "a", "label": "é" * 21}}}, "VSORRES", {}, "VSX: a supplemental qualifier has a label"),
    ({}, "VSORRES", {"label": "Result"}, "VSORRES: only a supplemental qualifier has a label"),
]


@pytest.mark.parametrize(("source", "variable", "spec", "words"), WRONG)
def test_a_mapping_that_names_what_is_not_there_is_refused_with_its_place(
    study: Callable[..., Study], source: dict[str, Any], variable: str, spec: dict[str, Any], words: str
) -> None:
    one = {"name": "x", "resource": "Observation", "variables": {variable: {"path": "id", **spec}}, **source}
    domain = DomainMap.model_validate({"domain": "VS", "keys": [], "source": [one]})
    with pytest.raises(MappingError, match=words) as error:
        Engine.build(study(), [domain])
    assert str(error.value).startswith("mapping VS, source x")


def test_a_key_that_is_no_variable_is_refused(study: Callable[..., Study]) -> None:
    domain = DomainMap.model_validate({"domain": "VS", "keys": ["USUBJID", "VSDTCC"], "source": []})
    with pytest.raises(MappingError, match=r"mapping VS: keys: VS has no variable VSDTCC \(nearest .*: VSDTC\)"):
        Engine.build(study(), [domain])


MISSPELT = [
    ("AE", "AETRM", "mapping own.toml, source mine: AE has no variable AETRM (nearest known name: AETERM)"),
    (
        "TR",
        "_READR",
        "mapping own.toml, source mine: _READR is no working column that a mapping sets (nearest known name: _READER)",
    ),
]


@pytest.mark.parametrize(("domain", "name", "said"), MISSPELT)
def test_a_misspelt_name_of_a_file_stops_the_run_with_file_source_and_nearest_name(
    convert: Convert, fhir: Callable[..., dict[str, Any]], tmp_path: Path, domain: str, name: str, said: str
) -> None:
    text = f'domain = "{domain}"\nkeys = []\n[[source]]\nname = "mine"\nresource = "Observation"\n'
    (tmp_path / "own.toml").write_text(f'{text}[source.variables]\n{name} = {{ path = "id" }}\n', encoding="utf-8")
    with pytest.raises(MappingError) as error:
        convert([fhir("Patient", "p")], RunOptions(mappings=(tmp_path / "own.toml",)))
    assert str(error.value) == said
