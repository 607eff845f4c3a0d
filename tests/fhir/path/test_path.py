"""The FHIRPath subset against `fhirpathpy`, independent of it: on simulated and real resources, and by hand.

Where the two differ on purpose the test says so by name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

import fhirpathpy
import pytest
from fhir2cdisc.fhir.path.expression import Context, compile_path
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.simulation.simulate import Order, simulate_subjects
from fhir2cdisc.fhir.simulation.subject_resources import write_shared
from fhir2cdisc.mappings.model import builtin_domains, resource_rules
from fhir2cdisc.mappings.study import builtin_studies, load_study
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st
from support.others import others
from support.paths import SHARED

MOST = 30
DIALECTS = [
    ("response-a", "grade-2"),
    ("response-b", "grade-3"),
    ("response-e", "grade-4"),
    ("grade-5",),
    ("hospital-cn",),
]


@cache
def simulated_resources() -> dict[str, list[dict[str, Any]]]:
    """Resources of two subjects of each study by type, each study in another dialect; decimals with their digits."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, dialects in zip(builtin_studies(), DIALECTS, strict=True):
        order = Order(load_study(name), 3, 2, dialects=dialects)
        own = [*write_shared(order.study, order.seed, {}), *(r for s in simulate_subjects(order) for r in s.resources)]
        for one in json.loads(json.dumps(own), parse_float=Decimal):
            found[one["resourceType"]].append(one)
    return found


@cache
def real_resources() -> dict[str, list[dict[str, Any]]]:
    """Every resource of the real inputs by type, decimals with their digits; none where they are not there."""
    if SHARED is None:
        return {}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((SHARED / "data" / "fhir").rglob("*.json")):
        content = json.loads(path.read_bytes(), parse_float=Decimal)
        for one in [e["resource"] for e in content.get("entry", [])] or [content]:
            # The manifest of an export lies beside its resources.
            if "resourceType" in one:
                found[one["resourceType"]].append(one)
    return found


def used_paths() -> list[tuple[str, str]]:
    """(resource type, expression) of every path and condition of the mappings."""
    found = {(kind, rule.where) for kind, rules in resource_rules().items() for rule in rules}
    for domain in builtin_domains():
        for source in domain.source:
            found |= {(source.resource, text) for text in (source.where, source.each, *source.links) if text}
            for spec in (*source.variables.values(), *source.supp.values()):
                texts = (*spec.path, *spec.concept, spec.when)
                # Within `each` a path begins at the focus; the component of a resource is the case of all of them.
                found |= {(source.resource, f"{source.each}.select({t})" if source.each else t) for t in texts if t}
    return sorted(found)


def plain(values: Any) -> Any:
    """Numbers compared as numbers: fhirpathpy makes Decimal or float of them, case by case."""
    if isinstance(values, dict):
        return {key: plain(value) for key, value in values.items()}
    if isinstance(values, list):
        return [plain(value) for value in values]
    return float(values) if isinstance(values, (Decimal, int)) and not isinstance(values, bool) else values


def theirs(resource: Any, text: str) -> Any:
    return fhirpathpy.evaluate(resource, text, {"resource": resource}, models["r4"])


def ours(resource: Any, text: str) -> Any:
    return compile_path(text)(resource, Context(resource))


