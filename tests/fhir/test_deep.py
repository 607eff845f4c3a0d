"""`--deep`: no false alarm on real and on legal resources, no wrong one let through, no exception."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from fhir2cdisc.fhir.deep import deep_fault
from hypothesis import given, settings
from hypothesis import strategies as st
from support.others import others

CODE = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
OBSERVATION = {"resourceType": "Observation", "id": "o", "status": "final", "code": CODE}
MASKED = {"url": "http://x", "_valueCode": {"extension": [{"url": "http://m", "valueCode": "masked"}]}}
LEGAL: list[dict[str, Any]] = [
    OBSERVATION,
    {**OBSERVATION, "extension": [MASKED]},
    {**OBSERVATION, "code": {**CODE, "extension": [MASKED]}},
    {**OBSERVATION, "contained": [{"resourceType": "EffectEvidenceSynthesis", "id": "e", "status": "draft"}]},
    {**OBSERVATION, "valueQuantity": {"value": Decimal("1.10"), "unit": "kg"}},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({**OBSERVATION, "status": None}, "status"),
    ({**OBSERVATION, "valueQuantity": {"value": "heavy"}}, "valueQuantity"),
    ({**OBSERVATION, "colour": "red"}, "colour"),
    ({**OBSERVATION, "effectiveDateTime": "yesterday"}, "effectiveDateTime"),
    ({**OBSERVATION, "contained": [{"resourceType": "Spaceship"}]}, "cannot be checked"),
    ({"resourceType": "Patient", "birthDate": "2020-13-45"}, "birthDate"),
]


@pytest.mark.parametrize("resource", LEGAL)
def test_a_legal_resource_is_no_false_alarm(resource: dict[str, Any]) -> None:
    assert deep_fault(resource) is None


@pytest.mark.parametrize(("resource", "place"), WRONG)
def test_a_wrong_resource_is_told_by_its_place_and_never_by_its_value(resource: dict[str, Any], place: str) -> None:
    fault = deep_fault(resource)
    assert fault is not None
    assert place in fault[0] or place in fault[1]
    assert "heavy" not in str(fault) and "yesterday" not in str(fault)


def test_nesting_beyond_the_stack_is_a_fault_and_no_exception() -> None:
    value: dict[str, Any] = {}
    for _ in range(20_000):
        value = {"extension": [value]}
    fault = deep_fault({**OBSERVATION, **value})
    assert fault is not None and "cannot be checked" in fault[1]


def test_a_type_that_the_models_lack_is_not_checked() -> None:
    assert deep_fault({"resourceType": "EffectEvidenceSynthesis"}) is None
    assert deep_fault({}) is None


def test_the_real_inputs_raise_no_alarm() -> None:
    found = {}
    for path in sorted(others("data", "fhir", "mcode").glob("*.json")):
        resource = json.loads(path.read_bytes(), parse_float=Decimal)
        if resource["resourceType"] != "Bundle" and (fault := deep_fault(resource)):
            found[path.name] = fault
    assert found == {}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "code", "_valueCode"]), inner),
    max_leaves=5,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "code", "extension", "contained", "valueQuantity", "meta"]), values))
def test_nothing_escapes_as_an_exception(content: dict[str, Any]) -> None:
    given = deepcopy(content)
    fault = deep_fault({"resourceType": "Observation", **content})
    # Neither status nor code is given whole, so there is a fault; it has a sentence and leaves the resource as it was.
    assert fault is not None and all(isinstance(part, str) for part in fault) and fault[1]
    assert content == given
