"""Conditions on the cells of a row: the operators and functions of FHIRPath, over columns by their names.

A column is named as its heading stands (`AEYN = 'Y'`), in backticks where the heading is no word (`` `IT.AETERM` ``).
Every cell is a text, a blank one `''`; `<` and `>` compare numbers, and hold for nothing that is none. A coded cell is
its code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from fhir2cdisc.fhir.path.parser import Binary, Call, Chain, Literal, Name, Node, PathError, parse

Cells = Mapping[str, Any]
Condition = Callable[[Cells], bool]
_Text = Callable[[Cells], str]


def cell_text(cell: Any) -> str:
    """A cell as its file has it: of a coded one (code, label) the code."""
    return cell if isinstance(cell, str) else str(cell[0]) if cell else ""


def compile_condition(text: str) -> Condition:
    """A function that says whether a row meets a condition; PathError for what is no condition on cells."""
    return _condition(parse(text), text)


def columns_of(text: str) -> frozenset[str]:
    """The columns that a condition asks for."""
    return frozenset(_names(parse(text)))


def _names(node: Node) -> list[str]:
    if isinstance(node, Name):
        return [node.name]
    if isinstance(node, Binary):
        return _names(node.left) + _names(node.right)
    if isinstance(node, Chain):
        return [name for step in node.steps for name in _names(step)]
    return [name for one in node.arguments for name in _names(one)] if isinstance(node, Call) else []


def _condition(node: Node, text: str) -> Condition:
    if isinstance(node, Binary) and node.operator in ("and", "or", "xor"):
        left, right = _condition(node.left, text), _condition(node.right, text)
        return {
            "and": lambda cells: left(cells) and right(cells),
            "or": lambda cells: left(cells) or right(cells),
            "xor": lambda cells: left(cells) != right(cells),
        }[node.operator]
    if isinstance(node, Binary) and node.operator in _COMPARE:
        return _comparison(node, text)
    if isinstance(node, Chain) and isinstance(node.steps[-1], Call):
        return _question(node, text)
    raise PathError(f"{text!r}: is no condition on cells")


def _comparison(node: Binary, text: str) -> Condition:
    compare = _COMPARE[node.operator]
    one, other = _text(node.left, text), _text(node.right, text)
    return lambda cells: compare(one(cells), other(cells))


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _ordered(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def compare(one: str, other: str) -> bool:
        a, b = _number(one), _number(other)
        return a is not None and b is not None and holds(a, b)

    return compare


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "~": lambda a, b: a.lower() == b.lower(),
    "contains": lambda a, b: b in a,
    ">": _ordered(lambda a, b: a > b),
    "<": _ordered(lambda a, b: a < b),
    ">=": _ordered(lambda a, b: a >= b),
    "<=": _ordered(lambda a, b: a <= b),
}
_QUESTIONS: dict[str, Callable[[str], bool]] = {
    "exists": lambda text: text != "",
    "hasValue": lambda text: text != "",
    "empty": lambda text: text == "",
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
}


_CHANGES: dict[str, Callable[[str], str]] = {
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
}


def _question(node: Chain, text: str) -> Condition:
    """`A.exists()`, `A.startsWith('x')`, and `.not()` after a condition in brackets or a question."""
    last = node.steps[-1]
    assert isinstance(last, Call)
    before = node.steps[0] if len(node.steps) == 2 else Chain(node.steps[:-1])
    if last.name == "not":
        inside = _condition(before, text)
        return lambda cells: not inside(cells)
    of = _text(before, text)
    if last.name in _QUESTIONS and not last.arguments:
        question = _QUESTIONS[last.name]
        return lambda cells: question(of(cells))
    if last.name in _TESTS and len(last.arguments) == 1:
        test, argument = _TESTS[last.name], _text(last.arguments[0], text)
        if last.name == "matches":
            _pattern(last.arguments[0], text)
        return lambda cells: test(of(cells), argument(cells))
    raise PathError(f"{text!r}: {last.name}() cannot be asked of a cell")


def _pattern(node: Node, text: str) -> None:
    try:
        re.compile(str(node.value) if isinstance(node, Literal) else "")
    except re.error as error:
        raise PathError(f"{text!r}: matches() has no pattern: {error}") from error


def _text(node: Node, text: str) -> _Text:
    """What gives a text: a column, a literal, or a column in lower or upper case or without its outer blanks."""
    if isinstance(node, Literal):
        value = "" if node.value is None else str(node.value)
        return lambda cells: value
    if isinstance(node, Name):
        name = node.name
        return lambda cells: cell_text(cells.get(name, ""))
    if isinstance(node, Chain) and isinstance(last := node.steps[-1], Call) and last.name in _CHANGES:
        of = _text(node.steps[0] if len(node.steps) == 2 else Chain(node.steps[:-1]), text)
        change = _CHANGES[last.name]
        return lambda cells: change(of(cells))
    raise PathError(f"{text!r}: compares what is no cell; a heading that is no word stands in backticks")
