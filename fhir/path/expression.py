"""The FHIRPath subset, compiled once to closures (FHIRPath 2.0; FHIR R4, section 2.9 and Appendix).

`compile_path(text)` gives a function of a resource and a `Context` that returns a list of values: what FHIRPath
calls a collection. Choice elements are read by their base name (`Observation.value`), `ofType(Quantity)` picks
one, and the JSON name (`valueQuantity`) is accepted too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fhir2cdisc.fhir.path.functions import CALLS
from fhir2cdisc.fhir.path.members import CHOICES, member, of_type, typed_member
from fhir2cdisc.fhir.path.operators import OPERATORS, equals_constant, in_constants, logic
from fhir2cdisc.fhir.path.parser import Binary, Call, Chain, Index, Literal, Name, Node, PathError, parse
from fhir2cdisc.fhir.path.values import Context, Items, Step, distinct, truth

__all__ = ["CHOICES", "Context", "Path", "compile_path", "truth"]

Path = Callable[[Any, Context], Items]


@cache
def compile_path(text: str) -> Path:
    """A function of (focus, context) that gives the values of `text`; PathError outside the subset."""
    step = _compile(parse(text), text)

    def run(focus: Any, context: Context) -> Items:
        return step([focus], context)

    return run


def _compile(node: Node, text: str) -> Step:
    if isinstance(node, Chain):
        return _chain(node, text)
    if isinstance(node, Name):
        return member(node.name)
    if isinstance(node, Literal):
        value: Items = [] if node.value is None else [node.value]
        return lambda items, context: value
    if isinstance(node, Index):
        position = node.position
        return lambda items, context: items[position : position + 1]
    if isinstance(node, Binary):
        return _binary(node, text)
    return _call(node, text)


def _chain(node: Chain, text: str) -> Step:
    steps: list[Step] = []
    rest = list(node.steps)
    while rest:
        first = rest.pop(0)
        # `value.ofType(Quantity)` is one look-up of `valueQuantity`.
        if isinstance(first, Name) and first.name in CHOICES and rest and _is_of_type(rest[0]):
            steps.append(typed_member(first.name, _type_name(rest.pop(0), text)))
        else:
            steps.append(_compile(first, text))
    if len(steps) == 1:
        return steps[0]
    if len(steps) == 2:
        one, two = steps
        return lambda items, context: two(one(items, context), context)

    def run(items: Items, context: Context) -> Items:
        for step in steps:
            if not items:
                return items
            items = step(items, context)
        return items

    # An aggregate at the end (`exists()`, `count()`) answers for an empty collection too.
    if any(isinstance(s, Call) and s.name in ("exists", "empty", "count", "not", "all", "iif") for s in node.steps):

        def run_all(items: Items, context: Context) -> Items:
            for step in steps:
                items = step(items, context)
            return items

        return run_all
    return run


def _is_of_type(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "ofType"


def _type_name(node: Node, text: str) -> str:
    argument = node.arguments[0] if isinstance(node, Call) and node.arguments else None
    if isinstance(argument, Chain) and isinstance(argument.steps[-1], Name):
        argument = argument.steps[-1]
    if not isinstance(argument, Name):
        raise PathError(f"{text!r}: ofType() needs the name of a type")
    return argument.name


def _binary(node: Binary, text: str) -> Step:
    left, right = _compile(node.left, text), _compile(node.right, text)
    operator = OPERATORS[node.operator]
    first, second = _constant(node.left), _constant(node.right)
    if first is not None and second is not None:
        answer = operator(first, second)
        return lambda items, context: answer
    if node.operator in ("and", "or"):
        return logic(left, right, operator, decided=node.operator == "or")
    if node.operator == "in" and second is not None:
        return in_constants(left, second)
    if node.operator == "=" and second is not None and len(second) == 1:
        return equals_constant(left, second[0])
    return lambda items, context: operator(left(items, context), right(items, context))


def _constant(node: Node) -> Items | None:
    """The values of a literal, or of literals joined by `|`; None for what depends on the focus."""
    if isinstance(node, Literal):
        return [] if node.value is None else [node.value]
    if isinstance(node, Binary) and node.operator == "|":
        left, right = _constant(node.left), _constant(node.right)
        return None if left is None or right is None else distinct(left + right)
    return None


def _call(node: Node, text: str) -> Step:
    assert isinstance(node, Call)
    if node.name == "ofType":
        return of_type(_type_name(node, text), text)
    counts, build = CALLS[node.name]
    if len(node.arguments) not in counts:
        raise PathError(f"{text!r}: {node.name}() takes {' or '.join(map(str, counts))} arguments")
    return build([_compile(argument, text) for argument in node.arguments])
