"""What a path gives: a collection of values, as a list, and what FHIRPath says of truth, sameness and text in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhir2cdisc.fhir.path.parser import PathError

Items = list[Any]
Resource = dict[str, Any]


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


Step = Callable[[Items, Context], Items]

# Answers that are used again and again; nobody changes a list that a step gave.
NOTHING: Items = []
TRUE: Items = [True]
FALSE: Items = [False]


def truth(items: Items) -> bool | None:
    """A collection as a condition: empty is unknown, one value that is no boolean counts as true."""
    if not items:
        return None
    if len(items) == 1:
        return items[0] if isinstance(items[0], bool) else True
    raise PathError("a condition has several values")


def alone(items: Items) -> Any:
    """The value of a collection of one; PathError for several."""
    if len(items) > 1:
        raise PathError("an operator has several values where one is expected")
    return items[0]


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal; JSON true is not the number 1."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def distinct(items: Items) -> Items:
    """Each value once, in the order of first appearance."""
    found: Items = []
    for item in items:
        if not any(same(item, other) for other in found):
            found.append(item)
    return found


def as_text(value: Any) -> str:
    """A value as FHIRPath writes it: `true`, and numbers with their decimals; PathError for what is no primitive."""
    if isinstance(value, (dict, list)):
        raise PathError("an object or a list is no text")
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