def spread(resources: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At least so many of a longer list, evenly."""
    return resources[:: max(1, len(resources) // most)]


def test_the_real_inputs_are_compared_too() -> None:
    others("data", "fhir", "mcode")
    assert {"Observation", "Condition", "Patient"} <= set(real_resources())


@pytest.mark.parametrize(("kind", "text"), [pair for pair in used_paths() if "resolve()" not in pair[1]])
def test_every_path_of_the_mappings_means_what_fhirpathpy_says(kind: str, text: str) -> None:
    other = fhirpathpy.compile(text, models["r4"])
    for resource in [
        *spread(simulated_resources().get(kind, []), MOST // 2),
        *spread(real_resources().get(kind, []), MOST),
    ]:
        assert plain(ours(resource, text)) == plain(other(resource, {"resource": resource})), resource["id"]


def test_resolve_needs_a_server_in_fhirpathpy_and_the_read_input_here() -> None:
    patient = {"resourceType": "Patient", "id": "1", "gender": "female"}
    focus = {"subject": {"reference": "Patient/1"}}
    path = compile_path("subject.resolve().gender")
    assert path(focus, Context(focus, {"Patient/1": patient}.get)) == ["female"]
    assert path(focus, Context(focus)) == []


def test_choice_elements_are_also_read_by_their_json_name_which_fhirpathpy_does_not() -> None:
    resource = {"resourceType": "Observation", "valueString": "x"}
    assert ours(resource, "valueString") == ["x"]
    assert ours(resource, "value") == theirs(resource, "value") == ["x"]
    assert ours(resource, "value.ofType(string)") == ["x"]
    assert ours(resource, "value.ofType(Quantity)") == []


FOCUS: dict[str, Any] = json.loads(
    """{"resourceType": "Observation", "id": "x", "status": "final", "a": [1, 2, 3], "s": "Abc Def", "t": true,
    "f": false, "n": 1.5, "names": ["b", "a", "b"],
    "code": {"coding": [{"system": "s1", "code": "c1"}, {"system": "s2", "code": "c2"}], "text": "T"},
    "component": [{"code": {"text": "p"}, "valueQuantity": {"value": 3}}, {"code": {"text": "q"}}]}""",
    parse_float=Decimal,
)
BY_HAND = [
    # FHIRPath 2.0 section 6.5: three-valued logic
    *[("true and true", [True]), ("true and {}", []), ("false and {}", [False]), ("{} and {}", [])],
    *[("true or {}", [True]), ("false or {}", []), ("true xor {}", []), ("true xor true", [False])],
    *[("missing and f", [False]), ("missing or t", [True]), ("missing.not()", []), ("f.not()", [True])],
    # sections 4.5 and 6.1: singletons, equality of collections
    *[("a = a", [True]), ("a = names", [False]), ("missing = 1", []), ("1 != missing", []), ("{} = {}", [])],
    *[
        ("1 = 1.0", [True]),
        ("'a' = 'A'", [False]),
        ("'a' ~ 'A'", [True]),
        ("{} ~ {}", [True]),
        ("1 ~ 1.0", [True]),
    ],
    *[("2 in a", [True]), ("7 in a", [False]), ("missing in a", []), ("2 in missing", [False])],
    *[("a contains 2", [True]), ("missing contains 2", [False])],
    *[("1 < 2", [True]), ("n > 1", [True]), ("missing < 2", []), ("'a' < 'b'", [True])],
    # section 6.6.7: & treats empty as an empty text, + does not
    *[("missing & 'x'", ["x"]), ("missing & missing", [""]), ("missing + 'x'", []), ("1 + 2", [3])],
    # section 5: existence, filtering, subsetting
    *[("missing.exists()", [False]), ("missing.foo.bar.exists()", [False]), ("missing.foo.bar.count()", [0])],
    *[("missing.foo.bar.empty()", [True]), ("missing.foo.bar.not()", []), ("a.exists($this > 5)", [False])],
    *[("a.where($this > 1)", [2, 3]), ("missing.all($this > 0)", [True]), ("a[0]", [1]), ("a[9]", [])],
    *[("a.last()", [3]), ("names.distinct()", ["b", "a"]), ("names | a", ["b", "a", 1, 2, 3])],
    *[("names.join(',')", ["b,a,b"]), ("missing.join(',')", []), ("status.single()", ["final"])],
    # section 5.6: strings
    *[("s.lower()", ["abc def"]), ("s.startsWith('')", [True]), ("s.contains('c D')", [True])],
    *[("missing.contains('a')", []), ("s.replace('b', 'x')", ["Axc Def"]), ("s.matches('b')", [True])],
    *[
        ("iif(t, 1, 2)", [1]),
        ("iif(missing, 1, 2)", [2]),
        ("iif(f, 1)", []),
        ("iif(missing.exists(), 1, 2)", [2]),
    ],
    *[
        ("code.coding.select(system & '-' & code)", ["s1-c1", "s2-c2"]),
        ("code.coding.exists(code = 'zz')", [False]),
    ],
    *[("code.coding.code = 'c1'", [False]), ("component.value.value", [3])],
    *[("component.where(value.exists()).code.text", ["p"]), ("component.select(%resource.id)", ["x", "x"])],
    *[("component.where(code.text = 'z').exists().where($this = true)", [])],
    *[("Observation.status", ["final"]), ("Patient.status", []), ("status in ('final' | 'x')", [True])],
    # section 6.8: precedence
    *[
        ("true or true and false", [True]),
        ("1 | 2 = 1", [False]),
        ("'a' & 'b' = 'ab'", [True]),
        ("1 + 1 > 1", [True]),
    ],
    *[("2 in (1 | 2) and true", [True]), ("t = true", [True]), ("t != true", [False])],
    *[(r"'it\'s'", ["it's"]), (r"'a\nb'", ["a\nb"]), (r"'\u0041'", ["A"]), ("`status`", ["final"])],
]


@pytest.mark.parametrize(("text", "expected"), BY_HAND)
def test_an_operator_means_what_the_specification_and_fhirpathpy_say(text: str, expected: list[Any]) -> None:
    assert ours(FOCUS, text) == expected
    assert plain(theirs(FOCUS, text)) == plain(expected)


ON_PURPOSE = [
    ("t.toString()", ["true"], "FHIRPath writes a boolean in lower case, fhirpathpy as Python does"),
    ("1 = true", [False], "JSON true is not the number 1"),
    ("t.hasValue()", [True], "fhirpathpy has no hasValue()"),
]


@pytest.mark.parametrize(("text", "expected", "why"), ON_PURPOSE)
def test_where_the_two_differ_ours_follows_the_specification(text: str, expected: list[Any], why: str) -> None:
    assert ours(FOCUS, text) == expected, why


@pytest.mark.parametrize("text", ["a and t", "a > 1", "a & 'x'", "a + 1", "names.upper()", "a.single()", "a in names"])
def test_several_values_where_one_is_expected_are_an_error(text: str) -> None:
    with pytest.raises(PathError):
        ours(FOCUS, text)


OUTSIDE = [
    "",
    "a.",
    "a..b",
    "a[x]",
    "a[1.5]",
    "(a",
    "a)",
    "f(",
    "iif(a b)",
    "a.where()",
    "a.unknown()",
    "a ?",
    "'open",
]
OUTSIDE += ["1 + 'x'", "%unknown", "$index", "component.ofType(Quantity)", "a.where(b,)"]


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_expression_outside_the_subset_is_refused_when_it_is_loaded(text: str) -> None:
    with pytest.raises(PathError):
        compile_path(text)


truths = st.sampled_from(["true", "false", "{}", "t", "f", "missing", "(1 = 1)", "(1 = 2)"])
conditions = st.recursive(
    truths,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "xor"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda one: f"({one}).not()"),
        inner.map(lambda one: f"({one}).exists()"),
    ),
    max_leaves=6,
)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(conditions)
def test_nested_conditions_agree_with_fhirpathpy(text: str) -> None:
    assert ours(FOCUS, text) == theirs(FOCUS, text)
