"""Paths whose constants are known when they are compiled give what FHIRPath 2.0 says for any operand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fhir2cdisc.fhir.path.expression import Context, compile_path
from fhir2cdisc.fhir.path.parser import PathError

RESOURCE: dict[str, Any] = {
    "code": "a",
    "flag": True,
    "number": 1,
    "weight": Decimal("1.10"),
    "names": ["x", "y"],
    "timing": {"repeat": {"boundsPeriod": {"end": "2024-01-02"}}},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("code in ('a' | 'b')", [True]),
        ("code in ('b' | 'c')", [False]),
        ("missing in ('a' | 'b')", []),  # an empty left side is neither in nor out (FHIRPath 6.4.2)
        ("code in {}", [False]),
        ("number in ('1' | 1)", [True]),
        ("flag in (1 | 'true')", [False]),  # JSON true is not the number 1
        ("number in (true | 1)", [True]),
        ("weight in (1.1 | 2)", [True]),  # numbers are equal by value
        ("code = 'a'", [True]),
        ("code = 'b'", [False]),
        ("missing = 'a'", []),
        ("flag = 1", [False]),
        ("flag = true", [True]),
        ("weight = 1.1", [True]),
        ("names = 'x'", [False]),  # two values are not equal to one
        ("'a' = code", [True]),
        ("('a' | 'b' | 'a').count()", [2]),
        ("('a' | code).count()", [1]),
        ("names.exists($this = 'y')", [True]),
        ("names.exists($this = 'z')", [False]),
        ("missing.exists($this = 'z')", [False]),
        ("names", ["x", "y"]),
        ("code", ["a"]),
        ("missing.code", []),
        ("code.code", []),
        ("timing.repeat.bounds.ofType(Period).end", ["2024-01-02"]),
    ],
)
def test_constant_operands(path: str, expected: list[Any]) -> None:
    assert compile_path(path)(RESOURCE, Context(RESOURCE)) == expected


@pytest.mark.parametrize("left", ["true", "false", "{}"])
@pytest.mark.parametrize("right", ["true", "false", "{}"])
def test_and_and_or_of_three_values(left: str, right: str) -> None:
    # FHIRPath 2.0 sections 6.5.1 and 6.5.2: what is empty is unknown, and false (true) decides an `and` (`or`).
    value = {"true": True, "false": False, "{}": None}
    a, b = value[left], value[right]
    both = False if False in (a, b) else None if None in (a, b) else True
    either = True if True in (a, b) else None if None in (a, b) else False
    focus = {"l": a, "r": b}
    for operator, expected in (("and", both), ("or", either)):
        for path in (f"{left} {operator} {right}", f"l {operator} r"):
            assert compile_path(path)(focus, Context(focus)) == ([] if expected is None else [expected])


def test_the_right_side_is_read_only_where_the_left_one_leaves_it_open() -> None:
    asked: list[str] = []

    def resolve(reference: str) -> None:
        asked.append(reference)

    focus = {"kind": "a", "to": {"reference": "Patient/1"}}
    run = compile_path("kind = 'b' and to.resolve().exists()")
    assert run(focus, Context(focus, resolve)) == [False]
    assert asked == []
    run = compile_path("kind = 'a' and to.resolve().exists()")
    assert run(focus, Context(focus, resolve)) == [False]
    assert asked == ["Patient/1"]


def test_several_values_are_no_condition() -> None:
    with pytest.raises(PathError, match="several values"):
        compile_path("names and true")(RESOURCE, Context(RESOURCE))


def test_reading_does_not_change_the_resource() -> None:
    run = compile_path("names | ('z' | 'y')")
    assert [run(RESOURCE, Context(RESOURCE)) for _ in range(2)] == [["x", "y", "z"]] * 2
    assert RESOURCE["names"] == ["x", "y"]
