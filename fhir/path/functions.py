"""The functions of a path: each makes, of the steps that are its arguments, one step (FHIRPath 2.0, section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.path.values import FALSE, TRUE, Context, Items, Step, alone, as_text, distinct, truth

Build = Callable[[list[Step]], Step]


def _string_call(function: Callable[..., Any]) -> Build:
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
            return [function(as_text(items[0]), *(value[0] for value in values))]

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
                return TRUE
        return FALSE

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
        wanted = alone(url(items, context) or [None])
        return [
            extension
            for item in items
            if isinstance(item, dict)
            for extension in _listed(item.get("extension"))
            if isinstance(extension, dict) and extension.get("url") == wanted
        ]

    return run


def _listed(value: Any) -> Items:
    return value if isinstance(value, list) else []


def _resolve(arguments: list[Step]) -> Step:
    def run(items: Items, context: Context) -> Items:
        found = []
        for item in items:
            reference = item.get("reference") if isinstance(item, dict) else item
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
        [(as_text(arguments[0](items, context)[0]) if arguments else "").join(map(as_text, items))] if items else []
    )


def _not(arguments: list[Step]) -> Step:
    def run(items: Items, context: Context) -> Items:
        value = truth(items)
        return [] if value is None else [not value]

    return run


def _substring(text: str, start: int, length: int | None = None) -> str:
    """Counted from 0; nothing where it begins outside the text (FHIRPath 2.0, 5.6.2)."""
    if not 0 <= start < len(text):
        return ""
    return text[start:] if length is None else text[start : start + length]


# Name to the numbers of arguments that it may have, and what makes its step.
CALLS: dict[str, tuple[tuple[int, ...], Build]] = {
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
    "distinct": ((0,), lambda arguments: lambda items, context: distinct(items)),
    "extension": ((1,), _extension),
    "resolve": ((0,), _resolve),
    "not": ((0,), _not),
    "iif": ((2, 3), _iif),
    "join": ((0, 1), _join),
    "hasValue": ((0,), lambda arguments: lambda items, context: [len(items) == 1 and not isinstance(items[0], dict)]),
    "toString": ((0,), _string_call(lambda text: text)),
    "lower": ((0,), _string_call(str.lower)),
    "upper": ((0,), _string_call(str.upper)),
    "trim": ((0,), _string_call(str.strip)),
    "startsWith": ((1,), _string_call(str.startswith)),
    "endsWith": ((1,), _string_call(str.endswith)),
    "contains": ((1,), _string_call(lambda text, part: part in text)),
    "replace": ((2,), _string_call(str.replace)),
    "substring": ((1, 2), _string_call(_substring)),
    "matches": ((1,), _string_call(lambda text, pattern: re.search(pattern, text) is not None)),
}
