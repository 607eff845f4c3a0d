"""The FHIRPath subset, compiled once to closures (FHIRPath 2.0; FHIR R4, section 2.9 and Appendix).

`compile_path(text)` gives a function of a resource and a `Context` that returns a list of values: what FHIRPath
calls a collection. Choice elements are read by their base name (`Observation.value`), `ofType(Quantity)` picks
one, and the JSON name (`valueQuantity`) is accepted too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from fhir2cdisc.fhir.path_parser import Binary, Call, Chain, Index, Literal, Name, Node, PathError, parse
from fhir2cdisc.fhir.versions import R4_TYPES

Items = list[Any]
Resource = dict[str, Any]

# Elements of the R4 resources that the project reads whose JSON name carries the type.
CHOICES = frozenset(
    "value effective onset abatement performed medication deceased occurrence collected multipleBirth timing "
    "reported asNeeded dose rate product age born fastingStatus minimumVolume defaultValue serviced item "
    "identified allowed bounds".split()
)


def _nothing(reference: str) -> Resource | None:
    return None


@dataclass(slots=True)
class Context:
    """What an expression may reach beyond its focus: the resource it began at and the references' targets.

    `peek` is `resolve` for a question that nothing depends on: a target that was not read is no finding.
    """

    resource: Resource = field(default_factory=dict)
    resolve: Callable[[str], Resource | None] = _nothing
    peek: Callable[[str], Resource | None] = _nothing


# Answers that are used again and again; nobody changes a list that a step gave.
_NOTHING: Items = []
_TRUE: Items = [True]
_FALSE: Items = [False]

Step = Callable[[Items, Context], Items]
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
        return _member(node.name)
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
            steps.append(_typed_member(first.name, _type_name(rest.pop(0), text)))
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


def _member(name: str) -> Step:
    if name == "$this":
        return lambda items, context: items
    if name in ("%resource", "%context"):
        return lambda items, context: [context.resource]
    if name in CHOICES:
        return _choice_member(name)
    if name[0].isupper():
        return _type_or_member(name)

    def run(items: Items, context: Context) -> Items:
        if len(items) == 1:
            # The usual case; a list of the resource is handed on as it is, and no step changes its input.
            value = items[0].get(name) if type(items[0]) is dict else None
            return value if type(value) is list else _NOTHING if value is None else [value]
        found: Items = []
        for item in items:
            if type(item) is dict:
                value = item.get(name)
                if value is None:
                    continue
                if type(value) is list:
                    found += value
                else:
                    found.append(value)
        return found

    return run


def _type_or_member(name: str) -> Step:
    """`Patient.name`: a leading type name keeps the resources of that type."""
    return lambda items, context: [i for i in items if type(i) is dict and i.get("resourceType") == name]


def _choice_member(name: str) -> Step:
    length = len(name)

    def run(items: Items, context: Context) -> Items:
        found: Items = []
        for item in items:
            if type(item) is not dict:
                continue
            value = item.get(name)
            if value is None:
                value = next(
                    (
                        v
                        for k, v in item.items()
                        if k.startswith(name) and k[length : length + 1].isupper() and v is not None
                    ),
                    None,
                )
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found

    return run


def _typed_member(name: str, type_: str) -> Step:
    key = name + type_[0].upper() + type_[1:]
    return _member(key)


def _binary(node: Binary, text: str) -> Step:
    left, right = _compile(node.left, text), _compile(node.right, text)
    operator = _OPERATORS[node.operator]
    first, second = _constant(node.left), _constant(node.right)
    if first is not None and second is not None:
        answer = operator(first, second)
        return lambda items, context: answer
    if node.operator in ("and", "or"):
        return _logic(left, right, operator, decided=node.operator == "or")
    if node.operator == "in" and second is not None:
        return _in_constants(left, second)
    if node.operator == "=" and second is not None and len(second) == 1:
        return _equals_constant(left, second[0])
    return lambda items, context: operator(left(items, context), right(items, context))


def _constant(node: Node) -> Items | None:
    """The values of a literal, or of literals joined by `|`; None for what depends on the focus."""
    if isinstance(node, Literal):
        return [] if node.value is None else [node.value]
    if isinstance(node, Binary) and node.operator == "|":
        left, right = _constant(node.left), _constant(node.right)
        return None if left is None or right is None else _distinct(left + right)
    return None


def _logic(left: Step, right: Step, operator: Callable[[Items, Items], Items], decided: bool) -> Step:
    """`and`, `or`: the right side is read only where the left one (`decided`) does not settle it (FHIRPath 6.5)."""
    answer = _TRUE if decided else _FALSE

    def run(items: Items, context: Context) -> Items:
        first = left(items, context)
        return answer if truth(first) is decided else operator(first, right(items, context))

    return run


def _in_constants(left: Step, values: Items) -> Step:
    texts = frozenset(value for value in values if isinstance(value, str))
    others = [value for value in values if not isinstance(value, str)]

    def run(items: Items, context: Context) -> Items:
        found = left(items, context)
        if not found:
            return _NOTHING
        value = _alone(found)
        there = value in texts if isinstance(value, str) else any(_same(value, other) for other in others)
        return _TRUE if there else _FALSE

    return run


def _equals_constant(left: Step, value: Any) -> Step:
    def run(items: Items, context: Context) -> Items:
        found = left(items, context)
        if not found:
            return _NOTHING
        return _TRUE if len(found) == 1 and _same(found[0], value) else _FALSE

    return run


def truth(items: Items) -> bool | None:
    """A collection as a condition: empty is unknown, one value that is no boolean counts as true."""
    if not items:
        return None
    if len(items) == 1:
        return items[0] if isinstance(items[0], bool) else True
    raise PathError("a condition has several values")


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


def _same(a: Any, b: Any) -> bool:
    # JSON true is not the number 1.
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _equal(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    return [len(left) == len(right) and all(map(_same, left, right))]


def _unequal(left: Items, right: Items) -> Items:
    answer = _equal(left, right)
    return [not answer[0]] if answer else []


def _equivalent(left: Items, right: Items) -> Items:
    def plain(value: Any) -> Any:
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return Decimal(value).normalize()
        return " ".join(value.lower().split()) if isinstance(value, str) else value

    return [sorted(map(repr, map(plain, left))) == sorted(map(repr, map(plain, right)))]


def _alone(items: Items) -> Any:
    if len(items) > 1:
        raise PathError("an operator has several values where one is expected")
    return items[0]


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Items, Items], Items]:
    def run(left: Items, right: Items) -> Items:
        if not left or not right:
            return []
        a, b = _alone(left), _alone(right)
        numbers = (int, Decimal)
        if isinstance(a, str) != isinstance(b, str) or not isinstance(a, (str, *numbers)):
            raise PathError(f"cannot compare {type(a).__name__} with {type(b).__name__}")
        return [test(a, b)]

    return run


def _in(left: Items, right: Items) -> Items:
    return [any(_same(_alone(left), item) for item in right)] if left else []


def _distinct(items: Items) -> Items:
    found: Items = []
    for item in items:
        if not any(_same(item, other) for other in found):
            found.append(item)
    return found


def _concatenate(left: Items, right: Items) -> Items:
    return ["".join(_text(_alone(side)) for side in (left, right) if side)]


def _add(left: Items, right: Items) -> Items:
    if not left or not right:
        return []
    a, b = _alone(left), _alone(right)
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) != isinstance(b, str):
        raise PathError(f"cannot add {type(a).__name__} and {type(b).__name__}")
    return [a + b]


_OPERATORS: dict[str, Callable[[Items, Items], Items]] = {
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
    "|": lambda left, right: _distinct(left + right),
    "&": _concatenate,
    "+": _add,
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _string_call(function: Callable[..., Any]) -> Callable[[list[Step]], Step]:
    """A function of one string: empty for none, PathError for several."""

    def build(arguments: list[Step]) -> Step:
        def run(items: Items, context: Context) -> Items:
            if not items:
                return []
            if len(items) > 1:
                raise PathError("a string function has several values")
            values = [argument(items, context) for argument in arguments]
            if any(not value for value in values):
                return []
            return [function(_text(items[0]), *(value[0] for value in values))]

        return run

    return build


def _where(arguments: list[Step]) -> Step:
    (test,) = arguments
    return lambda items, context: [item for item in items if truth(test([item], context))]


def _select(arguments: list[Step]) -> Step:
    (step,) = arguments
    return lambda items, context: [value for item in items for value in step([item], context)]


def _repeat(arguments: list[Step]) -> Step:
    """`repeat(item)`: the items, their items, and so on, parents before children."""
    (step,) = arguments

    def run(items: Items, context: Context) -> Items:
        found: Items = []
        waiting = step(items, context)
        while waiting:
            found += waiting
            waiting = step(waiting, context)
        return found

    return run


def _exists(arguments: list[Step]) -> Step:
    if not arguments:
        return lambda items, context: [bool(items)]
    (test,) = arguments

    def run(items: Items, context: Context) -> Items:
        for item in items:
            if truth(test([item], context)):
                return _TRUE
        return _FALSE

    return run


def _all(arguments: list[Step]) -> Step:
    (test,) = arguments
    return lambda items, context: [all(truth(test([item], context)) for item in items)]


def _single(arguments: list[Step]) -> Step:
    def run(items: Items, context: Context) -> Items:
        if len(items) > 1:
            raise PathError("single() has several values")
        return items

    return run


def _extension(arguments: list[Step]) -> Step:
    (url,) = arguments

    def run(items: Items, context: Context) -> Items:
        wanted = _alone(url(items, context) or [None])
        return [
            extension
            for item in items
            if type(item) is dict
            for extension in _listed(item.get("extension"))
            if type(extension) is dict and extension.get("url") == wanted
        ]

    return run


def _listed(value: Any) -> Items:
    return value if isinstance(value, list) else []


def _resolve(arguments: list[Step]) -> Step:
    def run(items: Items, context: Context) -> Items:
        found = []
        for item in items:
            reference = item.get("reference") if type(item) is dict else item
            target = context.resolve(reference) if isinstance(reference, str) else None
            if target is not None:
                found.append(target)
        return found

    return run


def _iif(arguments: list[Step]) -> Step:
    test, yes, *no = arguments
    return lambda items, context: (
        yes(items, context) if truth(test(items, context)) else (no[0](items, context) if no else [])
    )


def _join(arguments: list[Step]) -> Step:
    return lambda items, context: (
        [(_text(arguments[0](items, context)[0]) if arguments else "").join(map(_text, items))] if items else []
    )


def _not(arguments: list[Step]) -> Step:
    def run(items: Items, context: Context) -> Items:
        value = truth(items)
        return [] if value is None else [not value]

    return run


_CALLS: dict[str, tuple[tuple[int, ...], Callable[[list[Step]], Step]]] = {
    "where": ((1,), _where),
    "select": ((1,), _select),
    "repeat": ((1,), _repeat),
    "exists": ((0, 1), _exists),
    "all": ((1,), _all),
    "empty": ((0,), lambda arguments: lambda items, context: [not items]),
    "first": ((0,), lambda arguments: lambda items, context: items[:1]),
    "last": ((0,), lambda arguments: lambda items, context: items[-1:]),
    "single": ((0,), _single),
    "count": ((0,), lambda arguments: lambda items, context: [len(items)]),
    "distinct": ((0,), lambda arguments: lambda items, context: _distinct(items)),
    "extension": ((1,), _extension),
    "resolve": ((0,), _resolve),
    "not": ((0,), _not),
    "iif": ((2, 3), _iif),
    "join": ((0, 1), _join),
    "hasValue": ((0,), lambda arguments: lambda items, context: [len(items) == 1 and type(items[0]) is not dict]),
    "toString": ((0,), _string_call(lambda text: text)),
    "lower": ((0,), _string_call(str.lower)),
    "upper": ((0,), _string_call(str.upper)),
    "trim": ((0,), _string_call(str.strip)),
    "startsWith": ((1,), _string_call(str.startswith)),
    "endsWith": ((1,), _string_call(str.endswith)),
    "contains": ((1,), _string_call(lambda text, part: part in text)),
    "replace": ((2,), _string_call(str.replace)),
    "matches": ((1,), _string_call(lambda text, pattern: re.search(pattern, text) is not None)),
}


def _call(node: Node, text: str) -> Step:
    assert isinstance(node, Call)
    if node.name == "ofType":
        return _of_type(_type_name(node, text), text)
    counts, build = _CALLS[node.name]
    if len(node.arguments) not in counts:
        raise PathError(f"{text!r}: {node.name}() takes {' or '.join(map(str, counts))} arguments")
    return build([_compile(argument, text) for argument in node.arguments])


def _of_type(name: str, text: str) -> Step:
    """`ofType()` where the JSON shows the type: resources and the primitive types."""
    primitives: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "decimal": (int, Decimal),
    }
    kind = primitives.get(name)
    if kind is not None:
        return lambda items, context: [
            i for i in items if isinstance(i, kind) and (name == "boolean" or not isinstance(i, bool))
        ]
    if name not in R4_TYPES:
        raise PathError(f"{text!r}: ofType({name}) is known only directly after a choice element such as value")
    return _type_or_member(name)
