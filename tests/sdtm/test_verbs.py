"""From a FHIR value to a cell: texts, numbers, units, terms; nothing guessed, everything odd reported."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.model import Test as CdiscTest
from fhir2cdisc.mappings.model import VariableMap, builtin_terminology
from fhir2cdisc.sdtm.rows.texts import concept_text, number_text, result_text
from fhir2cdisc.sdtm.rows.verbs import Cell, compile_variable, unit_text

NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


def cell(spec: dict[str, Any], focus: Any, test: CdiscTest | None = None) -> tuple[Any, list[str]]:
    """(value of the variable X, rules that were reported)."""
    said: list[str] = []
    verb = compile_variable("X", VariableMap.model_validate(spec), builtin_terminology())
    value = verb(focus, Cell(Context(focus), lambda rule, *rest: said.append(rule), test))
    return value, said


TEXTS = [
    ({"text": " Free text ", "coding": [{"display": "D", "code": "C"}]}, "Free text", "the text first"),
    ({"coding": [{"code": "C"}, {"display": "D"}]}, "D", "then the first display"),
    ({"coding": [{"code": "C"}]}, "C", "then the code"),
    ({"display": "D", "code": "C"}, "D", "a Coding"),
    ("plain", "plain", "a text is itself"),
    (True, "Y", "a boolean is Y or N"),
    (False, "N", ""),
    (Decimal("1.10"), "1.10", "digits are kept"),
    ({}, "", "nothing"),
    (None, "", ""),
    ({"coding": [5]}, "", "odd shapes"),
    ({"coding": "x"}, "", ""),
]


@pytest.mark.parametrize(("value", "text", "why"), TEXTS)
def test_the_text_of_a_concept(value: Any, text: str, why: str) -> None:
    assert concept_text(value) == text, why


RESULTS = [
    ({"value": Decimal("5.0"), "comparator": "<", "unit": "mg/dL"}, "<5.0"),
    ({"value": Decimal("1E-7")}, "0.0000001"),
    ({"value": 70}, "70"),
    ({"numerator": {"value": 1}, "denominator": {"value": 128}}, "1:128"),
    ({"low": {"value": 1}, "high": {"value": 2}}, "1-2"),
    ({"start": "2024-01-01", "end": "2024-01-03"}, "2024-01-01/2024-01-03"),
    ({"coding": [{"display": "Positive"}]}, "Positive"),
    ("text", "text"),
    (True, "Y"),
    (3, "3"),
]


@pytest.mark.parametrize(("value", "text"), RESULTS)
def test_a_result_as_the_source_wrote_it(value: Any, text: str) -> None:
    assert result_text(value) == text


def test_a_number_out_of_all_measure_is_not_written_out() -> None:
    assert number_text(Decimal("1e999999999")) == "1E+999999999"
    assert number_text(Decimal("1e20")) == "100000000000000000000"


UNITS = [
    ({"code": "mm[Hg]", "unit": "mmHg"}, "", "mmHg", []),
    ({"code": "pg/mL"}, "", "ng/L", []),
    ({"unit": "stone"}, "", "stone", ["unit.unknown"]),
    ({"code": "/min"}, "HR", "beats/min", []),
    ({"code": "/min"}, "RESP", "breaths/min", []),
    ({"code": "{score}"}, "", "", []),
    ({"value": 1}, "", "", ["no unit"]),
    ({"value": 1}, "HGB", "", ["no unit"]),
    ({"value": 7.4}, "PH", "", []),  # a pH has no unit by the table
    (12, "HGB", "", ["no unit"]),
    ("12", "HGB", "", ["no unit"]),
    ("<12", "HGB", "", ["no unit"]),
    ("kg", "", "", []),
    ({"text": "positive"}, "HGB", "", []),
    ({"low": {"value": 3, "code": "g/L"}, "high": {"value": 5}}, "HGB", "g/L", []),
    ({"numerator": {"value": 5, "code": "mg"}, "denominator": {"value": 1, "code": "d"}}, "", "mg/day", []),
    ({"numerator": {"value": 1}, "denominator": {"value": 128}}, "", "", []),  # a titre
    ({"origin": {"value": 0, "unit": "mV"}, "data": "1 2"}, "", "", []),
]


@pytest.mark.parametrize(("quantity", "testcd", "unit", "said"), UNITS)
def test_a_unit_is_the_cdisc_unit_or_its_own_with_a_finding(
    quantity: Any, testcd: str, unit: str, said: list[str]
) -> None:
    found: list[str] = []
    units = builtin_terminology().units
    one = Cell(Context({}), lambda rule, *rest: found.append(rule), CdiscTest(domain="LB", testcd=testcd))
    assert unit_text(quantity, "X", units, one) == unit
    assert found + ["no unit"] * one.no_unit == said


TERMS: list[tuple[dict[str, Any], Any, Any, list[str]]] = [
    ({"path": "v", "codelist": "SEX", "map": "sex"}, "female", "F", []),
    ({"path": "v", "codelist": "SEX", "map": "sex"}, "other", "", ["codelist.unknown"]),
    ({"concept": "v", "codelist": "ROUTE"}, {"coding": [{"system": NCI, "code": "C38288"}]}, "ORAL", []),
    ({"concept": "v", "codelist": "ROUTE"}, {"coding": [{"system": "x", "code": "C1"}]}, "C1", ["codelist.extended"]),
    ({"concept": "v", "codelist": "ROUTE"}, {"text": "oral"}, "ORAL", []),
    ({"concept": "v", "codelist": "ROUTE", "map": "route"}, {"text": "by drone"}, "by drone", ["codelist.extended"]),
    ({"concept": "v", "codelist": "NY"}, {"text": "perhaps"}, "", ["codelist.unknown"]),
    ({"path": "v", "codelist": "NY", "map": "seriousness"}, True, "Y", []),
    ({"path": "v", "as": "dtc"}, "2020-13-45", "", ["date.impossible"]),
    ({"path": "v", "as": "dtc"}, "2020-12", "2020-12", []),
    ({"path": "v", "as": "dtc"}, 2020, "", ["date.not-text"]),
    ({"path": "v", "as": "number"}, Decimal("1.5"), 1.5, []),
    ({"path": "v", "as": "number"}, "1.5", "", ["number.not-a-number"]),
    ({"path": "v", "as": "number"}, True, "", ["number.not-a-number"]),
    ({"path": "v", "as": "number"}, Decimal("1e400"), "", ["number.out-of-range"]),
    ({"path": "v", "as": "number"}, 10**500, "", ["number.out-of-range"]),
    ({"path": "v", "as": "number"}, Decimal("0"), 0.0, []),
    ({"path": "v"}, ["a", "b"], "", ["value.several"]),
    ({"path": "v"}, ["a", "a"], "a", []),
    ({"path": "v", "join": ";"}, ["a", "b"], "a;b", []),
    ({"path": ["missing", "v"]}, "a", "a", []),
    ({"path": "v", "when": "missing.exists()"}, "a", "", []),
    ({"path": "missing", "value": "DEFAULT"}, "a", "DEFAULT", []),
    ({"path": "v", "upper": True}, "abc", "ABC", []),
    ({"path": "v"}, "a\x00b\x07", "ab", ["text.control"]),
    ({"path": "v"}, "a\tb\u00a0c", "a\tb\u00a0c", []),
]


@pytest.mark.parametrize(("spec", "value", "expected", "said"), TERMS)
def test_a_cell_is_filled_by_its_verb_or_left_empty_with_a_finding(
    spec: dict[str, Any], value: Any, expected: Any, said: list[str]
) -> None:
    assert cell(spec, {"v": value}) == (expected, said)


def test_a_field_of_the_test_is_taken_where_the_path_gives_nothing() -> None:
    test = CdiscTest(domain="LB", testcd="GLUC", test="Glucose", specimen="SERUM")
    assert cell({"path": "v", "test": "specimen"}, {"v": "BLOOD"}, test)[0] == "BLOOD"
    assert cell({"path": "v", "test": "specimen"}, {}, test)[0] == "SERUM"


ODD = [
    ({"as": "result", "path": "value"}, {"valueQuantity": {"value": [Decimal("13.5")]}}, "value", "a list"),
    ({"as": "result", "path": "value"}, {"valueQuantity": {"value": {"x": 1}}}, "value", "an object"),
    ({"as": "result", "path": "value"}, {"valueQuantity": {"value": True}}, "value", "a boolean"),
    ({"as": "result", "path": "value"}, {"valueQuantity": {"value": 1, "comparator": ["<"]}}, "comparator", ""),
    ({"as": "unit", "path": "value"}, {"valueQuantity": {"value": 1, "unit": ["g/dL"]}}, "unit", ""),
    ({"as": "result", "path": "value"}, {"valueRatio": {"numerator": {"value": [1]}}}, "numerator.value", ""),
    ({"as": "result", "path": "value"}, {"valueSampledData": {"data": "1 2"}}, "value", "no text of any kind"),
    ({"concept": "code"}, {"code": {"text": ["Docetaxel"]}}, "text", "a concept"),
    ({"concept": "code"}, {"code": {"coding": [{"display": {"a": 1}}]}}, "coding.display", "its coding"),
    ({"concept": "code"}, {"code": True}, "value", "a boolean where no boolean can be"),
    ({"path": "address.country.first()"}, {"address": [{"country": True}]}, "value", ""),
    ({"path": "name"}, {"name": {"x": 1}}, "value", ""),
    ({"path": "name", "join": ";"}, {"name": ["a", {"x": 1}]}, "value", "one of several"),
]


@pytest.mark.parametrize(("spec", "focus", "element", "why"), ODD)
def test_what_is_no_text_is_a_finding_and_a_blank(spec: dict[str, Any], focus: Any, element: str, why: str) -> None:
    """FHIR R4, datatypes: these elements are primitives; R2 of the field report."""
    said: list[tuple[str, str]] = []
    verb = compile_variable("X", VariableMap.model_validate(spec), builtin_terminology())
    value = verb(focus, Cell(Context(focus), lambda rule, name, text, message: said.append((rule, message))))
    assert value == "" and [rule for rule, _ in said] == ["value.odd-shape"], why
    assert f"in '{element}'" in said[0][1]


RIGHTLY_BOOLEAN = [
    ({"path": "active"}, {"active": True}),
    ({"as": "result", "path": "value"}, {"valueBoolean": True}),
    ({"path": "extension('u').value"}, {"extension": [{"url": "u", "valueBoolean": True}]}),
    ({"path": "code.exists()"}, {"code": {}}),
    ({"path": "deceased.ofType(boolean)"}, {"deceasedBoolean": True}),
]


@pytest.mark.parametrize(("spec", "focus"), RIGHTLY_BOOLEAN)
def test_a_boolean_stays_where_fhir_has_one(spec: dict[str, Any], focus: Any) -> None:
    assert cell(spec, focus) == ("Y", [])
