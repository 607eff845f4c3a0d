"""The operators of a path: what each makes of the values on its two sides (FHIRPath 2.0, section 6)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.path.values import (
    FALSE,
    NOTHING,
    TRUE,
    Context,
    Items,
    Step,
    alone,
    as_text,
    distinct,
    same,
    truth,
)

Operator = Callable[[Items, Items], Items]


def logic(left: Step, right: Step, operator: Operator, decided: bool) -> Step:
    """`and`, `or`: the right side is read only where the left one (`decided`) does not settle it (FHIRPath 6.5)."""
    answer = TRUE if decided else FALSE

    def run(items: Items, context: Context) -> Items:
        first = left(items, context)
        return answer if truth(first) is decided else operator(first, right(items, context))

    return run


def in_constants(left: Step, values: Items) -> Step:
    """`in` with literals on its right: texts are looked up in a set that is made once."""
    texts = frozenset(value for value in values if isinstance(value, str))
    others = [value for value in values if not isinstance(value, str)]

    def run(items: Items, context: Context) -> Items:
        found = left(items, context)
        if not found:
            return NOTHING
        value = alone(found)
        there = value in texts if isinstance(value, str) else any(same(value, other) for other in others)
        return TRUE if there else FALSE

    return run


def equals_constant(left: Step, value: Any) -> Step:
    """`=` with one literal on its right."""

    def run(items: Items, context: Context) -> Items:
        found = left(items, context)
        if not found:
            return NOTHING
        return TRUE if len(found) == 1 and same(found[0], value) else FALSE

    return run


def _answer(value: bool | None) -> Items:
    return [] if value is None else [value]


def _and(left: Items, right: Items) -> Items:
    a, b = truth(left), truth(right)
    if a is False or b is False:
        return [False]
    return _answer(None if a is None or b is None else True)


def _or(left: Items, right: Items) -> Items:
    a, b = truth(left), truth(right)
    if a or b:
        return [True]
    return _answer(None if a is None or b is None else False)


def _xor(left: Items, right: Items) -> Items:
    a, b = truth(left), truth(right)
    return _answer(None if a is None or b is None else a != b)


def _equal(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    return [len(left) == len(right) and all(map(same, left, right))]


def _unequal(left: Items, right: Items) -> Items:
    answer = _equal(left, right)
    return [not answer[0]] if answer else []


def _equivalent(left: Items, right: Items) -> Items:
    def plain(value: Any) -> Any:
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return Decimal(value).normalize()
        return " ".join(value.lower().split()) if isinstance(value, str) else value

    return [sorted(map(repr, map(plain, left))) == sorted(map(repr, map(plain, right)))]


def _compare(test: Callable[[Any, Any], bool]) -> Operator:
    def run(left: Items, right: Items) -> Items:
        if not left or not right:
            return []
        a, b = alone(left), alone(right)
        numbers = (int, Decimal)
        if isinstance(a, str) != isinstance(b, str) or not isinstance(a, (str, *numbers)):
            raise PathError(f"cannot compare {type(a).__name__} with {type(b).__name__}")
        return [test(a, b)]

    return run


def _in(left: Items, right: Items) -> Items:
    return [any(same(alone(left), item) for item in right)] if left else []


def _concatenate(left: Items, right: Items) -> Items:
    return ["".join(as_text(alone(side)) for side in (left, right) if side)]


def _add(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    a, b = alone(left), alone(right)
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) != isinstance(b, str):
        raise PathError(f"cannot add {type(a).__name__} and {type(b).__name__}")
    return [a + b]


OPERATORS: dict[str, Operator] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "=": _equal,
    "!=": _unequal,
    "~": _equivalent,
    ">": _compare(lambda a, b: a > b),
    "<": _compare(lambda a, b: a < b),
    ">=": _compare(lambda a, b: a >= b),
    "<=": _compare(lambda a, b: a <= b),
    "in": _in,
    "contains": lambda left, right: _in(right, left),
    "|": lambda left, right: distinct(left + right),
    "&": _concatenate,
    "+": _add,
}
